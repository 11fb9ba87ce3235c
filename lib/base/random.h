/*
 * Counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel Random Numbers: As Easy
 * as 1, 2, 3", SC 2011). The draws of item i depend on (seed, i, attempt) alone, so any shard of
 * a sampling equals that part of the whole.
 */
#ifndef DS_BASE_RANDOM_H
#define DS_BASE_RANDOM_H

#include <stdint.h>

struct ds_random {
    uint32_t key[2];     /* the seed */
    uint32_t counter[4]; /* block of draws, attempt, item (low, high) */
    uint32_t word[4];    /* the block of draws being handed out */
    int left;            /* how many of them are left */
};

/* One block of Philox4x32-10: out = cipher(counter, key). */
void ds_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/* The draws of item `i` under `seed`; `attempt` tells redraws (and purposes) of one item apart. */
void ds_random_init(struct ds_random *r, uint64_t seed, uint64_t i, uint32_t attempt);

/* A uniform 32-bit word. */
uint32_t ds_random_u32(struct ds_random *r);

/* Uniform in 0..n-1, n > 0, without bias (Lemire, "Fast Random Integer Generation", 2019). */
uint32_t ds_random_below(struct ds_random *r, uint32_t n);

/* Uniform in [0, 1) with 53 random bits. */
double ds_random_unit(struct ds_random *r);

/* Puts the n numbers of `order` into random order (Fisher-Yates). */
void ds_random_shuffle(struct ds_random *r, uint32_t *order, uint32_t n);

#endif

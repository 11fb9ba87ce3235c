/*
 * Counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel Random Numbers: As Easy as
 * 1, 2, 3", SC 2011). The draws of item i depend on (seed, i, stream) alone, so any shard of a
 * sample equals that part of the whole sample.
 */
#ifndef DS_BASE_RANDOM_H
#define DS_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct ds_random {
    uint32_t key[2];     /* the seed */
    uint32_t counter[4]; /* block of draws, stream, item (low, high) */
    uint32_t word[4];    /* the block of draws being handed out */
    int left;            /* how many of them are left */
};

/* One block of Philox4x32-10: out = cipher(counter, key). */
void ds_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/*
 * What is drawn: numbers that tell the streams of one item under one seed apart. Purposes whose
 * draws are repeated (attempts) count up from theirs. Where two ranges meet, the items are of
 * different kinds: a record's index, the id of an architecture, the number of a weight tensor, of a
 * class, of all images.
 */
enum ds_random_stream {
    DS_DRAW_SAMPLE = 0,       /* an architecture; also draws that are alone under their seed */
    DS_DRAW_AFFIX = 0x10000,  /* blocks of layers that an affix adds: counts sites */
    DS_DRAW_PLACE = 0x1fffe,  /* at which site of an architecture is affixed */
    DS_DRAW_TURNS = 0x1ffff,  /* the order of parents in a round */
    DS_DRAW_CHILD = 0x20000,  /* mutation and crossover: counts attempts */
    DS_DRAW_WEIGHT = 0x20000, /* of a layer */
    DS_DRAW_BIAS,
    DS_DRAW_INPUT,
    DS_DRAW_LIKE = 0x30000,   /* what a space as large as a pruned one keeps */
    DS_DRAW_ORDER = 0x40000,  /* of networks in a round of measuring */
    DS_DRAW_TAKE = 0x50000,   /* which images of a class are taken, */
    DS_DRAW_TAKE_START,       /* and where the class begins */
    DS_DRAW_IMAGES = 0x50000, /* the order of images to calibrate with */
};

/* The draws of item `i` under `seed` in a stream of enum ds_random_stream. */
void ds_random_init(struct ds_random *r, uint64_t seed, uint64_t i, uint32_t stream);

/* A uniform 32-bit word. */
uint32_t ds_random_u32(struct ds_random *r);

/* The next n words of ds_random_u32; of many at once each takes a third of the time. */
void ds_random_words(struct ds_random *r, uint32_t *word, size_t n);

/* Uniform in 0..n-1, n > 0, without bias (Lemire, "Fast Random Integer Generation", 2019). */
uint32_t ds_random_below(struct ds_random *r, uint32_t n);

/* Uniform in [0, 1) with 53 random bits. */
double ds_random_unit(struct ds_random *r);

/* Puts the n numbers of `order` into random order (Fisher-Yates). */
void ds_random_shuffle(struct ds_random *r, uint32_t *order, uint32_t n);

#endif

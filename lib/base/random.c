#include "base/random.h"

/* The ten rounds of some blocks side by side, with one key. */
static inline void philox_rounds(uint32_t *x0, uint32_t *x1, uint32_t *x2, uint32_t *x3, int n,
                                 const uint32_t key[2])
{
    uint32_t k0 = key[0], k1 = key[1];

    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < n; i++) {
            uint64_t a = (uint64_t)0xD2511F53u * x0[i];
            uint64_t b = (uint64_t)0xCD9E8D57u * x2[i];
            x0[i] = (uint32_t)(b >> 32) ^ x1[i] ^ k0;
            x1[i] = (uint32_t)b;
            x2[i] = (uint32_t)(a >> 32) ^ x3[i] ^ k1;
            x3[i] = (uint32_t)a;
        }
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
}

void ds_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
    uint32_t x0 = counter[0], x1 = counter[1], x2 = counter[2], x3 = counter[3];

    philox_rounds(&x0, &x1, &x2, &x3, 1, key);
    out[0] = x0;
    out[1] = x1;
    out[2] = x2;
    out[3] = x3;
}

void ds_random_init(struct ds_random *r, uint64_t seed, uint64_t i, uint32_t stream)
{
    r->key[0] = (uint32_t)seed;
    r->key[1] = (uint32_t)(seed >> 32);
    r->counter[0] = 0;
    r->counter[1] = stream;
    r->counter[2] = (uint32_t)i;
    r->counter[3] = (uint32_t)(i >> 32);
    r->left = 0;
}

uint32_t ds_random_u32(struct ds_random *r)
{
    if (r->left == 0) {
        ds_philox(r->counter, r->key, r->word);
        r->counter[0]++;
        r->left = 4;
    }
    return r->word[--r->left];
}

enum { LANES = 4 }; /* blocks side by side, for vector units of any processor */

/* LANES blocks, in the order that ds_random_u32 hands their words out. */
static void next_blocks(struct ds_random *r, uint32_t word[LANES * 4])
{
    uint32_t x0[LANES], x1[LANES], x2[LANES], x3[LANES];

    for (int i = 0; i < LANES; i++) {
        x0[i] = r->counter[0]++;
        x1[i] = r->counter[1];
        x2[i] = r->counter[2];
        x3[i] = r->counter[3];
    }
    philox_rounds(x0, x1, x2, x3, LANES, r->key);
    for (int i = 0; i < LANES; i++) {
        word[4 * i] = x3[i];
        word[4 * i + 1] = x2[i];
        word[4 * i + 2] = x1[i];
        word[4 * i + 3] = x0[i];
    }
}

void ds_random_words(struct ds_random *r, uint32_t *word, size_t n)
{
    for (; n && r->left; n--)
        *word++ = ds_random_u32(r);
    for (; n >= LANES * 4; n -= LANES * 4, word += LANES * 4)
        next_blocks(r, word);
    while (n--)
        *word++ = ds_random_u32(r);
}

uint32_t ds_random_below(struct ds_random *r, uint32_t n)
{
    uint64_t m = (uint64_t)ds_random_u32(r) * n;
    if ((uint32_t)m < n) {
        uint32_t unfair = -n % n;
        while ((uint32_t)m < unfair)
            m = (uint64_t)ds_random_u32(r) * n;
    }
    return (uint32_t)(m >> 32);
}

double ds_random_unit(struct ds_random *r)
{
    uint64_t high = ds_random_u32(r) >> 5, low = ds_random_u32(r) >> 6;
    return (double)(high << 26 | low) * 0x1p-53;
}

void ds_random_shuffle(struct ds_random *r, uint32_t *order, uint32_t n)
{
    for (uint32_t i = n; i > 1; i--) {
        uint32_t j = ds_random_below(r, i);
        uint32_t t = order[i - 1];
        order[i - 1] = order[j];
        order[j] = t;
    }
}

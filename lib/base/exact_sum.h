/*
 * Sums of doubles and of products of two, without any rounding: the same for every order and every
 * way of adding parts up. A number is held in digits of 32 bits, as many as it needs, each in 64
 * bits, so that carries can wait (Neal, "Fast exact summation using small and large
 * superaccumulators", 2015).
 */
#ifndef DS_BASE_EXACT_SUM_H
#define DS_BASE_EXACT_SUM_H

#include "base/bytes.h"
#include <stdbool.h>
#include <stdint.h>

/* Zero-initialise; free with ds_exact_sum_free. */
struct ds_exact_sum {
    int64_t *digit; /* [n]: digit i counts 2^(32 (first + i)) */
    int first, n;
    uint64_t added; /* since carries were taken */
};

/* A product of two finite doubles, ready to be added, to many sums maybe. */
struct ds_exact_term {
    int first, n;
    int64_t digit[5];
};
struct ds_exact_term ds_exact_term(double a, double b);

/* Adds a term so many times. -1 when out of memory. */
int ds_exact_sum_add(struct ds_exact_sum *s, const struct ds_exact_term *term, uint64_t times);

/* Adds all of another sum. -1 when out of memory. */
int ds_exact_sum_join(struct ds_exact_sum *s, struct ds_exact_sum *other);

/* The double next to it. */
double ds_exact_sum_value(struct ds_exact_sum *s);

/*
 * Of n > 0 values with this sum and this sum of squares: the mean, and the sum of squared
 * deviations from it, as exact as doubles can say. -1 when out of memory.
 */
int ds_exact_moments(struct ds_exact_sum *sum, struct ds_exact_sum *squares, uint64_t n,
                     double *mean, double *deviations);

/* As bytes, the same for the same number, and back. */
int ds_exact_sum_pack(struct ds_exact_sum *s, struct ds_bytes *out);
int ds_exact_sum_unpack(struct ds_exact_sum *s, struct ds_bytes_in *in);

void ds_exact_sum_free(struct ds_exact_sum *s);

#endif

/*
 * Which choices a model of a metric predicts too low or too high: the logarithm of measured over
 * predicted, by the shares of an architecture's layers that have a kernel, an expansion (in any
 * unit, or in one), a block, or are of a unit, by their number, and by what it chooses elsewhere.
 */
#ifndef DS_STUDY_BIAS_H
#define DS_STUDY_BIAS_H

#include "space/space.h"

#define DS_MOST_BIASES 8

struct ds_bias {
    char what[100];     /* "kernel 7", "kernel 7 in unit 2", "unit 2", "resolution 224" */
    double off, lo, hi; /* percent: measured against predicted where all layers are such, to where
                           none is; with its 95% interval */
    double p;           /* of a share that explains so much by chance, times those tried */
};

struct ds_biases {
    int n;
    struct ds_bias at[DS_MOST_BIASES]; /* the surest first */
    double common;                     /* the median of measured over predicted */
    double spread;                     /* deviation of the logarithm, and of what */
    double rest;                       /* the biases leave of it */
};

/*
 * Regresses log(measured / predicted) of n architectures, choice[i][...], on one share after
 * another (forward selection): that with the least p by Student's t, while p, times the number of
 * those tried (Bonferroni), is below 0.05. What follows from another share is so told once: where
 * kernel 7 is slow, kernel 3 is not said to be fast. -1: no memory, fewer than 10 architectures.
 */
int ds_find_biases(const struct ds_space *space, const uint8_t (*choice)[DS_MAX_SITES],
                   const double *predicted, const double *measured, size_t n,
                   struct ds_biases *found, struct ds_error *err);

#endif

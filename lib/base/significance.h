/* Whether two samples differ: tests of the difference of their means, mean(b) - mean(a). */
#ifndef DS_BASE_SIGNIFICANCE_H
#define DS_BASE_SIGNIFICANCE_H

#include <stddef.h>

struct ds_difference {
    double difference, lo, hi; /* and its interval at the level asked for */
    double p;                  /* two-sided: of a difference so large where there is none */
};

/*
 * Welch's test, for unequal variances (Biometrika 1947): needs two values of each, else lo, hi and
 * p are NaN. Where neither varies, the interval is the difference and p is 0 or 1.
 */
struct ds_difference ds_welch(const double *a, size_t na, const double *b, size_t nb, double level);

/*
 * Fisher's exact permutation test: the share of all ways to divide the values into samples of
 * these sizes whose means differ at least as much. It assumes no distribution. The least p of 5
 * against 5 is 2/252. NaN where there are more than ten million ways.
 */
double ds_permutation_p(const double *a, size_t na, const double *b, size_t nb);

#endif

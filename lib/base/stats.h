/* Statistics of samples of doubles. */
#ifndef DS_BASE_STATS_H
#define DS_BASE_STATS_H

#include <stddef.h>
#include <stdint.h>

/* Welford's running mean and variance. Zero-initialise. */
struct ds_moments {
    size_t n;
    double mean, m2;
};
void ds_moments_add(struct ds_moments *m, double x);
double ds_moments_sd(const struct ds_moments *m); /* sample deviation (n-1); NaN below n = 2 */

/* A running mean. Zero-initialise. */
struct ds_mean {
    size_t n;
    double mean;
};
void ds_mean_add(struct ds_mean *m, double x);

/* Compares two doubles, for qsort: the less first. */
int ds_ascending(const void *a, const void *b);

/* Sorts so. */
void ds_sort(double *x, size_t n);

/* Quantile p in [0,1] of sorted x, by linear interpolation (Hyndman and Fan's type 7); n > 0. */
double ds_quantile(const double *sorted, size_t n, double p);

/*
 * Distribution-free confidence interval of the median from order statistics of sorted x: the
 * tightest pair around it that covers at least `level` by the binomial law. Returns the true
 * coverage; when n is too small for `level` (6 for 95%), the whole range and its coverage.
 */
double ds_median_interval(const double *sorted, size_t n, double level, double *lo, double *hi);

/*
 * The rank-th least, from 1, of the n (n + 1) / 2 means of two of sorted x, of each with itself too
 * (Walsh averages), to the precision of a double.
 */
double ds_mean_of_two(const double *sorted, size_t n, uint64_t rank);

/*
 * The median of those means (Hodges and Lehmann, 1963): a centre as robust as needed and, of
 * normal samples, as sharp as the median of half as many again; n > 0.
 */
double ds_centre(const double *sorted, size_t n);

/* Two-sided quantile of Student's t: P(|T| <= t) = level, with df degrees of freedom. */
double ds_student_t(double level, double df);

/* Its opposite, P(|T| > t). */
double ds_student_tail(double t, double df);

/* Two-sided quantile of the normal distribution. */
double ds_normal_z(double level);

/* Pearson's, Spearman's (ties at mean rank) and Kendall's tau-b correlation; NaN when undefined. */
double ds_pearson(const double *x, const double *y, size_t n);
double ds_spearman(const double *x, const double *y, size_t n);
double ds_kendall(const double *x, const double *y, size_t n);

/*
 * Interval of Spearman's rho by Fisher's transformation with the variance of Bonett and Wright
 * (Psychometrika 2000), (1 + rho^2 / 2) / (n - 3); NaN below n = 4, and where the ranks agree
 * in full. It supposes that the n pairs were drawn independently.
 */
void ds_spearman_interval(double rho, size_t n, double level, double *lo, double *hi);

#endif

#include "base/significance.h"

#include "base/grow.h"
#include "base/stats.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_WAYS 1e7

struct ds_difference ds_welch(const double *a, size_t na, const double *b, size_t nb, double level)
{
    struct ds_moments ma = {0}, mb = {0};
    for (size_t i = 0; i < na; i++)
        ds_moments_add(&ma, a[i]);
    for (size_t i = 0; i < nb; i++)
        ds_moments_add(&mb, b[i]);
    struct ds_difference d = {mb.mean - ma.mean, NAN, NAN, NAN};
    if (na < 2 || nb < 2)
        return d;

    double va = pow(ds_moments_sd(&ma), 2) / (double)na;
    double vb = pow(ds_moments_sd(&mb), 2) / (double)nb;
    double se = sqrt(va + vb);
    if (se == 0) {
        d.lo = d.hi = d.difference;
        d.p = d.difference == 0;
        return d;
    }
    /* Welch and Satterthwaite's degrees of freedom */
    double df = pow(va + vb, 2) / (va * va / (double)(na - 1) + vb * vb / (double)(nb - 1));
    double half = ds_student_t(level, df) * se;
    d.lo = d.difference - half;
    d.hi = d.difference + half;
    d.p = ds_student_tail(fabs(d.difference) / se, df);
    return d;
}

/* Ways to divide the values x[n] into samples of na and the rest. */
struct divisions {
    const double *x;
    size_t n, na;
    double total;
    double far;           /* how far apart the means are that are to be judged */
    double ways, extreme; /* divisions counted; of them, with means at least so far apart */
};

/* Counts the divisions in which `left` more values of the first sample come from x[at..n). */
static void count(struct divisions *d, size_t at, size_t left, double sum)
{
    if (left == 0) {
        double mean_a = sum / (double)d->na;
        double mean_b = (d->total - sum) / (double)(d->n - d->na);
        d->ways++;
        d->extreme += fabs(mean_b - mean_a) >= d->far;
        return;
    }
    for (size_t i = at; i + left <= d->n; i++)
        count(d, i + 1, left - 1, sum + d->x[i]);
}

double ds_permutation_p(const double *a, size_t na, const double *b, size_t nb)
{
    double n = (double)(na + nb);
    double ways = exp(lgamma(n + 1) - lgamma((double)na + 1) - lgamma((double)nb + 1));
    double *x = ds_alloc(na + nb + 1, sizeof *x, NULL);
    if (!x || na == 0 || nb == 0 || ways > MOST_WAYS) {
        free(x);
        return NAN;
    }
    memcpy(x, a, na * sizeof *x);
    memcpy(x + na, b, nb * sizeof *x);
    struct divisions d = {.x = x, .n = na + nb, .na = na};
    double sum_a = 0, size = 0;
    for (size_t i = 0; i < d.n; i++) {
        d.total += x[i];
        size = fmax(size, fabs(x[i]));
        sum_a += i < na ? x[i] : 0;
    }
    /* sums in another order may differ by rounding */
    d.far = fabs((d.total - sum_a) / (double)nb - sum_a / (double)na) - 1e-12 * size;
    count(&d, 0, na, 0);
    free(x);
    return d.extreme / d.ways;
}

#include "base/stats.h"

#include "base/grow.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

void ds_moments_add(struct ds_moments *m, double x)
{
    double delta = x - m->mean;
    m->n++;
    m->mean += delta / (double)m->n;
    m->m2 += delta * (x - m->mean);
}

double ds_moments_sd(const struct ds_moments *m)
{
    return m->n < 2 ? NAN : sqrt(m->m2 / (double)(m->n - 1));
}

void ds_mean_add(struct ds_mean *m, double x)
{
    m->mean += (x - m->mean) / (double)++m->n;
}

int ds_ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void ds_sort(double *x, size_t n)
{
    if (n > 1)
        qsort(x, n, sizeof *x, ds_ascending);
}

double ds_quantile(const double *sorted, size_t n, double p)
{
    double at = p * (double)(n - 1);
    size_t i = (size_t)at;
    if (i + 1 >= n)
        return sorted[n - 1];
    return sorted[i] + (at - (double)i) * (sorted[i + 1] - sorted[i]);
}

/* P(X = k) for X binomial(n, 1/2), by logarithms, so that large n do not underflow early. */
static double half_binomial(size_t n, size_t k)
{
    double x = (double)n, y = (double)k;
    return exp(lgamma(x + 1) - lgamma(y + 1) - lgamma(x - y + 1) - x * M_LN2);
}

double ds_median_interval(const double *sorted, size_t n, double level, double *lo, double *hi)
{
    /* P(x[k] <= median <= x[n-1-k]) = 1 - 2 P(X <= k): take the largest k that keeps the level */
    double tail = 0, covered = n ? 1 - 2 * half_binomial(n, 0) : 0;
    size_t best = 0;
    for (size_t k = 0; 2 * k + 1 < n; k++) {
        tail += half_binomial(n, k);
        if (1 - 2 * tail < level)
            break;
        best = k;
        covered = 1 - 2 * tail;
    }
    *lo = sorted[best];
    *hi = sorted[n - 1 - best];
    return covered;
}

/* How many means of two of sorted x are v or less. */
static uint64_t means_up_to(const double *x, size_t n, double v)
{
    uint64_t count = 0;
    size_t j = n; /* the pairs of i are those with x[i..j-1] */
    for (size_t i = 0; i < n; i++) {
        while (j > i && (x[i] + x[j - 1]) / 2 > v)
            j--;
        if (j <= i)
            break;
        count += j - i;
    }
    return count;
}

double ds_mean_of_two(const double *sorted, size_t n, uint64_t rank)
{
    double lo = sorted[0], hi = sorted[n - 1];
    if (means_up_to(sorted, n, lo) >= rank)
        return lo;
    for (;;) { /* always more than lo, and at most hi */
        double middle = lo + (hi - lo) / 2;
        if (middle <= lo || middle >= hi)
            return hi;
        if (means_up_to(sorted, n, middle) >= rank)
            hi = middle;
        else
            lo = middle;
    }
}

double ds_centre(const double *sorted, size_t n)
{
    uint64_t means = (uint64_t)n * (n + 1) / 2;
    double low = ds_mean_of_two(sorted, n, (means + 1) / 2);
    return means % 2 ? low : (low + ds_mean_of_two(sorted, n, means / 2 + 1)) / 2;
}

/* The continued fraction of the incomplete beta function, by Lentz's method (DLMF 8.17.22). */
static double beta_fraction(double a, double b, double x)
{
    const double tiny = 1e-300;
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < tiny ? tiny : d);
    double f = d;
    for (int m = 1; m < 500; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        for (int k = 0; k < 2; k++) {
            double term = k ? odd : even;
            d = 1 + term * d;
            d = 1 / (fabs(d) < tiny ? tiny : d);
            c = 1 + term / c;
            c = fabs(c) < tiny ? tiny : c;
            f *= c * d;
        }
        if (fabs(c * d - 1) < 1e-15)
            break;
    }
    return f;
}

/* The regularised incomplete beta function I_x(a, b) (DLMF 8.17). */
static double incomplete_beta(double a, double b, double x)
{
    if (x <= 0 || x >= 1)
        return x > 0;
    double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
    if (x < (a + 1) / (a + b + 2))
        return front * beta_fraction(a, b, x) / a;
    return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

/* Finds t > 0 with inside(t, df) = level, inside rising from 0 to 1. */
static double solve(double (*inside)(double, double), double df, double level)
{
    double low = 0, high = 1;
    while (inside(high, df) < level && high < 1e12)
        high *= 2;
    for (int i = 0; i < 200 && high - low > 1e-14 * high; i++) {
        double middle = (low + high) / 2;
        *(inside(middle, df) < level ? &low : &high) = middle;
    }
    return (low + high) / 2;
}

/* P(|T| <= t) = 1 - I_x(df/2, 1/2), x = df / (df + t^2) (Abramowitz and Stegun 26.7.1) */
static double student_inside(double t, double df)
{
    return 1 - incomplete_beta(df / 2, 0.5, df / (df + t * t));
}

static double normal_inside(double z, double unused)
{
    (void)unused;
    return erf(z / M_SQRT2);
}

double ds_student_t(double level, double df)
{
    return solve(student_inside, df, level);
}

double ds_student_tail(double t, double df)
{
    return incomplete_beta(df / 2, 0.5, df / (df + t * t));
}

double ds_normal_z(double level)
{
    return solve(normal_inside, 0, level);
}

double ds_pearson(const double *x, const double *y, size_t n)
{
    double mx = 0, my = 0, xx = 0, yy = 0, xy = 0;
    for (size_t i = 0; i < n; i++) {
        mx += x[i] / (double)n;
        my += y[i] / (double)n;
    }
    for (size_t i = 0; i < n; i++) {
        xx += (x[i] - mx) * (x[i] - mx);
        yy += (y[i] - my) * (y[i] - my);
        xy += (x[i] - mx) * (y[i] - my);
    }
    return n < 2 || xx == 0 || yy == 0 ? NAN : xy / sqrt(xx * yy);
}

struct place {
    double x;
    size_t i;
};

static int by_x(const void *a, const void *b)
{
    return ds_ascending(&((const struct place *)a)->x, &((const struct place *)b)->x);
}

/* Ranks from 0, ties at their mean; NULL when out of memory. To be freed. */
static double *ranks(const double *x, size_t n)
{
    struct place *p = ds_alloc(n, sizeof *p, NULL);
    double *rank = ds_alloc(n, sizeof *rank, NULL);
    for (size_t i = 0; p && i < n; i++)
        p[i] = (struct place){x[i], i};
    if (p && rank) {
        qsort(p, n, sizeof *p, by_x);
        for (size_t i = 0, j; i < n; i = j) {
            for (j = i; j < n && p[j].x == p[i].x; j++)
                ;
            for (size_t k = i; k < j; k++)
                rank[p[k].i] = (double)(i + j - 1) / 2;
        }
    }
    free(p);
    return rank;
}

double ds_spearman(const double *x, const double *y, size_t n)
{
    if (n < 2)
        return NAN;
    double *a = ranks(x, n), *b = ranks(y, n);
    double rho = a && b ? ds_pearson(a, b, n) : NAN;
    free(a);
    free(b);
    return rho;
}

struct pair {
    double x, y;
};

static int by_both(const void *a, const void *b)
{
    const struct pair *p = a, *q = b;
    int order = ds_ascending(&p->x, &q->x);
    return order ? order : ds_ascending(&p->y, &q->y);
}

/* Sorts by y, counting the exchanges (merge sort). */
static double exchanges(struct pair *p, struct pair *spare, size_t n)
{
    if (n < 2)
        return 0;
    size_t half = n / 2, i = 0, j = half, k = 0;
    double count = exchanges(p, spare, half) + exchanges(p + half, spare, n - half);
    while (i < half && j < n) {
        if (p[j].y < p[i].y) {
            count += (double)(half - i);
            spare[k++] = p[j++];
        } else {
            spare[k++] = p[i++];
        }
    }
    memcpy(spare + k, p + i, (half - i) * sizeof *p);
    memcpy(p, spare, (k + half - i) * sizeof *p);
    return count;
}

/* Pairs among runs of equal neighbours: of x and y, or of one of them. */
static double tied(const struct pair *p, size_t n, int x, int y)
{
    double pairs = 0;
    for (size_t i = 0, j; i < n; i = j) {
        for (j = i; j < n && (!x || p[j].x == p[i].x) && (!y || p[j].y == p[i].y); j++)
            ;
        pairs += (double)(j - i) * (double)(j - i - 1) / 2;
    }
    return pairs;
}

/* Knight's algorithm (JASA 1966). */
double ds_kendall(const double *x, const double *y, size_t n)
{
    struct pair *p = ds_alloc(2 * n, sizeof *p, NULL);
    if (n < 2 || !p) {
        free(p);
        return NAN;
    }
    for (size_t i = 0; i < n; i++)
        p[i] = (struct pair){x[i], y[i]};
    qsort(p, n, sizeof *p, by_both);
    double all = (double)n * (double)(n - 1) / 2;
    double tied_x = tied(p, n, 1, 0), tied_both = tied(p, n, 1, 1);
    double swaps = exchanges(p, p + n, n);
    double tied_y = tied(p, n, 0, 1);
    free(p);
    double concordant_less_discordant = all - tied_x - tied_y + tied_both - 2 * swaps;
    double scale = sqrt((all - tied_x) * (all - tied_y));
    return scale > 0 ? concordant_less_discordant / scale : NAN;
}

void ds_spearman_interval(double rho, size_t n, double level, double *lo, double *hi)
{
    *lo = *hi = NAN;
    if (n < 4 || !(fabs(rho) < 1))
        return;
    double half = ds_normal_z(level) * sqrt((1 + rho * rho / 2) / ((double)n - 3));
    *lo = tanh(atanh(rho) - half);
    *hi = tanh(atanh(rho) + half);
}

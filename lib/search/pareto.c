#include "search/pareto.h"

#include "base/grow.h"
#include "base/stats.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FEW 64    /* comparisons below which two sets are compared point by point */
#define SAMPLE 31 /* points whose median divides a set */

bool ds_pareto_dominates(const double *a, const double *b, int m)
{
    bool better = false;
    for (int k = 0; k < m; k++) {
        if (a[k] > b[k])
            return false;
        better |= a[k] < b[k];
    }
    return better;
}

/* ---- the front ---- */

/*
 * Sets of points are arrays of pointers to rows, without equal points, in lexicographic order. The
 * functions below remove points from the sets that they are given, and keep that order.
 */
struct cull {
    int m;
    const double **spare; /* room for all points */
};

static int compare(const double *p, const double *q, int m)
{
    for (int k = 0; k < m; k++)
        if (p[k] != q[k])
            return p[k] < q[k] ? -1 : 1;
    return 0;
}

/* a <= b in the first k objectives. */
static bool covers(const double *a, const double *b, int k)
{
    for (int i = 0; i < k; i++)
        if (a[i] > b[i])
            return false;
    return true;
}

static void range(const double *const *s, size_t n, int k, double *low, double *high)
{
    *low = INFINITY;
    *high = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        *low = s[i][k] < *low ? s[i][k] : *low;
        *high = s[i][k] > *high ? s[i][k] : *high;
    }
}

/* A value in low <= v < high near the median of objective k, from a sample. */
static double pivot_of(const double *const *s, size_t n, int k, double low, double high)
{
    double sample[SAMPLE];
    size_t count = n < SAMPLE ? n : SAMPLE;
    for (size_t i = 0; i < count; i++)
        sample[i] = s[i * n / count][k];
    ds_sort(sample, count);
    for (size_t i = count / 2 + 1; i-- > 0;)
        if (sample[i] >= low && sample[i] < high)
            return sample[i];
    return low;
}

/* Moves the points with s[k] <= pivot to the front; returns how many. */
static size_t part(const struct cull *c, const double **s, size_t n, int k, double pivot)
{
    size_t low = 0, high = 0;
    for (size_t i = 0; i < n; i++)
        if (s[i][k] <= pivot)
            s[low++] = s[i];
        else
            c->spare[high++] = s[i];
    memcpy(s + low, c->spare, high * sizeof *s);
    return low;
}

/* Merges s[0..n1) with the n2 points at `other`, which is s + n1 or behind it; returns n1 + n2. */
static size_t merge(const struct cull *c, const double **s, size_t n1, const double **other,
                    size_t n2)
{
    size_t i = 0, j = 0;
    memcpy(c->spare, s, n1 * sizeof *s);
    memmove(s + n1, other, n2 * sizeof *s);
    const double **second = s + n1, **out = s;
    while (i < n1)
        if (j < n2 && compare(second[j], c->spare[i], c->m) < 0)
            *out++ = second[j++];
        else
            *out++ = c->spare[i++];
    return n1 + n2;
}

/* Leaves in h the points that no point of l covers in the first k objectives; returns how many. */
static size_t cull_singly(const double *const *l, size_t nl, const double **h, size_t nh, int k)
{
    size_t left = 0;
    for (size_t j = 0; j < nh; j++) {
        bool covered = false;
        for (size_t i = 0; i < nl && !covered; i++)
            covered = covers(l[i], h[j], k);
        if (!covered)
            h[left++] = h[j];
    }
    return left;
}

static size_t cull_sweeping(const double *const *l, size_t nl, const double **h, size_t nh)
{
    double best = INFINITY;
    size_t left = 0;
    for (size_t i = 0, j = 0; j < nh; j++) {
        for (; i < nl && l[i][0] <= h[j][0]; i++)
            best = l[i][1] < best ? l[i][1] : best;
        if (best > h[j][1])
            h[left++] = h[j];
    }
    return left;
}

/* The same, where every point of l is known to be no worse in the objectives from k on. */
static size_t cull_by(const struct cull *c, const double **l, size_t nl, const double **h,
                      size_t nh, int k)
{
    if (nl == 0 || nh == 0)
        return nh;
    if (k == 2)
        return cull_sweeping(l, nl, h, nh);
    if (nl == 1 || nh == 1 || nl * nh <= FEW)
        return cull_singly(l, nl, h, nh, k);

    double l_low, l_high, h_low, h_high;
    range(l, nl, k - 1, &l_low, &l_high);
    range(h, nh, k - 1, &h_low, &h_high);
    if (l_high <= h_low)
        return cull_by(c, l, nl, h, nh, k - 1);
    if (l_low > h_high)
        return nh;
    double low = fmin(l_low, h_low), high = fmax(l_high, h_high);
    double pivot = nl > nh ? pivot_of(l, nl, k - 1, low, high) : pivot_of(h, nh, k - 1, low, high);
    size_t l1 = part(c, l, nl, k - 1, pivot), h1 = part(c, h, nh, k - 1, pivot);
    size_t left1 = cull_by(c, l, l1, h, h1, k);
    size_t left2 = cull_by(c, l + l1, nl - l1, h + h1, nh - h1, k);
    left2 = cull_by(c, l, l1, h + h1, left2, k - 1);
    merge(c, l, l1, l + l1, nl - l1);
    return merge(c, h, left1, h + h1, left2);
}

/*
 * Leaves in s the points that no other covers; all points of s are equal in the objectives from k
 * on.
 */
static size_t cull_within(const struct cull *c, const double **s, size_t n, int k)
{
    if (n < 2)
        return n;
    if (k <= 2) {
        double best = INFINITY;
        size_t left = 0;
        for (size_t i = 0; i < n; i++)
            if (s[i][k - 1] < best) {
                best = s[i][k - 1];
                s[left++] = s[i];
            }
        return left;
    }
    double low, high;
    range(s, n, k - 1, &low, &high);
    if (low == high)
        return cull_within(c, s, n, k - 1);
    size_t first = part(c, s, n, k - 1, pivot_of(s, n, k - 1, low, high));
    size_t left1 = cull_within(c, s, first, k);
    size_t left2 = cull_by(c, s, left1, s + first, n - first, k - 1);
    left2 = cull_within(c, s + first, left2, k);
    return merge(c, s, left1, s + first, left2);
}

static int order_rows(const void *a, const void *b, void *objectives)
{
    const double *p = *(const double *const *)a, *q = *(const double *const *)b;
    int order = compare(p, q, *(const int *)objectives);
    return order ? order : (p > q) - (p < q);
}

int ds_pareto_front(const double *x, size_t n, int m, bool *keep, struct ds_error *err)
{
    const double **row = ds_alloc((3 * n + 1), sizeof *row, err);
    if (!row)
        return -1;
    const double **set = row + n;
    struct cull c = {.m = m, .spare = row + 2 * n};
    for (size_t i = 0; i < n; i++)
        row[i] = x + i * (size_t)m;
    qsort_r(row, n, sizeof *row, order_rows, &m);

    size_t distinct = 0;
    for (size_t i = 0; i < n; i++)
        if (i == 0 || compare(row[i], row[i - 1], m))
            set[distinct++] = row[i];
    size_t left = cull_within(&c, set, distinct, m);

    memset(keep, 0, n);
    for (size_t i = 0, j = 0; i < n && j < left; i++) {
        if (compare(row[i], set[j], m) > 0)
            j++;
        if (j < left && compare(row[i], set[j], m) == 0)
            keep[(size_t)(row[i] - x) / (size_t)m] = true;
    }
    free(row);
    return 0;
}

/* ---- hypervolume ---- */

static int order_points(const void *a, const void *b, void *objectives)
{
    return compare(a, b, *(const int *)objectives);
}

static int worst_last_first(const void *a, const void *b, void *objectives)
{
    int k = *(const int *)objectives - 1;
    return ds_ascending((const double *)b + k, (const double *)a + k);
}

/* The first k objectives of m; p is sorted and changed. */
static double sweep_volume(double *p, size_t n, int m, const double *reference)
{
    double volume = 0, low = reference[1];
    qsort_r(p, n, (size_t)m * sizeof *p, order_points, &(int){2});
    for (size_t i = 0; i < n; i++) {
        const double *at = p + i * (size_t)m;
        if (at[1] < low) {
            volume += (reference[0] - at[0]) * (low - at[1]);
            low = at[1];
        }
    }
    return volume;
}

/*
 * The volume in the first k objectives of rows of m. Each point, the worst in objective k first,
 * adds what it dominates alone: its own box less the part that the points after it dominate, all
 * of which reach at least as far in objective k.
 */
static int volume_of(double *p, size_t n, int m, int k, const double *reference, double *volume)
{
    *volume = 0;
    if (k == 1) {
        for (size_t i = 0; i < n; i++)
            *volume = fmax(*volume, reference[0] - p[i * (size_t)m]);
        return 0;
    }
    if (k == 2) {
        *volume = sweep_volume(p, n, m, reference);
        return 0;
    }
    size_t width = (size_t)m;
    double *limited = ds_alloc(n * width + 1, sizeof *limited, NULL);
    if (!limited)
        return -1;
    qsort_r(p, n, width * sizeof *p, worst_last_first, &k);
    for (size_t i = 0; i < n; i++) {
        const double *at = p + i * width;
        double box = 1, shared;
        for (int j = 0; j < k - 1; j++)
            box *= reference[j] - at[j];
        size_t rest = 0;
        for (size_t q = i + 1; q < n; q++, rest++)
            for (int j = 0; j < k - 1; j++)
                limited[rest * width + (size_t)j] = fmax(at[j], p[q * width + (size_t)j]);
        if (volume_of(limited, rest, m, k - 1, reference, &shared)) {
            free(limited);
            return -1;
        }
        *volume += (box - shared) * (reference[k - 1] - at[k - 1]);
    }
    free(limited);
    return 0;
}

int ds_hypervolume(const double *x, size_t n, int m, const double *reference, double *volume,
                   struct ds_error *err)
{
    bool *keep = ds_alloc(n + 1, 1, NULL);
    double *p = ds_alloc(n * (size_t)m + 1, sizeof *p, NULL);
    int bad = !keep || !p || ds_pareto_front(x, n, m, keep, err);
    size_t count = 0;
    for (size_t i = 0; i < n && !bad; i++) {
        const double *at = x + i * (size_t)m;
        bool inside = keep[i];
        for (int k = 0; k < m; k++)
            inside = inside && at[k] < reference[k];
        if (inside)
            memcpy(p + count++ * (size_t)m, at, (size_t)m * sizeof *p);
    }
    bad = bad || volume_of(p, count, m, m, reference, volume);
    free(keep);
    free(p);
    return bad ? ds_no_memory(err) : 0;
}

/* Exact sums, histograms, clusters: their errors are as stated, whatever the order and the parts.
 */
#include "base/random.h"
#include "base/stats.h"
#include "study/tally.h"
#include "tap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define N 200000
#define KEEP 4096

static struct ds_error err;
static double x[N], sorted[N];

/* ---- exact sums ---- */

static void add(struct ds_exact_sum *s, double a, double b, uint64_t times)
{
    struct ds_exact_term t = ds_exact_term(a, b);
    if (ds_exact_sum_add(s, &t, times))
        printf("Bail out! out of memory\n");
}

static void check_sums(void)
{
    static const double terms[] = {1e300, 1,      -1e300,     0x1p-1074, -1,
                                   3.5,   1e-300, -0x1p-1074, -1e-300};
    struct ds_exact_sum s = {0}, t = {0};
    for (int i = 0; i < 9; i++)
        add(&s, terms[i], 1, 1);
    CHECK(ds_exact_sum_value(&s) == 3.5, "what doubles lose is there (%g)", ds_exact_sum_value(&s));
    for (int i = 9; i-- > 0;)
        add(&t, terms[i], 1, 1);
    struct ds_bytes a = {0}, b = {0};
    ds_exact_sum_pack(&s, &a);
    ds_exact_sum_pack(&t, &b);
    CHECK(a.n == b.n && memcmp(a.at, b.at, a.n) == 0, "in either order the same bytes");
    ds_exact_sum_free(&s);
    ds_exact_sum_free(&t);

    add(&s, -0x1p-40, 1, (uint64_t)1 << 40);
    CHECK(ds_exact_sum_value(&s) == -1, "2^40 times -2^-40 (%g)", ds_exact_sum_value(&s));
    add(&s, 1 + 0x1p-52, 1 + 0x1p-52, 1);
    add(&s, -0x1p-51, 1, 1);
    CHECK(ds_exact_sum_value(&s) == 0x1p-104, "a product in full (%a)", ds_exact_sum_value(&s));
    a.n = 0;
    ds_exact_sum_pack(&s, &a);
    struct ds_bytes_in in = {a.at, a.at + a.n, false};
    CHECK(ds_exact_sum_unpack(&t, &in) == 0 && !in.bad && ds_exact_sum_value(&t) == 0x1p-104,
          "to bytes and back");
    ds_exact_sum_free(&s);
    ds_exact_sum_free(&t);

    /* 1 + k 2^-50, k = 0 .. 8: mean 1 + 2^-48, deviations 60 2^-100, which no double sum could see
     */
    double mean, deviations;
    for (int k = 0; k < 9; k++) {
        add(&s, 1 + k * 0x1p-50, 1, 1000000);
        add(&t, 1 + k * 0x1p-50, 1 + k * 0x1p-50, 1000000);
    }
    ds_exact_moments(&s, &t, 9000000, &mean, &deviations);
    CHECK(mean == 1 + 0x1p-48 && deviations == 6e7 * 0x1p-100, "mean and deviations (%a, %g)", mean,
          deviations / 0x1p-100);
    ds_exact_sum_free(&s);
    ds_exact_sum_free(&t);
    add(&s, 0.1, 1, 49);
    add(&t, 0.1, 0.1, 49);
    ds_exact_moments(&s, &t, 49, &mean, &deviations);
    CHECK(mean == 0.1 && deviations == 0, "of equal values: themselves, without deviation");
    ds_exact_sum_free(&s);
    ds_exact_sum_free(&t);
    free(a.at);
    free(b.at);
}

/* ---- histograms ---- */

static void limit(struct ds_histogram *h)
{
    ds_histogram_tidy(h);
    while (h->n > KEEP)
        ds_histogram_coarsen(h, h->shift + 1);
}

/* A histogram of x[from], x[from + step], ... of at most KEEP bins. */
static struct ds_histogram gather(size_t from, size_t step)
{
    struct ds_histogram h = {0};
    for (size_t i = from; i < N; i += step) {
        ds_histogram_add(&h, x[i], 1);
        if (h.n > 3 * KEEP)
            limit(&h);
    }
    limit(&h);
    return h;
}

static void check_error(const char *what)
{
    static const double p[] = {0, 0.001, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 0.999, 1};
    memcpy(sorted, x, sizeof x);
    ds_sort(sorted, N);
    struct ds_histogram h = gather(0, 1);
    double worst = 0, bound = ds_histogram_error(h.shift);
    for (int i = 0; i < 11; i++) {
        /* of the two values that the quantile lies between */
        double want = ds_quantile(sorted, N, p[i]), at = p[i] * (N - 1),
               size = fabs(sorted[(int)at]);
        if (at + 1 < N)
            size = fmax(size, fabs(sorted[(int)at + 1]));
        double off = fabs(ds_histogram_quantile(&h, p[i]) - want);
        worst = fmax(worst, off == 0 ? 0 : off / size);
    }
    CHECK(h.n <= KEEP && worst <= bound * (1 + 1e-9), "%s: %zu bins, error %.2g of at most %.2g",
          what, h.n, worst, bound);

    struct ds_bytes whole = {0}, parts = {0};
    ds_histogram_pack(&h, &whole);
    struct ds_histogram first = gather(2, 3), second = gather(0, 3), third = gather(1, 3);
    ds_histogram_join(&first, &second);
    limit(&first);
    ds_histogram_join(&third, &first);
    limit(&third);
    ds_histogram_pack(&third, &parts);
    CHECK(whole.n == parts.n && memcmp(whole.at, parts.at, whole.n) == 0,
          "%s: of three parts the same bytes", what);
    struct ds_histogram back = {0};
    struct ds_bytes_in in = {whole.at, whole.at + whole.n, false};
    CHECK(ds_histogram_unpack(&back, &in) == 0 && !in.bad && in.at == in.end &&
              ds_histogram_quantile(&back, 0.3) == ds_histogram_quantile(&h, 0.3),
          "%s: to bytes and back", what);
    in = (struct ds_bytes_in){whole.at, whole.at + whole.n - 1, false};
    ds_histogram_free(&back);
    CHECK(ds_histogram_unpack(&back, &in) == 0 && in.bad, "%s: cut off it is bad", what);
    ds_histogram_free(&h);
    ds_histogram_free(&first);
    ds_histogram_free(&second);
    ds_histogram_free(&third);
    ds_histogram_free(&back);
    free(whole.at);
    free(parts.at);
}

static int descending(const void *a, const void *b)
{
    return ds_ascending(b, a);
}

static void check_histograms(void)
{
    struct ds_random r;
    ds_random_init(&r, 1, 1, 0);
    for (int i = 0; i < N; i++)
        x[i] = exp(4 * ds_random_unit(&r)) + ds_random_unit(&r);
    check_error("latencies from 1 to 55");
    ds_sort(x, N);
    check_error("sorted");
    qsort(x, N, sizeof *x, descending);
    check_error("reversed");
    for (int i = 0; i < N; i += 2) { /* the least and the greatest in turn, outwards in */
        x[i] = i;
        x[i + 1] = 2.0 * N - i;
    }
    check_error("zigzag");
    for (int i = 0; i < N; i++)
        x[i] = (ds_random_unit(&r) + ds_random_unit(&r) + ds_random_unit(&r) - 1.5) * 1e-3;
    check_error("effects of both signs");
    for (int i = 0; i < N; i++)
        x[i] = ldexp(ds_random_unit(&r) - 0.5, (int)ds_random_below(&r, 200) - 100);
    check_error("sizes of 200 binary orders");
    for (int i = 0; i < N; i++)
        x[i] = (double)ds_random_below(&r, KEEP) / 7 - 100;
    check_error("few distinct values");
    struct ds_histogram h = gather(0, 1);
    CHECK(h.shift == 0 && ds_histogram_error(h.shift) == 0, "which are exact");
    ds_histogram_free(&h);
    for (int i = 0; i < N; i++)
        x[i] = 1 + i * 0x1p-52;
    check_error("neighbours among the doubles");
}

/* ---- clusters, in tallies ---- */

static void add_value(struct ds_tallies *all, struct ds_tally *t, uint64_t base, double value)
{
    struct ds_tally_value v;
    if (ds_tally_value(value, 1, &v, &err) ||
        ds_tally_add(all, t, ds_cluster_key(base), &v, 1, &err))
        printf("Bail out! %s\n", err.text);
}

/* The value of record i of a base: bases differ, and records of one base are alike. */
static double value_of(uint64_t base, uint64_t i)
{
    struct ds_random r;
    ds_random_init(&r, 5, base, 0);
    double a = ds_random_unit(&r) + ds_random_unit(&r);
    ds_random_init(&r, 6, base, (uint32_t)i);
    return 10 + a + ds_random_unit(&r);
}

static void check_clusters(void)
{
    const uint64_t bases = 40000;
    struct ds_tallies all, exact, parts[3], joined;
    ds_tallies_begin(&all, KEEP);
    ds_tallies_begin(&exact, 1 << 24);
    ds_tallies_begin(&joined, KEEP);
    struct ds_tally *t = ds_tallies_new(&all, &err), *u = ds_tallies_new(&exact, &err);
    struct ds_tally *part[3], *whole = ds_tallies_new(&joined, &err);
    for (int k = 0; k < 3; k++) {
        ds_tallies_begin(&parts[k], KEEP);
        part[k] = ds_tallies_new(&parts[k], &err);
    }
    for (uint64_t i = 0; i < 3; i++) /* each base comes again after all the others */
        for (uint64_t b = 0; b < bases; b++) {
            double v = value_of(b, i);
            add_value(&all, t, b, v);
            add_value(&exact, u, b, v);
            add_value(&parts[(b + i) % 3], part[(b + i) % 3], b, v);
        }
    ds_tallies_finish(&all, &err);
    ds_tallies_finish(&exact, &err);
    double mean, deviations;
    ds_exact_moments(&t->sum, &t->squares, t->n, &mean, &deviations);
    struct ds_cluster_error e = ds_clusters_error(&t->bases, mean),
                            f = ds_clusters_error(&u->bases, mean);
    CHECK(f.bases == bases && f.clusters == bases && u->bases.bits == 0,
          "with room, every base is a cluster");
    CHECK(t->bases.bits == 12 && e.clusters > 4090, "without, there are random groups (%g)",
          e.clusters);
    double ratio = sqrt(e.squares / f.squares);
    CHECK(fabs(ratio - 1) < 3.5 * 0.011, "which give the interval's width to some percent (%.4f)",
          ratio);
    CHECK(fabs(e.bases / f.bases - 1) < 3.5 * 0.0163, "and the number of bases (%g)", e.bases);
    CHECK(fabs(sqrt(e.noise / f.noise) - 1) < 3.5 * 0.011 && f.noise == 9.0 * bases,
          "and the noise of images (%.4f)", sqrt(e.noise / f.noise));

    struct ds_bytes a = {0}, b = {0};
    for (int k = 0; k < 3; k++) {
        b.n = 0;
        ds_tallies_finish(&parts[k], &err);
        ds_tally_pack(part[k], &b, &err);
        struct ds_bytes_in in = {b.at, b.at + b.n, false};
        CHECK(ds_tally_join(&joined, whole, &in, &err) == 0 && in.at == in.end, "part %d joins", k);
    }
    ds_tallies_finish(&joined, &err);
    b.n = 0;
    ds_tally_pack(t, &a, &err);
    ds_tally_pack(whole, &b, &err);
    CHECK(a.n == b.n && memcmp(a.at, b.at, a.n) == 0,
          "parts that share all bases make the same bytes");
    for (size_t cut = 0; cut < a.n; cut += a.n / 50 + 1) {
        struct ds_bytes_in in = {a.at, a.at + cut, false};
        if (ds_tally_join(&joined, whole, &in, &err) == 0 || !strstr(err.text, "damaged"))
            CHECK(false, "%zu of %zu bytes are damaged", cut, a.n);
    }
    free(a.at);
    free(b.at);
    ds_tallies_free(&all);
    ds_tallies_free(&exact);
    ds_tallies_free(&joined);
    for (int k = 0; k < 3; k++)
        ds_tallies_free(&parts[k]);

    struct ds_tally_value v;
    CHECK(ds_tally_value(2e12, 0, &v, &err) && strstr(err.text, "too large"), "%s", err.text);
}

/* From 10 to a million bases, the estimate of their number is as good as it says. */
static void check_counts(void)
{
    double squares = 0;
    int n = 0;
    for (uint64_t bases = 10; bases < 300000; bases = bases * 3 / 2) {
        struct ds_clusters c = {.bits = 9};
        struct ds_fixed value = {0};
        for (uint64_t b = 0; b < bases; b++)
            ds_clusters_add(&c, ds_cluster_key(b * 7919 + bases), &value, 1);
        ds_clusters_deal(&c, 8);
        double off = ds_clusters_error(&c, 0).bases / (double)bases - 1;
        squares += off * off;
        n++;
        if (fabs(off) > 4 * 1.04 / 16)
            CHECK(false, "%llu bases: off by %.3f", (unsigned long long)bases, off);
        ds_clusters_free(&c);
    }
    CHECK(sqrt(squares / n) < 1.3 * 1.04 / 16, "numbers of bases: off by %.3f, 0.065 is stated",
          sqrt(squares / n));
}

int main(void)
{
    check_sums();
    check_histograms();
    check_clusters();
    check_counts();
    return TAP_END();
}

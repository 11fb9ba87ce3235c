/* Planned looks: how often signed ranks leave the bounds, by runs that are drawn. */
#include "base/random.h"
#include "measure/looks.h"
#include "tap.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

enum { MEASUREMENTS = 10000, MOST = 200 };

static double uniform(struct ds_random *r)
{
    return (ds_random_u32(r) + 0.5) * 0x1p-32;
}

/* The sum of the ranks, by size, of those of n runs that are above 0. */
static int64_t signed_ranks(const double *x, int n)
{
    int64_t sum = 0; /* as many means of two are above 0 */
    for (int i = 0; i < n; i++)
        for (int j = i; j < n; j++)
            sum += x[i] + x[j] > 0;
    return sum;
}

/* The share of measurements whose interval misses 0, the centre, at any look. */
static double missed(const struct ds_looks *l, uint64_t seed)
{
    int missed = 0;
    for (uint64_t m = 0; m < MEASUREMENTS; m++) {
        struct ds_random r;
        double x[MOST];
        bool out = false;
        ds_random_init(&r, seed, m, 0);
        for (int k = 0, n = 0; k < l->n && !out; k++) {
            for (; n < l->at[k]; n++)
                x[n] = sqrt(-2 * log(uniform(&r))) * cos(2 * M_PI * uniform(&r));
            int64_t sum = signed_ranks(x, n), all = n * (n + 1) / 2;
            out = sum < l->rank[k] || all - sum < l->rank[k];
        }
        missed += out;
    }
    return missed / (double)MEASUREMENTS;
}

int main(void)
{
    static const int most[] = {6, 8, 12, 20, 50, 100, MOST, 1000, 1000000};
    for (int i = 0; i < 9; i++) {
        struct ds_looks l;
        struct ds_error err;
        bool planned = ds_looks_init(&l, most[i], 0.95, &err) == 0, ascending = true;
        for (int k = 1; planned && k < l.n; k++)
            ascending = ascending && l.at[k] > l.at[k - 1] && l.rank[k] >= l.rank[k - 1];
        CHECK(planned && ascending && l.at[l.n - 1] == most[i] && l.rank[l.n - 1] > 0,
              "%d looks at up to %d runs", l.n, most[i]);
        if (most[i] <= MOST) {
            double miss = missed(&l, (uint64_t)i), error = sqrt(0.05 * 0.95 / MEASUREMENTS);
            CHECK(miss < 0.05 + 4 * error, "%.2f%% leave the bounds", 100 * miss);
            CHECK(miss > (most[i] < 12 ? 0.005 : 0.03), "and they are not wider than need be");
        }
        CHECK(ds_looks_reached(&l, 5) == (most[i] <= 5 ? 0 : -1) &&
                  ds_looks_reached(&l, most[i]) == l.n - 1 &&
                  ds_looks_reached(&l, most[i] - 1) == (l.n > 1 ? l.n - 2 : -1),
              "the looks that are reached");
        ds_looks_free(&l);
    }
    struct ds_looks l;
    struct ds_error err;
    CHECK(ds_looks_init(&l, 5, 0.95, &err) == 0 && l.n == 1 && l.at[0] == 5 && l.rank[0] == 0,
          "5 runs have no interval of 95%%");
    ds_looks_free(&l);
    return TAP_END();
}

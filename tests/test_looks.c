/* Planned looks: how often coins leave the bounds, thrown instead of computed. */
#include "base/random.h"
#include "measure/looks.h"
#include "tap.h"

#include <math.h>
#include <stdbool.h>

enum { WALKS = 40000 };

/* The share of walks that leave the bounds of any look. */
static double thrown(const struct ds_looks *l, uint64_t seed)
{
    int missed = 0;
    for (uint64_t w = 0; w < WALKS; w++) {
        struct ds_random r;
        ds_random_init(&r, seed, w, 0);
        bool out = false;
        for (int k = 0, n = 0, heads = 0; k < l->n; k++) {
            for (; n < l->at[k]; n++)
                heads += ds_random_u32(&r) >> 31;
            out = out || heads < l->rank[k] || n - heads < l->rank[k];
        }
        missed += out;
    }
    return missed / (double)WALKS;
}

int main(void)
{
    static const int most[] = {6, 8, 12, 20, 50, 100, 333, 1000};
    for (int i = 0; i < 8; i++) {
        struct ds_looks l;
        struct ds_error err;
        bool planned = ds_looks_init(&l, most[i], 0.95, &err) == 0, ascending = true;
        for (int k = 1; planned && k < l.n; k++)
            ascending = ascending && l.at[k] > l.at[k - 1] && l.rank[k] >= l.rank[k - 1];
        CHECK(planned && ascending && l.at[l.n - 1] == most[i] && l.rank[l.n - 1] > 0,
              "%d looks at up to %d runs", l.n, most[i]);
        double miss = thrown(&l, (uint64_t)i), error = sqrt(0.05 * 0.95 / WALKS);
        CHECK(miss < 0.05 + 4 * error, "%.2f%% leave the bounds", 100 * miss);
        CHECK(miss > (most[i] < 12 ? 0.005 : 0.03), "and the bounds are not wider than coins need");
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

/* Looks, and how often the interval of a look misses the centre, by runs that are drawn. */
#include "base/random.h"
#include "measure/looks.h"
#include "noise.h"
#include "tap.h"

#include <math.h>
#include <stdbool.h>

enum { MEASUREMENTS = 10000, MOST = 200 };

/* The sum of the ranks, by size, of those of n runs that are above 0. */
static int64_t signed_ranks(const double *x, int n)
{
    int64_t sum = 0; /* as many means of two are above 0 */
    for (int i = 0; i < n; i++)
        for (int j = i; j < n; j++)
            sum += x[i] + x[j] > 0;
    return sum;
}

/* The share of measurements of n runs whose interval misses 0, the centre. */
static double missed(int n)
{
    int64_t rank = ds_look_rank(n), all = n * (n + 1) / 2;
    int missed = 0;
    for (uint64_t m = 0; m < MEASUREMENTS; m++) {
        struct ds_random r;
        double x[MOST];
        ds_random_init(&r, (uint64_t)n, m, 0);
        for (int i = 0; i < n; i++)
            x[i] = noise(&r);
        int64_t sum = signed_ranks(x, n);
        missed += sum < rank || all - sum < rank;
    }
    return missed / (double)MEASUREMENTS;
}

static void check_looks(int most)
{
    int looks = 0, last = 0;
    bool apart = true;
    for (int at = ds_next_look(0, most); at > last && looks < 1000;
         last = at, at = ds_next_look(at, most)) {
        apart = apart && (looks == 0 || at > 1.1 * last);
        looks++;
    }
    CHECK(last == most && apart && looks < 100, "%d looks at up to %d runs", looks, most);
}

int main(void)
{
    static const int most[] = {1, 5, 6, 7, 8, 50, 1000, 1000000};
    for (int i = 0; i < 8; i++)
        check_looks(most[i]);
    static const int runs[] = {6, 8, 12, 20, 64, 65, MOST};
    for (int i = 0; i < 7; i++) {
        double miss = missed(runs[i]), error = sqrt(0.97 / 32 / MEASUREMENTS);
        CHECK(miss < 1 / 32.0 + 3 * error && miss > (runs[i] < 10 ? 0.01 : 0.025),
              "of %d runs, %.2f%% of the intervals miss", runs[i], 100 * miss);
    }
    for (int n = 1; n < 6; n++)
        CHECK(ds_look_rank(n) == 0, "%d runs have no interval", n);
    return TAP_END();
}

#include "measure/looks.h"

#include "base/stats.h"
#include <math.h>

/* The first look, and how much apart the others are. */
enum { FIRST = 6 };
#define APART 1.2

/* How often the interval misses the centre of a fixed number of runs (looks.h); six have one. */
#define MISS (1 / 32.0)

/* Up to so many runs the distribution of the signed ranks is computed, beyond it is normal. */
enum { EXACT = 64 };

int ds_next_look(int runs, int most)
{
    double next = runs ? ceil(runs * APART) : FIRST;
    /* no look shortly before the last */
    return next * APART > most ? most : (int)next;
}

/* The greatest r for which the signed ranks of n runs sum up to less than r, or to more than the
 * opposite, with at most the given chance; 0 where there is none. */
static int64_t exact_rank(int n, double chance)
{
    double p[EXACT * (EXACT + 1) / 2 + 1] = {ldexp(1, -n)}; /* of each sum */
    int sums = n * (n + 1) / 2, r = 0;
    for (int k = 1; k <= n; k++)
        for (int s = sums; s >= k; s--)
            p[s] += p[s - k];
    for (double left = chance / 2; 2 * r < sums && p[r] <= left; r++)
        left -= p[r];
    return r;
}

int64_t ds_look_rank(int n)
{
    if (n <= EXACT)
        return exact_rank(n, MISS);
    double sums = n * (n + 1.0) / 2, deviation = sqrt(sums * (2.0 * n + 1) / 12);
    return (int64_t)(sums / 2 - ds_normal_z(1 - MISS) * deviation);
}

#include "measure/looks.h"

#include "base/grow.h"
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Looks are this much apart, at first and when there are many runs. */
#define FIRST 6
#define CLOSE 1.25
#define FAR 2.0
#define MANY 200

/* Parts of a binomial beyond so many deviations are left out: less than 1e-15 of it. */
#define TAIL 8.5

static int next_look(int runs, int most)
{
    double next = ceil(runs * (runs < MANY ? CLOSE : FAR));
    /* no look shortly before the last */
    return next * CLOSE > most ? most : (int)next;
}

/* P(exactly k of n coins). */
static double binomial(int n, int k)
{
    return exp(lgamma(n + 1.0) - lgamma(k + 1.0) - lgamma(n - k + 1.0) - n * M_LN2);
}

/*
 * Moves the walk on by `steps` coins: to[j] += from[i] * P(j - i of steps). Both are over counts
 * 0..most of the heads so far, of which only those from lo to hi are there.
 */
static void walk(const double *from, int lo, int hi, double *to, int steps, int most)
{
    double spread = TAIL * sqrt(steps) / 2;
    int least = (int)fmax(0, floor(steps / 2.0 - spread));
    int last = (int)fmin(steps, ceil(steps / 2.0 + spread));
    memset(to, 0, ((size_t)most + 1) * sizeof *to);
    for (int k = least; k <= last; k++) {
        double p = binomial(steps, k);
        for (int i = lo; i <= hi; i++)
            to[i + k] += from[i] * p;
    }
}

/*
 * The greatest rank whose bounds leave outside at most `chance` of the walk, which is at 0..runs; 0
 * where there is none. What is left outside is taken off *chance.
 */
static int spend(const double *at, int runs, double *chance)
{
    int rank = 0;
    while (2 * rank + 1 < runs && at[rank] + at[runs - rank] <= *chance) {
        *chance -= at[rank] + at[runs - rank];
        rank++;
    }
    return rank;
}

static void plan_ranks(struct ds_looks *looks, double miss, double *now, double *next)
{
    int most = looks->at[looks->n - 1], lo = 0, hi = 0, runs = 0;
    double chance = 0;
    now[0] = 1;
    for (int k = 0; k < looks->n; k++) {
        walk(now, lo, hi, next, looks->at[k] - runs, most);
        double *swap = now;
        now = next;
        next = swap;
        runs = looks->at[k];
        chance += miss / looks->n;
        looks->rank[k] = spend(now, runs, &chance);
        /* the interval holds the median where `rank` or more runs lie on either side of it */
        lo = looks->rank[k];
        hi = runs - lo;
    }
}

int ds_looks_init(struct ds_looks *looks, int most, double level, struct ds_error *err)
{
    int n = 1;
    for (int at = FIRST; at < most; at = next_look(at, most))
        n++;
    *looks = (struct ds_looks){.n = n};
    looks->at = ds_alloc((size_t)n, sizeof *looks->at, err);
    looks->rank = ds_alloc((size_t)n, sizeof *looks->rank, err);
    double *now = ds_alloc((size_t)most + 1, sizeof *now, err);
    double *next = ds_alloc((size_t)most + 1, sizeof *next, err);
    bool room = looks->at && looks->rank && now && next;
    for (int k = 0, at = FIRST; room && k < n; k++, at = next_look(at, most))
        looks->at[k] = at < most ? at : most;
    if (room)
        plan_ranks(looks, 1 - level, now, next);
    free(now);
    free(next);
    return room ? 0 : -1;
}

void ds_looks_free(struct ds_looks *looks)
{
    free(looks->at);
    free(looks->rank);
    *looks = (struct ds_looks){0};
}

int ds_looks_reached(const struct ds_looks *looks, int runs)
{
    int k = -1;
    while (k + 1 < looks->n && looks->at[k + 1] <= runs)
        k++;
    return k;
}

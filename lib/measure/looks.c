#include "measure/looks.h"

#include "base/grow.h"
#include "base/stats.h"
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

/* Looks are this much apart, at first and when there are many runs. */
#define FIRST 6
#define CLOSE 1.25
#define FAR 2.0
#define MANY 200

/* The walk is followed at so many points, to so many deviations on either side. */
enum { POINTS = 401 };
#define REACH 8.0

/* Up to so many runs the distribution of the signed ranks is computed, beyond it is normal. */
enum { EXACT = 64 };

static int next_look(int runs, int most)
{
    double next = ceil(runs * (runs < MANY ? CLOSE : FAR));
    /* no look shortly before the last */
    return next * CLOSE > most ? most : (int)next;
}

/* ---- the walk ---- */

/* Where a sum of normal deviates, one for each run, is, as long as it was within all bounds. */
struct walk {
    int runs;
    double bound;           /* beyond which it is not followed on; INFINITY: none */
    double density[POINTS]; /* at place(runs, i) */
};

static double place(int runs, int i)
{
    return REACH * sqrt(runs) * (2.0 * i / (POINTS - 1) - 1);
}

static double step(int runs)
{
    return 2 * REACH * sqrt(runs) / (POINTS - 1);
}

static double normal_density(double x, double deviation)
{
    return exp(-x * x / (2 * deviation * deviation)) / (deviation * sqrt(2 * M_PI));
}

/* How much of the cell around place i lies within the bounds. */
static double within(const struct walk *w, int i)
{
    double h = step(w->runs), inside = w->bound - (fabs(place(w->runs, i)) - h / 2);
    return fmax(0, fmin(1, inside / h));
}

static void walk_on(const struct walk *from, struct walk *to, int runs)
{
    *to = (struct walk){.runs = runs, .bound = INFINITY};
    if (from->runs == 0) {
        for (int j = 0; j < POINTS; j++)
            to->density[j] = normal_density(place(runs, j), sqrt(runs));
        return;
    }
    double deviation = sqrt(runs - from->runs), h = step(from->runs);
    for (int i = 0; i < POINTS; i++) {
        double mass = from->density[i] * within(from, i) * h, x = place(from->runs, i);
        for (int j = 0; j < POINTS && mass > 0; j++)
            to->density[j] += mass * normal_density(place(runs, j) - x, deviation);
    }
}

/* The bound beyond which the walk is with the given chance, both sides together. */
static double bound_of(const struct walk *w, double chance)
{
    double h = step(w->runs), outside = 0;
    for (int i = 0; i < POINTS / 2; i++) {
        double cell = (w->density[i] + w->density[POINTS - 1 - i]) * h;
        if (outside + cell > chance)
            return -place(w->runs, i) + h / 2 - h * (chance - outside) / cell;
        outside += cell;
    }
    return 0;
}

/* ---- ranks ---- */

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

static int64_t rank_of(int n, double chance)
{
    if (n <= EXACT)
        return exact_rank(n, chance);
    double sums = n * (n + 1.0) / 2, deviation = sqrt(sums * (2.0 * n + 1) / 12);
    return (int64_t)(sums / 2 - ds_normal_z(1 - chance) * deviation);
}

static void plan_ranks(struct ds_looks *looks, double miss, struct walk *now, struct walk *next)
{
    double chance = 0;
    *now = (struct walk){0};
    for (int k = 0; k < looks->n; k++) {
        walk_on(now, next, looks->at[k]);
        struct walk *swap = now;
        now = next;
        next = swap;
        chance += miss / looks->n;
        double bound = bound_of(now, chance);
        looks->rank[k] = rank_of(now->runs, erfc(bound / sqrt(2.0 * now->runs)));
        if (looks->rank[k]) { /* or the chance is left to the next */
            now->bound = bound;
            chance = 0;
        }
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
    struct walk *walks = ds_alloc(2, sizeof *walks, err);
    bool room = looks->at && looks->rank && walks;
    for (int k = 0, at = FIRST; room && k < n; k++, at = next_look(at, most))
        looks->at[k] = at < most ? at : most;
    if (room)
        plan_ranks(looks, 1 - level, &walks[0], &walks[1]);
    free(walks);
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

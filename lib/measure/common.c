#include "measure/common.h"

#include "base/grow.h"
#include "base/stats.h"
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { POLISHES = 2, MOST_NEIGHBOURS = 32 };
static const int neighbours[] = {0, 8, MOST_NEIGHBOURS}; /* the choices of k */

int ds_run_log_add(struct ds_run_log *runs, int network, double ms, struct ds_error *err)
{
    if (ds_grow(&runs->run, &runs->room, runs->n + 1, sizeof *runs->run, err))
        return -1;
    runs->run[runs->n++] = (struct ds_run){network, log(ms)};
    return 0;
}

void ds_run_log_free(struct ds_run_log *log)
{
    free(log->run);
    *log = (struct ds_run_log){0};
}

/* Room for one estimation. */
struct polish {
    const struct ds_run_log *log;
    int networks;
    size_t *first;  /* [networks + 1]: where the runs of a network begin in `of` */
    size_t *of;     /* [n]: runs, network by network */
    double *level;  /* [networks]: median log time */
    double *common; /* [n] */
    double *sorted; /* [n] */
};

/* Median of x[n], which is sorted. */
static double median(double *x, size_t n)
{
    ds_sort(x, n);
    return ds_quantile(x, n, 0.5);
}

/* Median of a few numbers, by insertion. */
static double small_median(double *x, int n)
{
    for (int i = 1; i < n; i++) {
        double now = x[i];
        int j = i;
        for (; j > 0 && x[j - 1] > now; j--)
            x[j] = x[j - 1];
        x[j] = now;
    }
    return n % 2 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
}

static void group_runs(struct polish *p)
{
    const struct ds_run_log *log = p->log;
    memset(p->first, 0, ((size_t)p->networks + 1) * sizeof *p->first);
    for (size_t i = 0; i < log->n; i++)
        p->first[log->run[i].network + 1]++;
    for (int i = 0; i < p->networks; i++)
        p->first[i + 1] += p->first[i];
    /* filling moves each beginning to the next one; then they are moved back */
    for (size_t i = 0; i < log->n; i++)
        p->of[p->first[log->run[i].network]++] = i;
    memmove(p->first + 1, p->first, (size_t)p->networks * sizeof *p->first);
    p->first[0] = 0;
}

/* Levels for the common part that there is. */
static void find_levels(struct polish *p)
{
    for (int i = 0; i < p->networks; i++) {
        size_t n = p->first[i + 1] - p->first[i];
        for (size_t j = 0; j < n; j++) {
            size_t run = p->of[p->first[i] + j];
            p->sorted[j] = p->log->run[run].log_ms - p->common[run];
        }
        p->level[i] = n ? median(p->sorted, n) : 0;
    }
}

/* Deviations of up to k runs of other networks nearest to the run; returns how many. */
static int near(const struct polish *p, size_t run, int k, double *deviation)
{
    const struct ds_run *r = p->log->run;
    size_t before = run, after = run + 1;
    int n = 0;
    while (n < k && (before > 0 || after < p->log->n)) {
        /* the nearer of the two sides, the earlier one when they are as near */
        bool back = before > 0 && (after >= p->log->n || run - (before - 1) <= after - run);
        size_t at = back ? --before : after++;
        if (r[at].network != r[run].network)
            deviation[n++] = r[at].log_ms - p->level[r[at].network];
    }
    return n;
}

/* The common part for the levels that there are, with median 0. */
static void find_common(struct polish *p, int k)
{
    double deviation[MOST_NEIGHBOURS];
    for (size_t i = 0; i < p->log->n; i++) {
        int n = near(p, i, k, deviation);
        p->common[i] = n ? small_median(deviation, n) : 0;
    }
    memcpy(p->sorted, p->common, p->log->n * sizeof *p->sorted);
    double middle = median(p->sorted, p->log->n);
    for (size_t i = 0; i < p->log->n; i++)
        p->common[i] -= middle;
}

/* Median distance of what is left from the levels, over all runs. */
static double spread(struct polish *p)
{
    for (size_t i = 0; i < p->log->n; i++) {
        const struct ds_run *r = &p->log->run[i];
        p->sorted[i] = fabs(r->log_ms - p->common[i] - p->level[r->network]);
    }
    return median(p->sorted, p->log->n);
}

static int choose(struct polish *p, double *best_common)
{
    double least = DBL_MAX;
    int best = 0;
    for (size_t c = 0; c < sizeof neighbours / sizeof *neighbours; c++) {
        memset(p->common, 0, p->log->n * sizeof *p->common);
        find_levels(p);
        for (int i = 0; i < POLISHES && neighbours[c]; i++) {
            find_common(p, neighbours[c]);
            find_levels(p);
        }
        double now = spread(p);
        if (now < least) {
            least = now;
            best = neighbours[c];
            memcpy(best_common, p->common, p->log->n * sizeof *best_common);
        }
    }
    return best;
}

int ds_common_estimate(const struct ds_run_log *log, int networks, double *common,
                       struct ds_error *err)
{
    struct polish p = {
        .log = log,
        .networks = networks,
        .first = ds_alloc((size_t)networks + 1, sizeof *p.first, err),
        .of = ds_alloc(log->n, sizeof *p.of, err),
        .level = ds_alloc((size_t)networks, sizeof *p.level, err),
        .common = ds_alloc(log->n, sizeof *p.common, err),
        .sorted = ds_alloc(log->n, sizeof *p.sorted, err),
    };
    int k = -1;
    if (p.first && p.of && p.level && p.common && p.sorted) {
        k = 0;
        group_runs(&p);
        if (log->n)
            k = choose(&p, common);
    }
    free(p.first);
    free(p.of);
    free(p.level);
    free(p.common);
    free(p.sorted);
    return k;
}

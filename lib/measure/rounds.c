#include "measure/rounds.h"

#include "base/clock.h"
#include "base/interrupt.h"
#include "base/random.h"
#include "base/stats.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* When a device has settled: see ds_measure. */
#define SETTLE_MS 100
#define SETTLE_WITHIN 0.02
enum { SETTLE_GROUPS = 3, SETTLE_RUNS = 1000 };

int ds_timing_init(struct ds_timing *t, const struct ds_engine *engine, struct ds_model *model,
                   int nmodules, const struct ds_measure_options *options, struct ds_error *err)
{
    size_t runs = (size_t)options->max_runs;
    *t = (struct ds_timing){.model = model, .nmodules = nmodules};
    t->ms = malloc(runs * sizeof *t->ms);
    if (options->per_block)
        t->module_ms = malloc((size_t)nmodules * runs * sizeof *t->module_ms);
    if (engine->device_ms)
        t->device_ms = malloc(runs * sizeof *t->device_ms);
    if (!t->ms || (options->per_block && !t->module_ms) || (engine->device_ms && !t->device_ms))
        return ds_fail(err, "out of memory");
    return 0;
}

void ds_timing_free(struct ds_timing *t)
{
    free(t->ms);
    free(t->module_ms);
    free(t->device_ms);
    *t = (struct ds_timing){0};
}

/* One timed run; module_ms may be NULL. */
static int timed_run(const struct ds_engine *engine, struct ds_model *model, double *ms,
                     double *module_ms, struct ds_error *err)
{
    double before = ds_now_ms();
    if (engine->run(model, module_ms, err))
        return -1;
    *ms = ds_now_ms() - before;
    return *ms > 0 ? 0 : ds_fail(err, "the clock stood still during a run");
}

static int warm_up(const struct ds_engine *engine, struct ds_model *model, int runs,
                   struct ds_error *err)
{
    for (int i = 0; i < runs; i++)
        if (engine->run(model, NULL, err))
            return -1;
    return 0;
}

static int visit(const struct ds_engine *engine, struct ds_timing *t,
                 const struct ds_measure_options *o, double *module_ms, struct ds_error *err)
{
    if (warm_up(engine, t->model, o->warmup, err))
        return -1;
    for (int i = 0; i < o->burst && t->runs < o->max_runs; i++, t->runs++) {
        if (timed_run(engine, t->model, &t->ms[t->runs], t->module_ms ? module_ms : NULL, err))
            return -1;
        if (t->device_ms)
            t->device_ms[t->runs] = engine->device_ms(t->model);
        for (int m = 0; m < t->nmodules && t->module_ms; m++)
            t->module_ms[m * o->max_runs + t->runs] = module_ms[m];
    }
    return 0;
}

static int visit_reference(const struct ds_engine *engine, struct ds_reference *r,
                           const struct ds_measure_options *o, struct ds_error *err)
{
    double *more = realloc(r->ms, (size_t)(r->rounds + 1) * sizeof *more);
    double *ms = malloc((size_t)o->burst * sizeof *ms);
    if (more)
        r->ms = more;
    int rc = more && ms ? warm_up(engine, r->model, o->warmup, err) : ds_fail(err, "out of memory");
    for (int i = 0; i < o->burst && rc == 0; i++)
        rc = timed_run(engine, r->model, &ms[i], NULL, err);
    if (rc == 0) {
        ds_sort(ms, (size_t)o->burst);
        r->ms[r->rounds++] = ds_quantile(ms, (size_t)o->burst, 0.5);
    }
    free(ms);
    return rc;
}

/* The median of runs of a tenth of a second; one, where it takes longer. */
static int run_group(const struct ds_engine *engine, struct ds_model *model, double *median,
                     struct ds_error *err)
{
    double ms[SETTLE_RUNS], sum = 0;
    int n = 0;
    while (n < SETTLE_RUNS && sum < SETTLE_MS) {
        if (timed_run(engine, model, &ms[n], NULL, err))
            return -1;
        sum += ms[n++];
    }
    ds_sort(ms, (size_t)n);
    *median = ds_quantile(ms, (size_t)n, 0.5);
    return 0;
}

static int settle(const struct ds_engine *engine, struct ds_reference *r, double seconds,
                  struct ds_error *err)
{
    double last[SETTLE_GROUPS];
    r->settled = false;
    if (warm_up(engine, r->model, 1, err)) /* the first compiles what is not compiled yet */
        return -1;
    double before = ds_now_ms();
    for (int n = 0; !r->settled && ds_now_ms() - before < 1e3 * seconds; n++) {
        if (run_group(engine, r->model, &last[n % SETTLE_GROUPS], err))
            return -1;
        double least = INFINITY, most = 0;
        for (int i = 0; i < SETTLE_GROUPS && n + 1 >= SETTLE_GROUPS; i++) {
            least = fmin(least, last[i]);
            most = fmax(most, last[i]);
        }
        r->settled = n + 1 >= SETTLE_GROUPS && most <= (1 + SETTLE_WITHIN) * least;
    }
    return 0;
}

/* Whether the median is known well enough; also true when the runs are used up. */
static bool finished(struct ds_timing *t, const struct ds_measure_options *o, double *scratch)
{
    double lo, hi;
    size_t n = (size_t)t->runs;
    memcpy(scratch, t->ms, n * sizeof *scratch);
    ds_sort(scratch, n);
    double level = ds_median_interval(scratch, n, DS_LEVEL, &lo, &hi);
    t->converged = level >= DS_LEVEL && hi - lo <= o->precision * ds_quantile(scratch, n, 0.5);
    t->known = level >= DS_LEVEL || t->runs >= o->max_runs;
    return t->converged || t->runs >= o->max_runs;
}

/* How much of a network's work is behind it, if its interval does not end it early. */
static double share_done(const struct ds_timing *t, const struct ds_measure_options *o)
{
    return (double)t->runs / o->max_runs;
}

int ds_measure(const struct ds_engine *engine, struct ds_timing *timing, int n,
               struct ds_reference *reference, const struct ds_measure_options *o,
               void (*advance)(void *, double), void *arg, struct ds_error *err)
{
    int most_modules = 1, rc = 0;
    for (int i = 0; i < n; i++)
        most_modules = timing[i].nmodules > most_modules ? timing[i].nmodules : most_modules;
    uint32_t *order = malloc((size_t)n * sizeof *order + 1), left = (uint32_t)n;
    double *scratch = malloc((size_t)o->max_runs * sizeof *scratch);
    double *module_ms = malloc((size_t)most_modules * sizeof *module_ms);
    if (!order || !scratch || !module_ms)
        rc = ds_fail(err, "out of memory");
    for (uint32_t i = 0; i < left && rc == 0; i++)
        order[i] = i;

    if (rc == 0 && reference && o->settle > 0)
        rc = settle(engine, reference, o->settle, err);
    for (uint64_t round = 0; left && rc == 0; round++) {
        struct ds_random r;
        uint32_t kept = 0;
        ds_random_init(&r, o->seed, round, DS_DRAW_ORDER);
        ds_random_shuffle(&r, order, left);
        if (reference)
            rc = visit_reference(engine, reference, o, err);
        for (uint32_t i = 0; i < left && rc == 0; i++) {
            struct ds_timing *t = &timing[order[i]];
            double before = share_done(t, o);
            rc = visit(engine, t, o, module_ms, err);
            bool done = rc == 0 && finished(t, o, scratch);
            if (rc == 0 && ds_interrupted())
                rc = ds_fail(err, "interrupted");
            if (!done)
                order[kept++] = order[i];
            advance(arg, (done ? 1 : share_done(t, o)) - before);
        }
        left = kept;
    }
    free(order);
    free(scratch);
    free(module_ms);
    return rc;
}

double ds_reference_drift(const struct ds_reference *r)
{
    size_t half = (size_t)r->rounds / 2;
    double *ms = half ? malloc((size_t)r->rounds * sizeof *ms) : NULL;
    if (!ms)
        return NAN;
    memcpy(ms, r->ms, (size_t)r->rounds * sizeof *ms);
    double *later = ms + r->rounds - half;
    ds_sort(ms, half);
    ds_sort(later, half);
    double drift = ds_quantile(later, half, 0.5) / ds_quantile(ms, half, 0.5) - 1;
    free(ms);
    return drift;
}

struct ds_latency ds_timing_latency(struct ds_timing *t)
{
    struct ds_latency l;
    size_t n = (size_t)t->runs;
    ds_sort(t->ms, n);
    l.median = ds_quantile(t->ms, n, 0.5);
    l.min = t->ms[0];
    l.p90 = ds_quantile(t->ms, n, 0.9);
    ds_median_interval(t->ms, n, DS_LEVEL, &l.lo, &l.hi);
    return l;
}

double ds_timing_device(struct ds_timing *t)
{
    ds_sort(t->device_ms, (size_t)t->runs);
    return ds_quantile(t->device_ms, (size_t)t->runs, 0.5);
}

double ds_timing_module(struct ds_timing *t, int module, const struct ds_measure_options *options)
{
    double *ms = &t->module_ms[module * options->max_runs];
    ds_sort(ms, (size_t)t->runs);
    return ds_quantile(ms, (size_t)t->runs, 0.5);
}

#include "measure/rounds.h"

#include "base/clock.h"
#include "base/grow.h"
#include "base/interrupt.h"
#include "base/random.h"
#include "base/stats.h"
#include "measure/common.h"
#include "measure/disturbed.h"
#include "measure/looks.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* When a device has settled: see ds_measure. */
#define SETTLE_MS 100
#define SETTLE_WITHIN 0.02
enum { SETTLE_GROUPS = 3, SETTLE_RUNS = 1000 };

/* In so many rounds all references are visited; they are known well then. */
enum { ALL_REFERENCES = 50 };

int ds_timing_init(struct ds_timing *t, const struct ds_engine *engine, struct ds_model *model,
                   int nmodules, int weight, const struct ds_measure_options *options,
                   struct ds_error *err)
{
    size_t runs = (size_t)weight * (size_t)options->max_runs;
    *t = (struct ds_timing){.model = model,
                            .nmodules = nmodules,
                            .weight = weight,
                            .most_runs = (int)runs,
                            .next_look = ds_next_look(0, (int)runs),
                            .lo = NAN,
                            .hi = NAN};
    t->ms = ds_alloc(runs, sizeof *t->ms, err);
    t->steady_ms = ds_alloc(runs, sizeof *t->steady_ms, err);
    if (options->per_block)
        t->module_ms = ds_alloc((size_t)nmodules * runs, sizeof *t->module_ms, err);
    if (engine->device_ms)
        t->device_ms = ds_alloc(runs, sizeof *t->device_ms, err);
    bool lacks = !t->ms || !t->steady_ms || (options->per_block && !t->module_ms) ||
                 (engine->device_ms && !t->device_ms);
    return lacks ? -1 : 0;
}

void ds_timing_free(struct ds_timing *t)
{
    free(t->ms);
    free(t->steady_ms);
    free(t->module_ms);
    free(t->device_ms);
    *t = (struct ds_timing){0};
}

/* What a measurement has at hand. */
struct session {
    const struct ds_engine *engine;
    const struct ds_measure_options *o;
    struct ds_timing *timing;
    int n;
    struct ds_reference *reference;
    int turn;              /* the reference that is next ... */
    double product;        /* ... and the product of the medians of those before it */
    struct ds_run_log log; /* of all timed runs; the references are networks n.. */
    double *module_ms;     /* room for one run */
    double *common;        /* [common_room]: of each run of the log */
    size_t common_room;
    struct ds_spent *spent;
};

static double now(const struct session *s)
{
    return s->o->now_ms ? s->o->now_ms() : ds_now_ms();
}

/* One timed run; module_ms may be NULL. */
static int timed_run(const struct session *s, struct ds_model *model, double *ms, double *module_ms,
                     bool *disturbed, struct ds_error *err)
{
    struct ds_disturbance d;
    if (s->o->watch)
        ds_disturbance_begin(&d, s->o->watch);
    double before = now(s);
    if (s->engine->run(model, module_ms, err))
        return -1;
    *ms = now(s) - before;
    *disturbed = s->o->watch && ds_disturbance_end(&d, s->o->watch, *ms);
    s->spent->timed += *ms;
    return *ms > 0 ? 0 : ds_fail(err, "the clock stood still during a run");
}

static int warm_up(const struct session *s, struct ds_model *model, struct ds_error *err)
{
    double before = now(s);
    for (int i = 0; i < s->o->warmup; i++)
        if (s->engine->run(model, NULL, err))
            return -1;
    s->spent->warm_up += now(s) - before;
    return 0;
}

/*
 * A run that others disturbed is made again, as long as such runs are no more than those that
 * count: where all are disturbed, they are what there is to measure.
 */
static int visit(struct session *s, int which, struct ds_error *err)
{
    struct ds_timing *t = &s->timing[which];
    if (warm_up(s, t->model, err))
        return -1;
    for (int i = 0; i < s->o->burst && t->runs < t->most_runs;) {
        double ms;
        bool disturbed;
        if (timed_run(s, t->model, &ms, t->module_ms ? s->module_ms : NULL, &disturbed, err))
            return -1;
        if (disturbed && t->disturbed <= t->runs) {
            t->disturbed++;
            s->spent->disturbed++;
            continue;
        }
        t->ms[t->runs] = ms;
        if (t->device_ms)
            t->device_ms[t->runs] = s->engine->device_ms(t->model);
        for (int m = 0; m < t->nmodules && t->module_ms; m++)
            t->module_ms[m * t->most_runs + t->runs] = s->module_ms[m];
        t->runs++;
        i++;
        if (ds_run_log_add(&s->log, which, ms, err))
            return -1;
    }
    return 0;
}

/* Visits a reference; gives the median of its runs. */
static int visit_reference(struct session *s, int which, double *ms, double *median,
                           struct ds_error *err)
{
    struct ds_model *model = s->reference->model[which];
    bool disturbed;
    if (warm_up(s, model, err))
        return -1;
    for (int i = 0; i < s->o->burst; i++)
        if (timed_run(s, model, &ms[i], NULL, &disturbed, err) ||
            ds_run_log_add(&s->log, s->n + which, ms[i], err))
            return -1;
    ds_sort(ms, (size_t)s->o->burst);
    *median = ds_quantile(ms, (size_t)s->o->burst, 0.5);
    return 0;
}

/* The next of the references; when all had their turn, what they took together is kept. */
static int visit_next_reference(struct session *s, double *ms, struct ds_error *err)
{
    struct ds_reference *r = s->reference;
    double median;
    if (visit_reference(s, s->turn, ms, &median, err))
        return -1;
    s->product = s->turn ? s->product * median : median;
    if (++s->turn < DS_REFERENCES)
        return 0;
    s->turn = 0;
    if (ds_resize(&r->ms, (size_t)r->rounds + 1, sizeof *r->ms, err))
        return -1;
    r->ms[r->rounds++] = pow(s->product, 1.0 / DS_REFERENCES);
    return 0;
}

/* In later rounds, which often are of few networks, one of them tells what is common. */
static int visit_references(struct session *s, uint64_t round, struct ds_error *err)
{
    double *ms = ds_alloc((size_t)s->o->burst, sizeof *ms, err);
    int rc = ms ? 0 : -1;
    for (int i = 0; i < (round < ALL_REFERENCES ? DS_REFERENCES : 1) && rc == 0; i++)
        rc = visit_next_reference(s, ms, err);
    free(ms);
    return rc;
}

/* The median of runs of a tenth of a second; one, where it takes longer. */
static int run_group(const struct session *s, double *median, struct ds_error *err)
{
    double ms[SETTLE_RUNS], sum = 0;
    bool disturbed;
    int n = 0;
    while (n < SETTLE_RUNS && sum < SETTLE_MS) {
        if (timed_run(s, s->reference->model[DS_REFERENCES - 1], &ms[n], NULL, &disturbed, err))
            return -1;
        sum += ms[n++];
    }
    ds_sort(ms, (size_t)n);
    *median = ds_quantile(ms, (size_t)n, 0.5);
    return 0;
}

static int settle(const struct session *s, struct ds_error *err)
{
    struct ds_reference *r = s->reference;
    double last[SETTLE_GROUPS];
    r->settled = false;
    if (s->engine->run(r->model[DS_REFERENCES - 1], NULL,
                       err)) /* the first compiles what is not compiled yet */
        return -1;
    double before = now(s);
    for (int n = 0; !r->settled && now(s) - before < 1e3 * s->o->settle; n++) {
        if (run_group(s, &last[n % SETTLE_GROUPS], err))
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

/* Keeps the device busy, as long as it takes to be as hot as it gets. */
static int sustain(const struct session *s, struct ds_error *err)
{
    double before = now(s);
    while (now(s) - before < 1e3 * s->o->sustained) {
        if (s->engine->run(s->reference->model[DS_REFERENCES - 1], NULL, err))
            return -1;
        if (ds_interrupted())
            return ds_fail(err, "interrupted");
    }
    s->spent->warm_up += now(s) - before;
    return 0;
}

/* ---- looks ---- */

/* The centres of the references, of their runs in the log without what is common. */
static int set_reference(struct session *s, struct ds_error *err)
{
    double *steady = ds_alloc(s->log.n, sizeof *steady, err);
    for (int which = 0; steady && which < DS_REFERENCES; which++) {
        size_t n = 0;
        for (size_t i = 0; i < s->log.n; i++)
            if (s->log.run[i].network == s->n + which)
                steady[n++] = exp(s->log.run[i].log_ms - s->common[i]);
        ds_sort(steady, n);
        s->reference->centre[which] = n ? ds_centre(steady, n) : NAN;
    }
    free(steady);
    return steady ? 0 : -1;
}

/* Takes what is common to the networks at a time out of all runs. */
static int steady(struct session *s, struct ds_error *err)
{
    if (ds_grow(&s->common, &s->common_room, s->log.n, sizeof *s->common, err) ||
        ds_common_estimate(&s->log, s->n + DS_REFERENCES, s->common, err) < 0)
        return -1;
    int *at = ds_alloc((size_t)s->n, sizeof *at, err);
    if (!at)
        return -1;
    for (size_t i = 0; i < s->log.n; i++) {
        const struct ds_run *run = &s->log.run[i];
        if (run->network < s->n)
            s->timing[run->network].steady_ms[at[run->network]++] = exp(run->log_ms - s->common[i]);
    }
    free(at);
    return 0;
}

/* The interval, from the steady runs as they are now; whether they are enough for 95%. */
static bool set_interval(struct ds_timing *t, double *sorted)
{
    size_t n = (size_t)t->runs;
    int64_t rank = ds_look_rank(t->runs);
    uint64_t least = rank ? (uint64_t)rank : 1, means = (uint64_t)n * (n + 1) / 2;
    memcpy(sorted, t->steady_ms, n * sizeof *sorted);
    ds_sort(sorted, n);
    t->lo = ds_mean_of_two(sorted, n, least);
    t->hi = ds_mean_of_two(sorted, n, means + 1 - least);
    t->width = (t->hi - t->lo) / ds_centre(sorted, n);
    return rank > 0;
}

/* Looks at a network that has come to a planned number of runs; whether it is finished. */
static bool look(const struct session *s, struct ds_timing *t, double *sorted)
{
    bool enough = set_interval(t, sorted), last = t->runs >= t->most_runs;
    t->next_look = ds_next_look(t->runs, t->most_runs);
    t->converged = enough && t->width <= s->o->precision / sqrt(t->weight);
    t->known = enough || last;
    return t->converged || last;
}

/* How much of a network's work is behind it, if its interval does not end it early. */
static double share_done(const struct ds_timing *t)
{
    return (double)t->runs / t->most_runs;
}

/* Looks at those that have come to a planned look, all together; keeps what goes on in order[]. */
static int look_at_round(struct session *s, uint32_t *order, uint32_t *left,
                         void (*advance)(void *, double), void *arg, struct ds_error *err)
{
    double *sorted = NULL;
    size_t room = 0;
    uint32_t kept = 0;
    bool fresh = false;
    int rc = 0;
    for (uint32_t i = 0; i < *left && rc == 0; i++) {
        struct ds_timing *t = &s->timing[order[i]];
        bool done = false;
        if (t->runs >= t->next_look) {
            rc = fresh ? 0 : steady(s, err);
            fresh = true;
            if (rc == 0)
                rc = ds_grow(&sorted, &room, (size_t)t->runs, sizeof *sorted, err);
            done = rc == 0 && look(s, t, sorted);
        }
        if (!done)
            order[kept++] = order[i];
        else
            advance(arg, 1 - share_done(t));
    }
    free(sorted);
    *left = kept;
    return rc;
}

/* The visits of a round: each network as often as its weight says, in a new order. */
static size_t plan_round(const struct session *s, const uint32_t *order, uint32_t left,
                         uint64_t round, uint32_t *visits)
{
    struct ds_random r;
    uint32_t n = 0;
    for (uint32_t i = 0; i < left; i++)
        for (int v = 0; v < s->timing[order[i]].weight; v++)
            visits[n++] = order[i];
    ds_random_init(&r, s->o->seed, round, DS_DRAW_ORDER);
    ds_random_shuffle(&r, visits, n);
    return n;
}

static int measure_round(struct session *s, uint64_t round, const uint32_t *visits, size_t n,
                         void (*advance)(void *, double), void *arg, struct ds_error *err)
{
    if (s->reference && visit_references(s, round, err))
        return -1;
    for (size_t i = 0; i < n; i++) {
        struct ds_timing *t = &s->timing[visits[i]];
        double before = share_done(t);
        if (visit(s, (int)visits[i], err))
            return -1;
        if (ds_interrupted())
            return ds_fail(err, "interrupted");
        advance(arg, share_done(t) - before);
    }
    return 0;
}

static int measure(struct session *s, uint32_t *order, uint32_t *visits,
                   void (*advance)(void *, double), void *arg, struct ds_error *err)
{
    uint32_t left = (uint32_t)s->n;
    int rc = 0;
    for (uint32_t i = 0; i < left; i++)
        order[i] = i;
    if (s->reference && s->o->settle > 0)
        rc = settle(s, err);
    if (rc == 0 && s->reference && s->o->sustained > 0)
        rc = sustain(s, err);
    for (uint64_t round = 0; left && rc == 0; round++) {
        size_t n = plan_round(s, order, left, round, visits);
        rc = measure_round(s, round, visits, n, advance, arg, err);
        if (rc == 0)
            rc = look_at_round(s, order, &left, advance, arg, err);
    }
    return rc;
}

/* Takes out of the times of modules what was taken out of their runs. */
static void steady_modules(struct ds_timing *t)
{
    for (int i = 0; i < t->runs; i++)
        for (int m = 0; m < t->nmodules; m++)
            t->module_ms[m * t->most_runs + i] *= t->steady_ms[i] / t->ms[i];
}

/*
 * At the end, however it came: what is common is known best now, and all intervals are told while
 * the machine was as it was in the middle of all runs.
 */
static int conclude(struct session *s, struct ds_error *err)
{
    double *sorted = ds_alloc(s->log.n, sizeof *sorted, err);
    int rc = sorted ? 0 : -1;
    if (rc == 0 && s->log.n)
        rc = steady(s, err);
    if (rc == 0 && s->log.n && s->reference)
        rc = set_reference(s, err);
    for (int i = 0; i < s->n && rc == 0; i++) {
        struct ds_timing *t = &s->timing[i];
        if (t->known)
            set_interval(t, sorted);
        if (t->module_ms)
            steady_modules(t);
    }
    for (int i = 0; i < s->n && rc; i++)
        s->timing[i].known = false;
    free(sorted);
    return rc;
}

int ds_measure(const struct ds_engine *engine, struct ds_timing *timing, int n,
               struct ds_reference *reference, const struct ds_measure_options *o,
               struct ds_spent *spent, void (*advance)(void *, double), void *arg,
               struct ds_error *err)
{
    struct session s = {
        .engine = engine, .o = o, .timing = timing, .n = n, .reference = reference, .spent = spent};
    size_t most_modules = 1, weights = 0;
    for (int i = 0; i < n; i++) {
        most_modules =
            (size_t)timing[i].nmodules > most_modules ? (size_t)timing[i].nmodules : most_modules;
        weights += (size_t)timing[i].weight;
    }
    uint32_t *order = ds_alloc((size_t)n, sizeof *order, err);
    uint32_t *visits = ds_alloc(weights, sizeof *visits, err);
    s.module_ms = ds_alloc(most_modules, sizeof *s.module_ms, err);
    bool room = order && visits && s.module_ms;
    int rc = room ? measure(&s, order, visits, advance, arg, err) : -1;
    struct ds_error second;
    int concluded = room ? conclude(&s, rc ? &second : err) : -1;
    rc = rc ? rc : concluded;
    ds_run_log_free(&s.log);
    free(s.common);
    free(s.module_ms);
    free(order);
    free(visits);
    return rc;
}

double ds_reference_drift(const struct ds_reference *r)
{
    size_t half = (size_t)r->rounds / 2;
    double *ms = half ? ds_alloc((size_t)r->rounds, sizeof *ms, NULL) : NULL;
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
    struct ds_latency l = {.lo = t->lo, .hi = t->hi};
    size_t n = (size_t)t->runs;
    ds_sort(t->ms, n);
    ds_sort(t->steady_ms, n);
    l.centre = ds_centre(t->steady_ms, n);
    l.min = t->ms[0];
    l.p90 = ds_quantile(t->ms, n, 0.9);
    return l;
}

void ds_latency_widen(struct ds_latency *l, double between)
{
    double more = ds_normal_z(DS_LEVEL) * between * l->centre;
    l->lo = l->centre - hypot(l->centre - l->lo, more);
    l->hi = l->centre + hypot(l->hi - l->centre, more);
}

struct ds_latency ds_runs_latency(double *ms, size_t n)
{
    struct ds_latency l;
    ds_sort(ms, n);
    l.centre = ds_quantile(ms, n, 0.5);
    l.min = ms[0];
    l.p90 = ds_quantile(ms, n, 0.9);
    ds_median_interval(ms, n, DS_LEVEL, &l.lo, &l.hi);
    return l;
}

double ds_timing_device(struct ds_timing *t)
{
    ds_sort(t->device_ms, (size_t)t->runs);
    return ds_quantile(t->device_ms, (size_t)t->runs, 0.5);
}

double ds_timing_module(struct ds_timing *t, int module)
{
    double *ms = &t->module_ms[module * t->most_runs];
    ds_sort(ms, (size_t)t->runs);
    return ds_quantile(ms, (size_t)t->runs, 0.5);
}

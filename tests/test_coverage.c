/*
 * Whether the interval of a latency holds what it should, by simulated measurements with a clock
 * that the test turns: noise of many kinds, each with several precisions and numbers of runs.
 */
#include "base/random.h"
#include "base/stats.h"
#include "measure/rounds.h"
#include "tap.h"

#include <math.h>
#include <stdlib.h>

#define NETWORKS 25
#ifdef __SANITIZE_ADDRESS__
#define INTERVALS 200
#else
#define INTERVALS 2000
#endif

struct ds_model {
    double ms;
};

/* A machine: what its runs suffer from. All are shares, times in ms. */
static struct machine {
    double noise;       /* of every run by itself */
    double tail;        /* chance of a run that takes a fifth longer or more */
    double wander;      /* deviation of what is common to all, autocorrelated ... */
    double memory;      /* ... over this time */
    double burst;       /* how much slower while a neighbour works ... */
    double burst_every; /* ... on average so often, for a third of a second */
    double drift;       /* slower by the end of a minute */
} machine;

static double clock_ms, common, burst_until;
static struct ds_random random_numbers;

static double uniform(void)
{
    return (ds_random_u32(&random_numbers) + 0.5) * 0x1p-32;
}

static double normal(void)
{
    return sqrt(-2 * log(uniform())) * cos(2 * M_PI * uniform());
}

/* What is common to all runs now, some time after it was asked last. */
static double common_after(double ms)
{
    double keep = machine.memory > 0 ? exp(-ms / machine.memory) : 0;
    common = keep * common + sqrt(1 - keep * keep) * machine.wander * normal();
    if (machine.burst_every > 0 && uniform() < ms / machine.burst_every)
        burst_until = clock_ms + 333;
    return common + (clock_ms < burst_until ? machine.burst : 0) + machine.drift * clock_ms / 60e3;
}

static int run(struct ds_model *model, double *module_ms, struct ds_error *err)
{
    (void)module_ms;
    (void)err;
    double slower = machine.noise * normal() + common_after(model->ms);
    if (uniform() < machine.tail)
        slower += 0.2 * (1 - log(uniform()));
    clock_ms += model->ms * exp(slower);
    return 0;
}

static double now_ms(void)
{
    return clock_ms;
}

static void advance(void *arg, double share)
{
    (void)arg;
    (void)share;
}

static const struct ds_engine engine = {.name = "simulated", .run = run};

/* How often intervals held the true median, and what was done for it. */
struct tally {
    int n, held, held_relative, converged;
    double runs, error; /* sums */
};

static void measure_once(const struct ds_measure_options *o, struct tally *tally)
{
    struct ds_model model[NETWORKS + DS_REFERENCES];
    struct ds_timing timing[NETWORKS];
    struct ds_reference reference = {0};
    struct ds_error err;
    struct ds_spent spent = {0};
    double off[NETWORKS];
    for (int i = 0; i < NETWORKS + DS_REFERENCES; i++)
        model[i].ms = 4 + i;
    for (int i = 0; i < DS_REFERENCES; i++)
        reference.model[i] = &model[NETWORKS + i];
    for (int i = 0; i < NETWORKS; i++)
        if (ds_timing_init(&timing[i], &engine, &model[i], 0, 1, o, &err))
            abort();
    clock_ms = common = burst_until = 0;
    if (ds_measure(&engine, timing, NETWORKS, &reference, o, &spent, advance, NULL, &err))
        abort();
    for (int i = 0; i < NETWORKS; i++)
        off[i] = log(ds_timing_latency(&timing[i]).centre / model[i].ms);
    double sorted[NETWORKS], scale;
    for (int i = 0; i < NETWORKS; i++)
        sorted[i] = off[i];
    ds_sort(sorted, NETWORKS);
    scale = ds_quantile(sorted, NETWORKS, 0.5);
    for (int i = 0; i < NETWORKS; i++) {
        struct ds_latency l = ds_timing_latency(&timing[i]);
        double relative = model[i].ms * exp(scale);
        tally->n++;
        tally->held += l.lo <= model[i].ms && model[i].ms <= l.hi;
        tally->held_relative += l.lo <= relative && relative <= l.hi;
        tally->converged += timing[i].converged;
        tally->runs += timing[i].runs;
        tally->error += (off[i] - scale) * (off[i] - scale);
        ds_timing_free(&timing[i]);
    }
    free(reference.ms);
}

static struct tally simulate(struct machine m, double precision, int max_runs)
{
    struct tally tally = {0};
    struct ds_measure_options o = {
        .precision = precision, .max_runs = max_runs, .warmup = 1, .burst = 1, .now_ms = now_ms};
    machine = m;
    ds_random_init(&random_numbers, 1, 0, 0);
    for (o.seed = 1; tally.n < INTERVALS; o.seed++)
        measure_once(&o, &tally);
    return tally;
}

int main(void)
{
    static const struct {
        const char *name;
        struct machine m;
    } machines[] = {
        {"independent, 0.3%", {.noise = 0.003}},
        {"independent, 1%", {.noise = 0.01}},
        {"independent, 3%", {.noise = 0.03}},
        {"independent, 10%", {.noise = 0.1}},
        {"1% with a tail", {.noise = 0.01, .tail = 0.1}},
        {"1% and 3% in common over 0.1 s", {.noise = 0.01, .wander = 0.03, .memory = 100}},
        {"1% and 3% in common over 1 s", {.noise = 0.01, .wander = 0.03, .memory = 1000}},
        {"1% and 5% in common over 10 s", {.noise = 0.01, .wander = 0.05, .memory = 1e4}},
        {"1% and bursts of 15%", {.noise = 0.01, .burst = 0.15, .burst_every = 2000}},
        {"1% and a drift of 10% a minute", {.noise = 0.01, .drift = 0.1}},
    };
    static const struct {
        double precision;
        int max_runs;
    } limits[] = {{0.01, 50}, {0.01, 10}, {0.03, 50}, {0.01, 400}};
    for (size_t i = 0; i < sizeof machines / sizeof *machines; i++)
        for (size_t j = 0; j < sizeof limits / sizeof *limits; j++) {
            if (limits[j].max_runs * machines[i].m.noise > 5) /* takes long, and ends as with 50 */
                continue;
            struct tally t = simulate(machines[i].m, limits[j].precision, limits[j].max_runs);
            double held = t.held_relative / (double)t.n;
            CHECK(held >= 0.95 - 2.6 * sqrt(0.95 * 0.05 / t.n),
                  "%s; %g%%, at most %d runs: %.1f%% hold (%.1f%% absolute), "
                  "%.0f%% converge, %.1f runs, error %.2f%%",
                  machines[i].name, 100 * limits[j].precision, limits[j].max_runs, 100 * held,
                  100.0 * t.held / t.n, 100.0 * t.converged / t.n, t.runs / t.n,
                  100 * sqrt(t.error / t.n));
        }
    return TAP_END();
}

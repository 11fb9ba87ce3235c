/* The measuring harness, on a made-up engine that notes what it is asked to run. */
#include "base/interrupt.h"
#include "measure/rounds.h"
#include "tap.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MODELS 5
#define MOST 4000

struct ds_model {
    int number;
};

static int ran[MOST], runs, fail_at, interrupt_at = -1;
static double finished; /* networks */

static int run(struct ds_model *model, double *module_ms, struct ds_error *err)
{
    struct timespec while_running = {.tv_nsec = 1000};
    if (runs == fail_at || runs >= MOST)
        return ds_fail(err, "made-up engine: broke down");
    if (runs == interrupt_at)
        raise(SIGTERM);
    ran[runs++] = model->number;
    nanosleep(&while_running, NULL);
    for (int i = 0; i < 2 && module_ms; i++)
        module_ms[i] = model->number + i;
    return 0;
}

/* By its clock, runs take the number of the model and a little more each time. */
static double device_ms(const struct ds_model *model)
{
    return model->number + 1e-6 * runs;
}

static const struct ds_engine engine = {.name = "made-up", .run = run, .device_ms = device_ms};

static void advance(void *arg, double share)
{
    (void)arg;
    finished += share;
}

struct setting {
    struct ds_model model[MODELS + DS_REFERENCES];
    struct ds_timing timing[MODELS];
    struct ds_reference reference;
    struct ds_spent spent;
};

static int measure(struct setting *s, const struct ds_measure_options *o, int fail,
                   struct ds_error *err)
{
    *s = (struct setting){0};
    runs = 0;
    finished = 0;
    fail_at = fail;
    for (int i = 0; i < MODELS + DS_REFERENCES; i++)
        s->model[i].number = i;
    for (int i = 0; i < MODELS; i++)
        if (ds_timing_init(&s->timing[i], &engine, &s->model[i], 2, 1, o, err))
            abort();
    for (int i = 0; i < DS_REFERENCES; i++)
        s->reference.model[i] = &s->model[MODELS + i];
    return ds_measure(&engine, s->timing, MODELS, &s->reference, o, &s->spent, advance, NULL, err);
}

static void release(struct setting *s)
{
    for (int i = 0; i < MODELS; i++)
        ds_timing_free(&s->timing[i]);
    free(s->reference.ms);
}

/* After 50 rounds the references, which are known well then, take turns. */
static void many_rounds(void)
{
    struct ds_measure_options o = {.precision = 1e-12, .max_runs = 58, .burst = 1, .seed = 1};
    struct setting s;
    struct ds_error err = {""};
    int rc = measure(&s, &o, -1, &err), last = MODELS + 1;
    CHECK(rc == 0 && runs == 50 * (MODELS + DS_REFERENCES) + 8 * last && s.reference.rounds == 52,
          "50 rounds of all references, 8 of one: %d runs, %d times all had a turn %s", runs,
          s.reference.rounds, err.text);
    bool turns = true;
    for (int r = 0; r < 8; r++)
        turns = turns && ran[runs - (8 - r) * last] == MODELS + r % DS_REFERENCES;
    CHECK(turns, "one after the other, at the beginning of a round");
    release(&s);
}

/* A precision out of reach: every network gets all its runs, in rounds. */
static void rounds(void)
{
    struct ds_measure_options o = {
        .precision = 1e-12, .max_runs = 20, .warmup = 2, .burst = 5, .seed = 1};
    struct setting s;
    struct ds_error err = {""};
    int rc = measure(&s, &o, -1, &err), visit = o.warmup + o.burst, all = MODELS + DS_REFERENCES,
        round = visit * all;
    CHECK(rc == 0 && runs == 4 * round, "20 runs in bursts of 5 are 4 rounds: %d %s", runs,
          err.text);
    CHECK(fabs(finished - MODELS) < 1e-9 && s.reference.rounds == 4,
          "all finish (%g); the references in each round (%d)", finished, s.reference.rounds);

    bool once = true, solid = true, reference = true, shuffled = false;
    for (int r = 0; r < 4 && runs == 4 * round; r++) {
        int visits[MODELS + DS_REFERENCES] = {0};
        for (int v = 0; v < all; v++) {
            const int *at = &ran[r * round + v * visit];
            visits[*at]++;
            reference = reference && (v < DS_REFERENCES ? *at == MODELS + v : *at < MODELS);
            shuffled = shuffled || *at != ran[v * visit];
            for (int i = 1; i < visit; i++)
                solid = solid && at[i] == *at;
        }
        for (int i = 0; i < all; i++)
            once = once && visits[i] == 1;
    }
    CHECK(once && solid, "a round visits each network once, warm-up and burst together");
    CHECK(reference && shuffled, "the references first, the others in a new order");

    bool counted = true, converged = false;
    for (int i = 0; i < MODELS; i++) {
        counted = counted && s.timing[i].runs == 20;
        converged = converged || s.timing[i].converged;
    }
    CHECK(counted && !converged, "the runs used up: not converged");
    struct ds_latency l = ds_timing_latency(&s.timing[0]);
    CHECK(l.min > 0 && l.min <= l.p90 && l.lo > 0 && l.lo <= l.centre && l.centre <= l.hi,
          "lo, centre and hi in order, min and p90");

    struct ds_latency wide = {.centre = 100, .lo = 97, .hi = 104};
    ds_latency_widen(&wide, 0.04 / 1.959963985);
    CHECK(fabs(wide.lo - 95) < 1e-6 && fabs(wide.hi - (100 + sqrt(32))) < 1e-6,
          "an interval widened by squares: %g to %g", wide.lo, wide.hi);

    int first[MOST], n = runs;
    memcpy(first, ran, sizeof ran);
    release(&s);
    measure(&s, &o, -1, &err);
    CHECK(runs == n && memcmp(first, ran, (size_t)n * sizeof *ran) == 0, "a seed gives an order");
    release(&s);
    o.seed = 2;
    measure(&s, &o, -1, &err);
    CHECK(runs == n && memcmp(first, ran, (size_t)n * sizeof *ran) != 0, "another seed, another");
    release(&s);
}

/* So wide a precision is had, on however loaded a machine, as soon as there is an interval: 6 runs,
 * so two visits of 5. */
static void early(void)
{
    struct ds_measure_options o = {.precision = 1e9, .max_runs = 50, .burst = 5, .per_block = true};
    struct setting s;
    struct ds_error err = {""};
    int rc = measure(&s, &o, -1, &err);
    bool enough = rc == 0;
    for (int i = 0; i < MODELS; i++)
        enough = enough && s.timing[i].converged && s.timing[i].runs == 10;
    CHECK(enough, "measuring ends when the interval is narrow enough %s", err.text);
    double module0 = ds_timing_module(&s.timing[3], 0), module1 = ds_timing_module(&s.timing[3], 1);
    CHECK(fabs(3 * module1 - 4 * module0) < 1e-9 && module0 > 1 && module0 < 9,
          "the medians of the modules, of steady runs: %g, %g", module0, module1);
    CHECK(fabs(ds_timing_device(&s.timing[3]) - 3) < 0.01 &&
              s.timing[3].device_ms[9] > s.timing[3].device_ms[0],
          "the median of the device's own times");
    release(&s);
}

/* A thousandth of a second has no three groups of runs: the device has not settled. */
static void settling(void)
{
    struct ds_measure_options o = {
        .precision = 100, .max_runs = 6, .warmup = 1, .burst = 6, .settle = 0.001};
    struct setting s;
    struct ds_error err = {""};
    int rc = measure(&s, &o, -1, &err), before = 0;
    while (before < runs && ran[before] == MODELS + DS_REFERENCES - 1)
        before++;
    CHECK(rc == 0 && !s.reference.settled && before > 1 &&
              runs == before + 7 * (MODELS + DS_REFERENCES),
          "the largest reference runs %d times before the first round %s", before, err.text);
    release(&s);
    rc = measure(&s, &o, 3, &err);
    CHECK(rc == -1 && strstr(err.text, "broke down"), "settling fails: %s", err.text);
    release(&s);
}

static void drift(void)
{
    double ms[] = {3, 1, 2, 9, 6, 6, 3};
    struct ds_reference r = {.ms = ms};
    CHECK(isnan(ds_reference_drift(&r)), "drift of no rounds is not known");
    r.rounds = 1;
    CHECK(isnan(ds_reference_drift(&r)), "nor of one");
    r.rounds = 2;
    CHECK(fabs(ds_reference_drift(&r) - (1.0 / 3 - 1)) < 1e-12, "drift of two rounds");
    r.rounds = 7;
    CHECK(fabs(ds_reference_drift(&r) - (6.0 / 2 - 1)) < 1e-12 && ms[0] == 3,
          "drift by the medians of halves, the middle round left out");
}

static void failures(void)
{
    struct ds_measure_options o = {.precision = 0.01, .max_runs = 10, .warmup = 1, .burst = 5};
    struct setting s;
    struct ds_error err = {""};
    int at[] = {0, 3, 6, 9};
    for (int i = 0; i < 4; i++) {
        int rc = measure(&s, &o, at[i], &err);
        CHECK(rc == -1 && strstr(err.text, "broke down"), "run %d fails: %s", at[i], err.text);
        release(&s);
    }

    /* after the fourth round of two runs all have been looked at */
    o = (struct ds_measure_options){.precision = 1e-12, .max_runs = 50, .burst = 2};
    for (int round = 2; round < 5; round++) {
        int known = 0;
        int rc = measure(&s, &o, 2 * (MODELS + DS_REFERENCES) * round + 6, &err);
        for (int i = 0; i < MODELS; i++)
            known += s.timing[i].known && s.timing[i].runs >= 8 && !s.timing[i].converged;
        CHECK(rc == -1 && known == (round < 4 ? 0 : MODELS),
              "a fault in round %d: %d networks are known well enough", round + 1, known);
        release(&s);
    }
}

/* An interrupt in the middle of a round ends measuring, and is not lost. */
static void interrupts(void)
{
    struct ds_measure_options o = {.precision = 1e-12, .max_runs = 600, .burst = 1};
    struct setting s;
    struct ds_error err;
    signal(SIGTERM, SIG_DFL);
    ds_interrupt_hold();
    interrupt_at = 100;
    int rc = measure(&s, &o, -1, &err), known = 0;
    for (int i = 0; i < MODELS; i++)
        known += s.timing[i].known;
    CHECK(rc == -1 && runs == 101 && known == MODELS && strcmp(err.text, "interrupted") == 0,
          "interrupted in run %d: %s", runs, err.text);
    CHECK(ds_interrupted(), "the interrupt is held back");
    signal(SIGTERM, SIG_IGN); /* stands for what would end the tool */
    release(&s);
    interrupt_at = -1;
}

int main(void)
{
    rounds();
    many_rounds();
    early();
    settling();
    drift();
    failures();
    interrupts();
    return TAP_END();
}

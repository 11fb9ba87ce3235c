#include "meter.h"

#include "base/interrupt.h"
#include "claim.h"
#include "measure/machine.h"
#include "progress.h"

/* A bar that moves while a window is measured: it counts parts of records. */
struct bar {
    struct progress progress;
    const struct ds_reader *in;
    double part; /* of a record, measured but not yet counted */
};

static void advance(void *arg, double records)
{
    struct bar *bar = arg;
    bar->part += records;
    uint64_t whole = (uint64_t)(bar->part + 1e-6);
    bar->part -= (double)whole;
    bar->progress.total = ds_reader_total(bar->in);
    progress_add(&bar->progress, whole);
}

const char *meter_stray(const struct meter_choice *c)
{
    return c->sustained > 0 ? "--sustained" : c->per_block ? "--per-block" : NULL;
}

void meter_choose(struct ds_window_options *o, const struct meter_choice *c, uint64_t seed)
{
    o->setup.batch = (int)c->batch;
    o->setup.seed = o->measure.seed = seed;
    o->measure.precision = c->precision / 100;
    o->measure.max_runs = (int)c->max_runs;
    o->measure.warmup = (int)c->warmup;
    o->measure.burst = (int)c->burst;
    o->measure.sustained = c->sustained;
    o->measure.per_block = c->per_block;
    o->size = (size_t)c->window;
}

/* Ends the tool after a fault, or, when it was interrupted, as that would have ended it. */
_Noreturn static void give_up(struct ds_window *window, struct ds_filter *f,
                              const struct ds_error *err)
{
    if (ds_interrupted() && !ds_writer_broken(f->out)) {
        cli_say("interrupted: %llu records are measured and passed on",
                (unsigned long long)ds_window_written(window));
        ds_interrupt_release();
    }
    cli_fail(f->out, err);
}

/* While a window is measured, an interrupt waits until what is known has been written. */
static int measure_all(struct ds_window *window, struct ds_filter *f, struct ds_error *err)
{
    struct ds_record *rec;
    int rc;
    while ((rc = ds_reader_next(f->in, &rec, err)) > 0) {
        ds_interrupt_hold();
        if (ds_window_add(window, rec, err))
            give_up(window, f, err);
        ds_interrupt_release();
    }
    struct ds_error second;
    ds_interrupt_hold();
    if (ds_window_end(window, &second))
        give_up(window, f, &second);
    ds_interrupt_release();
    return rc;
}

/* Where the time went. */
static void say_spent(const struct ds_window *window)
{
    struct ds_window_spent s = ds_window_spent(window);
    double all = s.load + s.measure.warm_up + s.measure.timed;
    if (all > 0)
        cli_say("%llu networks in %.3g s: %.0f%% loading, %.0f%% warming up, %.0f%% timed runs, of "
                "which %d were disturbed by others and made again",
                (unsigned long long)s.networks, all / 1e3, 100 * s.load / all,
                100 * s.measure.warm_up / all, 100 * s.measure.timed / all, s.measure.disturbed);
}

int meter_run(struct cli *cli, const struct ds_window_options *options)
{
    struct ds_filter f;
    struct bar bar = {0};
    struct ds_error err;
    struct ds_window_options o = *options;
    struct ds_machine machine;
    cli_filter(cli, &f);
    ds_machine_look(&machine);
    f.made.machine = machine.fact;
    f.made.nfacts = machine.n;
    bar.in = f.in;
    o.replace = claim_replaces;
    o.advance = advance;
    o.advance_arg = &bar;
    struct ds_window *window = ds_window_open(&o, &f, &err);
    if (!window)
        cli_fail(f.out, &err);
    progress_begin(&bar.progress, cli->progress, 0);
    if (measure_all(window, &f, &err))
        cli_fail(f.out, &err);
    progress_end(&bar.progress);
    if (cli->progress)
        say_spent(window);
    double width;
    uint64_t unsettled = ds_window_unsettled(window, &width);
    if (unsettled)
        cli_warn(
            "%llu of %llu latencies are not known to the %g%% of --precision, but to %.2g%% (the "
            "mean width of their 95%% intervals): a quieter machine or more than %d runs "
            "(--max-runs) narrow them; 'converged' is false on their records",
            (unsigned long long)unsettled, (unsigned long long)ds_window_written(window),
            100 * o.measure.precision, 100 * width, o.measure.max_runs);
    ds_window_free(window);
    return cli_filter_close(&f);
}

#include "meter.h"

#include "base/id_map.h"
#include "network/build.h"
#include "progress.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_WINDOWS                                                                               \
    8 /* so many times the window may grow, to keep a base and its copies together */

/* A record waiting for its number, and where its block came from. */
struct waiting {
    char *packed;
    size_t size;
    const struct ds_space *space;
    int timing; /* which network of the window */
    int origin; /* which provenance */
    uint64_t block;
};

/* The provenance of a run of input blocks. */
struct origin {
    void *data;
    size_t size;
};

struct meter {
    const struct meter_options *o;
    struct ds_session *session;

    struct ds_filter f;
    uint64_t block_written;
    struct origin *origin;
    int norigins;

    int most;                /* records in a window: see is_full */
    struct waiting *waiting; /* [most] */
    int nwaiting;
    struct ds_timing *timing; /* [most]: each architecture once */
    struct ds_net *net;       /* [most]: for the names of the modules */
    int ntimings;
    struct ds_id_map ids;

    const struct ds_space *reference_space;
    struct ds_reference reference;
    double drift; /* of the reference in this window */
    struct progress progress;
    double part; /* of a record, measured but not yet counted */
    uint64_t unsettled;
};

_Noreturn static void give_up(struct meter *m, struct ds_error *err)
{
    cli_fail(m->f.out, err);
}

_Noreturn static void no_memory(void)
{
    cli_die(CLI_FAILED, "out of memory");
}

/* ---- a window of records ---- */

static struct ds_model *load(struct meter *m, const struct ds_space *space, const uint8_t *choice,
                             struct ds_net *net)
{
    struct ds_error err;
    struct ds_model *model = NULL;
    if (ds_net_build(space, choice, net, &err) == 0)
        model = m->o->engine->load(m->session, net, &err);
    if (!model) {
        ds_fail_in(&err, "%s", ds_reader_where(m->f.in));
        give_up(m, &err);
    }
    return model;
}

/* The first choice at every site: the same network however the sample falls. */
static void load_reference(struct meter *m, const struct ds_space *space)
{
    uint8_t choice[DS_MAX_SITES] = {0};
    struct ds_net net = {0};
    struct ds_error err;
    if (m->reference_space == space)
        return;
    if (m->reference.model)
        m->o->engine->unload(m->reference.model);
    free(m->reference.ms);
    m->reference = (struct ds_reference){0};
    if (ds_arch_canon(space, choice, &err))
        give_up(m, &err);
    m->reference.model = load(m, space, choice, &net);
    m->reference_space = space;
    ds_net_free(&net);
}

/* Keeps the record; gives its architecture a place among the networks, unless it has one. */
static void take(struct meter *m, const struct ds_record *rec)
{
    struct ds_error err;
    msgpack_sbuffer packed;
    msgpack_sbuffer_init(&packed);
    if (!rec->has_arch)
        cli_die(CLI_FAILED, "%s: no architecture; is this an aggregated stream?",
                ds_reader_where(m->f.in));
    load_reference(m, rec->space);
    if (ds_record_pack(rec, &packed, &err))
        give_up(m, &err);

    int64_t known = ds_id_map_find(&m->ids, rec->id);
    if (known < 0) {
        known = m->ntimings++;
        struct ds_net *net = &m->net[known];
        struct ds_model *model = load(m, rec->space, rec->choice, net);
        if (ds_timing_init(&m->timing[known], m->o->engine, model, net->nmodules, &m->o->measure,
                           &err) ||
            ds_id_map_add(&m->ids, rec->id, (uint32_t)known) < 0)
            no_memory();
    }
    struct waiting *w = &m->waiting[m->nwaiting++];
    w->size = packed.size;
    w->packed = msgpack_sbuffer_release(&packed);
    w->space = rec->space;
    w->timing = (int)known;
    w->origin = m->norigins - 1;
    w->block = ds_reader_block(m->f.in);
}

/* Remembers the provenance of the block that the reader is in. */
static void note_origin(struct meter *m)
{
    size_t size;
    const void *data = ds_reader_provenance(m->f.in, &size);
    struct origin *last = m->norigins ? &m->origin[m->norigins - 1] : NULL;
    if (last && last->size == size && memcmp(last->data, data, size) == 0)
        return;
    struct origin *more = realloc(m->origin, (size_t)(m->norigins + 1) * sizeof *more);
    if (!more)
        no_memory();
    m->origin = more;
    void *copy = malloc(size + 1);
    if (!copy)
        no_memory();
    m->origin[m->norigins++] = (struct origin){memcpy(copy, data, size), size};
}

/* ---- what is written ---- */

struct ds_metric *meter_set(struct ds_record *rec, const char *metric, struct ds_timing *t)
{
    struct ds_latency l = ds_timing_latency(t);
    struct ds_metric *m = ds_record_set(rec, metric, l.median);
    int bad = !m || ds_metric_num(rec, m, "min", l.min) || ds_metric_num(rec, m, "p90", l.p90) ||
              ds_metric_num(rec, m, "lo", l.lo) || ds_metric_num(rec, m, "hi", l.hi) ||
              ds_metric_int(rec, m, "runs", t->runs);
    return bad ? NULL : m;
}

/* The device, as the tool or the engine names it, and what only some devices have. */
static int describe_device(struct meter *m, struct ds_record *rec, struct ds_metric *metric,
                           struct ds_timing *t)
{
    const struct meter_options *o = m->o;
    const struct ds_device *d = o->engine->device ? o->engine->device(m->session) : NULL;
    return ds_metric_str(rec, metric, "device", o->device || !d ? o->device : d->name) ||
           (d && ds_metric_str(rec, metric, "driver", d->driver)) ||
           (t->device_ms && ds_metric_num(rec, metric, "device_ms", ds_timing_device(t))) ||
           (o->measure.settle > 0 &&
            ds_metric_bool(rec, metric, "settled", m->reference.settled)) ||
           (o->setup.threads && ds_metric_int(rec, metric, "threads", o->setup.threads));
}

static int describe(struct meter *m, struct ds_record *rec, int timing)
{
    const struct meter_options *o = m->o;
    struct ds_timing *t = &m->timing[timing];
    struct ds_metric *metric = meter_set(rec, o->metric, t);
    int bad = !metric || ds_metric_int(rec, metric, "warmup", o->measure.warmup) ||
              ds_metric_bool(rec, metric, "converged", t->converged) ||
              (isfinite(m->drift) && ds_metric_num(rec, metric, "drift", m->drift)) ||
              ds_metric_str(rec, metric, "engine", m->o->engine->version(m->session)) ||
              describe_device(m, rec, metric, t) ||
              ds_metric_str(rec, metric, "precision", "fp32") ||
              ds_metric_int(rec, metric, "batch", o->setup.batch) ||
              (o->pin && ds_metric_str(rec, metric, "pin", o->pin));
    if (!t->converged)
        m->unsettled++;
    return bad;
}

/* Adds the medians of the modules; `names` keeps their names until the record is written. */
static int describe_modules(struct meter *m, struct ds_record *rec, int timing, char (*names)[64])
{
    struct ds_timing *t = &m->timing[timing];
    for (int i = 0; i < t->nmodules && t->module_ms; i++) {
        char module[DS_MODULE_NAME];
        ds_module_name(m->reference_space, &m->net[timing], i, module, sizeof module);
        snprintf(names[i], sizeof names[i], "%s.%s", m->o->metric, module);
        if (!ds_record_set(rec, names[i], ds_timing_module(t, i, &m->o->measure)))
            return -1;
    }
    return 0;
}

/* Begins an output block where the records' input block began. */
static void begin_block(struct meter *m, const struct waiting *w)
{
    struct ds_error err;
    if (w->block == m->block_written)
        return;
    const struct origin *o = &m->origin[w->origin];
    m->f.made.total = ds_reader_total(m->f.in);
    if (ds_writer_begin(m->f.out, w->space, o->data, o->size, &m->f.made, &err))
        give_up(m, &err);
    m->block_written = w->block;
}

static void write_window(struct meter *m)
{
    struct ds_error err;
    struct ds_record rec;
    int most = 1;
    for (int i = 0; i < m->ntimings; i++)
        most = m->timing[i].nmodules > most ? m->timing[i].nmodules : most;
    char(*names)[64] = malloc(sizeof *names * (size_t)most);
    if (!names || ds_record_init(&rec, &err))
        no_memory();
    for (int i = 0; i < m->nwaiting; i++) {
        struct waiting *w = &m->waiting[i];
        size_t used;
        begin_block(m, w);
        if (ds_record_parse(&rec, w->space, w->packed, w->size, &used, &err))
            give_up(m, &err);
        if (describe(m, &rec, w->timing) || describe_modules(m, &rec, w->timing, names))
            no_memory();
        if (ds_writer_put(m->f.out, &rec, &err))
            give_up(m, &err);
        free(w->packed);
    }
    if (ds_writer_flush(m->f.out, &err))
        give_up(m, &err);
    ds_record_free(&rec);
    free(names);
}

/* Counts parts of records, so that the bar moves while a window is measured. */
static void advance(void *arg, double share)
{
    struct meter *m = arg;
    m->part += share;
    uint64_t whole = (uint64_t)(m->part + 1e-6);
    m->part -= (double)whole;
    m->progress.total = ds_reader_total(m->f.in);
    progress_add(&m->progress, whole);
}

/* Measures and writes what is waiting. */
static void finish_window(struct meter *m)
{
    struct ds_error err;
    if (ds_measure(m->o->engine, m->timing, m->ntimings, m->ntimings ? &m->reference : NULL,
                   &m->o->measure, advance, m, &err))
        give_up(m, &err);
    progress_add(&m->progress, (uint64_t)(m->nwaiting - m->ntimings));
    m->drift = ds_reference_drift(&m->reference);
    write_window(m);
    for (int i = 0; i < m->ntimings; i++) {
        m->o->engine->unload(m->timing[i].model);
        ds_timing_free(&m->timing[i]);
    }
    m->nwaiting = m->ntimings = 0;
    m->reference.rounds = 0;
    ds_id_map_free(&m->ids);
}

/*
 * A window that is full waits for the next base, so that what was affixed to a base is measured
 * together with it: an effect is a difference of the two, which must not have the drift in it.
 */
static bool is_full(const struct meter *m, const struct ds_record *rec)
{
    return m->nwaiting == m->most || (m->nwaiting >= m->o->window && rec->affix_site < 0);
}

static void measure_all(struct meter *m)
{
    struct ds_error err;
    struct ds_record *rec;
    size_t window = (size_t)(m->most = MOST_WINDOWS * m->o->window);
    m->waiting = calloc(window, sizeof *m->waiting);
    m->timing = calloc(window, sizeof *m->timing);
    m->net = calloc(window, sizeof *m->net);
    if (!m->waiting || !m->timing || !m->net)
        no_memory();

    int rc;
    while ((rc = ds_reader_next(m->f.in, &rec, &err)) > 0) {
        if (m->nwaiting && (rec->space != m->reference_space || is_full(m, rec)))
            finish_window(m);
        note_origin(m);
        take(m, rec);
    }
    finish_window(m);
    if (rc < 0)
        give_up(m, &err);
    if (m->block_written == 0) { /* an empty stream stays one */
        note_origin(m);
        begin_block(m, &(struct waiting){.space = ds_reader_space(m->f.in), .block = 1});
    }
}

static void free_meter(struct meter *m)
{
    for (int i = 0; i < m->most; i++)
        ds_net_free(&m->net[i]);
    for (int i = 0; i < m->norigins; i++)
        free(m->origin[i].data);
    free(m->origin);
    free(m->waiting);
    free(m->timing);
    free(m->net);
    if (m->reference.model)
        m->o->engine->unload(m->reference.model);
    free(m->reference.ms);
    m->o->engine->close(m->session);
}

void meter_choose(struct meter_options *o, const struct meter_choice *c, uint64_t seed)
{
    o->setup.batch = cli_small("--batch", c->batch, CLI_MOST_BATCH);
    o->setup.seed = o->measure.seed = seed;
    o->measure.precision = c->precision / 100;
    o->measure.max_runs = cli_small("--max-runs", c->max_runs, 1000000);
    o->measure.warmup = cli_small("--warmup", c->warmup, 1000);
    o->measure.burst = cli_small("--burst", c->burst, 1000);
    o->measure.per_block = c->per_block;
    o->window = cli_small("--window", c->window, 100000);
}

int meter_run(struct cli *cli, const struct meter_options *options)
{
    struct meter m = {.o = options};
    struct ds_error err;
    cli_filter(cli, &m.f);
    m.session = options->engine->open(&options->setup, &err);
    if (!m.session)
        give_up(&m, &err);
    progress_begin(&m.progress, cli->progress, 0);
    measure_all(&m);
    progress_end(&m.progress);
    if (m.unsettled)
        cli_warn("%llu records did not reach a precision of %g%% in %d runs ('converged' is false "
                 "on them)",
                 (unsigned long long)m.unsettled, 100 * options->measure.precision,
                 options->measure.max_runs);
    free_meter(&m);
    return cli_filter_close(&m.f);
}

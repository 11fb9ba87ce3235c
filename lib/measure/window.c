#include "measure/window.h"

#include "base/clock.h"
#include "base/grow.h"
#include "base/id_map.h"
#include "measure/latency.h"
#include "measure/narrow.h"
#include "network/build.h"
#include "stream/held.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* So many times its size a window may grow, to keep a base and its copies together. */
#define MOST_WINDOWS 8

struct ds_window {
    const struct ds_window_options *o;
    struct ds_session *session;
    struct ds_filter *f;
    uint64_t block_written; /* the input block whose output block is begun */

    int most;                 /* records that it can hold: see is_full */
    struct ds_held held;      /* records that wait for their number */
    int *which;               /* [most]: the timing of each */
    struct ds_timing *timing; /* [most]: each architecture once */
    struct ds_narrow *narrow; /* [most]: what its number format did to it */
    struct ds_net *net;       /* [most]: for the names of the modules */
    int ntimings;
    struct ds_id_map ids; /* of architectures, to timings */

    const struct ds_space *space; /* of the reference networks */
    struct ds_reference reference;
    double drift; /* of the reference in this window */
    uint64_t written, unsettled;
    double unsettled_width; /* sum of their intervals' shares of the median */
    struct ds_window_spent spent;
};

/* Builds a network with its weights and loads it; `narrow` is of its number format, unless f32. */
static int load_network(struct ds_window *w, const struct ds_space *space, const uint8_t *choice,
                        struct ds_net *net, struct ds_narrow *narrow, struct ds_error *err)
{
    const struct ds_window_options *o = w->o;
    struct ds_image_source images = {0};
    if (ds_net_build(space, choice, net, err) ||
        (o->give && o->give(o->give_arg, space, choice, net, &images, err)))
        return -1;
    if (o->setup.dtype != DS_DTYPE_F32)
        return ds_narrow_load(o->engine, w->session, &o->setup, net, images.n ? &images : NULL,
                              narrow, err);
    *narrow =
        (struct ds_narrow){.model = o->engine->load(w->session, net, err), .logits_error = NAN};
    return narrow->model ? 0 : -1;
}

static int load(struct ds_window *w, const struct ds_space *space, const uint8_t *choice,
                struct ds_net *net, struct ds_narrow *narrow, struct ds_error *err)
{
    double before = ds_now_ms();
    int rc = load_network(w, space, choice, net, narrow, err);
    ds_net_give(net, NULL);
    w->spent.load += ds_now_ms() - before;
    return rc ? ds_fail_in(err, "%s", ds_reader_where(w->f->in)) : 0;
}

static void forget_references(struct ds_window *w)
{
    for (int i = 0; i < DS_REFERENCES; i++)
        if (w->reference.model[i])
            w->o->engine->unload(w->reference.model[i]);
    free(w->reference.ms);
    w->reference = (struct ds_reference){0};
    w->space = NULL;
}

/* The first, the middle and the last choice at every site: the same however the sample falls. */
static int load_references(struct ds_window *w, const struct ds_space *space, struct ds_error *err)
{
    if (w->space == space)
        return 0;
    forget_references(w);
    for (int i = 0; i < DS_REFERENCES; i++) {
        uint8_t choice[DS_MAX_SITES];
        struct ds_net net = {0};
        for (int s = 0; s < space->nsites; s++)
            choice[s] = (uint8_t)((space->site[s].nchoices - 1) * i / (DS_REFERENCES - 1));
        if (ds_arch_canon(space, choice, err))
            return -1;
        struct ds_narrow narrow;
        int rc = load(w, space, choice, &net, &narrow, err);
        ds_net_free(&net);
        if (rc)
            return -1;
        w->reference.model[i] = narrow.model;
    }
    w->space = space;
    return 0;
}

/* The place of an architecture among the timings: a new one, unless it has one. -1 on failure. */
static int find_timing(struct ds_window *w, const struct ds_record *rec, struct ds_error *err)
{
    int64_t known = ds_id_map_find(&w->ids, rec->id);
    if (known >= 0)
        return (int)known;
    int i = w->ntimings;
    if (load(w, rec->space, rec->choice, &w->net[i], &w->narrow[i], err))
        return -1;
    struct ds_model *model = w->narrow[i].model;
    if (ds_id_map_add(&w->ids, rec->id, (uint32_t)i) < 0) {
        w->o->engine->unload(model);
        return ds_no_memory(err);
    }
    w->timing[i] = (struct ds_timing){.model = model};
    return w->ntimings++;
}

/* ---- what is written ---- */

static int describe(struct ds_window *w, struct ds_record *rec, int timing)
{
    const struct ds_window_options *o = w->o;
    struct ds_timing *t = &w->timing[timing];
    char scales[80];
    snprintf(scales, sizeof scales, "%zu %s images", w->narrow[timing].images,
             o->images ? o->images : "seeded");
    const struct ds_device *d = o->engine->device ? o->engine->device(w->session) : NULL;
    const struct ds_conditions c = {.engine = o->engine->version(w->session),
                                    .device = o->device || !d ? o->device : d->name,
                                    .driver = d ? d->driver : NULL,
                                    .precision = ds_dtype_precision(o->setup.dtype),
                                    .isa = o->engine->isa ? o->engine->isa(w->session) : NULL,
                                    .scales = w->narrow[timing].images ? scales : NULL,
                                    .logits_error = w->narrow[timing].logits_error,
                                    .weights = o->weights,
                                    .pin = o->pin,
                                    .warmup = o->measure.warmup,
                                    .batch = o->setup.batch,
                                    .threads = o->setup.threads,
                                    .drift = w->drift,
                                    .reference = w->reference.centre,
                                    .sustained = o->measure.sustained,
                                    .settles = o->measure.settle > 0,
                                    .settled = w->reference.settled};
    struct ds_latency l = ds_timing_latency(t);
    w->unsettled += !t->converged;
    w->unsettled_width += t->converged ? 0 : (l.hi - l.lo) / l.centre;
    ds_latency_widen(&l, DS_BETWEEN);
    struct ds_metric *metric = ds_latency_set(rec, o->metric, &l, (size_t)t->runs);
    return metric ? ds_latency_describe(rec, metric, t, &c) : -1;
}

/* Adds the medians of the modules; `names` keeps their names until the record is written. */
static int describe_modules(struct ds_window *w, struct ds_record *rec, int timing,
                            char (*names)[64])
{
    struct ds_timing *t = &w->timing[timing];
    for (int i = 0; i < t->nmodules && t->module_ms; i++) {
        char module[DS_MODULE_NAME];
        ds_module_name(w->space, &w->net[timing], i, module, sizeof module);
        snprintf(names[i], sizeof names[i], "%s.%s", w->o->metric, module);
        if (!ds_record_set(rec, names[i], ds_timing_module(t, i)))
            return -1;
    }
    return 0;
}

/* Begins an output block where the record's input block began. */
static int begin_block(struct ds_window *w, size_t i, struct ds_error *err)
{
    if (w->held.at[i].block == w->block_written)
        return 0;
    w->f->made.total = ds_held_total(&w->held, i);
    w->block_written = w->held.at[i].block;
    return ds_held_begin(&w->held, i, w->f->out, &w->f->made, err);
}

static int write_records(struct ds_window *w, struct ds_record *rec, char (*names)[64],
                         struct ds_error *err)
{
    for (size_t i = 0; i < w->held.n; i++) {
        int timing = w->which[i];
        if (!w->timing[timing].known)
            continue;
        if (begin_block(w, i, err) || ds_held_parse(&w->held, i, rec, err))
            return -1;
        if (describe(w, rec, timing) || describe_modules(w, rec, timing, names))
            return ds_no_memory(err);
        if (ds_writer_put(w->f->out, rec, err))
            return -1;
        w->written++;
    }
    return ds_writer_flush(w->f->out, err);
}

static int write_window(struct ds_window *w, struct ds_error *err)
{
    struct ds_record rec;
    int most = 1;
    for (int i = 0; i < w->ntimings; i++)
        most = w->timing[i].nmodules > most ? w->timing[i].nmodules : most;
    char(*names)[64] = ds_alloc((size_t)most, sizeof *names, err);
    if (!names || ds_record_init(&rec, err)) {
        free(names);
        return -1;
    }
    int rc = write_records(w, &rec, names, err);
    ds_record_free(&rec);
    free(names);
    return rc;
}

static void advance(void *arg, double records)
{
    const struct ds_window_options *o = ((struct ds_window *)arg)->o;
    if (o->advance)
        o->advance(o->advance_arg, records);
}

static void forget(struct ds_window *w)
{
    for (int i = 0; i < w->ntimings; i++) {
        w->o->engine->unload(w->timing[i].model);
        ds_timing_free(&w->timing[i]);
    }
    w->ntimings = 0;
    w->reference.rounds = 0;
    ds_held_clear(&w->held);
    ds_id_map_free(&w->ids);
}

/* Prepares the networks of the window for measuring; one that is the base of k others has weight.
 */
static int prepare(struct ds_window *w, struct ds_error *err)
{
    int *copies = ds_alloc((size_t)w->ntimings, sizeof *copies, err);
    struct ds_record rec;
    if (!copies || ds_record_init(&rec, err)) {
        free(copies);
        return -1;
    }
    int rc = 0;
    for (size_t i = 0; i < w->held.n && rc == 0; i++) {
        rc = ds_held_parse(&w->held, i, &rec, err);
        int64_t base = rc == 0 && rec.has_base ? ds_id_map_find(&w->ids, rec.base) : -1;
        if (base >= 0 && base != w->which[i])
            copies[base]++;
    }
    for (int i = 0; i < w->ntimings && rc == 0; i++) {
        int weight = (int)fmax(1, round(sqrt(copies[i])));
        rc = ds_timing_init(&w->timing[i], w->o->engine, w->timing[i].model, w->net[i].nmodules,
                            weight, &w->o->measure, err);
    }
    ds_record_free(&rec);
    free(copies);
    return rc;
}

/* Measures and writes what is waiting; where measuring fails, what is known nevertheless. */
static int finish(struct ds_window *w, struct ds_error *err)
{
    struct ds_error second;
    for (int i = 0; i < DS_REFERENCES; i++)
        w->reference.centre[i] = NAN;
    int rc = prepare(w, err);
    if (rc == 0)
        rc = ds_measure(w->o->engine, w->timing, w->ntimings, w->ntimings ? &w->reference : NULL,
                        &w->o->measure, &w->spent.measure, advance, w, err);
    w->spent.networks += (uint64_t)w->ntimings;
    if (rc == 0)
        advance(w, (double)w->held.n - w->ntimings);
    w->drift = ds_reference_drift(&w->reference);
    int written = write_window(w, rc ? &second : err);
    forget(w);
    return rc ? rc : written;
}

/* After a fault that has nothing to do with the records that wait. */
static int finish_anyway(struct ds_window *w)
{
    struct ds_error second;
    finish(w, &second);
    return -1;
}

/*
 * A window that is full waits for the next base, so that what was affixed to a base is measured
 * together with it: an effect is a difference of the two, which must not have the drift in it.
 */
static bool is_full(const struct ds_window *w, const struct ds_record *rec)
{
    int n = (int)w->held.n;
    return n == w->most || (n >= w->o->size && rec->affix_site < 0);
}

int ds_window_add(struct ds_window *w, struct ds_record *rec, struct ds_error *err)
{
    if (ds_record_need_arch(rec, err)) {
        ds_fail_in(err, "%s", ds_reader_where(w->f->in));
        return finish_anyway(w);
    }
    if (ds_record_claim(rec, w->o->metric, w->o->replace, err)) {
        ds_fail_in(err, "%s", ds_reader_where(w->f->in));
        return finish_anyway(w);
    }
    if (w->held.n && (rec->space != w->space || is_full(w, rec)) && finish(w, err))
        return -1;
    int timing = load_references(w, rec->space, err) ? -1 : find_timing(w, rec, err);
    if (timing < 0)
        return finish_anyway(w);
    w->which[w->held.n] = timing;
    return ds_held_add(&w->held, w->f->in, rec, err);
}

int ds_window_end(struct ds_window *w, struct ds_error *err)
{
    struct ds_filter *f = w->f;
    if (finish(w, err))
        return -1;
    return w->block_written || !ds_reader_space(f->in) ? 0 : ds_filter_begin(f, err);
}

uint64_t ds_window_written(const struct ds_window *w)
{
    return w->written;
}

uint64_t ds_window_unsettled(const struct ds_window *w, double *width)
{
    *width = w->unsettled ? w->unsettled_width / (double)w->unsettled : 0;
    return w->unsettled;
}

struct ds_window_spent ds_window_spent(const struct ds_window *w)
{
    return w->spent;
}

struct ds_window *ds_window_open(const struct ds_window_options *options, struct ds_filter *f,
                                 struct ds_error *err)
{
    struct ds_window *w = ds_alloc(1, sizeof *w, err);
    if (!w)
        return NULL;
    size_t most = MOST_WINDOWS * (size_t)options->size;
    *w = (struct ds_window){.o = options, .f = f, .most = (int)most};
    w->which = ds_alloc(most, sizeof *w->which, err);
    w->timing = ds_alloc(most, sizeof *w->timing, err);
    w->narrow = ds_alloc(most, sizeof *w->narrow, err);
    w->net = ds_alloc(most, sizeof *w->net, err);
    if (w->which && w->timing && w->narrow && w->net)
        w->session = options->engine->open(&options->setup, err);
    if (w->session)
        return w;
    ds_window_free(w);
    return NULL;
}

void ds_window_free(struct ds_window *w)
{
    forget(w);
    for (int i = 0; w->net && i < w->most; i++)
        ds_net_free(&w->net[i]);
    ds_held_free(&w->held);
    free(w->which);
    free(w->timing);
    free(w->narrow);
    free(w->net);
    forget_references(w);
    if (w->session)
        w->o->engine->close(w->session);
    free(w);
}

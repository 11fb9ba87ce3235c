#include "evaluate.h"

#include "base/file.h"
#include "base/id_map.h"
#include "base/json_memory.h"
#include "base/metric.h"
#include "claim.h"
#include "measure/narrow.h"
#include "memory.h"
#include "progress.h"
#include "quantize/quantize.h"
#include "supernet/evaluate.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

/* What was kept of a base, for the records that something was affixed to it in. */
struct base {
    uint64_t space; /* hash of its space */
    struct ds_outcome outcome;
};

struct evaluation {
    const struct evaluate_options *o;
    struct ds_filter f;
    struct subnets subnets;
    struct ds_engine_options setup; /* of the session that evaluates */
    struct ds_session *session;     /* that of `subnets` where it is f32 */
    struct picture_source *pictures;
    uint64_t space_key; /* of the space at hand */
    char weights[64];   /* what the records call the supernet */
    struct ds_id_map ids;
    struct base *base;
    size_t nbases, room;
    struct progress progress;
};

/* ---- outcomes kept in files ---- */

static void cache_path(const struct evaluation *e, uint64_t id, char out[PATH_MAX])
{
    uint64_t parts[] = {e->space_key, subnets_key(&e->subnets), pictures_key(e->pictures), id};
    char how[100];
    snprintf(how, sizeof how, "%s%s", e->subnets.engine->version(e->session),
             e->setup.dtype == DS_DTYPE_F32 ? "" : ds_dtype_name(e->setup.dtype));
    XXH128_hash_t key = XXH3_128bits_withSeed(parts, sizeof parts, XXH3_64bits(how, strlen(how)));
    if (snprintf(out, PATH_MAX, "%s/%016" PRIx64 "%016" PRIx64 ".json", e->o->cache, key.high64,
                 key.low64) >= PATH_MAX)
        cli_die(CLI_FAILED, "--cache %s: the name is too long", e->o->cache);
}

static char *to_hex(const uint8_t *bytes, size_t n)
{
    char *hex = cli_alloc(2 * n + 1, 1);
    for (size_t i = 0; i < n; i++)
        snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
    return hex;
}

static bool from_hex(const char *hex, uint8_t *bytes, size_t n)
{
    if (!hex || strlen(hex) != 2 * n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (sscanf(hex + 2 * i, "%2hhx", &bytes[i]) != 1)
            return false;
    return true;
}

static void keep_answer(const struct evaluation *e, uint64_t id, const struct ds_outcome *o)
{
    char path[PATH_MAX];
    struct ds_error err;
    if (!e->o->cache)
        return;
    cache_path(e, id, path);
    char *hex = to_hex(o->is_right, ds_outcome_bytes(o->n));
    json_t *json =
        json_pack("{sI sI sI sf ss}", "images", (json_int_t)o->n, "top1", (json_int_t)o->right,
                  "top5", (json_int_t)o->right5, "loss", o->loss, "right", hex);
    char *text = json ? ds_json_dump(json, JSON_COMPACT, &err) : NULL;
    if (!text)
        cli_no_memory();
    if (ds_file_write(path, text, strlen(text), &err))
        cli_die(CLI_FAILED, "--cache: %s", err.text);
    free(text);
    free(hex);
    json_decref(json);
}

/* Whether there is an outcome of this architecture; a damaged file counts as none. */
static bool look_up(const struct evaluation *e, uint64_t id, struct ds_outcome *o)
{
    char path[PATH_MAX];
    if (!e->o->cache)
        return false;
    cache_path(e, id, path);
    json_t *json = json_load_file(path, 0, NULL);
    json_int_t n, right, right5;
    const char *hex;
    bool known = json &&
                 json_unpack(json, "{sI sI sI sF ss}", "images", &n, "top1", &right, "top5",
                             &right5, "loss", &o->loss, "right", &hex) == 0 &&
                 n > 0 && n <= 1 << 30 && right >= 0 && right <= n && right5 >= right &&
                 right5 <= n;
    if (known) {
        o->n = (size_t)n;
        o->right = (size_t)right;
        o->right5 = (size_t)right5;
        o->is_right = cli_alloc(ds_outcome_bytes(o->n), 1);
        known = from_hex(hex, o->is_right, ds_outcome_bytes(o->n));
        if (!known)
            free(o->is_right);
    }
    json_decref(json);
    return known;
}

/* ---- evaluating ---- */

/* The classes that the networks of the bound space tell apart. */
static size_t classes_of(const struct ds_net *net)
{
    struct ds_tensor t = net->tensor[net->output];
    return (size_t)t.c * (size_t)t.h * (size_t)t.w;
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Labels that mean other classes than the supernet was trained on would give a wrong number. */
static void check_classes(const struct evaluation *e, const char *where)
{
    size_t classes = classes_of(&e->subnets.net);
    int found = pictures_classes(e->pictures);
    if ((size_t)found > classes)
        cli_die(CLI_FAILED,
                "%s: --images %s has labels up to %d, and the network has classes 0 to "
                "%zu",
                where, e->o->images, found - 1, classes - 1);
    if ((size_t)found < classes && is_folder(e->o->images))
        cli_die(CLI_FAILED,
                "%s: --images %s has %d folders, one for each class, and the network tells %zu "
                "apart: which is which? A list of files with their labels says it",
                where, e->o->images, found, classes);
}

/* Loads the network of `subnets`; NULL and why. */
static struct ds_model *load(struct evaluation *e, const uint8_t *choice, struct ds_error *err)
{
    struct subnets *s = &e->subnets;
    struct ds_narrow narrow;
    if (e->setup.dtype == DS_DTYPE_F32)
        return s->engine->load(e->session, &s->net, err);
    struct ds_image_source images = subnets_calibration(s, choice);
    return ds_narrow_load(s->engine, e->session, &e->setup, &s->net, images.n ? &images : NULL,
                          &narrow, err)
               ? NULL
               : narrow.model;
}

static void evaluate_one(struct evaluation *e, const struct ds_record *rec, const char *where,
                         struct ds_outcome *o)
{
    struct ds_error err;
    struct subnets *s = &e->subnets;
    const uint16_t *labels;
    struct ds_model *model = NULL;
    if (subnets_take(s, rec->choice, &err) == 0)
        model = load(e, rec->choice, &err);
    if (!model)
        cli_die(CLI_FAILED, "%s: %s", where, err.text);
    check_classes(e, where);
    struct ds_image_source images =
        pictures_at(e->pictures, ds_arch_resolution(rec->space, rec->choice),
                    rec->space->input_channels, false, &labels);
    int rc = ds_evaluate(s->engine, model, &images, labels, classes_of(&s->net), o, &err);
    s->engine->unload(model);
    if (rc)
        cli_die(CLI_FAILED, "%s: %s", where, err.text);
}

/* ---- records ---- */

static const struct ds_outcome *find_base(const struct evaluation *e, uint64_t id)
{
    int64_t i = ds_id_map_find(&e->ids, id);
    return i >= 0 && e->base[i].space == e->space_key ? &e->base[i].outcome : NULL;
}

/* Keeps the outcome as that of a base, and owns it. */
static const struct ds_outcome *add_base(struct evaluation *e, uint64_t id,
                                         const struct ds_outcome *o)
{
    cli_grow(&e->base, &e->room, e->nbases + 1, sizeof *e->base);
    int64_t at = ds_id_map_find(&e->ids, id);
    if (at < 0) {
        at = (int64_t)e->nbases++;
        if (ds_id_map_add(&e->ids, id, (uint32_t)at) < 0)
            cli_no_memory();
    } else {
        free(e->base[at].outcome.is_right);
    }
    e->base[at] = (struct base){e->space_key, *o};
    return &e->base[at].outcome;
}

/*
 * How a record and its base differ, image by image. Without the base's outcome, in this stream
 * before it or in the cache, the record says nothing of it.
 */
static int compare_with_base(struct evaluation *e, struct ds_record *rec, struct ds_metric *top1,
                             const struct ds_outcome *o)
{
    const struct ds_outcome *base = find_base(e, rec->base);
    struct ds_outcome known = {0};
    if (!base && look_up(e, rec->base, &known))
        base = add_base(e, rec->base, &known);
    if (!base || base->n != o->n)
        return 0;
    return ds_metric_int(rec, top1, "lost", (int64_t)ds_outcome_only(base, o)) ||
           ds_metric_int(rec, top1, "gained", (int64_t)ds_outcome_only(o, base));
}

/* How many of the images to calibrate with tell the scales of int8. */
static size_t scale_images(const struct subnets *s)
{
    size_t n = s->calibration ? pictures_count(s->calibration) : 0;
    return n < DS_QUANT_IMAGES ? n : DS_QUANT_IMAGES;
}

static int say_how(const struct evaluation *e, struct ds_record *rec, struct ds_metric *m,
                   const struct ds_outcome *o)
{
    const struct subnets *s = &e->subnets;
    const char *isa = s->engine->isa ? s->engine->isa(e->session) : NULL;
    char scales[80];
    snprintf(scales, sizeof scales, "%zu calibration images", scale_images(s));
    return (isa && ds_metric_str(rec, m, "isa", isa)) ||
           (e->setup.dtype == DS_DTYPE_INT8 && ds_metric_str(rec, m, "scales", scales)) ||
           ds_metric_int(rec, m, "images", (int64_t)o->n) ||
           ds_metric_str(rec, m, "supernet", e->weights) ||
           ds_metric_str(rec, m, "calibrated", s->calibrated) ||
           ds_metric_str(rec, m, "engine", s->engine->version(s->session)) ||
           ds_metric_str(rec, m, "precision", ds_dtype_precision(e->setup.dtype));
}

static void describe(struct evaluation *e, struct ds_record *rec, const struct ds_outcome *o)
{
    double lo, hi, n = (double)o->n;
    ds_outcome_interval(o, &lo, &hi);
    struct ds_metric *m = ds_record_set(rec, DS_TOP1, 100.0 * (double)o->right / n);
    int bad = !m || ds_metric_num(rec, m, "lo", lo) || ds_metric_num(rec, m, "hi", hi) ||
              say_how(e, rec, m, o) ||
              (rec->has_base && rec->affix_site >= 0 && compare_with_base(e, rec, m, o));
    bad = bad || !(m = ds_record_set(rec, DS_TOP5, 100.0 * (double)o->right5 / n)) ||
          say_how(e, rec, m, o);
    bad = bad || !(m = ds_record_set(rec, DS_LOSS, o->loss)) || say_how(e, rec, m, o);
    if (bad)
        cli_no_memory();
}

static void evaluate_record(struct evaluation *e, struct ds_record *rec)
{
    struct ds_error err;
    struct ds_outcome o = {0};
    const char *where = ds_reader_where(e->f.in);
    cli_need_arch(rec, where);
    claim_metric(&e->f, rec, DS_TOP1);
    if (e->subnets.space != rec->space) {
        subnets_bind(&e->subnets, rec->space, where);
        e->space_key = XXH3_64bits(rec->space->json, strlen(rec->space->json));
    }
    const struct ds_outcome *known = find_base(e, rec->id);
    bool own = !known;
    if (known) {
        o = *known;
    } else if (!look_up(e, rec->id, &o)) {
        evaluate_one(e, rec, where, &o);
        keep_answer(e, rec->id, &o);
    }
    describe(e, rec, &o);
    if (own && rec->affix_site < 0)
        add_base(e, rec->id, &o);
    else if (own)
        free(o.is_right);
    if (ds_writer_put(e->f.out, rec, &err))
        cli_fail(e->f.out, &err);
}

/* ---- the tool ---- */

void evaluate_check(const struct evaluate_options *o)
{
    const char *stray = subnet_stray(&o->subnets);
    if (!o->subnets.supernet &&
        (stray || o->images || o->take || o->engine || o->dtype || o->threads != 1))
        cli_die(CLI_USAGE, "%s is for --supernet",
                stray       ? stray
                : o->images ? "--images"
                : o->take   ? "--take"
                : o->engine ? "--engine"
                : o->dtype  ? "--dtype"
                            : "--threads");
    if (o->subnets.supernet && !o->images)
        cli_die(CLI_USAGE, "--supernet: wants --images DIR to evaluate on");
}

/* The session that evaluates: batch norm is calibrated in f32 in any case. */
static void open_session(struct evaluation *e, struct cli *cli)
{
    struct ds_error err;
    e->setup = (struct ds_engine_options){.threads = (int)e->o->threads,
                                          .batch = 1,
                                          .seed = cli->seed,
                                          .dtype = dtype_parse(e->o->dtype)};
    e->session = e->subnets.session;
    if (e->setup.dtype == DS_DTYPE_INT8 && !e->subnets.calibration)
        cli_die(CLI_USAGE, "--dtype int8: wants --calibrate DIR, images that tell the ranges of "
                           "activations");
    if (e->setup.dtype != DS_DTYPE_F32 && !(e->session = e->subnets.engine->open(&e->setup, &err)))
        cli_die(CLI_FAILED, "--dtype: %s", err.text);
}

static void open_all(struct evaluation *e, struct cli *cli)
{
    const struct evaluate_options *o = e->o;
    if (o->cache && mkdir(o->cache, 0777) && errno != EEXIST)
        cli_die(CLI_FAILED, "--cache: %s: cannot make it: %s", o->cache, strerror(errno));
    subnets_open(&e->subnets, &o->subnets, o->engine, (int)o->threads, cli->seed);
    open_session(e, cli);
    e->pictures = pictures_open(&o->subnets, "--images", o->images, o->take, cli->seed);
    snprintf(e->weights, sizeof e->weights, "%s %016" PRIx64,
             ds_supernet_family(e->subnets.supernet), ds_supernet_key(e->subnets.supernet));
    cli_filter(cli, &e->f);
    e->f.per_record = 1;
}

static void close_all(struct evaluation *e)
{
    size_t broken = pictures_skipped(e->pictures);
    if (broken)
        cli_warn("--images %s: %zu images left out, which cannot be decoded", e->o->images, broken);
    for (size_t i = 0; i < e->nbases; i++)
        free(e->base[i].outcome.is_right);
    free(e->base);
    ds_id_map_free(&e->ids);
    pictures_free(e->pictures);
    if (e->session != e->subnets.session)
        e->subnets.engine->close(e->session);
    subnets_close(&e->subnets);
}

int evaluate_run(struct cli *cli, const struct evaluate_options *options)
{
    struct evaluation e = {.o = options};
    struct ds_error err;
    struct ds_record *rec;
    int rc;
    open_all(&e, cli);
    progress_begin(&e.progress, cli->progress, 0);
    while ((rc = ds_filter_next(&e.f, &rec, &err)) > 0) {
        evaluate_record(&e, rec);
        e.progress.total = ds_reader_total(e.f.in);
        progress_add(&e.progress, 1);
    }
    progress_end(&e.progress);
    if (rc < 0)
        cli_fail(e.f.out, &err);
    close_all(&e);
    return cli_filter_close(&e.f);
}

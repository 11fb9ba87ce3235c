/* Metrics by predictors that others published, whose answers cost least when asked many at once. */
#include "base/grow.h"
#include "base/metric.h"
#include "blas.h"
#include "claim.h"
#include "estimate.h"
#include "memory.h"
#include "profile/predictor.h"
#include "progress.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW 1024 /* records predicted together */

/* Records waiting for their prediction. */
struct queue {
    struct ds_filter f;
    struct ds_predictor *predictor;
    const char *metric, *name; /* what is predicted, the predictor's file */
    const struct ds_space *space;
    msgpack_sbuffer packed; /* one after another */
    size_t size[WINDOW];
    uint64_t id[WINDOW];
    uint8_t choice[WINDOW][DS_MAX_SITES];
    double value[WINDOW];
    size_t n;
    struct ds_record rec;
};

static void write_first(struct queue *q, size_t n)
{
    struct ds_error err;
    size_t at = 0, used;
    for (size_t i = 0; i < n; i++, at += used) {
        if (ds_record_parse(&q->rec, q->space, q->packed.data + at, q->size[i], &used, &err))
            cli_fail(q->f.out, &err);
        struct ds_metric *m = ds_record_set(&q->rec, q->metric, q->value[i]);
        if (!m || ds_metric_str(&q->rec, m, "predictor", q->name))
            cli_no_memory();
        if (ds_writer_put(q->f.out, &q->rec, &err))
            cli_fail(q->f.out, &err);
    }
}

/* Predicts and writes all that wait; where one cannot be predicted, those before it. */
static void predict(struct queue *q)
{
    struct ds_error err, again;
    size_t which = 0, none;
    bool failed = ds_predictor_run(q->predictor, q->choice[0], DS_MAX_SITES, q->n, q->value, &which,
                                   &err) != 0;
    if (failed &&
        ds_predictor_run(q->predictor, q->choice[0], DS_MAX_SITES, which, q->value, &none, &again))
        cli_fail(q->f.out, &again);
    write_first(q, failed ? which : q->n);
    if (failed) {
        ds_fail_in(&err, "record %016" PRIx64, q->id[which]);
        cli_fail(q->f.out, &err);
    }
    q->n = 0;
    msgpack_sbuffer_clear(&q->packed);
}

static void add_to_window(struct queue *q, struct ds_record *rec)
{
    struct ds_error err;
    size_t before = q->packed.size;
    cli_need_arch(rec, ds_reader_where(q->f.in));
    if (q->n && ds_record_claim(rec, q->metric, claim_replaces, &err))
        predict(q); /* what came before */
    claim_metric(&q->f, rec, q->metric);
    if (rec->space != q->space) {
        q->space = rec->space;
        if (ds_predictor_bind(q->predictor, q->space, &err))
            cli_fail(q->f.out, &err);
    }
    if (ds_record_pack(rec, &q->packed, &err))
        cli_fail(q->f.out, &err);
    q->size[q->n] = q->packed.size - before;
    q->id[q->n] = rec->id;
    memcpy(q->choice[q->n], rec->choice, sizeof q->choice[q->n]);
    if (++q->n == WINDOW)
        predict(q);
}

/*
 * Like ds_filter_next, but what waits is written before the output block of the next input block
 * begins: so blocks end where they did, and all waiting records are of one block.
 */
static int next(struct queue *q, struct ds_record **rec, struct ds_error *err)
{
    int rc = ds_reader_next(q->f.in, rec, err);
    if (ds_reader_block(q->f.in) == q->f.block)
        return rc;
    predict(q);
    return ds_filter_begin(&q->f, err) ? -1 : rc;
}

/* Loads a predictor, of this class; dies where it is of another. */
static struct ds_predictor *load(const char *path, const char *class)
{
    struct ds_error err;
    struct ds_predictor *p = ds_predictor_load(path, &err);
    if (!p)
        cli_die(CLI_FAILED, "--predictor: %s", err.text);
    const char *is = ds_predictor_class(p);
    if (strcmp(is, class))
        cli_die(CLI_FAILED,
                "--predictor: %s is a predictor of class %s, of %s: ds-measure-%s reads it", path,
                is, ds_predictor_family(p), is);
    return p;
}

int estimate_by_predictor(struct cli *cli, const char *path, const char *class, const char *metric)
{
    const char *slash = strrchr(path, '/');
    struct ds_error err;
    struct ds_record *rec;
    struct progress progress;
    struct queue *q = ds_alloc(1, sizeof *q, NULL);
    int rc;
    blas_begin();
    if (!q || ds_record_init(&q->rec, &err))
        cli_no_memory();
    q->predictor = load(path, class);
    q->metric = metric;
    q->name = slash ? slash + 1 : path;
    msgpack_sbuffer_init(&q->packed);
    cli_filter(cli, &q->f);
    q->f.per_record = 1;
    progress_begin(&progress, cli->progress, 0);
    while ((rc = next(q, &rec, &err)) > 0) {
        add_to_window(q, rec);
        progress.total = ds_reader_total(q->f.in);
        progress_add(&progress, 1);
    }
    predict(q);
    progress_end(&progress);
    if (rc < 0)
        cli_fail(q->f.out, &err);
    ds_predictor_free(q->predictor); /* it knows the reader's space */
    rc = cli_filter_close(&q->f);
    ds_record_free(&q->rec);
    msgpack_sbuffer_destroy(&q->packed);
    free(q);
    return rc;
}

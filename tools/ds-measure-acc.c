/* Adds top-1 accuracy: from a profile, by Once-for-All's own predictor, or by another program. */
#include "base/openblas.h"
#include "estimate.h"
#include "profile/predictor.h"
#include "progress.h"
#include "runner.h"

#include <cblas.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW 1024 /* records predicted together */

/* Records waiting for their prediction. */
struct queue {
    struct ds_filter f;
    struct ds_predictor *predictor;
    const struct ds_space *space;
    msgpack_sbuffer packed; /* one after another */
    size_t size[WINDOW];
    uint8_t choice[WINDOW][DS_MAX_SITES];
    double top1[WINDOW];
    size_t n;
    struct ds_record rec;
};

static void predict(struct queue *q)
{
    struct ds_error err;
    size_t which = 0, at = 0, used;
    if (ds_predictor_run(q->predictor, q->choice[0], DS_MAX_SITES, q->n, q->top1, &which, &err))
        cli_fail(q->f.out, &err);
    for (size_t i = 0; i < q->n; i++, at += used) {
        if (ds_record_parse(&q->rec, q->space, q->packed.data + at, q->size[i], &used, &err))
            cli_fail(q->f.out, &err);
        if (!ds_record_set(&q->rec, "top1", q->top1[i]))
            cli_die(CLI_FAILED, "out of memory");
        if (ds_writer_put(q->f.out, &q->rec, &err))
            cli_fail(q->f.out, &err);
    }
    q->n = 0;
    msgpack_sbuffer_clear(&q->packed);
}

static void take(struct queue *q, const struct ds_record *rec)
{
    struct ds_error err;
    size_t before = q->packed.size;
    cli_need_arch(rec, ds_reader_where(q->f.in));
    if (rec->space != q->space) {
        q->space = rec->space;
        if (ds_predictor_bind(q->predictor, q->space, &err))
            cli_fail(q->f.out, &err);
    }
    if (ds_record_pack(rec, &q->packed, &err))
        cli_fail(q->f.out, &err);
    q->size[q->n] = q->packed.size - before;
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

static int by_predictor(struct cli *cli, const char *path)
{
    struct ds_error err;
    struct ds_record *rec;
    struct progress progress;
    struct queue *q = calloc(1, sizeof *q);
    int rc;
    if (!q || ds_record_init(&q->rec, &err))
        cli_die(CLI_FAILED, "out of memory");
    q->predictor = ds_predictor_load(path, &err);
    if (!q->predictor)
        cli_die(CLI_FAILED, "--predictor: %s", err.text);
    openblas_set_num_threads(1);
    msgpack_sbuffer_init(&q->packed);
    cli_filter(cli, &q->f);
    q->f.per_record = 1;
    progress_begin(&progress, cli->progress, 0);
    while ((rc = next(q, &rec, &err)) > 0) {
        take(q, rec);
        progress.total = ds_reader_total(q->f.in);
        progress_add(&progress, 1);
    }
    if (q->n)
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

int main(int argc, char **argv)
{
    const char *profile = NULL, *predictor = NULL;
    struct runner_options runner = RUNNER_DEFAULTS;
    static const struct ds_question top1 = {"top1", "percent", 100, false};
    const struct cli_option options[] = {
        {"profile", 0, CLI_TEXT, &profile, "NAME", "by this profile: a shipped name or a file", 0},
        {"predictor", 0, CLI_TEXT, &predictor, "FILE.pth",
         "by Once-for-All's predictor, read from PyTorch's file", 0},
        RUNNER_OPTIONS(runner),
        {0},
    };
    struct cli cli = {
        .name = "ds-measure-acc",
        .usage = "{--profile NAME | --predictor FILE.pth | --exec PROGRAM} [OPTION ...] [FILE ...]",
        .about = "Adds top1, the accuracy in percent.",
        .options = options,
    };
    cli_parse(&cli, argc, argv);
    runner_check(&runner);
    if (!!profile + !!predictor + !!runner.program != 1)
        cli_die(CLI_USAGE, "wants one of --profile NAME, --predictor FILE.pth, --exec PROGRAM");
    if (runner.program)
        return runner_run(&cli, &runner, &top1);
    return profile ? estimate_by_profile(&cli, profile, "acc") : by_predictor(&cli, predictor);
}

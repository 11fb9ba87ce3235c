#include "runner.h"

#include "answers.h"
#include "base/grow.h"
#include "base/interrupt.h"
#include "claim.h"
#include "formats/model.h"
#include "measure/answer.h"
#include "memory.h"
#include "network/build.h"
#include "program.h"
#include "progress.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 16 /* records, after which what is measured is passed on */

struct runner {
    const struct runner_options *o;
    const struct ds_question *question;
    struct ds_filter f;
    const struct ds_model_form *form; /* of the models the program gets; NULL: it gets none */
    struct ds_model_options model;
    struct ds_net net;
    struct ds_quant quant;
    struct program *program;
    struct answers answers;
    uint64_t records, failed;
};

/* A question: the model where one is wanted, and what tells it from all others. */
struct query {
    uint8_t *model;
    size_t size;
    XXH128_hash_t key;
};

/*
 * What an answer depends on: the command, the metric, and the network: the model, or, without one,
 * the space and the architecture.
 */
static XXH128_hash_t key_of(const struct runner *r, const struct ds_record *rec,
                            const struct query *q)
{
    const char *command = program_command(r->program);
    XXH3_state_t *state = cli_must(XXH3_createState());
    XXH3_128bits_reset(state);
    XXH3_128bits_update(state, r->question->metric, strlen(r->question->metric) + 1);
    XXH3_128bits_update(state, command, strlen(command) + 1);
    if (q->model) {
        XXH3_128bits_update(state, q->model, q->size);
    } else {
        XXH3_128bits_update(state, &r->model.batch, sizeof r->model.batch);
        XXH3_128bits_update(state, rec->space->json, strlen(rec->space->json) + 1);
        XXH3_128bits_update(state, rec->choice, (size_t)rec->space->nsites);
    }
    XXH128_hash_t key = XXH3_128bits_digest(state);
    XXH3_freeState(state);
    return key;
}

/* ---- records ---- */

/* The model of an architecture; NULL and the reason in `err`. */
static uint8_t *make_model(struct runner *r, const struct ds_record *rec, size_t *size,
                           struct ds_error *err)
{
    if (ds_net_build(rec->space, rec->choice, &r->net, err) ||
        (r->form->int8 && ds_quantize(&r->net, r->model.seed, NULL, &r->quant, err)))
        return NULL;
    return r->form->format->pack(rec->space, &r->net, &r->model, size, err);
}

/* The question about a record. */
static struct query make_query(struct runner *r, struct ds_record *rec)
{
    struct query q = {0};
    struct ds_error err;
    cli_need_arch(rec, ds_reader_where(r->f.in));
    claim_metric(&r->f, rec, r->question->metric);
    if (r->form && !(q.model = make_model(r, rec, &q.size, &err))) {
        ds_fail_in(&err, "%s", ds_reader_where(r->f.in));
        cli_fail(r->f.out, &err);
    }
    q.key = key_of(r, rec, &q);
    return q;
}

static void set_metric(struct runner *r, struct ds_record *rec, const char *text)
{
    struct ds_answer a;
    struct ds_error err;
    if (ds_answer_parse(r->question, text, strlen(text), &a, &err))
        cli_die(CLI_FAILED, "%s", err.text);
    struct ds_metric *m = ds_answer_set(rec, r->question, &a);
    ds_answer_free(&a);
    if (!m || ds_metric_str(rec, m, "exec", program_command(r->program)) ||
        (r->question->is_latency && ds_metric_int(rec, m, "batch", r->model.batch)) ||
        (r->form && r->form->int8 && ds_metric_str(rec, m, "format", r->form->name)) ||
        (r->o->pin && ds_metric_str(rec, m, "pin", r->o->pin)))
        cli_must(NULL);
}

static void set_failure(struct runner *r, struct ds_record *rec, const char *why)
{
    r->failed++;
    cli_warn("%s: %s", ds_reader_where(r->f.in), why);
    if (ds_record_set_error(rec, r->question->metric, why))
        cli_must(NULL);
}

/* Asks about a network that nothing is known of; NULL when the user interrupts. */
static const struct answer *find_out(struct runner *r, const struct ds_record *rec,
                                     const struct query *q)
{
    struct ds_error err;
    char *text = program_ask(r->program, rec, q->model, q->size, &err);
    if (text)
        return answers_add(&r->answers, q->key, text, false);
    if (ds_interrupted())
        return NULL;
    ds_fail_in(&err, "%s", r->o->program);
    return answers_add(&r->answers, q->key, cli_must(ds_copy_string(err.text, NULL)), true);
}

static void put(struct runner *r, struct ds_record *rec, const struct answer *known)
{
    struct ds_error err;
    if (known->failed)
        set_failure(r, rec, known->text);
    else
        set_metric(r, rec, known->text);
    r->records++;
    if (known->failed && r->o->drop_failed)
        return;
    if (ds_writer_put(r->f.out, rec, &err) ||
        (r->records % BLOCK == 0 && ds_writer_flush(r->f.out, &err)))
        cli_fail(r->f.out, &err);
}

/* An interrupt waits until the model is gone again, and what is measured has been written. */
static void measure(struct runner *r, struct ds_record *rec)
{
    struct ds_error err;
    ds_interrupt_hold();
    struct query q = make_query(r, rec);
    const struct answer *known = answers_find(&r->answers, q.key);
    if (!known)
        known = find_out(r, rec, &q);
    free(q.model);
    if (known)
        put(r, rec, known);
    if (ds_interrupted() && ds_writer_flush(r->f.out, &err))
        cli_fail(r->f.out, &err);
    ds_interrupt_release();
}

static int measure_all(struct runner *r, struct cli *cli)
{
    struct progress progress;
    struct ds_record *rec;
    struct ds_error err;
    int rc;
    cli_filter(cli, &r->f);
    r->f.per_record = !r->o->drop_failed; /* else how many there will be is not known */
    progress_begin(&progress, cli->progress, 0);
    while ((rc = ds_filter_next(&r->f, &rec, &err)) > 0) {
        measure(r, rec);
        progress.total = ds_reader_total(r->f.in);
        progress_add(&progress, 1);
    }
    progress_end(&progress);
    if (rc < 0)
        cli_fail(r->f.out, &err);
    return cli_filter_close(&r->f);
}

/* ---- the interface ---- */

void runner_check(const struct runner_options *o)
{
    const struct runner_options unset = RUNNER_DEFAULTS;
    if (!o->program && (o->args.n || o->cache || o->retries || o->drop_failed || o->serve ||
                        o->format || o->timeout != unset.timeout || o->opset != unset.opset))
        cli_die(CLI_USAGE, "--arg, --serve, --format, --timeout, --retries, --cache, --drop-failed "
                           "and --opset are for --exec");
    const struct ds_model_form *form = o->format ? ds_model_form_find(o->format) : NULL;
    if (o->format && strcmp(o->format, "none") && !form)
        cli_die(CLI_USAGE, "--format: '%s' is none of " DS_MODEL_FORMS ", none", o->format);
    if (form && form->int8 && o->opset != unset.opset && o->opset < DS_ONNX_OPSET_INT8)
        cli_die(CLI_USAGE, "--opset: models in int8 are of opset %d", DS_ONNX_OPSET_INT8);
}

int runner_run(struct cli *cli, const struct runner_options *options,
               const struct ds_question *question)
{
    const char *format = options->format ? options->format : "onnx";
    struct runner r = {.o = options, .question = question, .form = ds_model_form_find(format)};
    bool int8 = r.form && r.form->int8;
    const struct program_options program = {.path = options->program,
                                            .args = &options->args,
                                            .timeout = options->timeout,
                                            .retries = options->retries,
                                            .serve = options->serve,
                                            .batch = (int)options->batch,
                                            .format = r.form ? r.form->format : NULL};
    r.model = (struct ds_model_options){.batch = (int)options->batch,
                                        .opset = int8 ? DS_ONNX_OPSET_INT8 : (int)options->opset,
                                        .seed = cli->seed,
                                        .input = PROGRAM_INPUT,
                                        .output = "output",
                                        .quant = int8 ? &r.quant : NULL,
                                        .round_each = int8 && r.form->round_each};
    if (r.form)
        cli_keep_memory();
    r.program = program_open(&program, question);
    answers_open(&r.answers, question, options->cache);
    int status = measure_all(&r, cli);
    program_close(r.program);
    answers_free(&r.answers);
    ds_quant_free(&r.quant);
    ds_net_free(&r.net);
    if (r.failed)
        cli_die(CLI_FAILED, "%" PRIu64 " of %" PRIu64 " records got no %s%s", r.failed, r.records,
                question->metric,
                options->drop_failed ? " and were left out" : ": 'errors' on them says why");
    return status;
}

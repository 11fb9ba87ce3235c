#include "runner.h"

#include "base/exec.h"
#include "base/file.h"
#include "base/id_map.h"
#include "base/interrupt.h"
#include "formats/onnx.h"
#include "measure/answer.h"
#include "memory.h"
#include "network/build.h"
#include "progress.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#define MOST_ANSWER ((size_t)1 << 20) /* bytes */
#define BLOCK 16                      /* records, after which what is measured is passed on */
#define INPUT "input"

/* What is known of a network: its answer, or why there is none. */
struct known {
    char *text;
    bool failed;
};

struct runner {
    const struct runner_options *o;
    const struct ds_question *question;
    struct ds_filter f;
    struct ds_model_options onnx;
    struct ds_net net;
    char **argv;           /* the program, its arguments, two places, NULL */
    int nargs;             /* before the two places */
    char *command;         /* for people and for the key of answers */
    struct ds_id_map keys; /* of the networks that were asked about in this run */
    struct known *known;   /* [nknown] */
    uint32_t nknown;
    uint64_t records, failed;
};

_Noreturn static void no_memory(void)
{
    cli_die(CLI_FAILED, "out of memory");
}

/* ---- the command ---- */

/* Appends an argument to a command line for people, quoted as a shell would want it. */
static char *append_quoted(char *to, const char *arg)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%";
    if (*arg && arg[strspn(arg, plain)] == 0)
        return stpcpy(to, arg);
    *to++ = '\'';
    for (; *arg; arg++)
        to = *arg == '\'' ? stpcpy(to, "'\\''") : (*to = *arg, to + 1);
    *to++ = '\'';
    *to = 0;
    return to;
}

static void set_command(struct runner *r)
{
    const struct runner_options *o = r->o;
    size_t size = 1;
    r->nargs = 1 + o->args.n;
    r->argv = calloc((size_t)r->nargs + 3, sizeof *r->argv);
    if (!r->argv)
        no_memory();
    for (int i = 0; i < r->nargs; i++) {
        r->argv[i] = (char *)(i ? o->args.value[i - 1] : o->program);
        size += 4 * strlen(r->argv[i]) + 3;
    }
    char *at = r->command = malloc(size);
    if (!at)
        no_memory();
    for (int i = 0; i < r->nargs; i++) {
        if (i)
            *at++ = ' ';
        at = append_quoted(at, r->argv[i]);
    }
}

/* ---- answers that are known ---- */

/* A model with its key: what tells it, the command and what is asked for from all others. */
struct network_model {
    uint8_t *model;
    size_t size;
    XXH128_hash_t key;
};

static XXH128_hash_t key_of(const struct runner *r, const uint8_t *model, size_t size)
{
    XXH3_state_t *state = XXH3_createState();
    if (!state)
        no_memory();
    XXH3_128bits_reset(state);
    XXH3_128bits_update(state, r->question->metric, strlen(r->question->metric) + 1);
    XXH3_128bits_update(state, r->command, strlen(r->command) + 1);
    XXH3_128bits_update(state, model, size);
    XXH128_hash_t key = XXH3_128bits_digest(state);
    XXH3_freeState(state);
    return key;
}

static void cache_path(const struct runner *r, XXH128_hash_t key, char out[PATH_MAX])
{
    if (snprintf(out, PATH_MAX, "%s/%016" PRIx64 "%016" PRIx64, r->o->cache, key.high64,
                 key.low64) >= PATH_MAX)
        cli_die(CLI_FAILED, "--cache %s: the name is too long", r->o->cache);
}

/* Remembers an answer or a failure, whose text becomes the runner's. */
static const struct known *remember(struct runner *r, XXH128_hash_t key, char *text, bool failed)
{
    struct known *more = realloc(r->known, (r->nknown + 1) * sizeof *more);
    if (!more || !text || ds_id_map_add(&r->keys, key.low64, r->nknown) < 0)
        no_memory();
    r->known = more;
    r->known[r->nknown] = (struct known){text, failed};
    return &r->known[r->nknown++];
}

/* What is known of this run or, if it is an answer, of an earlier one; NULL: nothing. */
static const struct known *recall(struct runner *r, XXH128_hash_t key)
{
    char path[PATH_MAX];
    struct ds_answer a;
    struct ds_error err;
    int64_t known = ds_id_map_find(&r->keys, key.low64);
    if (known >= 0)
        return &r->known[known];
    if (!r->o->cache)
        return NULL;
    cache_path(r, key, path);
    size_t size = 0;
    char *text = ds_file_read(path, &size, &err);
    if (!text || size == 0) {
        free(text);
        return NULL;
    }
    if (ds_answer_parse(r->question, text, strlen(text), &a, &err)) {
        cli_warn("%s: not an answer, so it is measured again: %s", path, err.text);
        free(text);
        return NULL;
    }
    free(a.number);
    return remember(r, key, text, false);
}

static void keep(const struct runner *r, XXH128_hash_t key, const char *text)
{
    char path[PATH_MAX];
    struct ds_error err;
    if (!r->o->cache)
        return;
    cache_path(r, key, path);
    if (ds_file_write(path, text, strlen(text), &err))
        cli_die(CLI_FAILED, "--cache: %s", err.text);
}

/* ---- asking ---- */

static void write_model(const struct network_model *q, int fd, const char *path)
{
    size_t at = 0;
    while (at < q->size) {
        ssize_t n = write(fd, q->model + at, q->size - at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            int bad = errno;
            unlink(path);
            cli_die(CLI_FAILED, "%s: cannot write: %s", path, strerror(bad));
        }
        at += (size_t)n;
    }
}

/* A file of its own for the model, in TMPDIR. */
static void make_model(const struct network_model *q, char path[PATH_MAX])
{
    static const char suffix[] = ".onnx";
    const char *dir = getenv("TMPDIR");
    dir = dir && *dir ? dir : "/tmp";
    int n = snprintf(path, PATH_MAX, "%s/dstools-XXXXXX%s", dir, suffix);
    int fd = n < PATH_MAX ? mkostemps(path, (int)strlen(suffix), O_CLOEXEC) : -1;
    if (fd < 0)
        cli_die(CLI_FAILED, "%s: cannot make a file there (TMPDIR): %s", dir, strerror(errno));
    write_model(q, fd, path);
    if (close(fd)) {
        int bad = errno;
        unlink(path);
        cli_die(CLI_FAILED, "%s: cannot write: %s", path, strerror(bad));
    }
}

static char *ask_once(const struct runner *r, const struct ds_exec_job *job, struct ds_error *err)
{
    struct ds_answer a;
    size_t size;
    char *text = ds_exec(job, &size, err);
    if (!text)
        return NULL;
    if (ds_answer_parse(r->question, text, size, &a, err)) {
        free(text);
        return NULL;
    }
    free(a.number);
    return text;
}

/* Runs the program on a model, again after failures. NULL and the reason of the last one. */
static char *ask(struct runner *r, const struct ds_record *rec, const struct network_model *q,
                 struct ds_error *err)
{
    char path[PATH_MAX], shape[64], model[PATH_MAX + 16], input_shape[96], id[40], space[300],
        metric[100];
    struct ds_tensor in = r->net.tensor[r->net.input];
    char *text = NULL;

    make_model(q, path);
    snprintf(shape, sizeof shape, "%d,%d,%d,%d", r->onnx.batch, in.c, in.h, in.w);
    snprintf(model, sizeof model, "DSTOOLS_MODEL=%s", path);
    snprintf(input_shape, sizeof input_shape, "DSTOOLS_INPUT_SHAPE=%s", shape);
    snprintf(id, sizeof id, "DSTOOLS_ID=%016" PRIx64, rec->id);
    snprintf(space, sizeof space, "DSTOOLS_SPACE=%s", rec->space->name);
    snprintf(metric, sizeof metric, "DSTOOLS_METRIC=%s", r->question->metric);
    char *const env[] = {model, input_shape, id, space, metric, "DSTOOLS_INPUT=" INPUT, NULL};
    r->argv[r->nargs] = path;
    r->argv[r->nargs + 1] = shape;
    const struct ds_exec_job job = {r->argv, env, r->o->timeout, MOST_ANSWER};
    for (uint64_t i = 0; i <= r->o->retries && !text && !ds_interrupted(); i++)
        text = ask_once(r, &job, err);
    unlink(path);
    return text;
}

/* ---- records ---- */

/* The question about a record; the network stays in r->net. */
static struct network_model pose(struct runner *r, const struct ds_record *rec)
{
    struct network_model q = {0};
    struct ds_error err;
    cli_need_arch(rec, ds_reader_where(r->f.in));
    if (ds_net_build(rec->space, rec->choice, &r->net, &err) == 0)
        q.model = ds_onnx_pack(rec->space, &r->net, &r->onnx, &q.size, &err);
    if (!q.model) {
        ds_fail_in(&err, "%s", ds_reader_where(r->f.in));
        cli_fail(r->f.out, &err);
    }
    q.key = key_of(r, q.model, q.size);
    return q;
}

static void set_metric(struct runner *r, struct ds_record *rec, const char *text)
{
    struct ds_answer a;
    struct ds_error err;
    if (ds_answer_parse(r->question, text, strlen(text), &a, &err))
        cli_die(CLI_FAILED, "%s", err.text);
    struct ds_metric *m = ds_answer_set(rec, r->question, &a);
    free(a.number);
    if (!m || ds_metric_str(rec, m, "exec", r->command) ||
        (r->question->is_latency && ds_metric_int(rec, m, "batch", r->onnx.batch)) ||
        (r->o->pin && ds_metric_str(rec, m, "pin", r->o->pin)))
        no_memory();
}

static void set_failure(struct runner *r, struct ds_record *rec, const char *why)
{
    r->failed++;
    cli_warn("%s: %s", ds_reader_where(r->f.in), why);
    if (ds_record_set_error(rec, r->question->metric, why))
        no_memory();
}

/* Asks about a network that nothing is known of; NULL when the user interrupts. */
static const struct known *find_out(struct runner *r, const struct ds_record *rec,
                                    const struct network_model *q)
{
    struct ds_error err;
    char *text = ask(r, rec, q, &err);
    if (text) {
        keep(r, q->key, text);
        return remember(r, q->key, text, false);
    }
    if (ds_interrupted())
        return NULL;
    ds_fail_in(&err, "%s", r->o->program);
    return remember(r, q->key, strdup(err.text), true);
}

static void put(struct runner *r, struct ds_record *rec, const struct known *known)
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
    struct network_model q = pose(r, rec);
    const struct known *known = recall(r, q.key);
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
    r->f.per_record = 1;
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

static void free_runner(struct runner *r)
{
    for (uint32_t i = 0; i < r->nknown; i++)
        free(r->known[i].text);
    free(r->known);
    free(r->argv);
    free(r->command);
    ds_id_map_free(&r->keys);
    ds_net_free(&r->net);
}

/* ---- the interface ---- */

void runner_check(const struct runner_options *o)
{
    const struct runner_options unset = RUNNER_DEFAULTS;
    if (!o->program && (o->args.n || o->cache || o->retries || o->drop_failed ||
                        o->timeout != unset.timeout || o->opset != unset.opset))
        cli_die(CLI_USAGE,
                "--arg, --timeout, --retries, --cache, --drop-failed and --opset are for --exec");
}

int runner_run(struct cli *cli, const struct runner_options *options,
               const struct ds_question *question)
{
    struct runner r = {.o = options, .question = question};
    struct ds_error err;
    r.onnx = (struct ds_model_options){.batch = (int)options->batch,
                                       .opset = (int)options->opset,
                                       .seed = cli->seed,
                                       .input = INPUT,
                                       .output = "output"};
    if (ds_exec_check(options->program, &err))
        cli_die(CLI_FAILED, "--exec: %s", err.text);
    if (options->cache && mkdir(options->cache, 0777) && errno != EEXIST)
        cli_die(CLI_FAILED, "--cache: %s: cannot make it: %s", options->cache, strerror(errno));
    set_command(&r);
    int status = measure_all(&r, cli);
    free_runner(&r);
    if (r.failed)
        cli_die(CLI_FAILED, "%" PRIu64 " of %" PRIu64 " records got no %s%s", r.failed, r.records,
                question->metric,
                options->drop_failed ? " and were left out" : ": 'errors' on them says why");
    return status;
}

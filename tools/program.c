#include "program.h"

#include "base/exec.h"
#include "base/guardian.h"
#include "base/interrupt.h"
#include "base/serve.h"
#include "formats/ofa.h"
#include "memory.h"
#include "message.h"
#include "stream/json.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST_ANSWER ((size_t)1 << 20) /* bytes */

struct program {
    struct program_options o;
    const struct ds_question *question;
    char **argv; /* the program, its arguments, two places, NULL */
    int nargs;   /* before the two places */
    char *command;
    struct ds_exec_job job;
    struct ds_server *server;
    bool is_guarded;
};

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

static void set_command(struct program *p)
{
    const struct cli_list *args = p->o.args;
    size_t size = 1;
    p->nargs = 1 + args->n;
    p->argv = cli_alloc((size_t)p->nargs + 3, sizeof *p->argv);
    for (int i = 0; i < p->nargs; i++) {
        p->argv[i] = (char *)(i ? args->value[i - 1] : p->o.path);
        size += 4 * strlen(p->argv[i]) + 3;
    }
    char *at = p->command = cli_alloc(size, 1);
    for (int i = 0; i < p->nargs; i++) {
        if (i)
            *at++ = ' ';
        at = append_quoted(at, p->argv[i]);
    }
}

const char *program_command(const struct program *p)
{
    return p->command;
}

struct program *program_open(const struct program_options *o, const struct ds_question *question)
{
    static char *const no_variables[] = {NULL};
    struct ds_error err;
    struct program *p = cli_alloc(1, sizeof *p);
    if (ds_exec_check(o->path, &err))
        cli_die(CLI_FAILED, "--exec: %s", err.text);
    p->o = *o;
    p->question = question;
    set_command(p);
    p->job = (struct ds_exec_job){p->argv, no_variables, o->timeout, MOST_ANSWER};
    if (o->serve)
        p->server = cli_must(ds_server_new(&p->job, &err));
    return p;
}

void program_close(struct program *p)
{
    ds_interrupt_hold(); /* until it has ended */
    ds_server_free(p->server);
    ds_interrupt_release();
    free(p->argv);
    free(p->command);
    free(p);
}

/* ---- the model ---- */

static void write_model(const uint8_t *model, size_t size, int fd, const char *path)
{
    size_t at = 0;
    while (at < size) {
        ssize_t n = write(fd, model + at, size - at);
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

/* A file of its own for the model. */
static void make_model(const char *format, const uint8_t *model, size_t size, char path[PATH_MAX])
{
    const char *dir = ds_guardian_directory();
    int n = snprintf(path, PATH_MAX, "%s/XXXXXX.%s", dir, format);
    int fd = n < PATH_MAX ? mkostemps(path, (int)strlen(format) + 1, O_CLOEXEC) : -1;
    if (fd < 0)
        cli_die(CLI_FAILED, "%s: cannot make a file there (TMPDIR): %s", dir, strerror(errno));
    write_model(model, size, fd, path);
    if (close(fd)) {
        int bad = errno;
        unlink(path);
        cli_die(CLI_FAILED, "%s: cannot write: %s", path, strerror(bad));
    }
}

/* Sees to it that neither the program nor the model outlives this tool. */
static void start_guardian(struct program *p)
{
    struct ds_error err;
    const char *dir = getenv("TMPDIR");
    dir = dir && *dir ? dir : "/tmp";
    if (ds_guardian_start(p->o.format ? dir : NULL, &err))
        cli_die(CLI_FAILED, "%s", err.text);
    atexit(ds_guardian_end);
    p->is_guarded = true;
}

/* ---- what it is told ---- */

/* Batch, channels, height, width; with the channels last where the model's format has them so. */
static void shape_of(const struct program *p, const struct ds_record *rec, int shape[4])
{
    bool last = p->o.format && p->o.format->nhwc;
    shape[0] = p->o.batch;
    shape[1] = shape[2] = shape[3] = ds_arch_resolution(rec->space, rec->choice);
    shape[last ? 3 : 1] = rec->space->input_channels;
}

/* The dictionary of Once-for-All; false where the architecture has none. */
static bool put_ofa(struct ds_json_text *out, const struct ds_record *rec)
{
    struct ds_error err;
    size_t before = out->size;
    DS_JSON_PUT(out, "{");
    if (ds_ofa_write(rec->space, rec->choice, out, &err)) {
        out->size = before;
        return false;
    }
    DS_JSON_PUT(out, "}");
    return true;
}

/* `,"key":`, and a text. */
static void put_text(struct ds_json_text *out, const char *key, const char *text)
{
    DS_JSON_PUT(out, ",\"");
    ds_json_put(out, key, strlen(key));
    DS_JSON_PUT(out, "\":");
    if (ds_json_string(out, text, strlen(text)))
        cli_die(CLI_FAILED, "%s: '%s' is not UTF-8, as JSON must be", key, text);
}

/* The question as a line of JSON. */
static void request(const struct program *p, const struct ds_record *rec, const char *model,
                    struct ds_json_text *out)
{
    int shape[4];
    struct ds_error err;
    *out = (struct ds_json_text){.ascii = true};
    shape_of(p, rec, shape);
    DS_JSON_PUT(out, "{\"id\":");
    ds_json_id(out, rec->id);
    put_text(out, "metric", p->question->metric);
    put_text(out, "space", rec->space->name);
    DS_JSON_PUT(out, ",\"arch\":");
    ds_arch_json(out, rec);
    size_t before = out->size;
    DS_JSON_PUT(out, ",\"ofa\":");
    if (!put_ofa(out, rec))
        out->size = before;
    DS_JSON_PUT(out, ",\"shape\":[");
    for (int i = 0; i < 4; i++) {
        ds_json_next(out);
        ds_json_whole(out, shape[i]);
    }
    DS_JSON_PUT(out, "]");
    if (model) {
        put_text(out, "model", model);
        put_text(out, "input", PROGRAM_INPUT);
    }
    DS_JSON_PUT(out, "}\n");
    if (ds_json_check(out, &err))
        cli_no_memory();
}

/* The variables of a program that is run for every architecture; NULL-ended, to be freed. */
struct variables {
    char *value[10];
    int n;
};

static void add_variable(struct variables *v, const char *name, const char *value)
{
    char *text;
    if (asprintf(&text, "DSTOOLS_%s=%s", name, value) < 0)
        cli_must(NULL);
    v->value[v->n++] = text;
}

static void add_json(struct variables *v, const char *name, struct ds_json_text *json)
{
    struct ds_error err;
    ds_json_put(json, "", 1);
    if (ds_json_check(json, &err))
        cli_no_memory();
    add_variable(v, name, json->text);
    json->size = 0;
}

static void set_variables(const struct program *p, const struct ds_record *rec, const char *shape,
                          const char *model, struct variables *v)
{
    char id[17];
    struct ds_json_text json = {.ascii = true};
    *v = (struct variables){0};
    snprintf(id, sizeof id, "%016" PRIx64, rec->id);
    if (model) {
        add_variable(v, "MODEL", model);
        add_variable(v, "INPUT", PROGRAM_INPUT);
    }
    add_variable(v, "INPUT_SHAPE", shape);
    add_variable(v, "ID", id);
    add_variable(v, "SPACE", rec->space->name);
    add_variable(v, "METRIC", p->question->metric);
    ds_arch_json(&json, rec);
    add_json(v, "ARCH", &json);
    if (put_ofa(&json, rec))
        add_json(v, "OFA", &json);
    free(json.text);
}

/* ---- asking ---- */

/* Whether a text is an answer, and, of programs that serve, to this question; takes it. */
static char *checked(const struct program *p, const struct ds_record *rec, char *text, size_t size,
                     struct ds_error *err)
{
    struct ds_answer a;
    if (!text)
        return NULL;
    int rc = p->server ? ds_answer_is_for(text, rec->id, err) : 0;
    if (rc)
        ds_server_stop(p->server); /* it may be out of step */
    else if ((rc = ds_answer_parse(p->question, text, size, &a, err)) == 0)
        ds_answer_free(&a);
    if (rc == 0)
        return text;
    free(text);
    return NULL;
}

static char *ask_server(struct program *p, const struct ds_record *rec, const char *model,
                        struct ds_error *err)
{
    size_t answered;
    struct ds_json_text line;
    char *text = NULL;
    request(p, rec, model, &line);
    for (uint64_t i = 0; i <= p->o.retries && !text && !ds_interrupted(); i++) {
        text = ds_server_ask(p->server, line.text, line.size, &answered, err);
        text = checked(p, rec, text, answered, err);
    }
    free(line.text);
    return text;
}

static char *run(struct program *p, const struct ds_record *rec, char *model, struct ds_error *err)
{
    char shape[64], *text = NULL;
    int n[4];
    size_t size;
    struct variables v;
    shape_of(p, rec, n);
    snprintf(shape, sizeof shape, "%d,%d,%d,%d", n[0], n[1], n[2], n[3]);
    set_variables(p, rec, shape, model, &v);
    p->argv[p->nargs] = model;
    p->argv[p->nargs + 1] = model ? shape : NULL;
    p->job.env = v.value;
    for (uint64_t i = 0; i <= p->o.retries && !text && !ds_interrupted(); i++) {
        text = ds_exec(&p->job, &size, err);
        text = checked(p, rec, text, size, err);
    }
    p->job.env = NULL; /* these go now */
    while (v.n)
        free(v.value[--v.n]);
    return text;
}

char *program_ask(struct program *p, const struct ds_record *rec, const uint8_t *model, size_t size,
                  struct ds_error *err)
{
    char path[PATH_MAX];
    if (!p->is_guarded)
        start_guardian(p);
    if (model)
        make_model(p->o.format->name, model, size, path);
    char *text = p->server ? ask_server(p, rec, model ? path : NULL, err)
                           : run(p, rec, model ? path : NULL, err);
    if (model)
        unlink(path);
    return text;
}

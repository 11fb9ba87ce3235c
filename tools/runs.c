#include "runs.h"

#include "search/pareto.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK 65536 /* points held beyond a front before the next is made of them */

static void *checked(void *p)
{
    if (!p)
        cli_die(CLI_FAILED, "out of memory");
    return p;
}

/* Leaves the front of a run's points. */
static void reduce(struct run *run, int m)
{
    struct ds_error err;
    bool *keep = checked(malloc(run->n + 1));
    if (ds_pareto_front(run->x, run->n, m, keep, &err))
        cli_die(CLI_FAILED, "%s", err.text);
    size_t left = 0, width = (size_t)m;
    for (size_t i = 0; i < run->n; i++)
        if (keep[i])
            memmove(run->x + left++ * width, run->x + i * width, width * sizeof *run->x);
    run->n = left;
    free(keep);
}

static int order(const void *a, const void *b, void *objectives)
{
    const double *p = a, *q = b;
    for (int k = 0, m = *(const int *)objectives; k < m; k++)
        if (p[k] != q[k])
            return p[k] < q[k] ? -1 : 1;
    return 0;
}

static void read_front(struct run *run, const struct objectives *o)
{
    struct ds_error err;
    struct ds_record *rec;
    size_t width = (size_t)o->n, room = 0, next = CHUNK;
    struct ds_reader *in = cli_reader((char *const *)&run->file, 1);
    uint64_t failed = 0;
    int rc, m = o->n;
    while ((rc = ds_reader_next(in, &rec, &err)) > 0) {
        if (run->n == room) {
            room = room ? 2 * room : 256;
            run->x = checked(realloc(run->x, room * width * sizeof *run->x));
        }
        int known = objectives_read(o, rec, run->x + run->n * width, &err);
        if (known < 0)
            cli_die(CLI_FAILED, "%s: %s", ds_reader_where(in), err.text);
        failed += !known;
        run->n += (size_t)known;
        if (run->n < next)
            continue;
        reduce(run, m);
        next = 2 * run->n + CHUNK;
    }
    if (rc < 0)
        cli_die(CLI_FAILED, "%s", err.text);
    ds_reader_close(in);
    cli_warn_failed(failed, run->file);
    if (run->n == 0)
        cli_die(CLI_FAILED, "%s: no records%s", run->file, failed ? " are left" : "");
    reduce(run, m);
    qsort_r(run->x, run->n, width * sizeof *run->x, order, &m);
}

static int find_label(struct runs *runs, const char *label, size_t length)
{
    for (int i = 0; i < runs->nlabels; i++)
        if (strlen(runs->label[i]) == length && memcmp(runs->label[i], label, length) == 0)
            return i;
    size_t n = (size_t)runs->nlabels + 1;
    runs->label = checked(realloc(runs->label, n * sizeof *runs->label));
    runs->count = checked(realloc(runs->count, n * sizeof *runs->count));
    runs->label[n - 1] = checked(strndup(label, length));
    runs->count[n - 1] = 0;
    return runs->nlabels++;
}

void runs_read(struct runs *runs, const struct objectives *o, char *const *operands, int n)
{
    static char *const standard_input[] = {"-"};
    *runs = (struct runs){0};
    if (n == 0) {
        operands = standard_input;
        n = 1;
    }
    runs->at = checked(calloc((size_t)n, sizeof *runs->at));
    for (int i = 0; i < n; i++) {
        const char *text = operands[i], *equals = strchr(text, '=');
        size_t length = equals ? (size_t)(equals - text) : 0;
        bool labelled = length > 0 && !memchr(text, '/', length);
        struct run *run = &runs->at[runs->n++];
        run->file = labelled ? equals + 1 : text;
        run->label = find_label(runs, text, labelled ? length : strlen(text));
        runs->count[run->label]++;
        read_front(run, o);
    }
}

double run_best(const struct run *run, const struct objectives *o, int want, int axis, double limit)
{
    double best = INFINITY;
    for (size_t i = 0; i < run->n; i++) {
        const double *x = run->x + i * (size_t)o->n;
        if (x[axis] <= limit && x[want] < best)
            best = x[want];
    }
    return best;
}

void runs_free(struct runs *runs)
{
    for (int i = 0; i < runs->n; i++)
        free(runs->at[i].x);
    for (int i = 0; i < runs->nlabels; i++)
        free(runs->label[i]);
    free(runs->at);
    free(runs->label);
    free(runs->count);
}

/* Holds a predicted front against what was measured of it. */
#include "base/metric.h"
#include "base/stats.h"
#include "base/text.h"
#include "blas.h"
#include "memory.h"
#include "output.h"
#include "search/pareto.h"
#include "study/bias.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define Z95 1.96 /* of the normal distribution: two-sided 95% */

/* A network that was predicted and measured. */
struct network {
    uint64_t id;
    uint8_t choice[DS_MAX_SITES];
    double predicted, measured;
    double error; /* standard error of the measured value, as a share of it; NaN: not said */
    double other; /* the front's other objective, less being better */
    bool front;   /* of what was predicted */
};

struct verification {
    const char *predicted, *measured, *better, *worse;
    bool more; /* of the metric predicted, more is better */
    bool list;
    const struct ds_space *space;
    struct network *at; /* by what is predicted, the best first */
    size_t n, room, nfront, failed;
    struct ds_biases biases;
};

/* ---- reading ---- */

/* Half the interval of the measured value, as a standard error. */
static double error_of(const struct ds_record *rec, const char *metric, double value)
{
    double lo, hi;
    const struct ds_metric *m = ds_record_metric(rec, metric);
    const msgpack_object *at[2] = {ds_map_get(m->detail, "lo"), ds_map_get(m->detail, "hi")};
    if (!at[0] || !at[1] || ds_object_number(at[0], &lo) || ds_object_number(at[1], &hi))
        return NAN;
    if (hi <= lo) /* of a single run: no interval */
        return NAN;
    return (hi - lo) / (2 * Z95 * value);
}

static void add(struct verification *v, const struct ds_record *rec, const char *where)
{
    struct ds_error err;
    const char *name[] = {v->predicted, v->measured, v->better ? v->better : v->worse};
    double value[3];
    for (int k = 0; k < 3; k++) {
        int known = ds_record_value(rec, name[k], &value[k], &err);
        if (known < 0)
            cli_die(CLI_FAILED, "%s: %s", where, err.text);
        if (!known) {
            v->failed++;
            return;
        }
        if (k < 2 && !(value[k] > 0))
            cli_die(CLI_FAILED, "%s: %s is not above 0: of ratios there is nothing to say", where,
                    name[k]);
    }
    cli_grow(&v->at, &v->room, v->n + 1, sizeof *v->at);
    struct network *new = &v->at[v->n++];
    *new = (struct network){.id = rec->id,
                            .predicted = value[0],
                            .measured = value[1],
                            .error = error_of(rec, v->measured, value[1]),
                            .other = v->better ? -value[2] : value[2]};
    if (!v->space)
        v->space = rec->space;
    if (v->space == rec->space)
        memcpy(new->choice, rec->choice, sizeof new->choice);
    else if (ds_arch_translate(rec->space, rec->choice, v->space, new->choice, &err))
        cli_die(CLI_FAILED, "%s: %s", where, err.text);
}

static void read_all(struct verification *v, struct ds_reader *in)
{
    struct ds_error err;
    struct ds_record *rec;
    int rc;
    while ((rc = ds_reader_next(in, &rec, &err)) > 0) {
        cli_need_arch(rec, ds_reader_where(in));
        add(v, rec, ds_reader_where(in));
    }
    if (rc < 0)
        cli_die(CLI_FAILED, "%s", err.text);
    cli_warn_failed(v->failed, NULL);
}

/* ---- the front ---- */

static double turned(const struct verification *v, double x)
{
    return v->more ? -x : x;
}

static int by_predicted(const void *a, const void *b, void *verification)
{
    const struct network *x = a, *y = b;
    double d = turned(verification, x->predicted) - turned(verification, y->predicted);
    return d != 0 ? (d > 0) - (d < 0) : (x->id > y->id) - (x->id < y->id);
}

/* Which of the networks are on the front of the predicted, or of the measured; returns how many. */
static size_t find_front(const struct verification *v, bool measured, bool *front)
{
    struct ds_error err;
    double *x = cli_alloc(2 * v->n + 1, sizeof *x);
    size_t count = 0;
    for (size_t i = 0; i < v->n; i++) {
        x[2 * i] = turned(v, measured ? v->at[i].measured : v->at[i].predicted);
        x[2 * i + 1] = v->at[i].other;
    }
    if (ds_pareto_front(x, v->n, 2, front, &err))
        cli_die(CLI_FAILED, "%s", err.text);
    for (size_t i = 0; i < v->n; i++)
        count += front[i];
    free(x);
    return count;
}

static void sort_out(struct verification *v)
{
    bool *front = cli_alloc(v->n + 1, sizeof *front);
    qsort_r(v->at, v->n, sizeof *v->at, by_predicted, v);
    v->nfront = find_front(v, false, front);
    for (size_t i = 0; i < v->n; i++)
        v->at[i].front = front[i];
    free(front);
}

/* The volume that the front's networks dominate: by what is predicted, or measured over `scale`. */
static double volume(const struct verification *v, double scale)
{
    struct ds_error err;
    double *x = cli_alloc(2 * v->n + 1, sizeof *x), reference[2] = {-INFINITY, -INFINITY}, sum;
    size_t n = 0;
    for (size_t i = 0; i < v->n; i++) {
        const struct network *at = &v->at[i];
        reference[0] = fmax(reference[0], turned(v, at->predicted));
        reference[0] = fmax(reference[0], turned(v, at->measured));
        reference[1] = fmax(reference[1], at->other);
        if (!at->front)
            continue;
        x[2 * n] = turned(v, isnan(scale) ? at->predicted : at->measured / scale);
        x[2 * n++ + 1] = at->other;
    }
    if (ds_hypervolume(x, n, 2, reference, &sum, &err))
        cli_die(CLI_FAILED, "%s", err.text);
    free(x);
    return sum;
}

/* The predicted-front network after i, or n. */
static size_t next_on_front(const struct verification *v, size_t i)
{
    do
        i++;
    while (i < v->n && !v->at[i].front);
    return i;
}

/*
 * A network's rival: of those not on the front that it beats, the one whose predicted value is
 * nearest; n: none. They are in order.
 */
static size_t rival_of(const struct verification *v, size_t i)
{
    for (size_t k = i + 1; k < v->n; k++)
        if (!v->at[k].front && v->at[k].other >= v->at[i].other)
            return k;
    return v->n;
}

/* ---- what is told ---- */

/* Pairs of networks of which the first is predicted to be better. */
struct pairs {
    size_t n, inverted, sure; /* of them, measured the other way; beyond their intervals */
    bool errors;              /* whether all say them */
};

static void add_pair(const struct verification *v, struct pairs *p, size_t a, size_t b)
{
    const struct network *x = &v->at[a], *y = &v->at[b];
    double by = turned(v, log(x->measured / y->measured)), error = hypot(x->error, y->error);
    p->errors = (p->n == 0 || p->errors) && !isnan(error);
    p->n++;
    p->inverted += by > 0;
    p->sure += by > Z95 * error;
}

static void print_pairs(FILE *out, const char *what, const struct pairs *p, const char *claim)
{
    fprintf(out, "%-13s %zu of %zu %s", what, p->inverted, p->n, claim);
    if (p->errors)
        fprintf(out, ", %zu beyond their 95%% intervals", p->sure);
    fputc('\n', out);
}

static void print_order(const struct verification *v, FILE *out)
{
    double *x = cli_alloc(2 * v->n + 1, sizeof *x), *y = x + v->n, rho[2];
    for (int all = 0; all < 2; all++) {
        size_t n = 0;
        for (size_t i = 0; i < v->n; i++)
            if (all || v->at[i].front) {
                x[n] = v->at[i].predicted;
                y[n++] = v->at[i].measured;
            }
        rho[all] = ds_spearman(x, y, n);
    }
    fprintf(out, "%-13s Spearman %.4f on the front, %.4f of all\n", "order", rho[0], rho[1]);
    free(x);
}

/* What a step along the front must be to be larger than the error, as a share. */
static double least_step(const struct verification *v)
{
    return Z95 * sqrt(2) * v->biases.spread;
}

static double step(const struct verification *v, size_t i, size_t next)
{
    return fabs(log(v->at[next].predicted / v->at[i].predicted));
}

static void print_gains(const struct verification *v, FILE *out)
{
    size_t steps = 0, within = 0;
    for (size_t i = next_on_front(v, SIZE_MAX), k; i < v->n; i = k) {
        k = next_on_front(v, i);
        steps += k < v->n;
        within += k < v->n && step(v, i, k) < least_step(v);
    }
    fprintf(out, "%-13s %zu of %zu steps along the front are within the error: below %.2g%%\n",
            "gains", within, steps, 100 * least_step(v));
}

static void print_biases(const struct verification *v, FILE *out)
{
    const struct ds_biases *b = &v->biases;
    char plain[200];
    for (int i = 0; i < b->n; i++)
        fprintf(out, "%-13s %s: measured %+.2g%% against predicted (%+.2g to %+.2g), p %.2g\n",
                "bias", ds_text_plain_copy(plain, sizeof plain, b->at[i].what), b->at[i].off,
                b->at[i].lo, b->at[i].hi, b->at[i].p);
    if (!b->n)
        fprintf(out, "%-13s of no choice beyond doubt\n", "bias");
    else
        fprintf(out, "%-13s %.2g%% is left of the deviation without it\n", "", 100 * b->rest);
}

static void print_summary(const struct verification *v, FILE *out)
{
    struct pairs neighbours = {0}, rivals = {0};
    bool *front = cli_alloc(v->n + 1, sizeof *front);
    size_t stay = 0;
    double predicted = volume(v, NAN), measured = volume(v, 1),
           scaled = volume(v, v->biases.common);
    find_front(v, true, front);
    for (size_t i = 0; i < v->n; i++) {
        size_t next = next_on_front(v, i), rival = rival_of(v, i);
        if (!v->at[i].front)
            continue;
        stay += front[i];
        if (next < v->n)
            add_pair(v, &neighbours, i, next);
        if (rival < v->n)
            add_pair(v, &rivals, i, rival);
    }
    fprintf(out, "%-13s %zu on the predicted front, %zu others\n", "networks", v->nfront,
            v->n - v->nfront);
    fprintf(out, "%-13s %.4g times what was predicted in the median, deviation %.2g%%\n",
            "measured", v->biases.common, 100 * v->biases.spread);
    print_order(v, out);
    print_pairs(out, "inversions", &neighbours, "neighbours on the front are the other way round");
    print_pairs(out, "rivals", &rivals, "are not beaten by the front's network next to them");
    fprintf(out, "%-13s %zu of %zu are on the front of what was measured\n", "still there", stay,
            v->nfront);
    fprintf(
        out,
        "%-13s predicted %.6g, measured %.6g (%+.2f%%), in the predicted scale %.6g (%+.2f%%)\n",
        "hypervolume", predicted, measured, 100 * (measured / predicted - 1), scaled,
        100 * (scaled / predicted - 1));
    print_gains(v, out);
    print_biases(v, out);
    free(front);
}

/* --list: the networks of the front, and how far each is from the next. */
static void print_list(const struct verification *v, FILE *out)
{
    const char *other = v->better ? v->better : v->worse;
    char name[3][200];
    fprintf(out, "id\t%s\t%s\t%s\tstep\twithin_error\tinverted\n",
            ds_text_plain_copy(name[0], sizeof name[0], other),
            ds_text_plain_copy(name[1], sizeof name[1], v->predicted),
            ds_text_plain_copy(name[2], sizeof name[2], v->measured));
    for (size_t i = next_on_front(v, SIZE_MAX), k; i < v->n; i = k) {
        const struct network *at = &v->at[i];
        k = next_on_front(v, i);
        fprintf(out, "%016" PRIx64 "\t%.9g\t%.9g\t%.9g\t", at->id,
                v->better ? -at->other : at->other, at->predicted, at->measured);
        if (k == v->n)
            fprintf(out, "-\t-\t-\n");
        else
            fprintf(out, "%.4g\t%s\t%s\n", step(v, i, k),
                    step(v, i, k) < least_step(v) ? "yes" : "no",
                    turned(v, at->measured - v->at[k].measured) > 0 ? "yes" : "no");
    }
}

static void find_biases(struct verification *v)
{
    struct ds_error err;
    uint8_t(*choice)[DS_MAX_SITES] = cli_alloc(v->n + 1, sizeof *choice);
    double *x = cli_alloc(2 * v->n + 1, sizeof *x), *y = x + v->n;
    for (size_t i = 0; i < v->n; i++) {
        memcpy(choice[i], v->at[i].choice, sizeof *choice);
        x[i] = v->at[i].predicted;
        y[i] = v->at[i].measured;
    }
    if (ds_find_biases(v->space, (const uint8_t(*)[DS_MAX_SITES])choice, x, y, v->n, &v->biases,
                       &err))
        cli_die(CLI_FAILED, "%s", err.text);
    free(choice);
    free(x);
}

int main(int argc, char **argv)
{
    struct verification v = {0};
    const struct cli_option options[] = {
        {"better", 'b', CLI_TEXT, &v.better, "METRIC",
         "the front's other objective, the more of it the better", 0},
        {"worse", 'w', CLI_TEXT, &v.worse, "METRIC", "the same, the more the worse", 0},
        {"list", 'l', CLI_FLAG, &v.list, NULL, "the front's networks, tab-separated", 0},
        {0},
    };
    struct cli cli = {
        .name = "ds-verify",
        .usage = "PREDICTED MEASURED {--better METRIC | --worse METRIC} [OPTION ...] [FILE ...]",
        .about = "Holds a predicted front against what was measured of it.",
        .options = options,
    };
    cli_parse(&cli, argc, argv);
    blas_begin();
    if (cli.noperands < 2)
        cli_die(CLI_USAGE, "wants two metrics first, as latency.cpu latency.live");
    if (!v.better == !v.worse)
        cli_die(CLI_USAGE, "wants the front's other objective: --better METRIC or --worse METRIC");
    v.predicted = cli.operand[0];
    v.measured = cli.operand[1];
    const char *class = ds_metric_class(v.predicted);
    v.more = class && strcmp(class, "acc") == 0;
    struct ds_reader *in = cli_reader(cli.operand + 2, cli.noperands - 2);
    read_all(&v, in);
    if (v.n == 0)
        cli_die(CLI_FAILED, "no records to verify");
    sort_out(&v);
    find_biases(&v);
    FILE *out = cli_open_text(&cli);
    if (v.list)
        print_list(&v, out);
    else
        print_summary(&v, out);
    cli_close_text(&cli, out);
    ds_reader_close(in);
    free(v.at);
    return 0;
}

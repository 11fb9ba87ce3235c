/* Prints how the metrics of a stream agree in rank, for every two of them. */
#include "base/grow.h"
#include "base/stats.h"
#include "base/text.h"
#include "memory.h"
#include "output.h"
#include "progress.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INTERVAL 0.95

/* The values of one metric: a number for each record, NaN where it has none. */
struct column {
    char *name;
    double *x;
    size_t room;
};

struct table {
    struct column *column;
    size_t ncolumns, room;
    size_t nrecords;
    bool chosen; /* only the columns named by options */
};

static struct column *add_column(struct table *t, const char *name, size_t length)
{
    cli_grow(&t->column, &t->room, t->ncolumns + 1, sizeof *t->column);
    struct column *c = &t->column[t->ncolumns++];
    *c = (struct column){.name = cli_must(ds_copy_text(name, length, NULL))};
    cli_grow(&c->x, &c->room, t->nrecords + 1, sizeof *c->x);
    for (size_t i = 0; i < t->nrecords; i++)
        c->x[i] = NAN;
    return c;
}

static struct column *find_column(struct table *t, msgpack_object_str name)
{
    for (size_t i = 0; i < t->ncolumns; i++)
        if (strlen(t->column[i].name) == name.size &&
            memcmp(t->column[i].name, name.ptr, name.size) == 0)
            return &t->column[i];
    return t->chosen ? NULL : add_column(t, name.ptr, name.size);
}

static void add_record(struct table *t, const struct ds_record *rec)
{
    for (size_t i = 0; i < t->ncolumns; i++) {
        struct column *c = &t->column[i];
        cli_grow(&c->x, &c->room, t->nrecords + 1, sizeof *c->x);
        c->x[t->nrecords] = NAN;
    }
    for (int k = 0; k < rec->nmetrics; k++) {
        struct column *c = find_column(t, rec->metric[k].name);
        if (c && isfinite(rec->metric[k].value))
            c->x[t->nrecords] = rec->metric[k].value;
    }
    t->nrecords++;
}

static void read_all(struct table *t, const struct cli *cli)
{
    struct ds_error err;
    struct ds_record *rec;
    struct progress progress;
    struct ds_reader *in = ds_reader_open(cli->operand, cli->noperands, &err);
    int rc;
    if (!in)
        cli_die(CLI_FAILED, "%s", err.text);
    progress_begin(&progress, cli->progress, 0);
    while ((rc = ds_reader_next(in, &rec, &err)) > 0) {
        add_record(t, rec);
        progress.total = ds_reader_total(in);
        progress_add(&progress, 1);
    }
    progress_end(&progress);
    if (rc < 0)
        cli_die(CLI_FAILED, "%s", err.text);
    ds_reader_close(in);
}

/* Those records that have both metrics; returns how many. */
static size_t both(const struct table *t, const struct column *a, const struct column *b, double *x,
                   double *y)
{
    size_t n = 0;
    for (size_t i = 0; i < t->nrecords; i++)
        if (!isnan(a->x[i]) && !isnan(b->x[i])) {
            x[n] = a->x[i];
            y[n++] = b->x[i];
        }
    return n;
}

static void print_pair(FILE *out, bool tsv, const char *a, const char *b, const double *x,
                       const double *y, size_t n)
{
    char interval[60] = "-";
    double lo, hi, rho = ds_spearman(x, y, n), tau = ds_kendall(x, y, n);
    ds_spearman_interval(rho, n, INTERVAL, &lo, &hi);
    if (tsv) {
        fprintf(out, "%s\t%s\t%zu\t%.12g\t%.12g\t%.12g\t%.12g\n", a, b, n, rho, lo, hi, tau);
        return;
    }
    if (!isnan(lo))
        snprintf(interval, sizeof interval, "(%+.3f to %+.3f)", lo, hi);
    fprintf(out, "%-18s  %-18s  %7zu  ", a, b, n);
    if (isnan(rho))
        fprintf(out, "%6s  %-18s  %6s\n", "-", interval, "-");
    else
        fprintf(out, "%+6.3f  %-18s  %+6.3f\n", rho, interval, tau);
}

static const char *plain_name(const struct column *c, char name[200])
{
    return ds_text_plain_copy(name, 200, c->name);
}

static void print_pairs(const struct table *t, FILE *out, bool tsv)
{
    char a[200], b[200];
    double *x = cli_alloc(t->nrecords + 1, sizeof *x), *y = cli_alloc(t->nrecords + 1, sizeof *y);
    fprintf(out, tsv ? "a\tb\tn\tspearman\tlo\thi\tkendall\n"
                     : "                                        records  Spearman (95%%)"
                       "              Kendall\n");
    for (size_t i = 0; i < t->ncolumns; i++)
        for (size_t k = i + 1; k < t->ncolumns; k++) {
            size_t n = both(t, &t->column[i], &t->column[k], x, y);
            print_pair(out, tsv, plain_name(&t->column[i], a), plain_name(&t->column[k], b), x, y,
                       n);
        }
    free(x);
    free(y);
}

int main(int argc, char **argv)
{
    struct cli_list metric = {0};
    struct table t = {0};
    bool tsv = false;
    const struct cli_option options[] = {
        {"metric", 'm', CLI_LIST, &metric, "METRIC", "only these (again for more; all)", 0},
        {"tsv", 't', CLI_FLAG, &tsv, NULL, "tab-separated values, numbers in full", 0},
        {0},
    };
    struct cli cli = {
        .name = "ds-correlate",
        .usage = "[OPTION ...] [FILE ...]",
        .about = "Prints the rank correlation of every two metrics of a stream.",
        .options = options,
    };
    cli_parse(&cli, argc, argv);
    for (int i = 0; i < metric.n; i++)
        add_column(&t, metric.value[i], strlen(metric.value[i]));
    t.chosen = metric.n > 0;
    read_all(&t, &cli);
    if (t.ncolumns < 2)
        cli_die(CLI_FAILED, "wants two metrics or more: there %s %zu",
                t.ncolumns == 1 ? "is" : "are", t.ncolumns);
    for (size_t i = 0; i < t.ncolumns; i++) {
        size_t known = 0;
        for (size_t k = 0; k < t.nrecords; k++)
            known += !isnan(t.column[i].x[k]);
        if (!known)
            cli_die(CLI_FAILED, "no record has metric %s", t.column[i].name);
    }
    FILE *out = cli_open_text(&cli);
    print_pairs(&t, out, tsv);
    cli_close_text(&cli, out);
    for (size_t i = 0; i < t.ncolumns; i++) {
        free(t.column[i].name);
        free(t.column[i].x);
    }
    free(t.column);
    return 0;
}

/* Compares the fronts that searches found, each repeated under several seeds. */
#include "base/grow.h"
#include "base/number.h"
#include "base/significance.h"
#include "base/stats.h"
#include "base/text.h"
#include "fronts.h"
#include "memory.h"
#include "output.h"
#include "relative.h"
#include "search/control.h"
#include "search/pareto.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEVELS 5 /* of equal cost, unless named */
#define INTERVAL 0.95

struct comparison {
    struct ds_objectives o;
    struct ds_fronts fronts;
    double reference[DS_MOST_OBJECTIVES];
    int controls; /* labels that are random spaces */
    bool tsv;
    FILE *out;
};

/* A value's name in the table, and its value for every run: NaN where a run has none. */
struct row {
    char name[200];
    bool more;     /* more of it is better */
    double *value; /* [fronts] */
};

/* The values of the runs of a label that have one; returns how many. */
static size_t values_of(const struct comparison *c, const struct row *row, int label, double *value)
{
    size_t n = 0;
    for (int i = 0; i < c->fronts.n; i++)
        if (c->fronts.at[i].label == label && !isnan(row->value[i]))
            value[n++] = row->value[i];
    return n;
}

/* "80.12 +- 0.05" of the runs that have the value; how many where not all have it. */
static void print_mean(const struct comparison *c, const double *value, size_t n, int all)
{
    char text[120] = "-", some[48] = "";
    struct ds_moments m = {0};
    for (size_t i = 0; i < n; i++)
        ds_moments_add(&m, value[i]);
    if (c->tsv) {
        fprintf(c->out, "\t%.12g\t%.12g\t%zu", n ? m.mean : NAN, ds_moments_sd(&m), n);
        return;
    }
    if (n > 1)
        snprintf(text, sizeof text, "%.6g ± %.2g", m.mean, ds_moments_sd(&m));
    else if (n)
        snprintf(text, sizeof text, "%.6g", m.mean);
    if (n && (int)n < all)
        snprintf(some, sizeof some, " (%zu of %d)", n, all);
    strcat(text, some);
    bool wide = strstr(text, "±"); /* one column, two bytes */
    fprintf(c->out, "  %-*s", wide ? 23 : 22, text);
}

static void print_difference(const struct comparison *c, const double *a, size_t na,
                             const double *b, size_t nb)
{
    struct ds_difference d = {NAN, NAN, NAN, NAN};
    double p = NAN;
    char text[100] = "-";
    if (na && nb) {
        d = ds_welch(a, na, b, nb, INTERVAL);
        p = na > 1 && nb > 1 ? ds_permutation_p(a, na, b, nb) : NAN;
    }
    if (c->tsv) {
        fprintf(c->out, "\t%.12g\t%.12g\t%.12g\t%.6g\t%.6g", d.difference, d.lo, d.hi, d.p, p);
        return;
    }
    if (isnan(d.lo) && na && nb)
        snprintf(text, sizeof text, "%+.4g", d.difference);
    else if (na && nb)
        snprintf(text, sizeof text, "%+.4g (%+.4g to %+.4g)", d.difference, d.lo, d.hi);
    fprintf(c->out, "  %-30s", text);
    snprintf(text, sizeof text, isnan(p) ? "-" : "%.4f", p);
    fprintf(c->out, "  %-6s", text);
}

static void print_rank(const struct comparison *c, const struct row *row, int label)
{
    char text[40];
    struct ds_rank r = ds_rank_among_controls(&c->fronts, label, row->value, row->more);
    if (r.among < 2)
        return;
    if (c->tsv) {
        fprintf(c->out, "\t%.12g\t%d\t%.6g\t%.12g\t%.12g", r.rank, r.among, r.p, r.mean, r.sd);
        return;
    }
    snprintf(text, sizeof text, "%.4g of %d", r.rank, r.among);
    fprintf(c->out, "  %-11s", text);
}

/* Prints a row: the first label, then labels from..to-1 without controls. */
static void print_row(const struct comparison *c, const struct row *row, int from, int to)
{
    double *first = cli_alloc((size_t)c->fronts.n, sizeof *first);
    double *other = cli_alloc((size_t)c->fronts.n, sizeof *other);
    size_t n = values_of(c, row, 0, first);
    char name[sizeof row->name];
    ds_text_plain_copy(name, sizeof name, row->name);
    fprintf(c->out, c->tsv ? "%s" : "%-32s", name);
    print_mean(c, first, n, c->fronts.count[0]);
    for (int l = from; l < to; l++) {
        if (ds_is_control(c->fronts.label[l]))
            continue;
        size_t m = values_of(c, row, l, other);
        print_mean(c, other, m, c->fronts.count[l]);
        print_difference(c, first, n, other, m);
        print_rank(c, row, l);
    }
    fputc('\n', c->out);
    free(first);
    free(other);
}

static void print_head(const struct comparison *c, int label)
{
    char text[200], name[160];
    ds_text_plain_copy(name, sizeof name, c->fronts.label[label]);
    if (c->tsv) {
        fprintf(c->out, "\t%s\t%s:sd\t%s:n", name, name, name);
        if (label)
            fprintf(c->out, "\t%s:difference\t%s:lo\t%s:hi\t%s:p_welch\t%s:p", name, name, name,
                    name, name);
        if (ds_controls_of(&c->fronts, label))
            fprintf(c->out, "\t%s:rank\t%s:among\t%s:p_rank\t%s:controls\t%s:controls_sd", name,
                    name, name, name, name);
        return;
    }
    snprintf(text, sizeof text, "%s (%d)", name, c->fronts.count[label]);
    fprintf(c->out, "  %-22s", text);
    if (label)
        fprintf(c->out, "  %-30s  %-6s", "difference (95%)", "p");
    if (ds_controls_of(&c->fronts, label))
        fprintf(c->out, "  %-11s", "rank");
}

/* A table of the first label and those of labels from..to-1 that are no controls. */
static void print_table(const struct comparison *c, const struct row *rows, int nrows, int from,
                        int to)
{
    fprintf(c->out, c->tsv ? "quantity" : "%-32s", "");
    print_head(c, 0);
    for (int l = from; l < to; l++)
        if (!ds_is_control(c->fronts.label[l]))
            print_head(c, l);
    fputc('\n', c->out);
    for (int i = 0; i < nrows; i++)
        print_row(c, &rows[i], from, to);
}

/* ---- rows ---- */

/* The worst of all fronts in every objective: the reference where none is given. */
static void worst_corner(struct comparison *c)
{
    for (int k = 0; k < c->o.n; k++) {
        c->reference[k] = -INFINITY;
        for (int i = 0; i < c->fronts.n; i++)
            for (size_t j = 0; j < c->fronts.at[i].n; j++)
                c->reference[k] =
                    fmax(c->reference[k], c->fronts.at[i].x[j * (size_t)c->o.n + (size_t)k]);
    }
}

static void volumes(struct comparison *c, struct row *row)
{
    struct ds_error err;
    snprintf(row->name, sizeof row->name, "hypervolume");
    row->more = true;
    for (int i = 0; i < c->fronts.n; i++)
        if (ds_hypervolume(c->fronts.at[i].x, c->fronts.at[i].n, c->o.n, c->reference,
                           &row->value[i], &err))
            cli_die(CLI_FAILED, "%s", err.text);
}

static void bests(struct comparison *c, struct row *row, int k)
{
    snprintf(row->name, sizeof row->name, "%s %s", c->o.at[k].more ? "highest" : "lowest",
             c->o.at[k].name);
    row->more = c->o.at[k].more;
    for (int i = 0; i < c->fronts.n; i++)
        row->value[i] =
            ds_objective_turn(&c->o, k, ds_front_best(&c->fronts.at[i], &c->o, k, k, INFINITY));
}

static void at_level(struct comparison *c, struct row *row, int want, int axis, double level)
{
    snprintf(row->name, sizeof row->name, "%s at %s %s %.6g", c->o.at[want].name,
             c->o.at[axis].name,
             c->o.at[axis].more ? ">=" : "<=", ds_objective_turn(&c->o, axis, level));
    row->more = c->o.at[want].more;
    for (int i = 0; i < c->fronts.n; i++) {
        double best = ds_front_best(&c->fronts.at[i], &c->o, want, axis, level);
        row->value[i] = isinf(best) ? NAN : ds_objective_turn(&c->o, want, best);
    }
}

/* Rounds to three digits. */
static double rounded(double x)
{
    char text[32];
    const char *end;
    ds_number_print(text, sizeof text, 3, x);
    ds_number_begin(text, &end, &x);
    return x;
}

/*
 * Levels of the axis between where all runs have something and where none gets better. With
 * controls, of the first label's runs alone: levels that suit what is ranked would favour it.
 */
static int choose_levels(const struct comparison *c, int want, int axis, double *level)
{
    double low = -INFINITY, high = INFINITY;
    for (int i = 0; i < c->fronts.n; i++) {
        const struct ds_front *front = &c->fronts.at[i];
        if (c->controls && front->label != 0)
            continue;
        double best = ds_front_best(front, &c->o, want, want, INFINITY);
        low = fmax(low, ds_front_best(front, &c->o, axis, axis, INFINITY));
        high = fmin(high, ds_front_best(front, &c->o, axis, want, best));
    }
    for (int i = 0; i < LEVELS && low < high; i++)
        level[i] = rounded(low + (high - low) * (i + 0.5) / LEVELS);
    return low < high ? LEVELS : 0;
}

/* "METRIC=V,V,...": the axis and its levels. */
static int parse_levels(const struct comparison *c, const char *text, int *axis, double **level)
{
    const char *equals = strchr(text, '=');
    int n = 0;
    *axis = 0;
    while (equals && *axis < c->o.n &&
           (strlen(c->o.at[*axis].name) != (size_t)(equals - text) ||
            strncmp(c->o.at[*axis].name, text, (size_t)(equals - text))))
        ++*axis;
    if (!equals || *axis == c->o.n)
        cli_die(CLI_USAGE, "--at: '%s' is not METRIC=V,... of a metric compared", text);
    char *copy = cli_must(ds_copy_string(equals + 1, NULL)), *rest = copy;
    *level = cli_alloc(strlen(copy) + 1, sizeof **level);
    for (char *v; (v = strsep(&rest, ","));)
        (*level)[n++] = ds_objective_turn(&c->o, *axis, cli_number("--at", v, -INFINITY, INFINITY));
    free(copy);
    return n;
}

/* Makes all rows; returns how many. */
static int make_rows(struct comparison *c, const char *at, struct row **rows)
{
    int axis = c->o.n - 1, want = 0, nlevels = 0, n = 0;
    double *level = NULL;
    if (at) {
        nlevels = parse_levels(c, at, &axis, &level);
        want = axis == 0 ? 1 : 0;
    } else if (c->o.n == 2) {
        level = cli_alloc(LEVELS, sizeof *level);
        nlevels = choose_levels(c, want, axis, level);
    }
    int most = 1 + nlevels + c->o.n;
    *rows = cli_alloc((size_t)most, sizeof **rows);
    for (int i = 0; i < most; i++)
        (*rows)[i].value = cli_alloc((size_t)c->fronts.n, sizeof(double));
    if (c->o.n > 1)
        volumes(c, &(*rows)[n++]);
    for (int i = 0; i < nlevels; i++)
        at_level(c, &(*rows)[n++], want, axis, level[i]);
    for (int k = 0; k < c->o.n; k++)
        bests(c, &(*rows)[n++], k);
    for (int i = n; i < most; i++)
        free((*rows)[i].value);
    free(level);
    return n;
}

/* As text, a table for each label to be compared; else all in one. */
static void print_all(struct comparison *c, const char *at)
{
    struct row *rows;
    int n = make_rows(c, at, &rows), last = c->fronts.nlabels, tables = 0;
    for (int l = 1; l < last; l++)
        tables += !ds_is_control(c->fronts.label[l]);
    if (c->tsv || tables < 2)
        print_table(c, rows, n, 1, last);
    else
        for (int l = 1; l < last; l++) {
            if (ds_is_control(c->fronts.label[l]))
                continue;
            print_table(c, rows, n, l, l + 1);
            fputs(--tables ? "\n" : "", c->out);
        }
    if (!c->tsv && c->o.n > 1) {
        fprintf(c->out, "\nHypervolume up to");
        for (int k = 0; k < c->o.n; k++)
            fprintf(c->out, "%s %s=%.6g", k ? "," : "", c->o.at[k].name,
                    ds_objective_turn(&c->o, k, c->reference[k]));
        fprintf(c->out, ". Differences from %s: Welch's interval, exact permutation p.\n",
                c->fronts.label[0]);
    }
    if (!c->tsv && c->controls)
        fputs("Rank of the mean among those of random spaces of the same size, 1 being best.\n",
              c->out);
    for (int i = 0; i < n; i++)
        free(rows[i].value);
    free(rows);
}

/* How many labels are controls. Dies where a control belongs to no label given, or comes first. */
static int count_controls(const struct ds_fronts *fronts)
{
    int found = 0, controls = 0;
    for (int l = 0; l < fronts->nlabels; l++)
        if (ds_is_control(fronts->label[l]))
            controls++;
        else
            found += ds_controls_of(fronts, l);
    if (ds_is_control(fronts->label[0]))
        cli_die(CLI_USAGE, "%s is a control: give first what the others are compared with",
                fronts->label[0]);
    if (found < controls)
        cli_die(CLI_USAGE, "NAME~K is a control of NAME: some are given without it");
    return controls;
}

int main(int argc, char **argv)
{
    struct cli_list better = {0}, worse = {0};
    const char *reference = NULL, *at = NULL;
    struct comparison c = {0};
    const struct cli_option options[] = {
        RELATIVE_OPTION,
        {"better", 'b', CLI_LIST, &better, "METRIC", "the more of it, the better", 0},
        {"worse", 'w', CLI_LIST, &worse, "METRIC", "the more of it, the worse", 0},
        {"reference", 0, CLI_TEXT, &reference, "METRIC=V,...",
         "hypervolume up to this point (the worst of all fronts)", 0},
        {"at", 0, CLI_TEXT, &at, "METRIC=V,...", "compare at equal METRIC: at these values", 0},
        {"tsv", 't', CLI_FLAG, &c.tsv, NULL, "tab-separated values, numbers in full", 0},
        {0},
    };
    struct cli cli = {
        .name = "ds-compare",
        .usage = "{--better METRIC | --worse METRIC} ... [OPTION ...] LABEL=FILE ...",
        .about = "Compares the fronts of searches, repeated under several seeds, with the first.",
        .options = options,
    };
    cli_parse(&cli, argc, argv);
    objectives_parse(&c.o, &better, &worse, false);
    if (at && c.o.n < 2)
        cli_die(CLI_USAGE, "--at compares one metric at equal values of another: name two");
    if (reference)
        objectives_point(&c.o, "--reference", reference, c.reference);
    fronts_read(&c.fronts, &c.o, cli.operand, cli.noperands);
    c.controls = count_controls(&c.fronts);
    if (!reference)
        worst_corner(&c);
    c.out = cli_open_text(&cli);
    print_all(&c, at);
    cli_close_text(&cli, c.out);
    ds_fronts_free(&c.fronts);
    ds_objectives_free(&c.o);
    return 0;
}

/*
 * Fronts of searches: for every label the front that half of its runs attain, the spread from the
 * worst to the best run (Fonseca's attainment surfaces), and the points of all runs.
 */
#include "base/metric.h"
#include "base/stats.h"
#include "fronts.h"
#include "memory.h"
#include "plot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH 760
#define HEIGHT 500
#define TEXT_LEVELS 10

enum { WANT, AXIS }; /* objectives: drawn upwards, drawn along */

/* What the runs of one label attain at growing values of the axis (less being better in both). */
struct attained {
    size_t n;
    double *x, *best, *middle, *worst; /* infinity: not yet attained */
};

static const char *const colours[] = {"1f5fc4", "d0202f", "2a9048", "d98a00", "7a3fb0", "3c8f9e"};

/* The values of the axis at which runs of this label get better, each once, and `end`. */
static size_t steps(const struct ds_fronts *fronts, int label, double end, double **x)
{
    size_t n = 1;
    for (int i = 0; i < fronts->n; i++)
        n += fronts->at[i].label == label ? fronts->at[i].n : 0;
    *x = cli_alloc(n, sizeof **x);
    n = 0;
    for (int i = 0; i < fronts->n; i++)
        for (size_t j = 0; j < fronts->at[i].n && fronts->at[i].label == label; j++)
            (*x)[n++] = fronts->at[i].x[2 * j + AXIS];
    (*x)[n++] = end;
    ds_sort(*x, n);
    size_t distinct = 0;
    for (size_t i = 0; i < n; i++)
        if (i == 0 || (*x)[i] != (*x)[distinct - 1])
            (*x)[distinct++] = (*x)[i];
    return distinct;
}

/* The median; of an even number of values, the worse of the two in the middle. */
static double middle_of(double *value, int n)
{
    ds_sort(value, (size_t)n);
    return value[n / 2];
}

static void attain(const struct ds_fronts *fronts, const struct ds_objectives *o, int label,
                   double end, struct attained *a)
{
    int count = fronts->count[label];
    double *now = cli_alloc((size_t)count, sizeof *now);
    a->n = steps(fronts, label, end, &a->x);
    a->best = cli_alloc(3 * a->n, sizeof *a->best);
    a->middle = a->best + a->n;
    a->worst = a->middle + a->n;
    for (size_t i = 0; i < a->n; i++) {
        int k = 0;
        for (int r = 0; r < fronts->n; r++)
            if (fronts->at[r].label == label)
                now[k++] = ds_front_best(&fronts->at[r], o, WANT, AXIS, a->x[i]);
        a->middle[i] = middle_of(now, count);
        a->best[i] = now[0];
        a->worst[i] = now[count - 1];
    }
    free(now);
}

/* ---- the picture ---- */

/* Writes a staircase as a data block: two points a step, up to where it is not attained. */
static void write_steps(FILE *g, const char *name, int label, const struct ds_objectives *o,
                        const struct attained *a, const double *low, const double *high)
{
    fprintf(g, "$%s%d << END\n", name, label);
    for (size_t i = 0; i < a->n; i++) {
        if (isinf(low[i]) || isinf(high[i]))
            continue;
        double y1 = ds_objective_turn(o, WANT, low[i]), y2 = ds_objective_turn(o, WANT, high[i]);
        fprintf(g, "%.9g %.9g %.9g\n", ds_objective_turn(o, AXIS, a->x[i]), y1, y2);
        if (i + 1 < a->n)
            fprintf(g, "%.9g %.9g %.9g\n", ds_objective_turn(o, AXIS, a->x[i + 1]), y1, y2);
    }
    fputs("END\n", g);
}

static void write_points(FILE *g, const struct ds_fronts *fronts, int label,
                         const struct ds_objectives *o)
{
    fprintf(g, "$points%d << END\n", label);
    for (int i = 0; i < fronts->n; i++)
        for (size_t j = 0; j < fronts->at[i].n && fronts->at[i].label == label; j++)
            fprintf(g, "%.9g %.9g\n", ds_objective_turn(o, AXIS, fronts->at[i].x[2 * j + AXIS]),
                    ds_objective_turn(o, WANT, fronts->at[i].x[2 * j + WANT]));
    fputs("END\n", g);
}

static void write_label(FILE *g, const char *axis, const char *metric)
{
    char text[300];
    const char *unit = ds_metric_unit(metric);
    snprintf(text, sizeof text, *unit ? "%s (%s)" : "%s", metric, unit);
    fprintf(g, "set %slabel ", axis);
    gnuplot_string(g, text);
    fputs(" noenhanced\n", g);
}

static void write_frame(FILE *g, const struct ds_objectives *o, const char *title)
{
    fputs("set border 3 lc rgb '#606060'\nset tics nomirror out scale 0.6 tc rgb '#303030'\n"
          "set grid lc rgb '#e4e4e4' lt 1 lw 0.8\nset autoscale fix\nset offsets graph 0.02, graph "
          "0.02, graph 0.04, graph 0.02\nset lmargin 10\nset rmargin 3\n",
          g);
    fprintf(g, "set key %s %s reverse Left noenhanced samplen 2.5 spacing 1.2\n",
            o->at[WANT].more ? "bottom" : "top", o->at[AXIS].more ? "left" : "right");
    write_label(g, "x", o->at[AXIS].name);
    write_label(g, "y", o->at[WANT].name);
    if (title) {
        fputs("set title ", g);
        gnuplot_string(g, title);
        fputs(" noenhanced\n", g);
    }
}

static void write_plot(FILE *g, const struct ds_fronts *fronts)
{
    const char *before = "plot ";
    for (int l = 0; l < fronts->nlabels; l++) {
        const char *colour = colours[(size_t)l % (sizeof colours / sizeof *colours)];
        char title[200];
        if (fronts->count[l] > 1)
            fprintf(g,
                    "%s$band%d using 1:2:3 with filledcurves fs transparent solid 0.16 noborder fc "
                    "rgb '#%s' notitle",
                    before, l, colour);
        before = fronts->count[l] > 1 ? ", " : before;
        fprintf(g, "%s$points%d with points pt 7 ps 0.28 lc rgb '#b0%s' notitle", before, l,
                colour);
        before = ", ";
        snprintf(title, sizeof title,
                 fronts->count[l] > 1 ? "%s: median and range of %d runs" : "%s", fronts->label[l],
                 fronts->count[l]);
        fprintf(g, "%s$middle%d using 1:2 with lines lw 2.2 lc rgb '#%s' title ", before, l,
                colour);
        gnuplot_string(g, title);
    }
    fputc('\n', g);
}

static void draw_picture(const struct plot_options *options, const struct ds_fronts *fronts,
                         const struct ds_objectives *o, const struct attained *a)
{
    FILE *g = gnuplot_begin(options->output, WIDTH, HEIGHT);
    write_frame(g, o, options->title);
    for (int l = 0; l < fronts->nlabels; l++) {
        write_steps(g, "band", l, o, &a[l], a[l].best, a[l].worst);
        write_steps(g, "middle", l, o, &a[l], a[l].middle, a[l].middle);
        write_points(g, fronts, l, o);
    }
    write_plot(g, fronts);
    gnuplot_end(g, options->output);
}

/* ---- as text ---- */

/* What is attained at x. */
static double value_at(const struct attained *a, const double *value, double x)
{
    double v = INFINITY;
    for (size_t i = 0; i < a->n && a->x[i] <= x; i++)
        v = value[i];
    return v;
}

static void print_text(const struct ds_fronts *fronts, const struct ds_objectives *o,
                       const struct attained *a, double begin, double end)
{
    printf("%s by %s: median, worst to best of the runs\n%-12s", o->at[WANT].name, o->at[AXIS].name,
           o->at[AXIS].name);
    for (int l = 0; l < fronts->nlabels; l++)
        printf("  %-28s", fronts->label[l]);
    putchar('\n');
    for (int i = 1; i <= TEXT_LEVELS; i++) {
        double x = begin + (end - begin) * i / TEXT_LEVELS;
        printf("%-12.5g", ds_objective_turn(o, AXIS, x));
        for (int l = 0; l < fronts->nlabels; l++) {
            double middle = value_at(&a[l], a[l].middle, x);
            double worst = value_at(&a[l], a[l].worst, x), best = value_at(&a[l], a[l].best, x);
            char text[100] = "-";
            if (!isinf(worst))
                snprintf(text, sizeof text, "%.5g  (%.5g to %.5g)",
                         ds_objective_turn(o, WANT, middle), ds_objective_turn(o, WANT, worst),
                         ds_objective_turn(o, WANT, best));
            else if (!isinf(middle))
                snprintf(text, sizeof text, "%.5g  (not all)", ds_objective_turn(o, WANT, middle));
            printf("  %-28s", text);
        }
        putchar('\n');
    }
}

void plot_front(struct cli *cli, const struct plot_options *options, struct ds_reader *in)
{
    struct ds_objectives o;
    struct ds_fronts fronts;
    (void)in; /* every run has a reader of its own */
    objectives_parse(&o, &options->better, &options->worse, false);
    if (o.n != 2)
        cli_die(CLI_USAGE,
                "a front is drawn of two metrics, not %d: --better METRIC and --worse "
                "METRIC",
                o.n);
    fronts_read(&fronts, &o, cli->operand + 1, cli->noperands - 1);

    double begin = INFINITY, end = -INFINITY;
    for (int i = 0; i < fronts.n; i++)
        for (size_t j = 0; j < fronts.at[i].n; j++) {
            begin = fmin(begin, fronts.at[i].x[2 * j + AXIS]);
            end = fmax(end, fronts.at[i].x[2 * j + AXIS]);
        }
    struct attained *a = cli_alloc((size_t)fronts.nlabels, sizeof *a);
    for (int l = 0; l < fronts.nlabels; l++)
        attain(&fronts, &o, l, end, &a[l]);
    if (options->output)
        draw_picture(options, &fronts, &o, a);
    else
        print_text(&fronts, &o, a, begin, end);
    for (int l = 0; l < fronts.nlabels; l++) {
        free(a[l].x);
        free(a[l].best);
    }
    free(a);
    ds_fronts_free(&fronts);
    ds_objectives_free(&o);
}

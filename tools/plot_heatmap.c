/* Heat maps of an aggregated stream: a panel for each metric and each value of further keys. */
#include "plot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST_KEYS 8

/* The values of a key in order of appearance, as text. */
struct axis {
    char *key;
    char **label;
    int n;
};

struct cell {
    int at[MOST_KEYS];  /* label number on each axis */
    double value, half; /* NaN: not there */
};

struct panel {
    char *metric;
    int rest[MOST_KEYS]; /* labels of the keys that are neither rows nor columns */
    bool effect;
    char *about;          /* engine and device, where the metric says */
    double *value, *half; /* [rows][cols] */
    double low, high;
};

struct map {
    struct axis axis[MOST_KEYS];
    int naxes, rows, cols; /* rows: -1 when there is one key */
    struct panel *panel;
    int npanels;
    bool interval;
};

static void *must(void *p)
{
    if (!p)
        cli_die(CLI_FAILED, "out of memory");
    return p;
}

/* ---- reading ---- */

static void object_text(const msgpack_object *o, char *out, size_t size)
{
    double v;
    if (ds_object_number(o, &v) == 0)
        snprintf(out, size, "%g", v);
    else if (o->type == MSGPACK_OBJECT_STR)
        snprintf(out, size, "%.*s", (int)o->via.str.size, o->via.str.ptr);
    else
        snprintf(out, size, "?");
}

static int label_number(struct axis *axis, const char *text)
{
    for (int i = 0; i < axis->n; i++)
        if (strcmp(axis->label[i], text) == 0)
            return i;
    axis->label = must(realloc(axis->label, (size_t)(axis->n + 1) * sizeof *axis->label));
    axis->label[axis->n] = must(strdup(text));
    return axis->n++;
}

/* Finds the labels of a group record; the first record says which keys there are. */
static void read_keys(struct map *map, const struct ds_record *rec, const char *where, int *at)
{
    char text[256];
    if (map->naxes == 0) {
        if (rec->group.size > MOST_KEYS)
            cli_die(CLI_FAILED, "%s: more than %d keys", where, MOST_KEYS);
        for (uint32_t i = 0; i < rec->group.size; i++) {
            object_text(&rec->group.ptr[i].key, text, sizeof text);
            map->axis[map->naxes++].key = must(strdup(text));
        }
    }
    for (int k = 0; k < map->naxes; k++) {
        const msgpack_object *o = ds_map_get(rec->group, map->axis[k].key);
        if (!o)
            cli_die(CLI_FAILED, "%s: no key %s, which other groups have", where, map->axis[k].key);
        object_text(o, text, sizeof text);
        at[k] = label_number(&map->axis[k], text);
    }
}

struct entry {
    char *metric, *about;
    bool effect;
    struct cell cell;
};

static double number_of(msgpack_object_map map, const char *key)
{
    double v;
    const msgpack_object *o = ds_map_get(map, key);
    return o && ds_object_number(o, &v) == 0 ? v : NAN;
}

static char *text_of(msgpack_object_map map, const char *key)
{
    const msgpack_object *o = ds_map_get(map, key);
    if (!o || o->type != MSGPACK_OBJECT_STR)
        return must(strdup(""));
    return must(strndup(o->via.str.ptr, o->via.str.size));
}

static struct entry read_metric(const struct ds_metric *m, const int *at)
{
    struct entry e = {.metric = must(strndup(m->name.ptr, m->name.size))};
    char *of = text_of(m->detail, "of"), *engine = text_of(m->detail, "engine");
    char *device = text_of(m->detail, "device"), about[400];
    e.effect = strcmp(of, "effect") == 0;
    snprintf(about, sizeof about, "%s%s%s", engine, *engine && *device ? ", " : "", device);
    e.about = must(strdup(about));
    memcpy(e.cell.at, at, sizeof e.cell.at);
    e.cell.value = m->value;
    e.cell.half = (number_of(m->detail, "hi") - number_of(m->detail, "lo")) / 2;
    free(of);
    free(engine);
    free(device);
    return e;
}

static bool is_wanted(const struct cli_list *metrics, const struct ds_metric *m)
{
    for (int i = 0; i < metrics->n; i++)
        if (strlen(metrics->value[i]) == m->name.size &&
            memcmp(metrics->value[i], m->name.ptr, m->name.size) == 0)
            return true;
    return metrics->n == 0;
}

static struct entry *read_all(struct map *map, const struct plot_options *o, struct ds_reader *in,
                              int *n)
{
    struct ds_error err;
    struct ds_record *rec;
    struct entry *entry = NULL;
    int rc, room = 0;
    *n = 0;
    while ((rc = ds_reader_next(in, &rec, &err)) > 0) {
        int at[MOST_KEYS] = {0};
        if (rec->group.size == 0)
            cli_die(CLI_FAILED, "%s: no group; run ds-aggregate first", ds_reader_where(in));
        read_keys(map, rec, ds_reader_where(in), at);
        for (int i = 0; i < rec->nmetrics; i++) {
            if (!is_wanted(&o->metrics, &rec->metric[i]))
                continue;
            if (*n == room)
                entry = must(realloc(entry, (size_t)(room = 2 * room + 64) * sizeof *entry));
            entry[(*n)++] = read_metric(&rec->metric[i], at);
        }
    }
    if (rc < 0)
        cli_die(CLI_FAILED, "%s", err.text);
    if (*n == 0)
        cli_die(CLI_FAILED, "no group has %s", o->metrics.n ? "such a metric" : "a metric");
    return entry;
}

/* ---- laying out ---- */

static int find_axis(const struct map *map, const char *option, const char *key)
{
    for (int k = 0; k < map->naxes; k++)
        if (strcmp(map->axis[k].key, key) == 0)
            return k;
    cli_die(CLI_USAGE, "%s: the groups have no key %s", option, key);
}

static void choose_axes(struct map *map, const struct plot_options *o)
{
    map->cols = o->cols ? find_axis(map, "--cols", o->cols) : -1;
    map->rows = o->rows ? find_axis(map, "--rows", o->rows) : -1;
    for (int k = 0; k < map->naxes && map->rows < 0 && map->naxes > 1; k++)
        if (k != map->cols)
            map->rows = k;
    for (int k = 0; k < map->naxes && map->cols < 0; k++)
        if (k != map->rows)
            map->cols = k;
    if (map->cols < 0 || map->rows == map->cols)
        cli_die(CLI_USAGE, "rows and columns must be two keys");
}

static int nrows(const struct map *map)
{
    return map->rows < 0 ? 1 : map->axis[map->rows].n;
}

static int ncols(const struct map *map)
{
    return map->axis[map->cols].n;
}

/* Rows from the top; expansion ratios from the largest, as the paper draws them. */
static int row_place(const struct map *map, int label)
{
    bool down = map->rows >= 0 && strcmp(map->axis[map->rows].key, "expand") == 0;
    return down ? nrows(map) - 1 - label : label;
}

static const char *row_label(const struct map *map, int row)
{
    return map->rows < 0 ? "" : map->axis[map->rows].label[row_place(map, row)];
}

static struct panel *find_panel(struct map *map, const struct entry *e)
{
    for (int i = 0; i < map->npanels; i++) {
        struct panel *p = &map->panel[i];
        bool same = strcmp(p->metric, e->metric) == 0;
        for (int k = 0; k < map->naxes; k++)
            same = same && (k == map->rows || k == map->cols || p->rest[k] == e->cell.at[k]);
        if (same)
            return p;
    }
    map->panel = must(realloc(map->panel, (size_t)(map->npanels + 1) * sizeof *map->panel));
    struct panel *p = &map->panel[map->npanels++];
    *p = (struct panel){.metric = e->metric, .about = e->about, .effect = e->effect};
    memcpy(p->rest, e->cell.at, sizeof p->rest);
    int cells = nrows(map) * ncols(map);
    p->value = must(malloc((size_t)cells * sizeof *p->value));
    p->half = must(malloc((size_t)cells * sizeof *p->half));
    for (int i = 0; i < cells; i++)
        p->value[i] = p->half[i] = NAN;
    p->low = INFINITY;
    p->high = -INFINITY;
    return p;
}

static int by_metric(const void *a, const void *b)
{
    return strcmp(((const struct panel *)a)->metric, ((const struct panel *)b)->metric);
}

static void lay_out(struct map *map, const struct entry *entry, int n)
{
    for (int i = 0; i < n; i++) {
        const struct cell *c = &entry[i].cell;
        struct panel *p = find_panel(map, &entry[i]);
        int row = map->rows < 0 ? 0 : row_place(map, c->at[map->rows]);
        int at = row * ncols(map) + c->at[map->cols];
        p->value[at] = c->value;
        p->half[at] = c->half;
        p->low = fmin(p->low, c->value);
        p->high = fmax(p->high, c->value);
    }
    qsort(map->panel, (size_t)map->npanels, sizeof *map->panel, by_metric);
    for (int i = 0; i < map->npanels; i++) {
        struct panel *p = &map->panel[i];
        double most = fmax(fabs(p->low), fabs(p->high));
        if (p->effect) {
            p->low = -most;
            p->high = most;
        }
    }
}

static double shade(const struct panel *p, double value)
{
    return p->high > p->low ? (value - p->low) / (p->high - p->low) : 0.5;
}

/* Decimals that tell the cells of a panel apart. */
static int decimals(const struct panel *p)
{
    double range = p->high - p->low;
    if (!(range > 0))
        range = fabs(p->high) > 0 ? fabs(p->high) : 1;
    int n = 2 - (int)floor(log10(range));
    return n < 0 ? 0 : n > 6 ? 6 : n;
}

static void cell_text(const struct panel *p, double value, char *out, size_t size)
{
    snprintf(out, size, p->effect ? "%+.*f" : "%.*f", decimals(p), value);
}

static void panel_title(const struct map *map, const struct panel *p, char *out, size_t size)
{
    const char *unit = plot_unit(p->metric);
    size_t at = (size_t)snprintf(out, size, "%s%s%s%s%s", p->metric, *unit ? " (" : "", unit,
                                 *unit ? ")" : "", p->effect ? ", effect" : "");
    for (int k = 0; k < map->naxes && at < size; k++)
        if (k != map->rows && k != map->cols)
            at += (size_t)snprintf(out + at, size - at, ", %s %s", map->axis[k].key,
                                   map->axis[k].label[p->rest[k]]);
}

/* ---- text ---- */

static int longest_label(const struct axis *axis)
{
    int most = 1;
    for (int i = 0; i < axis->n; i++)
        most = (int)strlen(axis->label[i]) > most ? (int)strlen(axis->label[i]) : most;
    return most;
}

static void print_cell(FILE *out, const struct panel *p, int at, int width, bool colour)
{
    char text[64];
    int rgb[3];
    if (isnan(p->value[at])) {
        fprintf(out, " %*s ", width, "");
        return;
    }
    cell_text(p, p->value[at], text, sizeof text);
    if (!colour) {
        fprintf(out, " %*s ", width, text);
        return;
    }
    plot_colour(shade(p, p->value[at]), p->effect, rgb);
    bool dark = 299 * rgb[0] + 587 * rgb[1] + 114 * rgb[2] < 128000;
    fprintf(out, "\033[48;2;%d;%d;%dm\033[38;5;%dm %*s \033[0m", rgb[0], rgb[1], rgb[2],
            dark ? 231 : 16, width, text);
}

static void print_panel(FILE *out, const struct map *map, const struct panel *p, bool colour)
{
    char title[512], text[64];
    int left = map->rows < 0 ? 0 : longest_label(&map->axis[map->rows]);
    if (map->rows >= 0 && (int)strlen(map->axis[map->rows].key) > left)
        left = (int)strlen(map->axis[map->rows].key);
    int width = longest_label(&map->axis[map->cols]);
    for (int i = 0; i < nrows(map) * ncols(map); i++)
        if (!isnan(p->value[i])) {
            cell_text(p, p->value[i], text, sizeof text);
            width = (int)strlen(text) > width ? (int)strlen(text) : width;
        }
    panel_title(map, p, title, sizeof title);
    fprintf(out, "%s%s%s\n", title, *p->about ? "; " : "", p->about);
    fprintf(out, "%*s  %s\n", left, "", map->axis[map->cols].key);
    fprintf(out, "%*s ", left, map->rows < 0 ? "" : map->axis[map->rows].key);
    for (int c = 0; c < ncols(map); c++)
        fprintf(out, " %*s ", width, map->axis[map->cols].label[c]);
    fputc('\n', out);
    for (int r = 0; r < nrows(map); r++) {
        fprintf(out, "%*s ", left, row_label(map, r));
        for (int c = 0; c < ncols(map); c++)
            print_cell(out, p, r * ncols(map) + c, width, colour);
        fputc('\n', out);
    }
}

static void print_map(const struct map *map, const char *title)
{
    bool colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
    if (title)
        printf("%s\n\n", title);
    for (int i = 0; i < map->npanels; i++) {
        print_panel(stdout, map, &map->panel[i], colour);
        if (i + 1 < map->npanels)
            putchar('\n');
    }
}

/* ---- pictures ---- */

/* Sizes in points. */
struct layout {
    int cell_w, cell_h, left, top, gap_x, bottom, across, down, panel_w, panel_h, head;
    int width, height;
};

static struct layout measure(const struct map *map, bool titled)
{
    struct layout l = {.top = 34, .gap_x = 22, .bottom = 44, .head = titled ? 34 : 0};
    int label = map->rows < 0 ? 0 : longest_label(&map->axis[map->rows]);
    int column = longest_label(&map->axis[map->cols]);
    l.cell_h = map->interval ? 44 : 34;
    l.cell_w = 8 * column + 14 > 74 ? 8 * column + 14 : 74;
    l.left = 34 + 8 * label;
    l.panel_w = l.left + ncols(map) * l.cell_w + l.gap_x;
    l.panel_h = l.top + nrows(map) * l.cell_h + l.bottom;
    l.across = 1000 / l.panel_w < 1 ? 1 : 1000 / l.panel_w;
    l.across = l.across > map->npanels ? map->npanels : l.across;
    l.down = (map->npanels + l.across - 1) / l.across;
    l.width = l.across * l.panel_w;
    l.height = l.head + l.down * l.panel_h;
    return l;
}

static void draw_labels(FILE *g, const struct map *map, const struct panel *p, int r, int c)
{
    char text[64], more[80] = "";
    int rgb[3], at = r * ncols(map) + c;
    cell_text(p, p->value[at], text, sizeof text);
    if (map->interval && !isnan(p->half[at]))
        snprintf(more, sizeof more, "\\n±%.*f", decimals(p), p->half[at]);
    plot_colour(shade(p, p->value[at]), p->effect, rgb);
    bool dark = 299 * rgb[0] + 587 * rgb[1] + 114 * rgb[2] < 128000;
    fprintf(g,
            "set object rectangle from %g,%g to %g,%g fc rgb '#%02x%02x%02x' fs solid noborder "
            "front\n",
            c - 0.5, r - 0.5, c + 0.5, r + 0.5, rgb[0], rgb[1], rgb[2]);
    fprintf(g, "set label \"%s%s\" at %d,%g center front tc rgb '%s'\n", text, more, c,
            *more ? r - 0.17 : (double)r, dark ? "white" : "black");
}

static void draw_panel(FILE *g, const struct map *map, const struct panel *p,
                       const struct layout *l, int index)
{
    char title[512];
    double x = index % l->across * l->panel_w + l->left;
    double y = l->head + index / l->across * l->panel_h + l->top;
    fprintf(g, "reset\nset lmargin at screen %g\nset rmargin at screen %g\n", x / l->width,
            (x + ncols(map) * l->cell_w) / l->width);
    fprintf(g, "set tmargin at screen %g\nset bmargin at screen %g\n", 1 - y / l->height,
            1 - (y + nrows(map) * l->cell_h) / l->height);
    fprintf(g, "set xrange [-0.5:%g]\nset yrange [%g:-0.5]\n", ncols(map) - 0.5, nrows(map) - 0.5);
    fputs("unset key\nunset colorbox\nset border 0\nset tics scale 0 nomirror\n", g);
    fputs("set xtics (", g);
    for (int c = 0; c < ncols(map); c++) {
        fputs(c ? ", " : "", g);
        gnuplot_string(g, map->axis[map->cols].label[c]);
        fprintf(g, " %d", c);
    }
    fputs(") noenhanced offset 0,0.4\nset ytics (", g);
    for (int r = 0; r < nrows(map); r++) {
        fputs(r ? ", " : "", g);
        gnuplot_string(g, row_label(map, r));
        fprintf(g, " %d", r);
    }
    fputs(") noenhanced offset 0.6,0\nset xlabel ", g);
    gnuplot_string(g, map->axis[map->cols].key);
    fputs(" noenhanced offset 0,0.9\n", g);
    if (map->rows >= 0) {
        fputs("set label ", g);
        gnuplot_string(g, map->axis[map->rows].key);
        fprintf(g, " at screen %g, screen %g center rotate noenhanced\n",
                (x - l->left + 14) / l->width, 1 - (y + nrows(map) * l->cell_h / 2.0) / l->height);
    }
    panel_title(map, p, title, sizeof title);
    fputs("set title ", g);
    gnuplot_string(g, title);
    fputs(" noenhanced offset 0,-0.6\n", g);
    for (int r = 0; r < nrows(map); r++)
        for (int c = 0; c < ncols(map); c++)
            if (!isnan(p->value[r * ncols(map) + c]))
                draw_labels(g, map, p, r, c);
    fputs("plot NaN notitle\n", g);
}

static void draw_map(const struct map *map, const struct plot_options *o)
{
    char title[600] = "";
    const char *about = "";
    for (int i = 0; i < map->npanels; i++)
        about = *map->panel[i].about ? map->panel[i].about : about;
    snprintf(title, sizeof title, "%s%s%s", o->title ? o->title : "",
             o->title && *about ? ": " : "", about);
    struct layout l = measure(map, *title != 0);
    FILE *g = gnuplot_begin(o->output, l.width, l.height);
    fputs("set multiplot\n", g);
    if (*title) {
        fputs("set label 1 ", g);
        gnuplot_string(g, title);
        fprintf(g, " at screen 0.5, screen %g center noenhanced\n", 1 - 18.0 / l.height);
        fputs("unset border\nunset tics\nunset key\nset xrange [0:1]\nset yrange [0:1]\n"
              "plot NaN notitle\n",
              g);
    }
    for (int i = 0; i < map->npanels; i++)
        draw_panel(g, map, &map->panel[i], &l, i);
    fputs("unset multiplot\n", g);
    gnuplot_end(g, o->output);
}

void plot_heatmap(struct cli *cli, const struct plot_options *options, struct ds_reader *in)
{
    struct map map = {.interval = options->interval};
    int n;
    struct entry *entry = read_all(&map, options, in, &n);
    (void)cli;
    choose_axes(&map, options);
    lay_out(&map, entry, n);
    if (options->output)
        draw_map(&map, options);
    else
        print_map(&map, options->title);

    for (int i = 0; i < map.npanels; i++) {
        free(map.panel[i].value);
        free(map.panel[i].half);
    }
    for (int i = 0; i < n; i++) {
        free(entry[i].metric);
        free(entry[i].about);
    }
    for (int k = 0; k < map.naxes; k++) {
        for (int i = 0; i < map.axis[k].n; i++)
            free(map.axis[k].label[i]);
        free(map.axis[k].label);
        free(map.axis[k].key);
    }
    free(entry);
    free(map.panel);
}

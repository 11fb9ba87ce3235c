/* Heat maps of an aggregated stream: a panel for each metric and each value of further keys. */
#include "base/metric.h"
#include "plot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST_KEYS 8

struct label {
    char *text;
    double place; /* numbers: themselves; blocks and sites: by the space; NaN: as they come */
    int number;   /* in order of appearance */
};

/* The values of a key. */
struct axis {
    char *key;
    struct label *label;
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
    int order;            /* of appearance */
    double *value, *half; /* [rows][cols] */
    double low, high;     /* of the colours: alike in panels of one metric */
};

struct map {
    const struct ds_space *space;
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

static double label_place(const struct map *map, const char *key, const msgpack_object *o)
{
    double v;
    int place = -1;
    if (ds_object_number(o, &v) == 0)
        return v;
    if (o->type == MSGPACK_OBJECT_STR && strcmp(key, "block") == 0)
        place = ds_space_block(map->space, o->via.str.ptr, o->via.str.size);
    else if (o->type == MSGPACK_OBJECT_STR && strcmp(key, "site") == 0)
        place = ds_space_site(map->space, o->via.str.ptr, o->via.str.size);
    return place < 0 ? NAN : place;
}

static int label_number(const struct map *map, struct axis *axis, const msgpack_object *o)
{
    char text[256];
    object_text(o, text, sizeof text);
    for (int i = 0; i < axis->n; i++)
        if (strcmp(axis->label[i].text, text) == 0)
            return i;
    axis->label = must(realloc(axis->label, (size_t)(axis->n + 1) * sizeof *axis->label));
    axis->label[axis->n] = (struct label){.text = must(strdup(text)), .number = axis->n};
    axis->label[axis->n].place = label_place(map, axis->key, o);
    return axis->n++;
}

/* Finds the labels of a group record; the first record says which keys there are. */
static void read_keys(struct map *map, const struct ds_record *rec, const char *where, int *at)
{
    char text[256];
    if (map->space && map->space != rec->space)
        cli_die(CLI_FAILED, "%s: a second design space: %s after %s; draw them apart", where,
                rec->space->name, map->space->name);
    map->space = rec->space;
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
        at[k] = label_number(map, &map->axis[k], o);
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

/* What is not the rule is told: "XNNPACK 1.0, AMD EPYC, threads 2". */
static char *read_about(const struct ds_metric *m)
{
    static const char *const texts[] = {"engine", "device"}, *const counts[] = {"threads", "batch"};
    char about[600] = "";
    size_t n = 0;
    for (int i = 0; i < 2; i++) {
        const msgpack_object *o = ds_map_get(m->detail, texts[i]);
        if (o && o->type == MSGPACK_OBJECT_STR && o->via.str.size < 200)
            n += (size_t)snprintf(about + n, sizeof about - n, "%s%.*s", n ? ", " : "",
                                  (int)o->via.str.size, o->via.str.ptr);
    }
    for (int i = 0; i < 2; i++) {
        double count = number_of(m->detail, counts[i]);
        if (!isnan(count) && count != 1)
            n += (size_t)snprintf(about + n, sizeof about - n, "%s%s %g", n ? ", " : "", counts[i],
                                  count);
    }
    return must(strdup(about));
}

static struct entry read_metric(const struct ds_metric *m, const int *at)
{
    struct entry e = {.metric = must(strndup(m->name.ptr, m->name.size)), .about = read_about(m)};
    const msgpack_object *of = ds_map_get(m->detail, "of");
    e.effect = of && of->type == MSGPACK_OBJECT_STR && of->via.str.size == 6 &&
               memcmp(of->via.str.ptr, "effect", 6) == 0;
    memcpy(e.cell.at, at, sizeof e.cell.at);
    e.cell.value = m->value;
    e.cell.half = (number_of(m->detail, "hi") - number_of(m->detail, "lo")) / 2;
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

static int by_place(const void *a, const void *b)
{
    const struct label *x = a, *y = b;
    return (x->place > y->place) - (x->place < y->place);
}

/* Labels that come sparsely (a kernel that the first rows lack) still stand in their order. */
static void sort_labels(struct map *map, struct entry *entry, int n)
{
    for (int k = 0; k < map->naxes; k++) {
        struct axis *axis = &map->axis[k];
        int *now = must(malloc((size_t)axis->n * sizeof *now));
        bool placed = true;
        for (int i = 0; i < axis->n; i++)
            placed = placed && !isnan(axis->label[i].place);
        if (placed)
            qsort(axis->label, (size_t)axis->n, sizeof *axis->label, by_place);
        for (int i = 0; i < axis->n; i++)
            now[axis->label[i].number] = i;
        for (int i = 0; i < n; i++)
            entry[i].cell.at[k] = now[entry[i].cell.at[k]];
        free(now);
    }
}

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
    return map->rows < 0 ? "" : map->axis[map->rows].label[row_place(map, row)].text;
}

/* Whether the panel draws this metric, got the same way. */
static bool is_alike(const struct panel *p, const char *metric, const char *about, bool effect)
{
    return p->effect == effect && strcmp(p->metric, metric) == 0 && strcmp(p->about, about) == 0;
}

static struct panel *find_panel(struct map *map, const struct entry *e)
{
    for (int i = 0; i < map->npanels; i++) {
        struct panel *p = &map->panel[i];
        bool same = is_alike(p, e->metric, e->about, e->effect);
        for (int k = 0; k < map->naxes; k++)
            same = same && (k == map->rows || k == map->cols || p->rest[k] == e->cell.at[k]);
        if (same)
            return p;
    }
    map->panel = must(realloc(map->panel, (size_t)(map->npanels + 1) * sizeof *map->panel));
    struct panel *p = &map->panel[map->npanels++];
    *p = (struct panel){.metric = e->metric, .about = e->about, .effect = e->effect};
    p->order = map->npanels;
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
    const struct panel *x = a, *y = b;
    int order = strcmp(x->metric, y->metric);
    return order ? order : (x->order > y->order) - (x->order < y->order);
}

/* One scale for all panels of a metric, so that a colour means one value. */
static void share_scale(struct map *map, struct panel *p)
{
    for (int i = 0; i < map->npanels; i++) {
        const struct panel *q = &map->panel[i];
        if (!is_alike(p, q->metric, q->about, q->effect))
            continue;
        p->low = fmin(p->low, q->low);
        p->high = fmax(p->high, q->high);
    }
    if (p->effect) {
        p->high = fmax(fabs(p->low), fabs(p->high));
        p->low = -p->high;
    }
}

_Noreturn static void die_of_second(const struct map *map, const struct entry *e)
{
    char group[512] = "";
    size_t n = 0;
    for (int k = 0; k < map->naxes && n < sizeof group; k++)
        n += (size_t)snprintf(group + n, sizeof group - n, "%s%s %s", k ? ", " : "",
                              map->axis[k].key, map->axis[k].label[e->cell.at[k]].text);
    cli_die(CLI_FAILED, "%s: a second group of %s; draw the aggregations apart", e->metric, group);
}

static void lay_out(struct map *map, const struct entry *entry, int n)
{
    for (int i = 0; i < n; i++) {
        const struct cell *c = &entry[i].cell;
        struct panel *p = find_panel(map, &entry[i]);
        int row = map->rows < 0 ? 0 : row_place(map, c->at[map->rows]);
        int at = row * ncols(map) + c->at[map->cols];
        if (!isnan(p->value[at]))
            die_of_second(map, &entry[i]);
        p->value[at] = c->value;
        p->half[at] = c->half;
        p->low = fmin(p->low, c->value);
        p->high = fmax(p->high, c->value);
    }
    qsort(map->panel, (size_t)map->npanels, sizeof *map->panel, by_metric);
    for (int i = 0; i < map->npanels; i++)
        share_scale(map, &map->panel[i]);
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
    bool sign = p->effect;
    snprintf(out, size, "%.*f", decimals(p), fabs(value));
    if (strspn(out, "0.") == strlen(out)) { /* what rounds to nothing has no sign */
        value = 0;
        sign = false;
    }
    snprintf(out, size, sign ? "%+.*f" : "%.*f", decimals(p), value);
}

static void panel_title(const struct map *map, const struct panel *p, char *out, size_t size)
{
    const char *unit = ds_metric_unit(p->metric);
    size_t at = (size_t)snprintf(out, size, "%s%s%s%s%s", p->metric, *unit ? " (" : "", unit,
                                 *unit ? ")" : "", p->effect ? ", effect" : "");
    for (int k = 0; k < map->naxes && at < size; k++)
        if (k != map->rows && k != map->cols)
            at += (size_t)snprintf(out + at, size - at, ", %s %s", map->axis[k].key,
                                   map->axis[k].label[p->rest[k]].text);
}

/* ---- text ---- */

static int longest_label(const struct axis *axis)
{
    int most = 1;
    for (int i = 0; i < axis->n; i++)
        most = (int)strlen(axis->label[i].text) > most ? (int)strlen(axis->label[i].text) : most;
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
        fprintf(out, " %*s ", width, map->axis[map->cols].label[c].text);
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

/* How the panels were measured, where any says so; NULL when they differ. */
static const char *common_about(const struct map *map)
{
    const char *about = "";
    for (int i = 0; i < map->npanels; i++) {
        const char *said = map->panel[i].about;
        if (*said && *about && strcmp(said, about) != 0)
            return NULL;
        about = *said ? said : about;
    }
    return about;
}

/* Text at our sizes, about. */
static int text_width(const char *text)
{
    return 8 * (int)strlen(text);
}

/* The widest of the titles over panels. */
static int title_width(const struct map *map)
{
    char title[512];
    int most = 0;
    for (int i = 0; i < map->npanels; i++) {
        panel_title(map, &map->panel[i], title, sizeof title);
        most = text_width(title) > most ? text_width(title) : most;
        if (!common_about(map) && text_width(map->panel[i].about) > most)
            most = text_width(map->panel[i].about);
    }
    return most;
}

static void place_panels(struct layout *l, const struct map *map)
{
    l->panel_w = l->left + ncols(map) * l->cell_w + l->gap_x;
    l->across = 1000 / l->panel_w < 1 ? 1 : 1000 / l->panel_w;
    l->across = l->across > map->npanels ? map->npanels : l->across;
    l->down = (map->npanels + l->across - 1) / l->across;
    l->across = (map->npanels + l->down - 1) / l->down; /* rows of panels alike in length */
    l->width = l->across * l->panel_w;
}

/* Cells are at least so wide that these many of them, side by side, take `width`. */
static void widen(struct layout *l, int cells, int width)
{
    int least = (width + cells - 1) / cells;
    l->cell_w = l->cell_w > least ? l->cell_w : least;
}

static struct layout measure(const struct map *map, const char *title)
{
    struct layout l = {.top = 34, .gap_x = 22, .bottom = 44, .head = *title ? 34 : 0};
    if (!common_about(map))
        l.top = 52; /* titles of two lines */
    int label = map->rows < 0 ? 0 : longest_label(&map->axis[map->rows]);
    l.cell_h = map->interval ? 44 : 34;
    l.cell_w = 8 * longest_label(&map->axis[map->cols]) + 14;
    l.left = 34 + 8 * label;
    widen(&l, 1, 74);
    widen(&l, ncols(map), title_width(map));
    place_panels(&l, map);
    if (text_width(title) > l.width) {
        widen(&l, ncols(map) * l.across, text_width(title));
        place_panels(&l, map);
    }
    l.panel_h = l.top + nrows(map) * l.cell_h + l.bottom;
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
        gnuplot_string(g, map->axis[map->cols].label[c].text);
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
    if (*p->about && !common_about(map)) {
        fputs(".\"\\n\".", g);
        gnuplot_string(g, p->about);
    }
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
    const char *about = common_about(map);
    about = about ? about : "";
    snprintf(title, sizeof title, "%s%s%s", o->title ? o->title : "",
             o->title && *about ? ": " : "", about);
    struct layout l = measure(map, title);
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
    sort_labels(&map, entry, n);
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
            free(map.axis[k].label[i].text);
        free(map.axis[k].label);
        free(map.axis[k].key);
    }
    free(entry);
    free(map.panel);
}

#include "heatmap.h"

#include "base/grow.h"
#include "base/metric.h"
#include "base/text.h"
#include "memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- reading ---- */

struct cell {
    int at[MOST_KEYS];  /* label number on each axis */
    double value, half; /* NaN: not there */
};

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

static double label_place(const struct heatmap *map, const char *key, const msgpack_object *o)
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

static int label_number(const struct heatmap *map, struct axis *axis, const msgpack_object *o)
{
    char text[256];
    object_text(o, text, sizeof text);
    ds_text_plain(text, strlen(text));
    for (int i = 0; i < axis->n; i++)
        if (strcmp(axis->label[i].text, text) == 0)
            return i;
    cli_grow(&axis->label, &axis->room, (size_t)axis->n + 1, sizeof *axis->label);
    axis->label[axis->n] =
        (struct label){.text = cli_must(ds_copy_string(text, NULL)), .number = axis->n};
    axis->label[axis->n].place = label_place(map, axis->key, o);
    return axis->n++;
}

/* Finds the labels of a group record; the first record says which keys there are. */
static void read_keys(struct heatmap *map, const struct ds_record *rec, const char *where, int *at)
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
            map->axis[map->naxes++].key = cli_must(ds_copy_string(text, NULL));
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

/*
 * How a metric was measured, for a panel: "XNNPACK 1.0, AMD EPYC, threads 2". One thread and a
 * batch of 1 are not mentioned.
 */
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
    return ds_text_plain(cli_must(ds_copy_string(about, NULL)), n);
}

static struct entry read_metric(const struct ds_metric *m, const int *at)
{
    struct entry e = {.metric = cli_must(ds_copy_text(m->name.ptr, m->name.size, NULL)),
                      .about = read_about(m)};
    const msgpack_object *of = ds_map_get(m->detail, "of");
    e.effect = of && of->type == MSGPACK_OBJECT_STR && of->via.str.size == 6 &&
               memcmp(of->via.str.ptr, "effect", 6) == 0;
    ds_text_plain(e.metric, strlen(e.metric));
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

static struct entry *read_all(struct heatmap *map, const struct plot_options *o,
                              struct ds_reader *in, int *n)
{
    struct ds_error err;
    struct ds_record *rec;
    struct entry *entry = NULL;
    size_t room = 0;
    int rc;
    *n = 0;
    while ((rc = ds_reader_next(in, &rec, &err)) > 0) {
        int at[MOST_KEYS] = {0};
        if (rec->group.size == 0)
            cli_die(CLI_FAILED, "%s: no group; run ds-aggregate first", ds_reader_where(in));
        read_keys(map, rec, ds_reader_where(in), at);
        for (int i = 0; i < rec->nmetrics; i++) {
            if (!is_wanted(&o->metrics, &rec->metric[i]))
                continue;
            cli_grow(&entry, &room, (size_t)*n + 1, sizeof *entry);
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

/* Puts labels in their order, even those that the first records lack. */
static void sort_labels(struct heatmap *map, struct entry *entry, int n)
{
    for (int k = 0; k < map->naxes; k++) {
        struct axis *axis = &map->axis[k];
        int *now = cli_alloc((size_t)axis->n, sizeof *now);
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

static int find_axis(const struct heatmap *map, const char *option, const char *key)
{
    for (int k = 0; k < map->naxes; k++)
        if (strcmp(map->axis[k].key, key) == 0)
            return k;
    cli_die(CLI_USAGE, "%s: the groups have no key %s", option, key);
}

static void choose_axes(struct heatmap *map, const struct plot_options *o)
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

int heatmap_rows(const struct heatmap *map)
{
    return map->rows < 0 ? 1 : map->axis[map->rows].n;
}

int heatmap_cols(const struct heatmap *map)
{
    return map->axis[map->cols].n;
}

/* Rows from the top; expansion ratios from the largest, as the paper draws them. */
static int row_place(const struct heatmap *map, int label)
{
    bool down = map->rows >= 0 && strcmp(map->axis[map->rows].key, "expand") == 0;
    return down ? heatmap_rows(map) - 1 - label : label;
}

const char *heatmap_row_label(const struct heatmap *map, int row)
{
    return map->rows < 0 ? "" : map->axis[map->rows].label[row_place(map, row)].text;
}

/* Whether the panel draws this metric, got the same way. */
static bool is_alike(const struct panel *p, const char *metric, const char *about, bool effect)
{
    return p->effect == effect && strcmp(p->metric, metric) == 0 && strcmp(p->about, about) == 0;
}

static struct panel *find_panel(struct heatmap *map, const struct entry *e)
{
    for (int i = 0; i < map->npanels; i++) {
        struct panel *p = &map->panel[i];
        bool same = is_alike(p, e->metric, e->about, e->effect);
        for (int k = 0; k < map->naxes; k++)
            same = same && (k == map->rows || k == map->cols || p->rest[k] == e->cell.at[k]);
        if (same)
            return p;
    }
    cli_grow(&map->panel, &map->panel_room, (size_t)map->npanels + 1, sizeof *map->panel);
    struct panel *p = &map->panel[map->npanels++];
    *p = (struct panel){.metric = cli_must(ds_copy_string(e->metric, NULL)),
                        .about = cli_must(ds_copy_string(e->about, NULL)),
                        .effect = e->effect};
    p->order = map->npanels;
    memcpy(p->rest, e->cell.at, sizeof p->rest);
    int cells = heatmap_rows(map) * heatmap_cols(map);
    p->value = cli_alloc((size_t)cells, sizeof *p->value);
    p->half = cli_alloc((size_t)cells, sizeof *p->half);
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
static void share_scale(struct heatmap *map, struct panel *p)
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

_Noreturn static void die_of_second(const struct heatmap *map, const struct entry *e)
{
    char group[512] = "";
    size_t n = 0;
    for (int k = 0; k < map->naxes && n < sizeof group; k++)
        n += (size_t)snprintf(group + n, sizeof group - n, "%s%s %s", k ? ", " : "",
                              map->axis[k].key, map->axis[k].label[e->cell.at[k]].text);
    cli_die(CLI_FAILED, "%s: a second group of %s; draw the aggregations apart", e->metric, group);
}

static void lay_out(struct heatmap *map, const struct entry *entry, int n)
{
    for (int i = 0; i < n; i++) {
        const struct cell *c = &entry[i].cell;
        struct panel *p = find_panel(map, &entry[i]);
        int row = map->rows < 0 ? 0 : row_place(map, c->at[map->rows]);
        int at = row * heatmap_cols(map) + c->at[map->cols];
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

void heatmap_read(struct heatmap *map, const struct plot_options *o, struct ds_reader *in)
{
    int n;
    *map = (struct heatmap){.interval = o->interval};
    struct entry *entry = read_all(map, o, in, &n);
    choose_axes(map, o);
    sort_labels(map, entry, n);
    lay_out(map, entry, n);
    for (int i = 0; i < n; i++) {
        free(entry[i].metric);
        free(entry[i].about);
    }
    free(entry);
}

void heatmap_free(struct heatmap *map)
{
    for (int i = 0; i < map->npanels; i++) {
        free(map->panel[i].metric);
        free(map->panel[i].about);
        free(map->panel[i].value);
        free(map->panel[i].half);
    }
    for (int k = 0; k < map->naxes; k++) {
        for (int i = 0; i < map->axis[k].n; i++)
            free(map->axis[k].label[i].text);
        free(map->axis[k].label);
        free(map->axis[k].key);
    }
    free(map->panel);
}

/* ---- for drawing ---- */

double heatmap_shade(const struct panel *p, double value)
{
    return p->high > p->low ? (value - p->low) / (p->high - p->low) : 0.5;
}

/* Decimals that tell the cells of a panel apart. */
int heatmap_decimals(const struct panel *p)
{
    double range = p->high - p->low;
    if (!(range > 0))
        range = fabs(p->high) > 0 ? fabs(p->high) : 1;
    int n = 2 - (int)floor(log10(range));
    return n < 0 ? 0 : n > 6 ? 6 : n;
}

void heatmap_cell_text(const struct panel *p, double value, char *out, size_t size)
{
    bool sign = p->effect;
    snprintf(out, size, "%.*f", heatmap_decimals(p), fabs(value));
    if (strspn(out, "0.") == strlen(out)) { /* what rounds to zero has no sign */
        value = 0;
        sign = false;
    }
    snprintf(out, size, sign ? "%+.*f" : "%.*f", heatmap_decimals(p), value);
}

void heatmap_title(const struct heatmap *map, const struct panel *p, char *out, size_t size)
{
    const char *unit = ds_metric_unit(p->metric);
    size_t at = (size_t)snprintf(out, size, "%s%s%s%s%s", p->metric, *unit ? " (" : "", unit,
                                 *unit ? ")" : "", p->effect ? ", effect" : "");
    for (int k = 0; k < map->naxes && at < size; k++)
        if (k != map->rows && k != map->cols)
            at += (size_t)snprintf(out + at, size - at, ", %s %s", map->axis[k].key,
                                   map->axis[k].label[p->rest[k]].text);
    ds_text_plain(out, strlen(out));
}

int heatmap_longest_label(const struct axis *axis)
{
    int most = 1;
    for (int i = 0; i < axis->n; i++)
        most = (int)strlen(axis->label[i].text) > most ? (int)strlen(axis->label[i].text) : most;
    return most;
}

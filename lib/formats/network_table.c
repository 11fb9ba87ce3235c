#include "formats/network_table.h"

#include "base/grow.h"
#include "base/number.h"
#include <limits.h>
#include <math.h>
#include <string.h>

static int column_of(const struct ds_csv *csv, const char *name, const char *other)
{
    int c = ds_csv_column(csv, name);
    return c < 0 && other ? ds_csv_column(csv, other) : c;
}

int ds_network_table_begin(struct ds_network_table *t, FILE *file, struct ds_error *err)
{
    *t = (struct ds_network_table){0};
    if (ds_csv_begin(&t->csv, file, err))
        return -1;
    t->net = column_of(&t->csv, "net_str", NULL);
    t->id = column_of(&t->csv, "net_id", NULL);
    t->resolution = column_of(&t->csv, "resolution", NULL);
    t->device = column_of(&t->csv, "device", NULL);
    t->unit = column_of(&t->csv, "unit", "lat unit");
    t->latency = column_of(&t->csv, "lat", "end-to-end lat");
    for (int c = 0; c < t->csv.ncolumns; c++)
        if (ds_csv_column(&t->csv, t->csv.column[c]) != c)
            return ds_fail(err, "line %llu: two columns are called '%.100s'", t->csv.line,
                           t->csv.column[c]);
    return t->net < 0 ? ds_fail(err, "line %llu names no column net_str, of networks as a->b|c->d",
                                t->csv.line)
                      : 0;
}

void ds_network_table_end(struct ds_network_table *t)
{
    ds_csv_end(&t->csv);
}

/* The blocks of a unit, "a->b", of n bytes. */
static json_t *blocks_of(const char *text, size_t n)
{
    json_t *blocks = json_array();
    for (const char *end = text + n; blocks && text;) {
        const char *arrow = memmem(text, (size_t)(end - text), "->", 2);
        size_t length = (size_t)((arrow ? arrow : end) - text);
        if (json_array_append_new(blocks, json_stringn(text, length))) {
            json_decref(blocks);
            return NULL;
        }
        text = arrow ? arrow + 2 : NULL;
    }
    return blocks;
}

/* All units; NULL where it is not UTF-8. */
static json_t *units_of(const char *text)
{
    json_t *units = json_array();
    while (units && text) {
        size_t n = strcspn(text, "|");
        if (json_array_append_new(units, blocks_of(text, n))) {
            json_decref(units);
            return NULL;
        }
        text = text[n] ? text + n + 1 : NULL;
    }
    return units;
}

static json_t *arch_of(const struct ds_network_table *t, struct ds_error *err)
{
    uint64_t pixels;
    json_t *units = units_of(t->csv.field[t->net]);
    json_t *arch = units ? json_pack("{so}", "units", units) : NULL;
    if (!arch) {
        ds_fail(err, "net_str is not UTF-8");
        return NULL;
    }
    if (t->resolution < 0)
        return arch;
    if (ds_whole(t->csv.field[t->resolution], 1, INT_MAX, &pixels, err) == 0 &&
        json_object_set_new(arch, "resolution", json_integer((json_int_t)pixels)) == 0)
        return arch;
    ds_fail_in(err, "resolution");
    json_decref(arch);
    return NULL;
}

/* How many milliseconds the unit of the row's latency has; 0: it is none. */
static double scale_of(const struct ds_network_table *t)
{
    static const struct {
        const char *unit;
        double ms;
    } units[] = {{"ms", 1}, {"s", 1e3}, {"us", 1e-3}};
    for (size_t i = 0; t->unit >= 0 && i < sizeof units / sizeof *units; i++)
        if (strcmp(t->csv.field[t->unit], units[i].unit) == 0)
            return units[i].ms;
    return t->unit < 0;
}

/* The value of column c: a number, or of the latency what was measured where. */
static json_t *metric_of(const struct ds_network_table *t, int c, struct ds_error *err)
{
    double x, scale = c == t->latency ? scale_of(t) : 1;
    if (scale == 0) {
        ds_fail(err, "unit '%.100s' is neither ms, s nor us", t->csv.field[t->unit]);
        return NULL;
    }
    if (ds_number(t->csv.field[c], -INFINITY, INFINITY, &x, err)) {
        ds_fail_in(err, "%.100s", t->csv.column[c]);
        return NULL;
    }
    if (c == t->latency && x <= 0) {
        ds_fail(err, "%.100s: '%.100s' is no latency: leave the field empty where there is none",
                t->csv.column[c], t->csv.field[c]);
        return NULL;
    }
    json_t *value = c == t->latency && t->device >= 0 ? json_pack("{sf ss}", "value", x * scale,
                                                                  "device", t->csv.field[t->device])
                                                      : json_real(x * scale);
    if (!value)
        ds_fail(err, "device is not UTF-8");
    return value;
}

static int add_metrics(const struct ds_network_table *t, ds_metric_name *name, void *arg,
                       json_t *metrics, struct ds_error *err)
{
    for (int c = 0; c < t->csv.ncolumns; c++) {
        if (c == t->net || c == t->id || c == t->resolution || c == t->device || c == t->unit ||
            !*t->csv.field[c])
            continue;
        const char *called = name(arg, t->csv.column[c]);
        if (json_object_get(metrics, called))
            return ds_fail(err, "two columns give the metric \"%.100s\"; --rename one otherwise",
                           called);
        json_t *value = metric_of(t, c, err);
        if (!value)
            return -1;
        if (json_object_set_new(metrics, called, value))
            return ds_fail(err, "the name of column %d is not UTF-8", c + 1);
    }
    return 0;
}

int ds_network_table_next(struct ds_network_table *t, ds_metric_name *name, void *arg,
                          json_t **record, struct ds_error *err)
{
    int rc = ds_csv_next(&t->csv, err);
    if (rc <= 0)
        return rc;
    json_t *metrics = json_object(), *arch = arch_of(t, err);
    *record = NULL;
    if (arch && add_metrics(t, name, arg, metrics, err) == 0 &&
        !(*record = json_pack("{sO sO}", "arch", arch, "metrics", metrics)))
        ds_no_memory(err);
    json_decref(metrics);
    json_decref(arch);
    return *record ? 1 : ds_fail_in(err, "line %llu", t->csv.line);
}

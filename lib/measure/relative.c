#include "measure/relative.h"

#include "base/grow.h"
#include "base/metric.h"
#include "base/text.h"
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where the outermost references are as near, what they differ by is not known well enough. */
#define LEAST_SPAN 0.2

/* A number among the details of a metric; NaN where there is none. */
static double detail(const struct ds_metric *m, const char *key)
{
    double value;
    const msgpack_object *at = ds_map_get(m->detail, key);
    return at && ds_object_number(at, &value) == 0 ? value : NAN;
}

/* "latency.cpu.unit0.layer0" beside "latency.cpu". */
static bool is_block(const struct ds_record *rec, msgpack_object_str name)
{
    for (int i = 0; i < rec->nmetrics; i++)
        if (ds_metric_is_part(name, rec->metric[i].name.ptr, rec->metric[i].name.size))
            return true;
    return false;
}

static bool is_latency(msgpack_object_str name)
{
    static const char prefix[] = "latency.";
    return name.size >= sizeof prefix && memcmp(name.ptr, prefix, sizeof prefix - 1) == 0;
}

static int add_scale(struct ds_relative *r, const struct ds_metric *m, const char *metric,
                     struct ds_error *err)
{
    if (r->n == DS_MOST_RELATIVE)
        return ds_fail(err, "more than %d latencies", DS_MOST_RELATIVE);
    char name[200];
    const msgpack_object *device = ds_map_get(m->detail, "device");
    bool told = device && device->type == MSGPACK_OBJECT_STR;
    snprintf(name, sizeof name, "relative to %.*s", told ? (int)device->via.str.size : 11,
             told ? device->via.str.ptr : "the first's");
    struct ds_relative_scale *s = &r->scale[r->n++];
    *s = (struct ds_relative_scale){.metric = ds_copy_text(metric, strlen(metric), err),
                                    .device = ds_copy_text(name, strlen(name), err),
                                    .ref = detail(m, "ref"),
                                    .ref_first = detail(m, "ref_first"),
                                    .ref_last = detail(m, "ref_last"),
                                    .refs = detail(m, "refs")};
    return s->metric && s->device ? 0 : -1;
}

/* The scale of a metric, made at its first record. NULL and why. */
static const struct ds_relative_scale *find_scale(struct ds_relative *r, const struct ds_metric *m,
                                                  const char *metric, struct ds_error *err)
{
    double refs = detail(m, "refs");
    int i = 0;
    if (!(detail(m, "ref") > 0) || isnan(refs)) {
        ds_fail(err, "%s has no ref: it is not relative to any reference networks", metric);
        return NULL;
    }
    while (i < r->n && strcmp(r->scale[i].metric, metric))
        i++;
    if (i == r->n && add_scale(r, m, metric, err))
        return NULL;
    if (r->scale[i].refs == refs)
        return &r->scale[i];
    ds_fail(err, "%s is relative to %g reference networks, the first to %g", metric, refs,
            r->scale[i].refs);
    return NULL;
}

/* How far the outermost references are apart, by the logarithm; NaN: not known or too little. */
static double span(double first, double last)
{
    double apart = log(last / first);
    return apart > LEAST_SPAN ? apart : NAN;
}

/* What a value is multiplied by: the line through the references here becomes that of the first. */
static double factor_of(const struct ds_relative_scale *s, const struct ds_metric *m)
{
    double ref = detail(m, "ref"), stretch = span(s->ref_first, s->ref_last) /
                                             span(detail(m, "ref_first"), detail(m, "ref_last"));
    double all = s->ref / ref;
    return isnan(stretch) || !(m->value > 0) ? all : all * pow(m->value / ref, stretch - 1);
}

/* The blocks of a latency, which have no details of their own. */
static void scale_blocks(struct ds_record *rec, msgpack_object_str metric, double factor)
{
    for (int i = 0; i < rec->nmetrics; i++)
        if (ds_metric_is_part(rec->metric[i].name, metric.ptr, metric.size))
            rec->metric[i].value *= factor;
}

static int apply(struct ds_relative *r, struct ds_record *rec, struct ds_metric *m,
                 struct ds_error *err)
{
    static const char *const spread[] = {"min", "p90", "lo", "hi", "device_ms"};
    char metric[200];
    snprintf(metric, sizeof metric, "%.*s", (int)m->name.size, m->name.ptr);
    const struct ds_relative_scale *s = find_scale(r, m, metric, err);
    if (!s)
        return -1;
    double factor = factor_of(s, m);
    m->value *= factor;
    scale_blocks(rec, m->name, factor);
    for (size_t i = 0; i < sizeof spread / sizeof *spread; i++) {
        double value = detail(m, spread[i]);
        if (!isnan(value) && ds_metric_num(rec, m, spread[i], value * factor))
            return ds_no_memory(err);
    }
    bool outermost = !isnan(s->ref_first) && !isnan(s->ref_last);
    if (ds_metric_num(rec, m, "ref", s->ref) ||
        (outermost && (ds_metric_num(rec, m, "ref_first", s->ref_first) ||
                       ds_metric_num(rec, m, "ref_last", s->ref_last))) ||
        ds_metric_str(rec, m, "device", s->device))
        return ds_no_memory(err);
    return 0;
}

int ds_relative_apply(struct ds_relative *r, struct ds_record *rec, struct ds_error *err)
{
    if (!r->space && !(r->space = ds_copy_text(rec->space->json, strlen(rec->space->json), err)))
        return -1;
    for (int i = 0; i < rec->nmetrics; i++) {
        if (!is_latency(rec->metric[i].name) || is_block(rec, rec->metric[i].name))
            continue;
        if (strcmp(r->space, rec->space->json))
            return ds_fail(err, "a second design space, %s: it has other reference networks",
                           rec->space->name);
        if (apply(r, rec, &rec->metric[i], err))
            return -1;
    }
    return 0;
}

void ds_relative_free(struct ds_relative *r)
{
    for (int i = 0; i < r->n; i++) {
        free(r->scale[i].metric);
        free(r->scale[i].device);
    }
    free(r->space);
    *r = (struct ds_relative){0};
}

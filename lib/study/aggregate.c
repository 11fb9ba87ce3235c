#include "study/aggregate.h"

#include "base/grow.h"
#include "base/id_map.h"
#include "base/stats.h"
#include "space/trait.h"
#include "study/conditions.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEVEL 0.95
#define MOST_KEYS 8

/* Traits (trait.h) in their order, and what else groups can be made by. */
enum key {
    UNIT = DS_TRAIT_UNIT,
    LAYER = DS_TRAIT_LAYER,
    KERNEL = DS_TRAIT_KERNEL,
    EXPAND = DS_TRAIT_EXPAND,
    DEPTH = DS_TRAIT_DEPTH,
    WIDTH = DS_TRAIT_WIDTH,
    RESOLUTION = DS_TRAIT_RESOLUTION,
    BLOCK,
    SITE,
    CHOICE,
    NKEYS
};
static const char *const key_names[NKEYS] = {DS_TRAIT_NAMES, "block", "site", "choice"};

/* One value of one metric. */
struct value {
    uint32_t cluster;
    float noise; /* of an effect: its standard error over images drawn anew; NaN: not known */
    double x;
};

struct values {
    struct value *at;
    size_t n, room;
};

struct group {
    double key[MOST_KEYS];
    struct values *metric; /* [metrics known when it was last added to] */
    int nmetrics;
};

/* A metric found in the stream. */
struct metric {
    char *name;
    struct ds_value_conditions conditions;
};

struct base {
    uint64_t id;
    bool seen;
    bool failed;            /* some metric of it could not be measured */
    struct ds_mean *metric; /* [n]: over the times that it was measured */
    int n;
};

struct ds_aggregate {
    enum ds_group_by by;
    bool effect;
    enum key key[MOST_KEYS];
    int nkeys;
    const struct ds_space *space;
    struct metric *metric;
    int nmetrics;
    size_t metric_room;
    struct ds_id_map clusters; /* id of base -> number */
    struct base *base;         /* [clusters] */
    size_t nbases, base_room;
    struct group *group;
    int ngroups;
    size_t group_room;
    int *bucket; /* hash table of groups: number + 1 */
    int buckets;
    struct ds_mixture mixture;
    double t_df, t; /* the last quantile of Student's t */
};

struct ds_aggregate *ds_aggregate_new(const char *keys, enum ds_group_by by, bool effect,
                                      struct ds_error *err)
{
    struct ds_aggregate *a = ds_alloc(1, sizeof *a, err);
    if (!a)
        return NULL;
    a->by = by;
    a->effect = effect;
    for (const char *at = keys; at;) {
        size_t n = strcspn(at, ",");
        int k = 0;
        while (k < NKEYS && (strlen(key_names[k]) != n || strncmp(key_names[k], at, n)))
            k++;
        bool again = false;
        for (int i = 0; i < a->nkeys; i++)
            again = again || a->key[i] == (enum key)k;
        if (k == NKEYS || again || a->nkeys == MOST_KEYS) {
            ds_fail(err,
                    "'%.*s' is %s; keys are unit, layer, block, kernel, expand, depth, width, "
                    "resolution, site, choice",
                    (int)n, at, again ? "there twice" : "no key");
            ds_aggregate_free(a);
            return NULL;
        }
        a->key[a->nkeys++] = (enum key)k;
        at = at[n] ? at + n + 1 : NULL;
    }
    return a;
}

void ds_aggregate_free(struct ds_aggregate *a)
{
    if (!a)
        return;
    for (int i = 0; i < a->nmetrics; i++) {
        free(a->metric[i].name);
        ds_value_conditions_free(&a->metric[i].conditions);
    }
    for (size_t i = 0; i < a->nbases; i++)
        free(a->base[i].metric);
    for (int g = 0; g < a->ngroups; g++) {
        for (int i = 0; i < a->group[g].nmetrics; i++)
            free(a->group[g].metric[i].at);
        free(a->group[g].metric);
    }
    ds_id_map_free(&a->clusters);
    free(a->metric);
    free(a->base);
    free(a->group);
    free(a->bucket);
    free(a);
}

/* ---- metrics ---- */

static int find_metric(struct ds_aggregate *a, const struct ds_metric *m)
{
    for (int i = 0; i < a->nmetrics; i++)
        if (strlen(a->metric[i].name) == m->name.size &&
            memcmp(a->metric[i].name, m->name.ptr, m->name.size) == 0)
            return i;
    if (ds_grow(&a->metric, &a->metric_room, (size_t)a->nmetrics + 1, sizeof *a->metric, NULL))
        return -1;
    a->metric[a->nmetrics] = (struct metric){.name = strndup(m->name.ptr, m->name.size)};
    return a->metric[a->nmetrics].name ? a->nmetrics++ : -1;
}

const char *ds_aggregate_mixed(struct ds_aggregate *a, bool *devices)
{
    for (int i = 0; i < a->nmetrics; i++)
        ds_value_conditions_compare(&a->metric[i].conditions, a->metric[i].name, &a->mixture);
    *devices = a->mixture.of_devices;
    return a->mixture.text[0] ? a->mixture.text : NULL;
}

/* ---- clusters and groups ---- */

static int64_t find_cluster(struct ds_aggregate *a, uint64_t id)
{
    int64_t known = ds_id_map_find(&a->clusters, id);
    if (known >= 0)
        return known;
    if (ds_grow(&a->base, &a->base_room, a->nbases + 1, sizeof *a->base, NULL) ||
        ds_id_map_add(&a->clusters, id, (uint32_t)a->nbases) < 0)
        return -1;
    a->base[a->nbases] = (struct base){.id = id};
    return (int64_t)a->nbases++;
}

static int compare_keys(const struct ds_aggregate *a, const double *x, const double *y)
{
    for (int i = 0; i < a->nkeys; i++)
        if (x[i] != y[i])
            return x[i] < y[i] ? -1 : 1;
    return 0;
}

static unsigned hash_keys(const struct ds_aggregate *a, const double *key)
{
    double sum = 0;
    for (int i = 0; i < a->nkeys; i++)
        sum = sum * 31.7 + key[i];
    uint64_t bits;
    memcpy(&bits, &sum, sizeof bits);
    return (unsigned)((bits * 0x9E3779B97F4A7C15u) >> 40);
}

static int rehash(struct ds_aggregate *a)
{
    int buckets = a->buckets ? 4 * a->buckets : 1024;
    int *more = calloc((size_t)buckets, sizeof *more);
    if (!more)
        return -1;
    for (int g = 0; g < a->ngroups; g++) {
        int b = (int)(hash_keys(a, a->group[g].key) & (unsigned)(buckets - 1));
        while (more[b])
            b = (b + 1) & (buckets - 1);
        more[b] = g + 1;
    }
    free(a->bucket);
    a->bucket = more;
    a->buckets = buckets;
    return 0;
}

static struct group *find_group(struct ds_aggregate *a, const double *key)
{
    if (2 * a->ngroups >= a->buckets && rehash(a))
        return NULL;
    int b = (int)(hash_keys(a, key) & (unsigned)(a->buckets - 1));
    for (; a->bucket[b]; b = (b + 1) & (a->buckets - 1))
        if (compare_keys(a, a->group[a->bucket[b] - 1].key, key) == 0)
            return &a->group[a->bucket[b] - 1];
    if (ds_grow(&a->group, &a->group_room, (size_t)a->ngroups + 1, sizeof *a->group, NULL))
        return NULL;
    struct group *g = &a->group[a->ngroups++];
    *g = (struct group){0};
    memcpy(g->key, key, sizeof g->key);
    a->bucket[b] = a->ngroups;
    return g;
}

/* The key of a choice at a site of the record's architecture; false where it has none. */
static bool key_value(const struct ds_record *rec, int site, int choice, enum key key, double *out)
{
    const struct ds_site *s = &rec->space->site[site];
    switch (key) {
    case BLOCK:
        *out = s->value[choice];
        return s->kind == DS_SITE_BLOCK;
    case SITE:
        *out = site;
        return true;
    case CHOICE:
        *out = site * (double)DS_MAX_CHOICES + choice;
        return true;
    case RESOLUTION: /* affixed, or else the architecture's */
        *out = s->kind == DS_SITE_RESOLUTION ? s->value[choice]
                                             : ds_arch_resolution(rec->space, rec->choice);
        return true;
    default:
        return ds_trait(rec->space, site, choice, (enum ds_trait)key, out);
    }
}

static bool has_key(const struct ds_aggregate *a, enum key key)
{
    for (int i = 0; i < a->nkeys; i++)
        if (a->key[i] == key)
            return true;
    return false;
}

/*
 * Whether the keys describe choices at sites of this kind: each record must be counted once only.
 */
static bool is_about(const struct ds_aggregate *a, enum ds_site_kind kind)
{
    bool blocks =
        has_key(a, BLOCK) || has_key(a, KERNEL) || has_key(a, EXPAND) || has_key(a, LAYER);
    bool all = has_key(a, SITE) || has_key(a, CHOICE);
    switch (kind) {
    case DS_SITE_BLOCK:
        return blocks || all;
    case DS_SITE_DEPTH:
        return has_key(a, DEPTH) || all;
    case DS_SITE_WIDTH:
        return has_key(a, WIDTH) || all;
    case DS_SITE_RESOLUTION:
        return all || (has_key(a, RESOLUTION) && a->nkeys == 1);
    case DS_SITE_OPTION:
        break;
    }
    return all;
}

/*
 * Whether the keys are about what was affixed. By resolution alone, only an affixed resolution is
 * meant: the architecture's own tells the effects of other things apart (--by block,resolution),
 * and has none itself.
 */
static bool is_about_affix(const struct ds_aggregate *a, const struct ds_record *rec)
{
    return a->nkeys > 1 || a->key[0] != RESOLUTION ||
           rec->space->site[rec->affix_site].kind == DS_SITE_RESOLUTION;
}

/* ---- adding ---- */

static bool whole_detail(const struct ds_metric *m, const char *key, double *out)
{
    const msgpack_object *o = ds_map_get(m->detail, key);
    return o && ds_object_number(o, out) == 0 && *out >= 0;
}

/*
 * The standard error of a change of accuracy, in percent, of which the record says how many images
 * the base alone has right (lost) and it alone (gained): McNemar's, with half an image more in
 * each place, so that it is not zero where no image differs (Agresti and Min, Statistics in
 * Medicine 2005). NaN where the record does not say.
 */
static float image_noise(const struct ds_metric *m)
{
    double images, lost, gained;
    if (!whole_detail(m, "images", &images) || !whole_detail(m, "lost", &lost) ||
        !whole_detail(m, "gained", &gained) || lost + gained > images || images < 1)
        return NAN;
    double n = images + 2, change = (gained - lost) / n;
    return (float)(100 * sqrt(((lost + gained + 1) / n - change * change) / n));
}

static int add_value(struct values *v, uint32_t cluster, double x, float noise)
{
    if (ds_grow(&v->at, &v->room, v->n + 1, sizeof *v->at, NULL))
        return -1;
    v->at[v->n++] = (struct value){cluster, noise, x};
    return 0;
}

/* Adds the record's metrics to the group of this choice: 1, 0 when it lacks a key, -1. */
static int add_choice(struct ds_aggregate *a, const struct ds_record *rec, int site, int choice,
                      uint32_t cluster)
{
    double key[MOST_KEYS] = {0};
    for (int i = 0; i < a->nkeys; i++)
        if (!key_value(rec, site, choice, a->key[i], &key[i]))
            return 0;
    struct group *g = find_group(a, key);
    if (!g)
        return -1;
    for (int i = 0; i < rec->nmetrics; i++) {
        int m = find_metric(a, &rec->metric[i]);
        if (m >= g->nmetrics) {
            struct values *more = realloc(g->metric, (size_t)a->nmetrics * sizeof *more);
            if (!more)
                return -1;
            memset(more + g->nmetrics, 0, (size_t)(a->nmetrics - g->nmetrics) * sizeof *more);
            g->metric = more;
            g->nmetrics = a->nmetrics;
        }
        if (m < 0 || add_value(&g->metric[m], cluster, rec->metric[i].value,
                               a->effect ? image_noise(&rec->metric[i]) : NAN))
            return -1;
    }
    return 1;
}

/*
 * Keeps the metrics of a record that others may have as base. A base measured again (several runs
 * in one stream) counts with its mean: either run's value alone would shift the other's effects.
 */
static int keep_base(struct ds_aggregate *a, const struct ds_record *rec, uint32_t cluster)
{
    struct base *b = &a->base[cluster];
    b->seen = true;
    b->failed = b->failed || ds_record_has_errors(rec);
    for (int i = 0; i < rec->nmetrics; i++) {
        int m = find_metric(a, &rec->metric[i]);
        if (m >= b->n) {
            struct ds_mean *more = realloc(b->metric, (size_t)a->nmetrics * sizeof *more);
            if (!more)
                return -1;
            memset(more + b->n, 0, (size_t)(a->nmetrics - b->n) * sizeof *more);
            b->metric = more;
            b->n = a->nmetrics;
        }
        if (m < 0)
            return -1;
        ds_mean_add(&b->metric[m], rec->metric[i].value);
    }
    return 0;
}

static int add_occurring(struct ds_aggregate *a, const struct ds_record *rec, uint32_t cluster)
{
    int any = 0;
    for (int s = 0; s < rec->space->nsites; s++) {
        if (rec->choice[s] == DS_INACTIVE || !is_about(a, rec->space->site[s].kind))
            continue;
        int rc = add_choice(a, rec, s, rec->choice[s], cluster);
        if (rc < 0)
            return -1;
        any |= rc;
    }
    return any;
}

static int note_metrics(struct ds_aggregate *a, const struct ds_record *rec, struct ds_error *err)
{
    for (int i = 0; i < rec->nmetrics; i++) {
        const struct ds_metric *metric = &rec->metric[i];
        int m = find_metric(a, metric);
        if (!isfinite(metric->value))
            return ds_fail(err, "metric \"%.*s\" is not a finite number", (int)metric->name.size,
                           metric->name.ptr);
        if (m < 0 || ds_value_conditions_add(&a->metric[m].conditions, a->metric[m].name,
                                             metric->detail, &a->mixture))
            return ds_no_memory(err);
    }
    return 0;
}

int ds_aggregate_add(struct ds_aggregate *a, const struct ds_record *rec, struct ds_error *err)
{
    if (ds_record_need_arch(rec, err))
        return -1;
    if (a->space && a->space != rec->space)
        return ds_fail(err, "a second design space: %s after %s; aggregate them apart",
                       rec->space->name, a->space->name);
    a->space = rec->space;
    if (note_metrics(a, rec, err))
        return -1;
    bool is_base = rec->affix_site < 0; /* under its own id, whatever it was made of */
    if (!is_base && !rec->has_base)
        return ds_fail(err, "something is affixed, but the record names no base");
    int64_t cluster = find_cluster(a, is_base ? rec->id : rec->base);
    int rc = cluster < 0 ? -1 : 0;
    if (rc == 0 && a->by == DS_BY_OCCURRING)
        rc = add_occurring(a, rec, (uint32_t)cluster);
    else if (rc == 0 && is_base)
        rc = keep_base(a, rec, (uint32_t)cluster);
    else if (rc == 0 && is_about_affix(a, rec))
        rc = add_choice(a, rec, rec->affix_site, rec->affix_choice, (uint32_t)cluster);
    return rc < 0 ? ds_no_memory(err) : rc;
}

/* ---- finishing ---- */

/*
 * Turns values into changes against the base. Where the base could not be measured, there is no
 * change.
 */
static int take_bases_off(struct ds_aggregate *a, struct group *g, struct ds_error *err)
{
    for (int m = 0; m < g->nmetrics; m++) {
        struct values *values = &g->metric[m];
        size_t kept = 0;
        for (size_t i = 0; i < values->n; i++) {
            struct value v = values->at[i];
            const struct base *b = &a->base[v.cluster];
            bool known = m < b->n && b->metric[m].n > 0;
            if (!known && b->failed)
                continue;
            if (!known)
                return ds_fail(
                    err,
                    "an effect needs the base: %s%s of base %016" PRIx64 " is not in the stream",
                    b->seen ? "metric " : "the record", b->seen ? a->metric[m].name : "", b->id);
            v.x -= b->metric[m].mean;
            values->at[kept++] = v;
        }
        values->n = kept;
    }
    return 0;
}

static int compare_groups(const void *x, const void *y, void *a)
{
    return compare_keys(a, ((const struct group *)x)->key, ((const struct group *)y)->key);
}

int ds_aggregate_finish(struct ds_aggregate *a, struct ds_error *err)
{
    for (int g = 0; g < a->ngroups && a->effect; g++)
        if (take_bases_off(a, &a->group[g], err))
            return -1;
    if (a->ngroups)
        qsort_r(a->group, (size_t)a->ngroups, sizeof *a->group, compare_groups, a);
    return a->ngroups;
}

static int by_cluster(const void *x, const void *y)
{
    uint32_t a = ((const struct value *)x)->cluster, b = ((const struct value *)y)->cluster;
    return (a > b) - (a < b);
}

/* Half the width of the interval of the mean, and the number of clusters. */
static double half_width(struct ds_aggregate *a, struct values *v, double mean, size_t *clusters)
{
    double squares = 0;
    *clusters = 0;
    qsort(v->at, v->n, sizeof *v->at, by_cluster);
    for (size_t i = 0, j; i < v->n; i = j, ++*clusters) {
        double sum = 0;
        for (j = i; j < v->n && v->at[j].cluster == v->at[i].cluster; j++)
            sum += v->at[j].x - mean;
        squares += sum * sum;
    }
    if (*clusters < 2)
        return NAN;
    double g = (double)*clusters, n = (double)v->n;
    if (a->t_df != g - 1) {
        a->t_df = g - 1;
        a->t = ds_student_t(LEVEL, g - 1);
    }
    return a->t * sqrt(g / (g - 1) * squares) / n;
}

/*
 * The standard error of the mean from images alone: bases independent, the effects on one base as
 * if their errors were the same. NaN where some value does not say. The values are in order.
 */
static double image_error(const struct values *v)
{
    double squares = 0;
    for (size_t i = 0, j; i < v->n; i = j) {
        double sum = 0;
        for (j = i; j < v->n && v->at[j].cluster == v->at[i].cluster; j++)
            sum += (double)v->at[j].noise;
        squares += sum * sum;
    }
    return sqrt(squares) / (double)v->n;
}

/* Adds the metric's statistics to the record. */
static int describe(struct ds_aggregate *a, int m, struct values *v, struct ds_record *rec)
{
    static const struct {
        const char *name;
        double p;
    } quantiles[] = {{"min", 0},    {"q01", 0.01}, {"q05", 0.05},
                     {"q95", 0.95}, {"q99", 0.99}, {"max", 1}};
    struct ds_moments moments = {0};
    double *x = malloc(v->n * sizeof *x);
    if (!x)
        return -1;
    for (size_t i = 0; i < v->n; i++) {
        x[i] = v->at[i].x;
        ds_moments_add(&moments, x[i]);
    }
    size_t clusters;
    double half = half_width(a, v, moments.mean, &clusters), images = image_error(v);
    if (isfinite(images))
        half = fmax(half, ds_normal_z(LEVEL) * images);
    struct ds_metric *metric = ds_record_set(rec, a->metric[m].name, moments.mean);
    int bad = !metric || ds_metric_str(rec, metric, "of", a->effect ? "effect" : "response") ||
              ds_metric_int(rec, metric, "n", (int64_t)v->n) ||
              ds_metric_int(rec, metric, "bases", (int64_t)clusters);
    if (!bad && v->n > 1)
        bad = ds_metric_num(rec, metric, "sd", ds_moments_sd(&moments));
    if (!bad && isfinite(images))
        bad = ds_metric_num(rec, metric, "image_se", images);
    if (!bad && isfinite(half))
        bad = ds_metric_num(rec, metric, "lo", moments.mean - half) ||
              ds_metric_num(rec, metric, "hi", moments.mean + half);
    ds_sort(x, v->n);
    for (size_t i = 0; i < sizeof quantiles / sizeof *quantiles && !bad; i++)
        bad = ds_metric_num(rec, metric, quantiles[i].name, ds_quantile(x, v->n, quantiles[i].p));
    if (!bad)
        bad = ds_value_conditions_describe(&a->metric[m].conditions, rec, metric);
    free(x);
    return bad;
}

static int write_key(const struct ds_aggregate *a, int i, double value, struct ds_record *rec,
                     struct ds_error *err)
{
    const struct ds_space *space = a->space;
    char text[256];
    int site, choice;
    switch (a->key[i]) {
    case BLOCK:
        return ds_record_group_str(rec, "block", space->block[(int)value].name, err);
    case SITE:
        return ds_record_group_str(rec, "site", space->site[(int)value].name, err);
    case CHOICE:
        site = (int)value / DS_MAX_CHOICES;
        choice = (int)value % DS_MAX_CHOICES;
        ds_site_print(space, site, choice, text, sizeof text);
        return ds_record_group_str(rec, "choice", text, err);
    default:
        return ds_record_group_num(rec, key_names[a->key[i]], value, err);
    }
}

int ds_aggregate_group(struct ds_aggregate *a, int g, struct ds_record *rec, struct ds_error *err)
{
    struct group *group = &a->group[g];
    ds_record_group(rec, a->space);
    for (int i = 0; i < a->nkeys; i++)
        if (write_key(a, i, group->key[i], rec, err))
            return -1;
    for (int m = 0; m < group->nmetrics; m++)
        if (group->metric[m].n && describe(a, m, &group->metric[m], rec))
            return ds_no_memory(err);
    return 0;
}

#include "study/aggregate.h"

#include "base/grow.h"
#include "base/id_map.h"
#include "base/stats.h"
#include "study/conditions.h"
#include "study/group_keys.h"
#include "study/tally.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEVEL 0.95
#define PARTIAL "partial"
#define PARTIAL_VERSION 1

struct group {
    double key[DS_MOST_GROUP_KEYS];
    struct ds_tally **metric; /* [nmetrics]; NULL where it has no value */
    int nmetrics;
};

/* A metric found in the stream. */
struct metric {
    char *name;
    struct ds_value_conditions conditions;
};

/*
 * What effects are against. A base, the means of its metrics being in `mean`; or, against siblings,
 * a place: a site of a base.
 */
struct base {
    uint64_t id; /* of the base */
    uint32_t site;
    uint64_t choices[DS_MAX_CHOICES / 64]; /* that are affixed at the place */
    bool seen;
    bool failed; /* some metric of it could not be measured */
    bool used;   /* its mean was taken off some value */
};

/* A value that waits for its base. */
struct waiting {
    uint32_t group, base, metric;
    float noise; /* of an effect: its standard error over images drawn anew; NaN: not known */
    double x;
};

struct ds_aggregate {
    enum ds_group_by by;
    bool effect;
    enum ds_against against;
    struct ds_group_keys keys;
    char *key_names; /* as they were given */
    uint64_t keep;
    const struct ds_space *space;
    struct metric *metric;
    int nmetrics;
    size_t metric_room;
    int *metric_of; /* [metrics of the record in hand] */
    struct ds_tally_value *value;
    size_t metric_of_room, value_room;
    struct ds_id_map bases; /* id -> number */
    struct base *base;
    size_t nbases, base_room;
    struct ds_mean *mean; /* [bases][mean_metrics]: over the times that a base was measured */
    int mean_metrics;
    size_t mean_room;
    struct waiting *waiting;
    size_t nwaiting, waiting_room;
    uint64_t last_base;    /* of what waits; */
    struct ds_id_map done; /* against siblings: bases whose values wait no more */
    uint64_t (*affixed)[DS_MAX_CHOICES / 64]; /* [sites]: choices that are affixed to any base */
    uint64_t alone;                           /* values left out since they lack siblings */
    struct ds_clusters *total;                /* against the mean: [nmetrics], of all groups */
    struct group *group;
    int ngroups;
    size_t group_room;
    int *bucket; /* hash table of groups: number + 1 */
    int buckets;
    int *group_of; /* [resolutions][choices of all sites]: number + 1; 0: not known, -1: none */
    int first_choice[DS_MAX_SITES], nchoices;
    struct ds_tallies tallies;
    struct ds_mixture mixture;
    double t_df, t;                       /* the last quantile of Student's t */
    uint64_t parts_groups, merged_groups; /* of partial results: that there should be, that came */
    struct ds_bytes partial;              /* the last that was written */
};

static struct ds_aggregate *new_aggregate(struct ds_error *err)
{
    struct ds_aggregate *a = ds_alloc(1, sizeof *a, err);
    if (a)
        ds_aggregate_keep(a, DS_AGGREGATE_KEEP);
    return a;
}

static int set_keys(struct ds_aggregate *a, const char *keys, size_t n, struct ds_error *err)
{
    a->key_names = ds_copy_text(keys, n, err);
    return a->key_names ? ds_group_keys_parse(&a->keys, a->key_names, err) : -1;
}

struct ds_aggregate *ds_aggregate_new(const char *keys, enum ds_group_by by, bool effect,
                                      enum ds_against against, struct ds_error *err)
{
    struct ds_aggregate *a = new_aggregate(err);
    if (!a)
        return NULL;
    a->by = by;
    a->effect = effect;
    a->against = against;
    if (set_keys(a, keys, strlen(keys), err)) {
        ds_aggregate_free(a);
        return NULL;
    }
    return a;
}

struct ds_aggregate *ds_aggregate_of_partials(struct ds_error *err)
{
    return new_aggregate(err);
}

void ds_aggregate_keep(struct ds_aggregate *a, uint64_t keep)
{
    a->keep = keep;
    ds_tallies_begin(&a->tallies, keep);
}

void ds_aggregate_free(struct ds_aggregate *a)
{
    if (!a)
        return;
    for (int i = 0; i < a->nmetrics; i++) {
        free(a->metric[i].name);
        ds_value_conditions_free(&a->metric[i].conditions);
    }
    for (int g = 0; g < a->ngroups; g++)
        free(a->group[g].metric);
    ds_tallies_free(&a->tallies);
    ds_id_map_free(&a->bases);
    ds_id_map_free(&a->done);
    for (int i = 0; i < a->nmetrics && a->total; i++)
        ds_clusters_free(&a->total[i]);
    free(a->total);
    free(a->affixed);
    free(a->key_names);
    free(a->metric);
    free(a->metric_of);
    free(a->value);
    free(a->base);
    free(a->mean);
    free(a->waiting);
    free(a->group);
    free(a->bucket);
    free(a->group_of);
    free(a->partial.at);
    free(a);
}

/* ---- metrics ---- */

static int find_metric(struct ds_aggregate *a, const char *name, size_t n)
{
    for (int i = 0; i < a->nmetrics; i++)
        if (strlen(a->metric[i].name) == n && memcmp(a->metric[i].name, name, n) == 0)
            return i;
    if (ds_grow(&a->metric, &a->metric_room, (size_t)a->nmetrics + 1, sizeof *a->metric, NULL))
        return -1;
    a->metric[a->nmetrics] = (struct metric){.name = ds_copy_text(name, n, NULL)};
    return a->metric[a->nmetrics].name ? a->nmetrics++ : -1;
}

/* Finds the metrics of a record, and keeps the conditions they were measured under. */
static int note_metrics(struct ds_aggregate *a, const struct ds_record *rec, struct ds_error *err)
{
    if (ds_grow(&a->metric_of, &a->metric_of_room, (size_t)rec->nmetrics, sizeof *a->metric_of,
                err) ||
        ds_grow(&a->value, &a->value_room, (size_t)rec->nmetrics, sizeof *a->value, err))
        return -1;
    for (int i = 0; i < rec->nmetrics; i++) {
        const struct ds_metric *metric = &rec->metric[i];
        if (!isfinite(metric->value))
            return ds_fail(err, "metric \"%.*s\" is not a finite number", (int)metric->name.size,
                           metric->name.ptr);
        int m = a->metric_of[i] = find_metric(a, metric->name.ptr, metric->name.size);
        if (m < 0 || ds_value_conditions_add(&a->metric[m].conditions, a->metric[m].name,
                                             metric->detail, &a->mixture))
            return ds_no_memory(err);
    }
    return 0;
}

const char *ds_aggregate_mixed(struct ds_aggregate *a, bool *devices)
{
    for (int i = 0; i < a->nmetrics; i++)
        ds_value_conditions_compare(&a->metric[i].conditions, a->metric[i].name, &a->mixture);
    *devices = a->mixture.of_devices;
    return a->mixture.text[0] ? a->mixture.text : NULL;
}

/* ---- groups ---- */

static int rehash(struct ds_aggregate *a)
{
    int buckets = a->buckets ? 4 * a->buckets : 1024;
    int *more = ds_alloc((size_t)buckets, sizeof *more, NULL);
    if (!more)
        return -1;
    for (int g = 0; g < a->ngroups; g++) {
        int b = (int)(ds_group_keys_hash(&a->keys, a->group[g].key) & (unsigned)(buckets - 1));
        while (more[b])
            b = (b + 1) & (buckets - 1);
        more[b] = g + 1;
    }
    free(a->bucket);
    a->bucket = more;
    a->buckets = buckets;
    return 0;
}

/* The number of the group with these keys, which is made when it is new; -1 when out of memory. */
static int find_group(struct ds_aggregate *a, const double *key)
{
    if (2 * a->ngroups >= a->buckets && rehash(a))
        return -1;
    int b = (int)(ds_group_keys_hash(&a->keys, key) & (unsigned)(a->buckets - 1));
    for (; a->bucket[b]; b = (b + 1) & (a->buckets - 1))
        if (ds_group_keys_compare(&a->keys, a->group[a->bucket[b] - 1].key, key) == 0)
            return a->bucket[b] - 1;
    if (ds_grow(&a->group, &a->group_room, (size_t)a->ngroups + 1, sizeof *a->group, NULL))
        return -1;
    struct group *g = &a->group[a->ngroups++];
    *g = (struct group){0};
    memcpy(g->key, key, sizeof g->key);
    a->bucket[b] = a->ngroups;
    return a->ngroups - 1;
}

/* Takes a space, and makes room to remember the group of each of its choices. */
static int begin_space(struct ds_aggregate *a, const struct ds_space *space, struct ds_error *err)
{
    if (a->space)
        return a->space == space
                   ? 0
                   : ds_fail(err, "a second design space: %s after %s; aggregate them apart",
                             space->name, a->space->name);
    for (int s = 0; s < space->nsites; s++) {
        a->first_choice[s] = a->nchoices;
        a->nchoices += space->site[s].nchoices;
    }
    a->affixed = ds_alloc((size_t)space->nsites, sizeof *a->affixed, err);
    if (!a->affixed)
        return -1;
    int resolutions = space->site[space->resolution_site].nchoices;
    a->group_of = ds_alloc((size_t)(resolutions * a->nchoices), sizeof *a->group_of, err);
    a->space = a->group_of ? space : NULL;
    return a->space ? 0 : -1;
}

/* The group of a choice at a site of the record's architecture; -1 where it lacks a key, -2. */
static int group_of(struct ds_aggregate *a, const struct ds_record *rec, int site, int choice)
{
    int resolution = rec->choice[rec->space->resolution_site];
    int *known = &a->group_of[resolution * a->nchoices + a->first_choice[site] + choice];
    double key[DS_MOST_GROUP_KEYS] = {0};
    if (*known)
        return *known > 0 ? *known - 1 : -1;
    if (!ds_group_keys_values(&a->keys, rec, site, choice, key)) {
        *known = -1;
        return -1;
    }
    int g = find_group(a, key);
    if (g < 0)
        return -2;
    *known = g + 1;
    return g;
}

/* The tally of a metric in a group, made when it is new. NULL when out of memory. */
static struct ds_tally *tally_of(struct ds_aggregate *a, struct group *g, int metric)
{
    if (metric >= g->nmetrics) {
        struct ds_tally **more = ds_alloc((size_t)a->nmetrics, sizeof(void *), NULL);
        if (!more)
            return NULL;
        if (g->nmetrics)
            memcpy(more, g->metric, (size_t)g->nmetrics * sizeof *more);
        free(g->metric);
        g->metric = more;
        g->nmetrics = a->nmetrics;
    }
    if (!g->metric[metric])
        g->metric[metric] = ds_tallies_new(&a->tallies, NULL);
    return g->metric[metric];
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

/* Adds the values in hand, of all metrics of a record of this base (its key), to a group. */
static int add_values(struct ds_aggregate *a, const struct ds_record *rec, int g, uint64_t base,
                      uint64_t times, struct ds_error *err)
{
    for (int i = 0; i < rec->nmetrics; i++) {
        struct ds_tally *t = tally_of(a, &a->group[g], a->metric_of[i]);
        if (!t)
            return ds_no_memory(err);
        if (ds_tally_add(&a->tallies, t, base, &a->value[i], times, err))
            return -1;
    }
    return 0;
}

static int prepare_values(struct ds_aggregate *a, const struct ds_record *rec, struct ds_error *err)
{
    for (int i = 0; i < rec->nmetrics; i++)
        if (ds_tally_value(rec->metric[i].value, NAN, &a->value[i], err))
            return -1;
    return 0;
}

/* Adds the record to the group of every choice in it, once for each: 1, 0: there is none, -1. */
static int add_occurring(struct ds_aggregate *a, const struct ds_record *rec, uint64_t base,
                         struct ds_error *err)
{
    int group[DS_MAX_SITES], times[DS_MAX_SITES], n = 0;
    for (int s = 0; s < rec->space->nsites; s++) {
        if (rec->choice[s] == DS_INACTIVE ||
            !ds_group_keys_occur(&a->keys, rec->space->site[s].kind))
            continue;
        int g = group_of(a, rec, s, rec->choice[s]), i = 0;
        if (g == -2)
            return ds_no_memory(err);
        if (g < 0)
            continue;
        while (i < n && group[i] != g)
            i++;
        if (i == n) {
            group[n] = g;
            times[n++] = 0;
        }
        times[i]++;
    }
    for (int i = 0; i < n; i++)
        for (int m = 0; m < a->group[group[i]].nmetrics; m++)
            if (a->group[group[i]].metric[m])
                ds_clusters_expect(&a->group[group[i]].metric[m]->bases, base);
    for (int i = 0; i < n; i++)
        if (add_values(a, rec, group[i], base, (uint64_t)times[i], err))
            return -1;
    return n > 0;
}

/* ---- effects ---- */

/* The number of a base, which is made when it is new; -1 when out of memory. */
static int64_t find_base(struct ds_aggregate *a, uint64_t id)
{
    int64_t known = ds_id_map_find(&a->bases, id);
    if (known >= 0)
        return known;
    if (ds_grow(&a->base, &a->base_room, a->nbases + 1, sizeof *a->base, NULL) ||
        ds_id_map_add(&a->bases, id, (uint32_t)a->nbases) < 0)
        return -1;
    a->base[a->nbases] = (struct base){.id = id};
    return (int64_t)a->nbases++;
}

/* Makes room for the means of all bases, for all metrics known by now. */
static int open_means(struct ds_aggregate *a)
{
    size_t new_row = (size_t)a->nmetrics, old_row = (size_t)a->mean_metrics;
    size_t old_n = old_row ? a->mean_room / old_row : 0;
    if (new_row == old_row && a->nbases * new_row <= a->mean_room)
        return 0;
    size_t room = a->base_room * new_row;
    if (ds_resize(&a->mean, room, sizeof *a->mean, NULL))
        return -1;
    struct ds_mean *more = a->mean;
    old_n = old_n < a->nbases ? old_n : a->nbases;
    for (size_t i = old_n; i-- > 0;) { /* to longer rows, from the back */
        memmove(more + i * new_row, more + i * old_row, old_row * sizeof *more);
        memset(more + i * new_row + old_row, 0, (new_row - old_row) * sizeof *more);
    }
    memset(more + old_n * new_row, 0, (room - old_n * new_row) * sizeof *more);
    a->mean_metrics = a->nmetrics;
    a->mean_room = room;
    return 0;
}

/* The mean of a metric of a base, or NULL. */
static const struct ds_mean *mean_of(const struct ds_aggregate *a, uint32_t base, uint32_t metric)
{
    size_t at = (size_t)base * (size_t)a->mean_metrics + metric;
    if ((int)metric >= a->mean_metrics || at >= a->mean_room || !a->mean[at].n)
        return NULL;
    return &a->mean[at];
}

/*
 * Keeps the metrics of a record that others may have as base. A base measured again (several runs
 * in one stream) counts with its mean: either run's value alone would shift the other's effects.
 */
static int keep_base(struct ds_aggregate *a, const struct ds_record *rec)
{
    int64_t number = find_base(a, rec->id);
    if (number < 0 || open_means(a))
        return -1;
    struct base *b = &a->base[number];
    struct ds_mean *mean = a->mean + (size_t)number * (size_t)a->mean_metrics;
    if (b->used) {
        memset(mean, 0, (size_t)a->mean_metrics * sizeof *mean);
        b->used = b->failed = false;
    }
    b->seen = true;
    b->failed = b->failed || ds_record_has_errors(rec);
    for (int i = 0; i < rec->nmetrics; i++)
        ds_mean_add(&mean[a->metric_of[i]], rec->metric[i].value);
    return 0;
}

/*
 * Takes the bases off what waits for them: changes are added to their groups. Where the base could
 * not be measured, there is no change. At the end (`all`) a base that is missing is an error.
 */
static int take_bases_off(struct ds_aggregate *a, bool all, struct ds_error *err)
{
    size_t kept = 0;
    for (size_t i = 0; i < a->nwaiting; i++) {
        struct waiting w = a->waiting[i];
        struct base *b = &a->base[w.base];
        const struct ds_mean *mean = mean_of(a, w.base, w.metric);
        if (!mean && b->failed)
            continue;
        if (!mean && all)
            return ds_fail(
                err, "an effect needs the base: %s%s of base %016" PRIx64 " is not in the stream",
                b->seen ? "metric " : "the record", b->seen ? a->metric[w.metric].name : "", b->id);
        if (!mean) {
            a->waiting[kept++] = w;
            continue;
        }
        b->used = true;
        struct ds_tally_value value;
        struct ds_tally *t = tally_of(a, &a->group[w.group], (int)w.metric);
        if (!t)
            return ds_no_memory(err);
        if (ds_tally_value(w.x - mean->mean, (double)w.noise, &value, err) ||
            ds_tally_add(&a->tallies, t, ds_cluster_key(b->id), &value, 1, err))
            return -1;
    }
    a->nwaiting = kept;
    return 0;
}

/* Has the record's metrics wait for what they are against. */
static int wait_for(struct ds_aggregate *a, const struct ds_record *rec, int g, int64_t base,
                    struct ds_error *err)
{
    size_t n = a->nwaiting + (size_t)rec->nmetrics;
    if (base < 0 || ds_grow(&a->waiting, &a->waiting_room, n, sizeof *a->waiting, NULL))
        return ds_no_memory(err);
    for (int i = 0; i < rec->nmetrics; i++)
        a->waiting[a->nwaiting++] = (struct waiting){
            .group = (uint32_t)g,
            .base = (uint32_t)base,
            .metric = (uint32_t)a->metric_of[i],
            .noise = image_noise(&rec->metric[i]),
            .x = rec->metric[i].value,
        };
    a->last_base = rec->base;
    return 0;
}

/* ---- effects against siblings ---- */

/* The number of a place, which is made when it is new; -1 when out of memory. */
static int64_t find_place(struct ds_aggregate *a, uint64_t base, int site)
{
    uint64_t key = ds_cluster_key(base ^ ds_cluster_key((uint64_t)site + 1));
    int64_t place = find_base(a, key);
    if (place >= 0) {
        a->base[place].id = base;
        a->base[place].site = (uint32_t)site;
    }
    return place;
}

/* Has a record wait for its siblings: what else is affixed at its place. */
static int wait_for_siblings(struct ds_aggregate *a, const struct ds_record *rec, int g,
                             struct ds_error *err)
{
    if (ds_id_map_find(&a->done, rec->base) >= 0)
        return ds_fail(err,
                       "the records of base %016" PRIx64
                       " do not come together: more of them have to be kept than --keep says",
                       rec->base);
    int64_t place = find_place(a, rec->base, rec->affix_site);
    if (place < 0)
        return ds_no_memory(err);
    int word = rec->affix_choice / 64;
    uint64_t bit = (uint64_t)1 << rec->affix_choice % 64;
    a->base[place].choices[word] |= bit;
    a->base[place].failed = a->base[place].failed || ds_record_has_errors(rec);
    a->affixed[rec->affix_site][word] |= bit;
    return wait_for(a, rec, g, place, err);
}

/* Whether everything that is affixed at its site to other bases is there, and measured. */
static bool is_complete(const struct ds_aggregate *a, const struct base *place)
{
    return !place->failed &&
           memcmp(place->choices, a->affixed[place->site], sizeof place->choices) == 0;
}

/* Of the values of one metric at one place. */
struct family {
    uint64_t n;
    __int128 sum;    /* in fixed point (clusters.h), so that it is the same in any order */
    double variance; /* sum of the squares of their noises */
};

/*
 * Adds a value's difference from the mean of its family, of n, itself one of them. Noises are those
 * of changes against the base, which all share: correlated, so that a difference has no more noise
 * than if they were independent.
 */
static int add_to_family(struct ds_aggregate *a, const struct waiting *w, const struct family *f,
                         struct ds_error *err)
{
    struct ds_tally_value value;
    struct ds_tally *t = tally_of(a, &a->group[w->group], (int)w->metric);
    double n = (double)f->n, mean = (double)f->sum * 0x1p-64 / n,
           own = (double)w->noise * (double)w->noise;
    double noise = sqrt(own * (1 - 2 / n) + f->variance / (n * n));
    if (!t)
        return ds_no_memory(err);
    return ds_tally_value(w->x - mean, noise, &value, err) ||
                   ds_tally_add(&a->tallies, t, ds_cluster_key(a->base[w->base].id), &value, 1, err)
               ? -1
               : 0;
}

/* Forgets all places but those of what still waits, whose bases may not come again. */
static int forget_places(struct ds_aggregate *a, struct ds_error *err)
{
    struct base *before = a->base;
    size_t n = a->nbases;
    ds_id_map_free(&a->bases);
    a->base = NULL;
    a->nbases = a->base_room = 0;
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++)
        if (before[i].id != a->last_base)
            rc = ds_id_map_add(&a->done, before[i].id, 0) < 0 ? -1 : 0;
    for (size_t i = 0; i < a->nwaiting && rc == 0; i++) {
        const struct base *old = &before[a->waiting[i].base];
        int64_t place = find_place(a, old->id, (int)old->site);
        rc = place < 0 ? -1 : 0;
        if (rc == 0) {
            a->base[place] = *old;
            a->waiting[i].base = (uint32_t)place;
        }
    }
    free(before);
    return rc ? ds_no_memory(err) : 0;
}

/*
 * Takes from values the mean of their siblings and themselves; before the end (not `all`), those of
 * the base in hand still wait.
 */
static int take_siblings_off(struct ds_aggregate *a, bool all, struct ds_error *err)
{
    size_t metrics = (size_t)a->nmetrics, kept = 0;
    struct family *family = ds_alloc(a->nbases * metrics, sizeof *family, err);
    int rc = family ? 0 : -1;
    for (size_t i = 0; i < a->nwaiting && rc == 0; i++) {
        const struct waiting *w = &a->waiting[i];
        struct family *f = &family[w->base * metrics + w->metric];
        struct ds_fixed x;
        if (ds_fixed(w->x, NAN, &x))
            rc =
                ds_fail(err, "a value of %g is too large: give the metric in a greater unit", w->x);
        f->n++;
        f->sum += x.x;
        f->variance += (double)w->noise * (double)w->noise;
    }
    for (size_t i = 0; i < a->nwaiting && rc == 0; i++) {
        struct waiting w = a->waiting[i];
        const struct family *f = &family[w.base * metrics + w.metric];
        if (!all && a->base[w.base].id == a->last_base)
            a->waiting[kept++] = w;
        else if (f->n > 1 && is_complete(a, &a->base[w.base]))
            rc = add_to_family(a, &w, f, err);
        else
            a->alone++;
    }
    free(family);
    a->nwaiting = kept;
    return rc || (!all && forget_places(a, err)) ? -1 : 0;
}

uint64_t ds_aggregate_alone(const struct ds_aggregate *a)
{
    return a->alone;
}

/* ---- effects against the mean ---- */

/* Adds up what the bases have in all groups. */
static int add_up_groups(struct ds_aggregate *a, struct ds_error *err)
{
    a->total = ds_alloc((size_t)a->nmetrics, sizeof *a->total, err);
    if (!a->total)
        return -1;
    for (int g = 0; g < a->ngroups; g++)
        for (int m = 0; m < a->group[g].nmetrics; m++) {
            struct ds_tally *t = a->group[g].metric[m];
            if (t && ds_clusters_join(&a->total[m], &t->bases))
                return ds_no_memory(err);
        }
    return 0;
}

/* Whether effects are against this. */
static bool waits(const struct ds_aggregate *a, enum ds_against against)
{
    return a->effect && a->against == against;
}

/* Takes off what waiting values are against. */
static int take_off(struct ds_aggregate *a, bool all, struct ds_error *err)
{
    return waits(a, DS_AGAINST_SIBLINGS) ? take_siblings_off(a, all, err)
                                         : take_bases_off(a, all, err);
}

/* Adds a record with something affixed: 1, 0 when it lacks a key, -1. */
static int add_affixed(struct ds_aggregate *a, const struct ds_record *rec, struct ds_error *err)
{
    int g = ds_group_keys_affixed(&a->keys, rec)
                ? group_of(a, rec, rec->affix_site, rec->affix_choice)
                : -1;
    if (g == -2)
        return ds_no_memory(err);
    if (g < 0)
        return 0;
    int rc = waits(a, DS_AGAINST_BASE) ? wait_for(a, rec, g, find_base(a, rec->base), err)
             : waits(a, DS_AGAINST_SIBLINGS)
                 ? wait_for_siblings(a, rec, g, err)
                 : prepare_values(a, rec, err) ||
                       add_values(a, rec, g, ds_cluster_key(rec->base), 1, err);
    if (rc == 0 && a->nwaiting > a->keep &&
        a->nwaiting + (size_t)rec->nmetrics > a->waiting_room) /* before more room is taken */
        rc = take_off(a, false, err);
    return rc ? -1 : 1;
}

int ds_aggregate_add(struct ds_aggregate *a, const struct ds_record *rec, struct ds_error *err)
{
    if (ds_record_need_arch(rec, err) || begin_space(a, rec->space, err) ||
        note_metrics(a, rec, err))
        return -1;
    bool is_base = rec->affix_site < 0; /* under its own id, whatever it was made of */
    if (!is_base && !rec->has_base)
        return ds_fail(err, "something is affixed, but the record names no base");
    if (a->by == DS_BY_OCCURRING)
        return prepare_values(a, rec, err)
                   ? -1
                   : add_occurring(a, rec, ds_cluster_key(is_base ? rec->id : rec->base), err);
    if (!is_base)
        return add_affixed(a, rec, err);
    return waits(a, DS_AGAINST_BASE) && keep_base(a, rec) ? ds_no_memory(err) : 0;
}

/* ---- finishing ---- */

static int compare_groups(const void *x, const void *y, void *a)
{
    return ds_group_keys_compare(&((struct ds_aggregate *)a)->keys, ((const struct group *)x)->key,
                                 ((const struct group *)y)->key);
}

int ds_aggregate_finish(struct ds_aggregate *a, struct ds_error *err)
{
    if (a->merged_groups > a->parts_groups)
        return ds_fail(err, "partial results are not whole: a part's first group is missing");
    if (a->merged_groups < a->parts_groups)
        return ds_fail(err, "partial results are not whole: %" PRIu64 " groups came, of %" PRIu64,
                       a->merged_groups, a->parts_groups);
    if (take_off(a, true, err) || ds_tallies_finish(&a->tallies, err) ||
        (waits(a, DS_AGAINST_MEAN) && add_up_groups(a, err)))
        return -1;
    if (a->ngroups)
        qsort_r(a->group, (size_t)a->ngroups, sizeof *a->group, compare_groups, a);
    free(a->bucket); /* they are elsewhere now */
    a->bucket = NULL;
    a->buckets = 0;
    return a->ngroups;
}

/*
 * Half the width of the interval of the mean, of the squares of what g clusters are off by; NaN
 * where there is none.
 */
static double half_width(struct ds_aggregate *a, double g, double squares)
{
    if (g < 2)
        return NAN;
    if (a->t_df != g - 1) {
        a->t_df = g - 1;
        a->t = ds_student_t(LEVEL, g - 1);
    }
    return a->t * sqrt(g / (g - 1) * squares);
}

/* Quantiles, less what they are against. */
static int describe_quantiles(const struct ds_histogram *h, double against, struct ds_record *rec,
                              struct ds_metric *metric)
{
    static const struct {
        const char *name;
        double p;
    } quantiles[] = {{"min", 0},    {"q01", 0.01}, {"q05", 0.05},
                     {"q95", 0.95}, {"q99", 0.99}, {"max", 1}};
    int bad = 0;
    for (size_t i = 0; i < sizeof quantiles / sizeof *quantiles && !bad; i++)
        bad = ds_metric_num(rec, metric, quantiles[i].name,
                            ds_histogram_quantile(h, quantiles[i].p) - against);
    if (!bad && h->shift)
        bad = ds_metric_num(rec, metric, "q_error", ds_histogram_error(h->shift));
    return bad;
}

/* Adds the metric's statistics to the record. */
static int describe(struct ds_aggregate *a, int m, struct ds_tally *t, struct ds_record *rec)
{
    static const char *const against[] = {"base", "siblings", "mean"};
    double mean, deviations, n = (double)t->n, of_all = 0;
    if (ds_exact_moments(&t->sum, &t->squares, t->n, &mean, &deviations))
        return -1;
    struct ds_cluster_error e = ds_clusters_error(&t->bases, mean);
    double half = half_width(a, e.clusters, e.squares / (n * n));
    if (waits(a, DS_AGAINST_MEAN)) {
        struct ds_cluster_error d = ds_clusters_difference(&t->bases, mean, &a->total[m], &of_all);
        half = half_width(a, d.clusters, d.squares);
    }
    /* from images alone: bases independent, the effects on one base as if their errors were the
     * same */
    double images = t->noisy == t->n ? sqrt(e.noise) / n : NAN;
    if (isfinite(images))
        half = fmax(half, ds_normal_z(LEVEL) * images);
    struct ds_metric *metric = ds_record_set(rec, a->metric[m].name, mean - of_all);
    int bad = !metric || ds_metric_str(rec, metric, "of", a->effect ? "effect" : "response") ||
              ds_metric_int(rec, metric, "n", (int64_t)t->n) ||
              ds_metric_int(rec, metric, "bases", (int64_t)fmin(e.bases, n));
    if (!bad && a->effect)
        bad = ds_metric_str(rec, metric, "against", against[a->against]);
    if (!bad && t->bases.bits)
        bad = ds_metric_int(rec, metric, "random_groups", (int64_t)e.clusters);
    if (!bad && t->n > 1)
        bad = ds_metric_num(rec, metric, "sd", sqrt(deviations / (n - 1)));
    if (!bad && isfinite(images))
        bad = ds_metric_num(rec, metric, "image_se", images);
    if (!bad && isfinite(half))
        bad = ds_metric_num(rec, metric, "lo", mean - of_all - half) ||
              ds_metric_num(rec, metric, "hi", mean - of_all + half);
    return bad || describe_quantiles(&t->values, of_all, rec, metric) ||
           ds_value_conditions_describe(&a->metric[m].conditions, rec, metric);
}

int ds_aggregate_group(struct ds_aggregate *a, int g, struct ds_record *rec, struct ds_error *err)
{
    struct group *group = &a->group[g];
    ds_record_group(rec, a->space);
    if (ds_group_keys_write(&a->keys, group->key, rec, err))
        return -1;
    for (int m = 0; m < group->nmetrics; m++)
        if (group->metric[m] && describe(a, m, group->metric[m], rec))
            return ds_no_memory(err);
    return 0;
}

/* ---- partial results ---- */

/* What is true of the whole part goes with its first group. */
static void pack_part(const struct ds_aggregate *a, struct ds_bytes *out)
{
    ds_bytes_uint(out, (uint64_t)a->nmetrics);
    for (int m = 0; m < a->nmetrics; m++) {
        ds_bytes_data(out, a->metric[m].name, strlen(a->metric[m].name));
        ds_value_conditions_pack(&a->metric[m].conditions, out);
    }
    ds_bytes_uint(out, a->mixture.of_devices);
    ds_bytes_data(out, a->mixture.text, strlen(a->mixture.text));
}

int ds_aggregate_partial(struct ds_aggregate *a, int g, struct ds_record *rec, struct ds_error *err)
{
    static msgpack_object_kv entry;
    struct ds_bytes *out = &a->partial;
    const struct group *group = &a->group[g];
    uint64_t n = 0;
    for (int m = 0; m < group->nmetrics; m++)
        n += group->metric[m] != NULL;
    out->n = 0;
    ds_bytes_uint(out, PARTIAL_VERSION);
    ds_bytes_data(out, a->key_names, strlen(a->key_names));
    ds_bytes_uint(out, a->by);
    ds_bytes_uint(out, a->effect ? 1 + (unsigned)a->against : 0);
    ds_bytes_uint(out, a->keep);
    ds_bytes_uint(out, (uint64_t)a->ngroups);
    ds_bytes_uint(out, (uint64_t)g);
    for (int i = 0; i < a->keys.n; i++)
        ds_bytes_double(out, group->key[i]);
    ds_bytes_uint(out, n);
    for (int m = 0; m < group->nmetrics; m++) {
        if (!group->metric[m])
            continue;
        ds_bytes_data(out, a->metric[m].name, strlen(a->metric[m].name));
        if (ds_tally_pack(group->metric[m], out, err))
            return -1;
    }
    if (g == 0)
        pack_part(a, out);
    if (out->failed)
        return ds_no_memory(err);
    if (out->n > UINT32_MAX)
        return ds_fail(err, "a partial result of more than 4 GB: give --keep a lesser number");
    entry.key = (msgpack_object){.type = MSGPACK_OBJECT_STR,
                                 .via.str = {.size = sizeof PARTIAL - 1, .ptr = PARTIAL}};
    entry.val =
        (msgpack_object){.type = MSGPACK_OBJECT_BIN,
                         .via.bin = {.size = (uint32_t)out->n, .ptr = (const char *)out->at}};
    rec->extra = (msgpack_object_map){.size = 1, .ptr = &entry};
    return 0;
}

/* Reads how the part was made: as the first, or else it must agree. */
static int join_options(struct ds_aggregate *a, struct ds_bytes_in *in, struct ds_error *err)
{
    size_t size;
    const char *keys = ds_bytes_get_data(in, &size);
    uint64_t by = ds_bytes_get_uint(in), effect = ds_bytes_get_uint(in);
    uint64_t keep = ds_bytes_get_uint(in);
    if (in->bad || by > DS_BY_OCCURRING || effect > 1 + DS_AGAINST_MEAN || size > 100 ||
        keep > UINT64_MAX / 64)
        return ds_fail(err, "damaged: no keys");
    if (!a->key_names) {
        if (set_keys(a, keys, size, err))
            return -1;
        a->by = (enum ds_group_by)by;
        a->effect = effect > 0;
        a->against = effect ? (enum ds_against)(effect - 1) : DS_AGAINST_BASE;
        ds_aggregate_keep(a, keep);
    }
    if (strlen(a->key_names) != size || memcmp(a->key_names, keys, size) != 0 || a->by != by ||
        (a->effect ? 1 + a->against : 0) != effect || a->keep != keep)
        return ds_fail(err,
                       "made by other options than the part before it: --by %.*s%s --keep %" PRIu64,
                       (int)size, keys,
                       effect ? " --effect"
                       : by   ? " --occurring"
                              : "",
                       keep);
    return 0;
}

static int join_part(struct ds_aggregate *a, struct ds_bytes_in *in)
{
    size_t size;
    uint64_t n = ds_bytes_get_uint(in);
    for (uint64_t i = 0; i < n && !in->bad; i++) {
        const char *name = ds_bytes_get_data(in, &size);
        int m = find_metric(a, name, size);
        if (m < 0 ||
            ds_value_conditions_join(&a->metric[m].conditions, a->metric[m].name, in, &a->mixture))
            return -1;
    }
    bool of_devices = ds_bytes_get_uint(in);
    const char *text = ds_bytes_get_data(in, &size);
    if (size && !in->bad && (!a->mixture.text[0] || (of_devices && !a->mixture.of_devices))) {
        snprintf(a->mixture.text, sizeof a->mixture.text, "%.*s", (int)size, text);
        a->mixture.of_devices = of_devices;
    }
    return 0;
}

static int join_group(struct ds_aggregate *a, struct ds_bytes_in *in, struct ds_error *err)
{
    double key[DS_MOST_GROUP_KEYS] = {0};
    uint64_t groups = ds_bytes_get_uint(in), number = ds_bytes_get_uint(in);
    for (int i = 0; i < a->keys.n; i++)
        key[i] = ds_bytes_get_double(in);
    uint64_t n = ds_bytes_get_uint(in);
    if (in->bad || groups > INT32_MAX || number >= groups ||
        !ds_group_keys_fit(&a->keys, a->space, key))
        return ds_fail(err, "damaged: no such group");
    int g = find_group(a, key);
    if (g < 0)
        return ds_no_memory(err);
    for (uint64_t i = 0; i < n && !in->bad; i++) {
        size_t size;
        const char *name = ds_bytes_get_data(in, &size);
        int m = in->bad ? -1 : find_metric(a, name, size);
        struct ds_tally *t = m < 0 ? NULL : tally_of(a, &a->group[g], m);
        if (!t)
            return in->bad ? ds_fail(err, "damaged: cut off") : ds_no_memory(err);
        if (ds_tally_join(&a->tallies, t, in, err))
            return -1;
    }
    if (number == 0 && join_part(a, in))
        return ds_no_memory(err);
    if (in->bad || in->at != in->end)
        return ds_fail(err, "damaged: cut off, or more than it says");
    a->parts_groups += number == 0 ? groups : 0;
    a->merged_groups++;
    return 0;
}

int ds_aggregate_merge(struct ds_aggregate *a, const struct ds_record *rec, struct ds_error *err)
{
    const msgpack_object *o = ds_map_get(rec->extra, PARTIAL);
    if (!o || o->type != MSGPACK_OBJECT_BIN)
        return ds_fail(err, "no partial result, as ds-aggregate --partial writes it");
    struct ds_bytes_in in = {.at = (const unsigned char *)o->via.bin.ptr};
    in.end = in.at + o->via.bin.size;
    if (begin_space(a, rec->space, err))
        return -1;
    uint64_t version = ds_bytes_get_uint(&in);
    if (version != PARTIAL_VERSION)
        return ds_fail(err, "a partial result of version %" PRIu64 "; this dstools knows %d",
                       version, PARTIAL_VERSION);
    return join_options(a, &in, err) || join_group(a, &in, err) ? -1 : 0;
}

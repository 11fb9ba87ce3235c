#include "study/aggregate_parts.h"

#include "base/grow.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const ds_against_name[] = {"base", "siblings", "mean", NULL};

static struct ds_aggregate *new_aggregate(struct ds_error *err)
{
    struct ds_aggregate *a = ds_alloc(1, sizeof *a, err);
    if (a)
        ds_aggregate_keep(a, DS_AGGREGATE_KEEP);
    return a;
}

int ds_aggregate_set_keys(struct ds_aggregate *a, const char *keys, size_t n, struct ds_error *err)
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
    if (ds_aggregate_set_keys(a, keys, strlen(keys), err)) {
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
        int m = a->metric_of[i] = ds_aggregate_find_metric(a, metric->name.ptr, metric->name.size);
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

/* ---- adding ---- */

/* Adds the values in hand, of all metrics of a record of this base (its key), to a group. */
static int add_values(struct ds_aggregate *a, const struct ds_record *rec, int g, uint64_t base,
                      uint64_t times, struct ds_error *err)
{
    for (int i = 0; i < rec->nmetrics; i++) {
        struct ds_tally *t = ds_aggregate_tally(a, &a->group[g], a->metric_of[i]);
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
        int g = ds_aggregate_group_of(a, rec, s, rec->choice[s]), i = 0;
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

/* Adds a record with something affixed: 1, 0 when it lacks a key, -1. */
static int add_affixed(struct ds_aggregate *a, const struct ds_record *rec, struct ds_error *err)
{
    int g = ds_group_keys_affixed(&a->keys, rec)
                ? ds_aggregate_group_of(a, rec, rec->affix_site, rec->affix_choice)
                : -1;
    if (g == -2)
        return ds_no_memory(err);
    if (g < 0)
        return 0;
    int rc = a->effect && a->against != DS_AGAINST_MEAN
                 ? ds_aggregate_wait(a, rec, g, err)
                 : prepare_values(a, rec, err) ||
                       add_values(a, rec, g, ds_cluster_key(rec->base), 1, err);
    return rc ? -1 : 1;
}

int ds_aggregate_add(struct ds_aggregate *a, const struct ds_record *rec, struct ds_error *err)
{
    if (ds_record_need_arch(rec, err) || ds_aggregate_begin_space(a, rec->space, err) ||
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
    return ds_aggregate_waits(a, DS_AGAINST_BASE) && ds_aggregate_keep_base(a, rec)
               ? ds_no_memory(err)
               : 0;
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
    if (ds_aggregate_take_off(a, true, err) || ds_tallies_finish(&a->tallies, err) ||
        (ds_aggregate_waits(a, DS_AGAINST_MEAN) && add_up_groups(a, err)))
        return -1;
    if (a->ngroups)
        qsort_r(a->group, (size_t)a->ngroups, sizeof *a->group, compare_groups, a);
    free(a->bucket); /* they are elsewhere now */
    a->bucket = NULL;
    a->buckets = 0;
    return a->ngroups;
}

/* Inside aggregation: what it holds, and what its parts do for each other. */
#ifndef DS_STUDY_AGGREGATE_PARTS_H
#define DS_STUDY_AGGREGATE_PARTS_H

#include "base/id_map.h"
#include "study/aggregate.h"
#include "study/conditions.h"
#include "study/group_keys.h"
#include "study/tally.h"

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

/* Takes the names of the keys. -1 when out of memory, or one is no key. */
int ds_aggregate_set_keys(struct ds_aggregate *a, const char *keys, size_t n, struct ds_error *err);

/* ---- aggregate_groups.c ---- */

/* The number of a metric, which is made when it is new; -1 when out of memory. */
int ds_aggregate_find_metric(struct ds_aggregate *a, const char *name, size_t n);

/* Takes a space, and makes room to remember the group of each of its choices. */
int ds_aggregate_begin_space(struct ds_aggregate *a, const struct ds_space *space,
                             struct ds_error *err);

/* The number of the group with these keys, which is made when it is new; -1 when out of memory. */
int ds_aggregate_find_group(struct ds_aggregate *a, const double *key);

/* The group of a choice at a site of the record's architecture; -1 where it lacks a key, -2. */
int ds_aggregate_group_of(struct ds_aggregate *a, const struct ds_record *rec, int site,
                          int choice);

/* The tally of a metric in a group, made when it is new. NULL when out of memory. */
struct ds_tally *ds_aggregate_tally(struct ds_aggregate *a, struct group *g, int metric);

/* ---- aggregate_effects.c ---- */

/* Whether effects are against this. */
bool ds_aggregate_waits(const struct ds_aggregate *a, enum ds_against against);

/*
 * Keeps the metrics of a record that others may have as base. A base measured again (several runs
 * in one stream) counts with its mean: either run's value alone would shift the other's effects.
 */
int ds_aggregate_keep_base(struct ds_aggregate *a, const struct ds_record *rec);

/*
 * Has a record of group g wait for its base or its siblings. Where more wait than are kept, what is
 * known by now is taken off.
 */
int ds_aggregate_wait(struct ds_aggregate *a, const struct ds_record *rec, int g,
                      struct ds_error *err);

/* Takes off what waiting values are against; at the end (`all`) none may be missing. */
int ds_aggregate_take_off(struct ds_aggregate *a, bool all, struct ds_error *err);

#endif

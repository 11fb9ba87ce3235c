/*
 * Grouping measured records and describing each group's metrics: as response (the mean of the
 * metric) or as paired effect (the mean change against the record's own base). Memory does not grow
 * with the number of records; see tally.h for what is exact and what is estimated.
 */
#ifndef DS_STUDY_AGGREGATE_H
#define DS_STUDY_AGGREGATE_H

#include "stream/record.h"

/* Unless told otherwise: bins of all histograms, a quarter as many bases, as many effects waiting.
 */
#define DS_AGGREGATE_KEEP ((uint64_t)1 << 20)

enum ds_group_by {
    DS_BY_AFFIX,    /* what was affixed; bases are no part of any group */
    DS_BY_OCCURRING /* every choice that occurs in the architecture */
};

/* What an effect is the difference from. */
enum ds_against {
    DS_AGAINST_BASE,     /* the record's own base */
    DS_AGAINST_SIBLINGS, /* the mean of all that is affixed at the same site of the same base */
    DS_AGAINST_MEAN      /* the mean of all records in any group */
};

extern const char *const ds_against_name[]; /* what options and records call each; then NULL */

struct ds_aggregate;

/*
 * `keys`: "unit,block": of unit, layer, block, kernel, expand, depth, width, resolution, site,
 * choice. NULL and the offending key in `err`.
 */
struct ds_aggregate *ds_aggregate_new(const char *keys, enum ds_group_by by, bool effect,
                                      enum ds_against against, struct ds_error *err);
void ds_aggregate_free(struct ds_aggregate *a);

/* How much is kept exactly; before anything is added. */
void ds_aggregate_keep(struct ds_aggregate *a, uint64_t keep);

/*
 * Adds a record: 1 when it is in a group, 0 when not (a base, or it lacks a key), -1.
 *
 * Effects wait for all measurements of their base, to take its mean off. When more than `keep`
 * values wait, the mean so far of each base that is known is taken off what waits for it, and a
 * later measurement of that base begins a new mean. Against siblings, all that is affixed to a base
 * must come together then, or else it is an error.
 */
int ds_aggregate_add(struct ds_aggregate *a, const struct ds_record *rec, struct ds_error *err);

/*
 * When all are added: sorts the groups, and takes the bases off for effects; of a base measured
 * more than once, its mean. On a base that says that a metric could not be measured there are no
 * effects. Returns how many groups there are, or -1: a base is missing.
 */
int ds_aggregate_finish(struct ds_aggregate *a, struct ds_error *err);

/*
 * After ds_aggregate_finish: how many values were left out, since their siblings are not all there:
 * some other choice is affixed at this site elsewhere, or could not be measured here, or nothing
 * else ever is.
 */
uint64_t ds_aggregate_alone(const struct ds_aggregate *a);

/*
 * Makes `rec` the record of group g. For every metric: its mean, with "of" (response or effect),
 * n, bases (clusters), sd, min, q01, q05, q95, q99, max, and lo, hi: the 95% interval of the mean
 * by Student's t on clusters (records of one base are not independent):
 *   var = G/(G-1) sum_g (sum of the cluster's deviations from the mean)^2 / n^2, G-1 df
 * (Liang and Zeger, Biometrika 1986). Against the mean of all groups, what a cluster adds to that
 * mean is taken from what it adds to the group's, so that what both share is not counted as an
 * error. With one cluster there is no interval. With too many bases the clusters are
 * "random_groups" of them, and "bases" is an estimate. "q_error" bounds the relative error of the
 * quantiles where they are not exact. Where all values are changes of an accuracy that say how many
 * images changed, "image_se" is the mean's standard error from the images alone, by McNemar's
 * variance; the interval is at least that wide, and with one cluster it is that. What was said
 * alike of all values (engine, device, threads, ...) is kept.
 */
int ds_aggregate_group(struct ds_aggregate *a, int g, struct ds_record *rec, struct ds_error *err);

/*
 * When all are added: a sentence about values of one metric that should not be mixed
 * ("latency.cpu mixes values of engine ..."), or NULL. *devices: they are not of one device,
 * engine, profile, model or program (anything that is said in words), so that their mean is of
 * none; else only its settings differ (threads, batch).
 */
const char *ds_aggregate_mixed(struct ds_aggregate *a, bool *devices);

/* ---- aggregates of aggregates ---- */

/*
 * Adds to the record of group g, as ds_aggregate_group made it, what is held of the group, under
 * "partial". It is good until the next call, or ds_aggregate_free.
 */
int ds_aggregate_partial(struct ds_aggregate *a, int g, struct ds_record *rec,
                         struct ds_error *err);

/* An aggregate of partial results, by the keys that the first of them has. NULL: out of memory. */
struct ds_aggregate *ds_aggregate_of_partials(struct ds_error *err);

/*
 * Adds a record that ds_aggregate_partial wrote. When all groups of all parts are added, the
 * aggregate is the same as one of all their records, in whatever parts and order they come, if the
 * bases of effects are in one part with what was affixed to them.
 */
int ds_aggregate_merge(struct ds_aggregate *a, const struct ds_record *rec, struct ds_error *err);

#endif

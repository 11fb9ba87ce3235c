#include "study/aggregate_parts.h"

#include "base/grow.h"
#include "base/stats.h"
#include <math.h>

#define LEVEL 0.95

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
    double mean, deviations, n = (double)t->n, of_all = 0;
    if (ds_exact_moments(&t->sum, &t->squares, t->n, &mean, &deviations))
        return -1;
    struct ds_cluster_error e = ds_clusters_error(&t->bases, mean);
    double half = half_width(a, e.clusters, e.squares / (n * n));
    if (ds_aggregate_waits(a, DS_AGAINST_MEAN)) {
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
        bad = ds_metric_str(rec, metric, "against", ds_against_name[a->against]);
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

/*
 * What is known of the choices of a space: how a metric differs between two of them, all else
 * equal. From measured records (ds-affix made them, so that both were affixed to the same base
 * architectures) the differences are paired by base, which makes them sharp; from aggregated
 * groups, two means and their intervals are all there is.
 */
#ifndef DS_STUDY_EVIDENCE_H
#define DS_STUDY_EVIDENCE_H

#include "stream/record.h"

#define DS_MOST_METRICS 16

/* A mean, its standard error, and the degrees of freedom of Student's t for it. */
struct ds_estimate {
    double mean, se, df;
};

struct ds_evidence;

/* About the choices of `space`, in these metrics. NULL when out of memory. */
struct ds_evidence *ds_evidence_new(const struct ds_space *space, const char *const *metrics,
                                    int nmetrics, struct ds_error *err);
void ds_evidence_free(struct ds_evidence *e);

/*
 * Adds a record: 1; 0 when it says nothing of the space's blocks and depths; -1. Its space may be
 * another, as that before pruning: choices that our space lacks are left out. What was measured
 * more than once counts with its mean; a metric that could not be measured is left out.
 */
int ds_evidence_add(struct ds_evidence *e, const struct ds_record *rec, struct ds_error *err);

/* How many bases there are records of; 0: it is of groups. */
size_t ds_evidence_bases(const struct ds_evidence *e);

/* Mean size of a metric in the evidence, to tell rounding from differences. */
double ds_evidence_scale(const struct ds_evidence *e, int metric);

/*
 * Estimates sum_k weight[k] * (metric k with block b - with block a) at unit u, layer l; l = -1:
 * the mean over the layers for which both are known. False where the evidence does not say.
 *
 * Paired: the differences' mean over bases, each base's layers being averaged first; the error is
 * that of the bases' values. From groups: differences of means whose errors add as if independent,
 * which is too wide where both rest on the same bases; the errors of several metrics and of
 * several layers add up in full, which is never too narrow.
 */
bool ds_evidence_block(const struct ds_evidence *e, int u, int l, int a, int b,
                       const double *weight, struct ds_estimate *out);

/* The same for choices a and b of the depth of unit u. */
bool ds_evidence_depth(const struct ds_evidence *e, int u, int a, int b, const double *weight,
                       struct ds_estimate *out);

#endif

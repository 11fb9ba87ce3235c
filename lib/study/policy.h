/* Pruning by evidence: what goes from a space because something else there is better. */
#ifndef DS_STUDY_POLICY_H
#define DS_STUDY_POLICY_H

#include "space/prune.h"
#include "study/evidence.h"

struct ds_policy {
    int n; /* metrics, in the order of the evidence */
    struct {
        const char *name;
        bool more;        /* more of it is better */
        double tolerance; /* what a gain must exceed to count; losses count in full */
    } metric[DS_MOST_METRICS];
    double confidence; /* of all conclusions together: 0.95 */
    double worth;      /* see below: 0.1 */
    bool by_layer;     /* blocks are compared at every layer, not in a unit as a whole */
};

/*
 * What a metric is worth in terms of another is what going deeper pays: its share of the change
 * when every unit goes from least to greatest depth, averaged over the metrics that this makes
 * better (what a change brings) and over those that it makes worse (what it costs). Along a front
 * the rate changes, so all rates of exchange from `worth` to 1 / `worth` times this average count.
 *
 * A block goes from a unit when another that stays there is better at all of these rates, beyond
 * doubt. (Better in every metric is better at any rate; but a loss in one may also be made up for
 * by the other.) A gain counts by what exceeds its tolerance, a loss in full: losses add up over
 * layers and units. Where going deeper does not, beyond doubt, make some metric better and some
 * worse, and for metrics that it does not change, the other block must be no worse in each metric.
 * Of blocks that would push out each other, the one that is left is the one that none of those left
 * pushes out.
 *
 * A unit's greatest depth goes when the step to it from the next depth brings, beyond doubt, less
 * than `worth` times what it costs. Then the next, down to the least.
 *
 * Beyond doubt: by one-sided bounds of Student's t that hold all together with `confidence`
 * (Bonferroni's correction for all comparisons that there are to make).
 *
 * Every cut becomes a sentence among the reasons of `p`. Returns how many, or -1.
 */
int ds_policy_prune(const struct ds_policy *policy, const struct ds_evidence *evidence,
                    const struct ds_space *space, struct ds_pruning *p, struct ds_error *err);

#endif

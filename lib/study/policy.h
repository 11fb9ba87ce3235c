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
        double tolerance; /* differences up to this do not matter */
    } metric[DS_MOST_METRICS];
    double confidence; /* of all conclusions together: 0.95 */
    double worth;      /* see below: 0.5 */
    bool by_layer;     /* blocks are compared at every layer, not in a unit as a whole */
};

/*
 * A block goes from a unit when another that stays there is, beyond doubt, nowhere worse by more
 * than the tolerance and somewhere better by more than it. Of blocks that would push out each
 * other, the one that is left is the one that none of those left pushes out.
 *
 * A unit's greatest depth goes when the step to it from the next depth brings, beyond doubt, less
 * than `worth` times what it costs: what it brings being its share of all that is gained when
 * every unit goes from least to greatest depth, averaged over the metrics that this makes better;
 * what it costs the same over the metrics that it makes worse. Then the next, down to the least.
 *
 * Beyond doubt: by one-sided bounds of Student's t that hold all together with `confidence`
 * (Bonferroni's correction for all comparisons that there are to make).
 *
 * Every cut becomes a sentence among the reasons of `p`. Returns how many, or -1.
 */
int ds_policy_prune(const struct ds_policy *policy, const struct ds_evidence *evidence,
                    const struct ds_space *space, struct ds_pruning *p, struct ds_error *err);

#endif

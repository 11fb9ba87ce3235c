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

    /* Where evidence grows, and one looks at it again and again: */
    int looks;                      /* so many times at most; 0 or 1: once */
    double most;                    /* bases that it may have in all */
    const struct ds_space *earlier; /* what the look before this one left; NULL: the first */
};

/* What has become of a choice that might go. */
enum ds_fate {
    DS_GOES,
    DS_STAYS,  /* beyond doubt nothing pushes it out */
    DS_FUTILE, /* nobody knows, and the bases that are left will hardly tell */
    DS_OPEN
};

struct ds_decision {
    int unit, layer;  /* layer -1: of all layers, or a depth */
    int site, choice; /* a depth, or (of layer -1: the first layer's) block */
    enum ds_fate fate;
    int against; /* DS_FUTILE, DS_OPEN: a block of the space that may push it out; else -1 */
};

/* How much is settled. Zero-initialise; free with ds_settled_free. */
struct ds_settled {
    struct ds_decision *decision;
    int n;
    size_t room;
    int count[DS_OPEN + 1];          /* decisions by fate */
    bool (*measure)[DS_MAX_CHOICES]; /* [sites]: what is to be affixed to more bases */
};
void ds_settled_free(struct ds_settled *s);

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
 * With several looks, each spends an equal part of 1 - `confidence` (as Slud and Wei, JASA 1982,
 * for tests whose joint law is not known), so that all cuts at all looks are right together, and
 * what was cut once stays cut. The comparisons are counted before `earlier` is taken away, so that
 * their number does not depend on what was found.
 *
 * Every cut becomes a sentence among the reasons of `p`. Returns how many, or -1.
 *
 * `settled`, unless NULL, tells the fate of every block at every place and of every depth but the
 * least. A block stays for sure when for each other that is left there is a rate at which that one
 * is worse, by the same bounds. It is futile to go on where the chance that the other's bound will
 * be above zero at some rate with `most` bases is below DS_FUTILITY, given the differences so far
 * (predictive power: Spiegelhalter, Freedman and Blackburn, Controlled Clinical Trials 1986). That
 * only stops measuring, so it makes no cut wrong.
 */
#define DS_FUTILITY 0.1
int ds_policy_prune(const struct ds_policy *policy, const struct ds_evidence *evidence,
                    const struct ds_space *space, struct ds_pruning *p, struct ds_settled *settled,
                    struct ds_error *err);

#endif

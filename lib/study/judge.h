/*
 * Comparing the choices of a space by evidence, under a policy: what pushes out what, and what
 * going deeper is worth. Internal to the room: policy.c cuts by it, settled.c tells what is still
 * open.
 */
#ifndef DS_STUDY_JUDGE_H
#define DS_STUDY_JUDGE_H

#include "study/policy.h"

#define DS_JUDGE_MOST_BLOCKS DS_MAX_SITES /* of a space's named blocks */

struct ds_judge {
    const struct ds_policy *policy;
    const struct ds_evidence *evidence;
    const struct ds_space *space;
    struct ds_pruning *pruning;
    struct ds_error *err;
    double alpha; /* the chance that a single bound is wrong */
    double df, t; /* the last quantile */
    /* what metrics are worth: each a share of what going deeper changes in all units */
    bool costs;    /* going deeper makes some metric worse, beyond doubt */
    bool exchange; /* and some better */
    double bring[DS_MOST_METRICS], cost[DS_MOST_METRICS];
    /* weights whose sums must not be below 0 where a block takes another's place */
    int nrates;
    double rate[DS_MOST_METRICS + 2][DS_MOST_METRICS];
    int cuts;
};

/* By how much b is better than a in metric k: the estimate and its lower bound. */
struct ds_gain {
    double mean, low;
};

/* Finds how sure bounds must be, and the rates of exchange, by all choices that are left in `p`. */
void ds_judge_begin(struct ds_judge *j, const struct ds_policy *policy,
                    const struct ds_evidence *evidence, const struct ds_space *space,
                    struct ds_pruning *p, struct ds_error *err);

/* Drops what an earlier look left out. -1 when out of memory. */
int ds_judge_take_earlier(struct ds_judge *j, const struct ds_space *earlier);

/* Of Student's t, for one-sided bounds. */
double ds_judge_quantile(struct ds_judge *j, double df);

/* Places where blocks are compared: layers of the unit, or -1, all of them together. */
int ds_judge_first_place(const struct ds_judge *j);
int ds_judge_last_place(const struct ds_judge *j, int u);

/* The blocks that may stand at layer l of unit u, or, l being -1, at all its layers: how many. */
int ds_judge_blocks(const struct ds_judge *j, int u, int l, int *block);

/*
 * Whether block b makes block a needless; by how much in each metric, and the least that this is
 * worth at each rate.
 */
bool ds_judge_pushes_out(struct ds_judge *j, int u, int l, int b, int a, struct ds_gain *gain,
                         double *worth);

/* What the tolerances take away from the gains, weighed. */
double ds_judge_tolerated(const struct ds_judge *j, const struct ds_gain *gain,
                          const double *weight);

/* What is no difference at a rate. */
double ds_judge_rounding(const struct ds_judge *j, int rate);

/* The choices of depth left in unit u, the least first: how many. */
int ds_judge_depths(const struct ds_judge *j, int u, int *choice);

/* What a step of depth brings less what it must; false where the evidence does not say. */
bool ds_judge_step(const struct ds_judge *j, int u, int from, int to, struct ds_estimate *net);

/* Inside ds_policy_prune, before and after the cuts: settled.c. */
int ds_settled_begin(struct ds_settled *s, struct ds_judge *j, struct ds_error *err);
void ds_settled_end(struct ds_settled *s, struct ds_judge *j);

#endif

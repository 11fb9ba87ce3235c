/*
 * Random spaces as controls of a pruned one (ds-prune --like): runs labelled NAME~K are of the K-th
 * control of NAME. What NAME's runs found is ranked among what its controls' runs found.
 */
#ifndef DS_SEARCH_CONTROL_H
#define DS_SEARCH_CONTROL_H

#include "search/front.h"

/* Whether a label is that of a control: "NAME~K". */
bool ds_is_control(const char *label);

/* How many controls the label has. */
int ds_controls_of(const struct ds_fronts *fronts, int label);

struct ds_rank {
    int among;       /* the label and its controls; below 2: it has none */
    double rank;     /* 1: best; half way where some are just as good */
    double p;        /* the chance of a rank so good by chance alone */
    double mean, sd; /* over controls: of what their runs attain on average */
};

/*
 * Ranks a label by value[fronts->n], NaN where a run does not attain anything. A space is the
 * better, the more of its runs attain something, then the better their mean is: more, or else less.
 */
struct ds_rank ds_rank_among_controls(const struct ds_fronts *fronts, int label,
                                      const double *value, bool more);

#endif

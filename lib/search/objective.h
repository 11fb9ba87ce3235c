/* Metrics that records are chosen by: which way is better, bounds, tolerances. */
#ifndef DS_SEARCH_OBJECTIVE_H
#define DS_SEARCH_OBJECTIVE_H

#include "stream/record.h"

#define DS_MOST_OBJECTIVES 16

struct ds_objective {
    const char *name;
    bool more;        /* more of it is better */
    double tolerance; /* where the tool asks for one; else 0 */
};

/* What a metric must be at least, or at most. */
struct ds_bound {
    const char *name;
    double value;
    bool is_max;
};

/* Names are owned. Zero-initialise. */
struct ds_objectives {
    int n;
    struct ds_objective at[DS_MOST_OBJECTIVES];
    int nbounds;
    struct ds_bound *bound;
};

/*
 * Reads the objectives of a record into x[o->n], turned so that less is better: 1; 0 where the
 * record says that one could not be measured; -1 where one is missing or no number.
 */
int ds_objectives_read(const struct ds_objectives *o, const struct ds_record *rec, double *x,
                       struct ds_error *err);

/* A value of objective k turned back to what the metric says, or the other way. */
double ds_objective_turn(const struct ds_objectives *o, int k, double x);

/*
 * Sets *excess to how far a record is outside the bounds: the sum over the bounds of how far it is
 * beyond each, as a share of the bound; 0 where it keeps them all. Returns as ds_objectives_read.
 */
int ds_objectives_excess(const struct ds_objectives *o, const struct ds_record *rec, double *excess,
                         struct ds_error *err);

void ds_objectives_free(struct ds_objectives *o);

#endif

/*
 * How many measurements does a model need: its error on architectures that it has not seen, by the
 * number of those that it was fitted to, at random and near the front, where a search uses it.
 */
#ifndef DS_SEARCH_CURVE_H
#define DS_SEARCH_CURVE_H

#include "profile/fit.h"

#define DS_CURVE_LEAST 30 /* architectures that the first point is fitted to */
#define DS_CURVE_REPEATS 10
#define DS_CURVE_MOST_FAMILIES 32

struct ds_curve {
    const struct ds_fit_data *data;
    /* The last nfront of the data are given as near the front: never fitted to. 0: see below. */
    size_t nfront;
    const double *other;          /* [data->n]: the other objective of a front, less being better */
    bool more;                    /* of the metric fitted, more is better */
    const struct ds_family *only; /* NULL: all without a network, the best by cross-validation */
};

/* Errors as percent of the value; means over the repeats. */
struct ds_curve_error {
    size_t n;    /* architectures predicted, in one repeat */
    double mape; /* mean absolute error */
    double bias; /* mean error: above 0, too much is predicted */
    double rmse, spearman;
};

struct ds_curve_point {
    size_t fitted;                 /* architectures, drawn anew in every repeat */
    const struct ds_family *often; /* the family that was chosen most often, */
    int times;                     /* and in how many of the repeats */
    struct ds_curve_error random, front;
};

/*
 * The point at `fitted` architectures. Without nfront, near the front is the tenth of the held-out
 * ones (10 at least) that are nearest to the front of the *predicted* metric and `other`, by
 * non-dominated sorting (Deb et al., IEEE TEC 2002): those that a search would take, so that what
 * is predicted too well is among them more often. -1: no family can be fitted, no memory.
 */
int ds_curve_at(const struct ds_curve *c, size_t fitted, uint64_t seed,
                struct ds_curve_point *point, struct ds_error *err);

/* The next number of architectures after `fitted` (0: the first); 0: there is none. */
size_t ds_curve_next(const struct ds_curve *c, size_t fitted);

#endif

/*
 * Inside fitting: sums of few coefficients, each of which stands for many of the design's. The
 * design's coefficients are beta = parts * theta: a block in a unit is the same at all its layers,
 * made of what its kernel, its expansion and both together add, and of its MACs. So a few dozen
 * architectures tell of choices that none of them has.
 */
#ifndef DS_PROFILE_FIT_SHARED_H
#define DS_PROFILE_FIT_SHARED_H

#include "profile/fit_design.h"

struct ds_shared {
    const struct ds_design *design;
    const struct ds_family *family;
    int n; /* of theta */
    struct ds_shared_feature {
        int kind, unit, value; /* what it is of: fit_shared.c */
        bool seen;             /* some architecture has it */
    } * feature;               /* [n] */
    struct ds_shared_part {
        int feature;
        double weight;
    } * part;
    size_t *start; /* [columns + 1]: the parts of a column begin there */
    size_t nparts, part_room, feature_room;
    /* by fold: sums of products of (1, features, value), [n + 2][n + 2], the lower triangle */
    double *sums;
    int folds;
    double *row, *work;
};

/* -1 when out of memory, or where a network of the space cannot be counted. */
int ds_shared_init(struct ds_shared *s, const struct ds_design *d, const struct ds_family *family,
                   int folds, struct ds_error *err);
void ds_shared_free(struct ds_shared *s);

/* Adds an architecture of a fold; column[design->most] is room. */
void ds_shared_add(struct ds_shared *s, const uint8_t *choice, double y, int fold, int *column);

/*
 * The design's coefficients beta[columns] by all folds but `except` (-1: by all): ridge regression
 * on features of unit variance.
 */
int ds_shared_solve(struct ds_shared *s, int except, double penalty, double *beta,
                    struct ds_error *err);

/* Which columns have parts of which the data says something: those that may be predicted. */
void ds_shared_seen(const struct ds_shared *s, bool *seen);

#endif

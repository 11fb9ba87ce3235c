/* Inside fitting: the networks that a family may add to its sum, on the sites' choices. */
#ifndef DS_PROFILE_FIT_NET_H
#define DS_PROFILE_FIT_NET_H

#include "profile/chain.h"
#include "profile/fit.h"
#include "profile/fit_design.h"
#include "profile/neural.h"

/* Architectures from which on a chain is larger, and not tried with more than one weight decay. */
#define DS_CHAIN_MANY 1000000

/* A network of a family, with the architectures it learns from as it wants them. */
struct ds_fit_net {
    enum ds_fit_nets kind;
    struct ds_neural neural; /* DS_NET_NEURAL */
    struct ds_chain chain;   /* DS_NET_CHAIN */
    int columns;             /* of single choices, in a table */
    int shared;              /* columns that are of no unit: first in each of: */
    size_t *start;           /* as in neural.h, chain.h */
    int32_t *column;
    const float **sum; /* neural: room for an architecture's rows */
};

/* How it is trained. */
struct ds_fit_training {
    const float *target; /* [architectures] */
    uint32_t *item;      /* [nitems] which of them it learns from; shuffled */
    uint32_t nitems;
    int epochs;
    double decay; /* of weights */
    void (*epoch_done)(void *arg);
    void *arg;
};

/* Lists the architectures. -1 when out of memory. */
int ds_fit_net_init(struct ds_fit_net *n, enum ds_fit_nets kind, const struct ds_fit_data *data,
                    const struct ds_design *d, struct ds_error *err);
void ds_fit_net_free(struct ds_fit_net *n);

int ds_fit_net_train(struct ds_fit_net *n, const struct ds_fit_training *how, struct ds_error *err);

/* What it says of architecture i. */
double ds_fit_net_value(struct ds_fit_net *n, size_t i);

/*
 * The `network` object of a profile whose values are `scale` times as large, for choices that any
 * architecture had (seen[column]); what is to be added to its values goes to *rest.
 */
json_t *ds_fit_net_to_json(const struct ds_fit_net *n, const struct ds_design *d, const bool *seen,
                           double scale, double *rest);

#endif

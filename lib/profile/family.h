/* The families of models that ds_fit can fit. */
#ifndef DS_PROFILE_FAMILY_H
#define DS_PROFILE_FAMILY_H

#include <stdbool.h>

/*
 * The pairs of sites in a family's linear model; every model has an intercept and a term for each
 * choice of each site.
 */
enum ds_fit_pairs {
    DS_PAIRS_NONE,       /* additive */
    DS_PAIRS_RESOLUTION, /* and resolution with every layer and depth */
    DS_PAIRS_UNIT        /* and every two sites of a unit, besides */
};

/* What network is added to the sum. */
enum ds_fit_nets {
    DS_NET_NONE,
    DS_NET_NEURAL, /* on all choices at once: neural.h */
    DS_NET_CHAIN   /* on layers that follow one another, and on their sum: chain.h */
};

/* Whether a few coefficients stand for all of those: fit_shared.h. */
enum ds_fit_sharing {
    DS_SHARED_NOT,
    DS_SHARED_COST, /* MACs, the number of layers, the resolution */
    DS_SHARED_UNIT  /* and, alike at all layers of a unit: layer, kernel, expansion, block */
};

struct ds_family {
    const char *name;
    enum ds_fit_pairs pairs;
    bool log; /* the model gives the logarithm of the metric */
    enum ds_fit_nets net;
    enum ds_fit_sharing sharing;
};

/* The families there are, ended by a NULL name. */
extern const struct ds_family ds_families[];

#endif

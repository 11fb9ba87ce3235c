/* The families of models that ds_fit can fit. */
#ifndef DS_PROFILE_FAMILY_H
#define DS_PROFILE_FAMILY_H

#include <stdbool.h>

/* What a family's sum runs over; all have an intercept and a term for every site's choice. */
enum ds_fit_pairs {
    DS_PAIRS_NONE,       /* additive */
    DS_PAIRS_RESOLUTION, /* and resolution with every layer and depth */
    DS_PAIRS_UNIT        /* and every two sites of a unit, besides */
};

struct ds_family {
    const char *name;
    enum ds_fit_pairs pairs;
    bool log;    /* the sum is the logarithm of the metric */
    bool neural; /* and a network's output is added to it */
};

/* The families there are, ended by a NULL name. */
extern const struct ds_family ds_families[];

#endif

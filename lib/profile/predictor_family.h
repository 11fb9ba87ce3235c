/* Families of supernets whose networks predictors tell of. Internal to libds; see predictor.h. */
#ifndef DS_PROFILE_PREDICTOR_FAMILY_H
#define DS_PROFILE_PREDICTOR_FAMILY_H

#include "space/space.h"

#define DS_FAMILY_LAYERS 4 /* of a unit, at most */
#define DS_FAMILY_CODES 9  /* kernels times expansions */

struct ds_family_of_nets {
    const char *name; /* "OFA-MBv3 w1.2" */
    int nunits;
    int width[6]; /* of units */
};

extern const struct ds_family_of_nets ds_family_mbv3, ds_family_proxyless;

/* Whether the networks of a space are of the family; else why not. */
int ds_family_check(const struct ds_family_of_nets *family, const struct ds_space *space,
                    struct ds_error *err);

/*
 * Places of a block's kernel in {3, 5, 7} and of its expansion ratio in {3, 4, 6}; false where it
 * has others, or is no such block.
 */
bool ds_family_block(const struct ds_block *block, int *kernel, int *expand);

#endif

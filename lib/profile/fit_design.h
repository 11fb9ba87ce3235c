/* Inside fitting: which coefficient a choice, or a pair of choices, has. */
#ifndef DS_PROFILE_FIT_DESIGN_H
#define DS_PROFILE_FIT_DESIGN_H

#include "profile/family.h"
#include "space/arch.h"

struct ds_design {
    const struct ds_space *space;
    int columns;              /* the first is the intercept */
    int single[DS_MAX_SITES]; /* first column of a site; -1: a single choice, always there */
    int npairs;
    struct ds_design_pair {
        int a, b, column;
    } * pair;
    int most; /* columns that an architecture may have */
};

int ds_design_make(struct ds_design *d, const struct ds_space *space, enum ds_fit_pairs pairs,
                   struct ds_error *err);
void ds_design_free(struct ds_design *d);

/* Lists in column[d->most] those that are 1 for an architecture, ascending; returns how many. */
int ds_design_columns(const struct ds_design *d, const uint8_t *choice, int *column);

#endif

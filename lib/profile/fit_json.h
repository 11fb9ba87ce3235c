/* Inside fitting: what a fit finds, and its JSON. */
#ifndef DS_PROFILE_FIT_JSON_H
#define DS_PROFILE_FIT_JSON_H

#include "profile/fit_design.h"
#include "profile/fit_net.h"
#include <jansson.h>

/* What a fit finds. */
struct ds_solution {
    double *beta;          /* [columns] */
    bool *seen;            /* [columns], whether any architecture had it */
    struct ds_fit_net net; /* to be added times `scale` */
    double scale;
    double penalty; /* that was chosen: of squares, or the network's weight decay */
};

/* The `model` object of a profile. */
json_t *ds_solution_to_json(const struct ds_solution *found, const struct ds_design *d,
                            const struct ds_family *family);

#endif

/*
 * Device profiles: a model of one metric over a design space, as JSON (schemas/profile.md). The
 * value of an architecture is a sum over its active sites and pairs of them,
 *
 *   link(value) = intercept + sum terms[site][choice] + sum pairs[site a][site b][choice][choice]
 *
 * and, where the profile has a network, what that adds (neural.h, chain.h); all looked up by the
 * names of sites and choices, so that a profile serves pruned spaces too.
 */
#ifndef DS_PROFILE_PROFILE_H
#define DS_PROFILE_PROFILE_H

#include "space/arch.h"

struct ds_profile {
    char *name, *metric, *unit, *device, *space;
    char *class;   /* "cpu", "gpu" or "npu": of the device; "acc": a profile of accuracy */
    uint64_t hash; /* XXH3-64 of the file */
    void *json;    /* json_t: the whole file */
    struct ds_profile_model *model;
};

/* Loads a shipped profile by name, or a file. NULL and the offending key in `err`. */
struct ds_profile *ds_profile_load(const char *name, struct ds_error *err);
void ds_profile_free(struct ds_profile *p);

/*
 * Prepares it for a space. -1 where it knows none of the space's blocks, or where the space has a
 * site, other than a depth, of which it has no table.
 */
int ds_profile_bind(struct ds_profile *p, const struct ds_space *space, struct ds_error *err);

/*
 * Whether the value is a sum over single sites, each at a resolution: without logarithm, network,
 * and pairs of other sites. -1 and why not in `err`.
 */
int ds_profile_check_sum(const struct ds_profile *p, struct ds_error *err);

/*
 * Of such a sum: what it begins with, and what a choice at a site adds at a choice of resolution (0
 * where the site does not matter, NAN where the profile has no entry).
 */
double ds_profile_intercept(const struct ds_profile *p);
double ds_profile_part(const struct ds_profile *p, int site, int choice, int resolution);

/* The metric of a canonical architecture; -1 and the choice that the profile lacks in `err`. */
int ds_profile_value(const struct ds_profile *p, const uint8_t *choice, double *value,
                     struct ds_error *err);

#endif

/* The network of a device profile: see profile.h and schemas/profile.md. Internal to libds. */
#ifndef DS_PROFILE_NETWORK_H
#define DS_PROFILE_NETWORK_H

#include "space/arch.h"
#include <jansson.h>

struct ds_profile_network {
    int hidden; /* 0: the profile has none */
    float *bias, *last;
    int nsites;
    float **row[DS_MAX_SITES]; /* [site][choice]; NULL where it has no entry */
    int nchoices[DS_MAX_SITES];
};

/* Reads `model.network`, which may be NULL; its first layer is read for a space. */
int ds_profile_network_read(struct ds_profile_network *n, const json_t *network,
                            struct ds_error *err);
int ds_profile_network_bind(struct ds_profile_network *n, const json_t *network,
                            const struct ds_space *space, struct ds_error *err);
void ds_profile_network_free(struct ds_profile_network *n);

/* Whether it has a table for the site, but not this choice. */
bool ds_profile_network_lacks(const struct ds_profile_network *n, int site, int choice);

/* What it adds for a canonical architecture; NAN where it lacks a choice. */
double ds_profile_network_value(const struct ds_profile_network *n, const uint8_t *choice);

#endif

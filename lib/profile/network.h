/* The network of a device profile: see profile.h and schemas/profile.md. Internal to libds. */
#ifndef DS_PROFILE_NETWORK_H
#define DS_PROFILE_NETWORK_H

#include "space/arch.h"
#include <jansson.h>

#define DS_PROFILE_WINDOW 8 /* layers that a network may look at together */

struct ds_profile_network {
    int hidden; /* 0: the profile has none */
    float *bias, *last;
    int window; /* layers that it looks at together; 0: at all choices at once */
    int top;    /* with a window: units of the second layer */
    float *top_first, *top_last, *top_bias;
    const struct ds_space *space;
    struct ds_profile_rows {
        float **row[DS_MAX_SITES]; /* [site][choice]; NULL where it has no entry */
        int nrows[DS_MAX_SITES];
    } table[DS_PROFILE_WINDOW]; /* of the layer itself, of the one before it, ... */
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

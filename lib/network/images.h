/* Images that a network runs on. */
#ifndef DS_NETWORK_IMAGES_H
#define DS_NETWORK_IMAGES_H

#include "network/weights.h"

/* Images for a network, asked for in batches of their order. */
struct ds_image_source {
    size_t n;
    void *context;
    /* Writes images first..first + n as [n][h][w][c], normalised. */
    void (*fill)(void *context, size_t first, size_t n, float *out);
};

/* The first images that engines run on where they are given none. */
struct ds_seeded_images {
    struct ds_input input;
    size_t each; /* floats of one */
    struct ds_image_source source;
};

/* Draws n of them for a network; they must stay where they are. Free with ds_input_free(&->input).
 */
int ds_seeded_images(struct ds_seeded_images *images, const struct ds_net *net, uint64_t seed,
                     size_t n, struct ds_error *err);

#endif

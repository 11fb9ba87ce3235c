#ifndef DS_NETWORK_IMAGES_H
#define DS_NETWORK_IMAGES_H

#include <stddef.h>

/* Images for a network, asked for in batches of their order. */
struct ds_image_source {
    size_t n;
    void *context;
    /* Writes images first..first + n as [n][h][w][c], normalised. */
    void (*fill)(void *context, size_t first, size_t n, float *out);
};

#endif

/* The pixels of one image. Internal to the room. */
#ifndef DS_IMAGES_PIXELS_H
#define DS_IMAGES_PIXELS_H

#include "base/error.h"
#include <stdint.h>

/* Rows of RGB or grey bytes, to be freed. */
struct pixels {
    int width, height, channels;
    uint8_t *data; /* [height][width][channels] */
};

/* Room for an image of this size; fails where it is empty or beyond DS_IMAGES_MOST_PIXELS. */
int ds_image_allocate(struct pixels *p, uint32_t width, uint32_t height, int channels,
                      struct ds_error *err);

/* To grey or to RGB, in place, as Pillow's convert("L") and convert("RGB"). */
int ds_image_to_channels(struct pixels *p, int channels, struct ds_error *err);

#endif

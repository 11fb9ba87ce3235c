/* Pixels of one image file. Internal to the room. */
#ifndef DS_IMAGES_DECODE_H
#define DS_IMAGES_DECODE_H

#include "base/error.h"
#include <stddef.h>
#include <stdint.h>

/* Rows of RGB or grey bytes, to be freed. */
struct pixels {
    int width, height, channels;
    uint8_t *data; /* [height][width][channels] */
};

/*
 * Decodes a JPEG or PNG, told apart by their first bytes, to RGB, as Pillow's
 * `Image.open(...).convert("RGB")`. Orientation in EXIF is not applied, transparency dropped.
 */
int image_decode(const uint8_t *file, size_t size, struct pixels *out, struct ds_error *err);

int image_decode_jpeg(const uint8_t *file, size_t size, struct pixels *out, struct ds_error *err);
int image_decode_png(const uint8_t *file, size_t size, struct pixels *out, struct ds_error *err);

/* Room for an image of this size; fails where it is empty or beyond DS_IMAGES_MOST_PIXELS. */
int image_allocate(struct pixels *p, uint32_t width, uint32_t height, int channels,
                   struct ds_error *err);

/* To grey or to RGB, in place, as Pillow's convert("L") and convert("RGB"). */
int image_to_channels(struct pixels *p, int channels, struct ds_error *err);

#endif

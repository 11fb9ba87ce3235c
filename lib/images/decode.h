/* From image files to pixels. Internal to the room. */
#ifndef DS_IMAGES_DECODE_H
#define DS_IMAGES_DECODE_H

#include "images/pixels.h"
#include <stddef.h>

/*
 * Decodes a JPEG or PNG, told apart by their first bytes, to RGB, as Pillow's
 * `Image.open(...).convert("RGB")`. Orientation in EXIF is not applied, transparency dropped.
 */
int ds_image_decode(const uint8_t *file, size_t size, struct pixels *out, struct ds_error *err);

int ds_image_decode_jpeg(const uint8_t *file, size_t size, struct pixels *out,
                         struct ds_error *err);
int ds_image_decode_png(const uint8_t *file, size_t size, struct pixels *out, struct ds_error *err);

#endif

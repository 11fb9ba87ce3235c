/* Resizing and cropping as torchvision does with Pillow. Internal to the room. */
#ifndef DS_IMAGES_RESIZE_H
#define DS_IMAGES_RESIZE_H

#include "images/pixels.h"

/*
 * torchvision's Resize(short_side) and CenterCrop(size), written to size*size*channels bytes: the
 * shorter side becomes short_side (>= size), the longer floor(short_side * long / short); the crop
 * begins at (length - size) / 2, a half going to the even neighbour.
 */
int ds_image_resize_crop(const struct pixels *in, int short_side, int size, uint8_t *out,
                         struct ds_error *err);

#endif

#include "images/pixels.h"

#include "base/grow.h"
#include "images/images.h"
#include <stdlib.h>
#include <string.h>

int ds_image_allocate(struct pixels *p, uint32_t width, uint32_t height, int channels,
                      struct ds_error *err)
{
    if (width == 0 || height == 0)
        return ds_fail(err, "an image without pixels");
    if (width > DS_IMAGES_MOST_PIXELS || height > DS_IMAGES_MOST_PIXELS / width)
        return ds_fail(err, "an image of %ux%u pixels is too large", width, height);
    p->width = (int)width;
    p->height = (int)height;
    p->channels = channels;
    p->data = ds_alloc((size_t)width * height, (size_t)channels, err);
    return p->data ? 0 : -1;
}

/* ITU-R 601-2, as Pillow rounds it. */
static uint8_t luma(const uint8_t *rgb)
{
    return (uint8_t)((rgb[0] * 19595u + rgb[1] * 38470u + rgb[2] * 7471u + 0x8000u) >> 16);
}

int ds_image_to_channels(struct pixels *p, int channels, struct ds_error *err)
{
    if (p->channels == channels)
        return 0;
    size_t n = (size_t)p->width * (size_t)p->height;
    uint8_t *to = ds_alloc(n, (size_t)channels, err);
    if (!to)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (channels == 1)
            to[i] = luma(p->data + 3 * i);
        else
            memset(to + 3 * i, p->data[i], 3);
    free(p->data);
    p->data = to;
    p->channels = channels;
    return 0;
}

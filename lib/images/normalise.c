#include "images/images.h"

void ds_images_normalise(const uint8_t *pixels, size_t n, int size, int channels, const float *mean,
                         const float *deviation, float *out)
{
    float value[3][256];
    for (int c = 0; c < channels; c++)
        for (int byte = 0; byte < 256; byte++)
            value[c][byte] = ((float)byte / 255 - mean[c]) / deviation[c];
    size_t count = n * (size_t)size * (size_t)size;
    if (channels == 1)
        for (size_t i = 0; i < count; i++)
            out[i] = value[0][pixels[i]];
    else
        for (size_t i = 0; i < count; i++, pixels += 3, out += 3)
            for (int c = 0; c < 3; c++)
                out[c] = value[c][pixels[c]];
}

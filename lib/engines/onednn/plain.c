#include "engines/onednn/plain.h"

#include "base/wide.h"
#include "network/channels.h"
#include "quantize/elements.h"
#include <string.h>

#define CHUNK 256

void ds_onednn_add(const void *x, struct ds_quant_tensor x_type, const void *x2,
                   struct ds_quant_tensor x2_type, size_t n, enum ds_act act, void *to,
                   struct ds_quant_tensor to_type)
{
    float a[CHUNK], b[CHUNK];
    for (size_t i = 0; i < n; i += CHUNK) {
        size_t m = n - i < CHUNK ? n - i : CHUNK;
        ds_elements_widen((const char *)x + i, m, x_type, a);
        ds_elements_widen((const char *)x2 + i, m, x2_type, b);
        ds_channels_apply_sum(a, 1, m, NULL, NULL, b, act, a);
        ds_elements_narrow(a, m, to_type, (char *)to + i);
    }
}

/* Adds the elements of n channels over the pixels. */
DS_WIDE static void sums_s8(const int8_t *x, size_t pixels, size_t channels, size_t n, int32_t *sum)
{
    for (size_t p = 0; p < pixels; p++)
        for (size_t c = 0; c < n; c++)
            sum[c] += x[p * channels + c];
}

DS_WIDE static void sums_u8(const uint8_t *x, size_t pixels, size_t channels, size_t n,
                            int32_t *sum)
{
    for (size_t p = 0; p < pixels; p++)
        for (size_t c = 0; c < n; c++)
            sum[c] += x[p * channels + c];
}

void ds_onednn_global_pool(const void *x, struct ds_quant_tensor type, size_t images, size_t pixels,
                           size_t channels, float *to)
{
    int32_t sum[CHUNK];
    for (size_t i = 0; i < images; i++)
        for (size_t c = 0; c < channels; c += CHUNK) {
            size_t n = channels - c < CHUNK ? channels - c : CHUNK, at = i * pixels * channels + c;
            memset(sum, 0, sizeof sum);
            if (type.element == DS_ELEMENT_S8)
                sums_s8((const int8_t *)x + at, pixels, channels, n, sum);
            else
                sums_u8((const uint8_t *)x + at, pixels, channels, n, sum);
            for (size_t k = 0; k < n; k++)
                to[i * channels + c + k] = type.scale * ((float)sum[k] / (float)pixels);
        }
}

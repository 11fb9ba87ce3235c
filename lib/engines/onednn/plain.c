#include "engines/onednn/plain.h"

#include "base/wide.h"
#include "network/channels.h"
#include <math.h>
#include <string.h>

#define CHUNK 256

static inline float clamp(float x, float low, float high)
{
    x = x < low ? low : x;
    return x > high ? high : x;
}

DS_WIDE static void to_s8(const float *x, size_t n, float scale, int8_t *to)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (int8_t)(int32_t)rintf(clamp(x[i] / scale, -128, 127));
}

DS_WIDE static void to_u8(const float *x, size_t n, float scale, uint8_t *to)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (uint8_t)(int32_t)rintf(clamp(x[i] / scale, 0, 255));
}

DS_WIDE static void from_s8(const int8_t *q, size_t n, float scale, float *to)
{
    for (size_t i = 0; i < n; i++)
        to[i] = scale * (float)q[i];
}

DS_WIDE static void from_u8(const uint8_t *q, size_t n, float scale, float *to)
{
    for (size_t i = 0; i < n; i++)
        to[i] = scale * (float)q[i];
}

/* bf16 is the upper half of an f32. */
DS_WIDE static void to_bf16(const float *x, size_t n, uint16_t *to)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
        to[i] = (uint16_t)(x[i] == x[i] ? rounded : 0x7fc0); /* else not a number */
    }
}

DS_WIDE static void from_bf16(const uint16_t *q, size_t n, float *to)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = (uint32_t)q[i] << 16;
        memcpy(&to[i], &bits, sizeof bits);
    }
}

void ds_onednn_narrow(const float *x, size_t n, struct ds_quant_tensor type, void *to)
{
    switch (type.element) {
    case DS_ELEMENT_S8:
        to_s8(x, n, type.scale, to);
        break;
    case DS_ELEMENT_U8:
        to_u8(x, n, type.scale, to);
        break;
    case DS_ELEMENT_BF16:
        to_bf16(x, n, to);
        break;
    case DS_ELEMENT_F32:
        memcpy(to, x, n * sizeof *x);
        break;
    }
}

void ds_onednn_widen(const void *q, size_t n, struct ds_quant_tensor type, float *to)
{
    switch (type.element) {
    case DS_ELEMENT_S8:
        from_s8(q, n, type.scale, to);
        break;
    case DS_ELEMENT_U8:
        from_u8(q, n, type.scale, to);
        break;
    case DS_ELEMENT_BF16:
        from_bf16(q, n, to);
        break;
    case DS_ELEMENT_F32:
        memcpy(to, q, n * sizeof *to);
        break;
    }
}

void ds_onednn_add(const void *x, struct ds_quant_tensor x_type, const void *x2,
                   struct ds_quant_tensor x2_type, size_t n, enum ds_act act, void *to,
                   struct ds_quant_tensor to_type)
{
    float a[CHUNK], b[CHUNK];
    for (size_t i = 0; i < n; i += CHUNK) {
        size_t m = n - i < CHUNK ? n - i : CHUNK;
        ds_onednn_widen((const char *)x + i, m, x_type, a);
        ds_onednn_widen((const char *)x2 + i, m, x2_type, b);
        ds_channels_apply_sum(a, 1, m, NULL, NULL, b, act, a);
        ds_onednn_narrow(a, m, to_type, (char *)to + i);
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

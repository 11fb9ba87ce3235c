#include "quantize/elements.h"

#include "base/wide.h"
#include <math.h>
#include <stdint.h>
#include <string.h>

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

void ds_elements_narrow(const float *x, size_t n, struct ds_quant_tensor type, void *to)
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

void ds_elements_widen(const void *q, size_t n, struct ds_quant_tensor type, float *to)
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

/* As integers, magnitudes of floats are in the order of the floats. */
DS_WIDE static int32_t largest_bits(const float *x, size_t n)
{
    int32_t most = 0;
    for (size_t i = 0; i < n; i++) {
        int32_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        bits &= 0x7fffffff;
        most = bits > most ? bits : most;
    }
    return most;
}

float ds_elements_range(const float *x, size_t n)
{
    int32_t bits = largest_bits(x, n);
    float range;
    memcpy(&range, &bits, sizeof range);
    return range;
}

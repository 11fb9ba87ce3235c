#include "network/channels.h"
#include "base/wide.h"

#include <string.h>

static inline float clamp(float x, float low, float high)
{
    x = x < low ? low : x;
    return x > high ? high : x;
}

/* `act` is a constant where this is inlined, so that each loop has but one activation. */
static inline __attribute__((always_inline)) float activate(enum ds_act act, float x)
{
    switch (act) {
    case DS_ACT_RELU:
        return x > 0 ? x : 0;
    case DS_ACT_RELU6:
        return clamp(x, 0, 6);
    case DS_ACT_HSWISH:
        return x * clamp(x + 3, 0, 6) / 6;
    case DS_ACT_HSIGMOID:
        return clamp(x + 3, 0, 6) / 6;
    case DS_ACT_NONE:
        break;
    }
    return x;
}

static inline __attribute__((always_inline)) void apply(const float *x, size_t pixels, size_t c,
                                                        const float *scale, const float *shift,
                                                        const float *other, enum ds_act act,
                                                        float *out)
{
    if (!scale) {
        for (size_t i = 0; i < pixels * c; i++)
            out[i] = activate(act, other ? x[i] + other[i] : x[i]);
        return;
    }
    for (size_t p = 0; p < pixels; p++)
        for (size_t i = 0; i < c; i++) {
            float y = x[p * c + i] * scale[i] + shift[i];
            out[p * c + i] = activate(act, other ? y + other[p * c + i] : y);
        }
}

#define EACH_ACT(other)                                                                            \
    switch (act) {                                                                                 \
    case DS_ACT_NONE:                                                                              \
        apply(x, pixels, c, scale, shift, other, DS_ACT_NONE, out);                                \
        break;                                                                                     \
    case DS_ACT_RELU:                                                                              \
        apply(x, pixels, c, scale, shift, other, DS_ACT_RELU, out);                                \
        break;                                                                                     \
    case DS_ACT_RELU6:                                                                             \
        apply(x, pixels, c, scale, shift, other, DS_ACT_RELU6, out);                               \
        break;                                                                                     \
    case DS_ACT_HSWISH:                                                                            \
        apply(x, pixels, c, scale, shift, other, DS_ACT_HSWISH, out);                              \
        break;                                                                                     \
    case DS_ACT_HSIGMOID:                                                                          \
        apply(x, pixels, c, scale, shift, other, DS_ACT_HSIGMOID, out);                            \
        break;                                                                                     \
    }

DS_WIDE void ds_channels_apply(const float *x, size_t pixels, size_t c, const float *scale,
                               const float *shift, enum ds_act act, float *out)
{
    if (!scale && act == DS_ACT_NONE) {
        if (out != x)
            memcpy(out, x, pixels * c * sizeof *out);
        return;
    }
    EACH_ACT(NULL)
}

DS_WIDE void ds_channels_apply_sum(const float *x, size_t pixels, size_t c, const float *scale,
                                   const float *shift, const float *other, enum ds_act act,
                                   float *out){EACH_ACT(other)}

DS_WIDE void ds_channels_sums(const float *x, size_t pixels, size_t c, const float *pivot,
                              double *sum, double *squares)
{
    for (size_t p = 0; p < pixels; p++)
        for (size_t i = 0; i < c; i++) {
            double d = (double)x[p * c + i] - (double)pivot[i];
            sum[i] += d;
            squares[i] += d * d;
        }
}

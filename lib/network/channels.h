/* Loops over images [pixel][channel] whose batch norm is not yet applied. Internal to libds. */
#ifndef DS_NETWORK_CHANNELS_H
#define DS_NETWORK_CHANNELS_H

#include "space/space.h"

/* out[i] = act(x[i] * scale[c] + shift[c]); scale NULL: act(x[i]). In place is allowed. */
void ds_channels_apply(const float *x, size_t pixels, size_t c, const float *scale,
                       const float *shift, enum ds_act act, float *out);

/* out[i] = act(x[i] * scale[c] + shift[c] + other[i]) */
void ds_channels_apply_sum(const float *x, size_t pixels, size_t c, const float *scale,
                           const float *shift, const float *other, enum ds_act act, float *out);

/*
 * Adds, for every channel, the sum and the sum of squares of x - pivot[c] over the pixels. A pivot
 * near the mean keeps the difference of the two from losing digits.
 */
void ds_channels_sums(const float *x, size_t pixels, size_t c, const float *pivot, double *sum,
                      double *squares);

#endif

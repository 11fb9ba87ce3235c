/*
 * What the oneDNN engine does in plain loops: the layers of int8 that oneDNN 2 does not have.
 * Elements of a tensor are one after another; quantize.h defines what is computed.
 */
#ifndef DS_ENGINES_ONEDNN_PLAIN_H
#define DS_ENGINES_ONEDNN_PLAIN_H

#include "quantize/quantize.h"

/* act(x + x2), all of 8 bits. */
void ds_onednn_add(const void *x, struct ds_quant_tensor x_type, const void *x2,
                   struct ds_quant_tensor x2_type, size_t n, enum ds_act act, void *to,
                   struct ds_quant_tensor to_type);

/* Means over the pixels of each image, x of 8 bits: to[images][channels]. */
void ds_onednn_global_pool(const void *x, struct ds_quant_tensor type, size_t images, size_t pixels,
                           size_t channels, float *to);

#endif

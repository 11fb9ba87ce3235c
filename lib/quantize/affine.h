/*
 * Numbers of 8 bits with zero points, for runtimes that want them: -128 to 127, of which q stands
 * for scale * (q - zero). And the roundings that the definition in quantize.h does not have, but
 * runtimes do whose operators are integer each by itself: a convolution's result, before it is
 * summed with its residual, and before an activation that is not a limit.
 */
#ifndef DS_QUANTIZE_AFFINE_H
#define DS_QUANTIZE_AFFINE_H

#include "quantize/quantize.h"

struct ds_affine {
    float scale;
    int zero; /* -128..127 */
};

/* The numbers of a tensor of 8 bits: exactly those that it has. */
struct ds_affine ds_affine_tensor(const struct ds_quant *quant, int tensor);

/* Whether an activation is a limit of the numbers that it writes: none, ReLU, ReLU6. */
bool ds_act_is_limit(enum ds_act act);

/*
 * Of an int8 convolution: what is before its activation, residual included. Before a hard-swish, or
 * hard-sigmoid, numbers end at -3, below which both are 0, and where the output's range ends.
 */
struct ds_affine ds_affine_before(const struct ds_net *net, const struct ds_quant *quant,
                                  const struct ds_layer *layer);

/* Of an int8 convolution with a residual: what it gives without that. */
struct ds_affine ds_affine_alone(const struct ds_net *net, const struct ds_quant *quant,
                                 const struct ds_layer *layer);

#endif

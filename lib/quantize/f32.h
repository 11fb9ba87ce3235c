/*
 * A network run in f32 by plain loops, one image at a time: what number formats are compared with,
 * and where the ranges of tensors are seen. Every tensor stays as it was until the next image. Sums
 * are made in one order, without fused multiply-adds, so that results do not depend on the
 * processor. It runs at about a fifth of an engine's speed.
 */
#ifndef DS_QUANTIZE_F32_H
#define DS_QUANTIZE_F32_H

#include "network/network.h"

struct ds_f32;

/* Copies weights: those given to the network, or those of the seed. NULL and the reason in `err`.
 */
struct ds_f32 *ds_f32_open(const struct ds_net *net, uint64_t seed, struct ds_error *err);
void ds_f32_free(struct ds_f32 *f);

/* Runs one image [h][w][c]. */
void ds_f32_run(struct ds_f32 *f, const float *image);

/* Floats of a tensor after the last run, [h][w][c]. */
const float *ds_f32_tensor(const struct ds_f32 *f, int tensor, size_t *count);

/* The largest magnitude of a convolution's results before its activation, in the last run. */
float ds_f32_before(const struct ds_f32 *f, int layer);

/* The same without the residual. */
float ds_f32_alone(const struct ds_f32 *f, int layer);

#endif

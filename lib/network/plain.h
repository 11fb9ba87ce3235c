/*
 * Layers that are no convolutions, in plain loops over one image [h][w][c] of floats: for what runs
 * networks outside an engine. Internal to libds.
 */
#ifndef DS_NETWORK_PLAIN_H
#define DS_NETWORK_PLAIN_H

#include "network/network.h"

/* DS_OP_MAX_POOL and DS_OP_AVG_POOL. */
void ds_plain_pool(const struct ds_layer *l, struct ds_tensor in, struct ds_tensor out,
                   const float *x, float *y);

/* The mean over height and width, summed in double; sum[in.c] is working memory. */
void ds_plain_global_pool(struct ds_tensor in, const float *x, double *sum, float *y);

void ds_plain_shuffle(const struct ds_layer *l, struct ds_tensor in, const float *x, float *y);

#endif

/*
 * Seeded random weights, the same for every engine. A layer's weights depend on the seed, its
 * weight shape and its instance (how many layers of that shape come before it in the network)
 * alone, so architectures share them and an engine may keep what it packed.
 */
#ifndef DS_WEIGHTS_H
#define DS_WEIGHTS_H

#include "network.h"

/* What tells the weights of two layers apart. Compare with memcmp; has no padding. */
struct ds_weight_key {
    int32_t cin, cout, kernel, groups, instance, bias;
};

struct ds_weight_key ds_weight_key(const struct ds_net *net, const struct ds_layer *layer);

/* cout * (cin / groups) * kernel * kernel */
size_t ds_weight_count(const struct ds_weight_key *key);

/*
 * Fills weights[cout][cin/groups][kernel][kernel] (He initialisation, Gaussian) and bias[cout]
 * (small Gaussian; zero where the layer has neither bias nor batch norm).
 */
void ds_weights_fill(const struct ds_weight_key *key, uint64_t seed, float *weights, float *bias);

/* Fills a batch of input images [n][h][w][c], Gaussian. */
void ds_input_fill(uint64_t seed, float *image, size_t count);

#endif

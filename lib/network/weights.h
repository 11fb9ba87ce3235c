/*
 * The weights of networks: those that a network is given (ds_net_give), or else
 * seeded random ones, the same for every engine. A layer's seeded weights depend on the seed, its
 * weight shape and its instance (how many layers of that shape come before it in the network)
 * alone, so architectures share them and an engine may keep what it packed.
 */
#ifndef DS_NETWORK_WEIGHTS_H
#define DS_NETWORK_WEIGHTS_H

#include "network/network.h"

/* What tells the weights of two layers apart. Compare with memcmp; has no padding. */
struct ds_weight_key {
    int32_t cin, cout, kernel, groups, instance, bias;
    int32_t given; /* number of the weights given; 0: seeded */
};

struct ds_weight_key ds_weight_key(const struct ds_net *net, const struct ds_layer *layer);

/* cout * (cin / groups) * kernel * kernel */
size_t ds_weight_count(const struct ds_weight_key *key);

/*
 * Fills weights[cout][cin/groups][kernel][kernel] and bias[cout]: uniform, of the variance that
 * keeps the size of activations (He et al., "Delving Deep into Rectifiers", 2015; biases small,
 * zero where the layer has neither bias nor batch norm).
 */
void ds_weights_fill(const struct ds_weight_key *key, uint64_t seed, float *weights, float *bias);

/* The weights of a layer of this key: as ds_weights_fill, or those that the network is given. */
void ds_weights_of(const struct ds_net *net, const struct ds_layer *layer, uint64_t seed,
                   float *weights, float *bias);

/* Floats of the weights and biases of all layers. */
uint64_t ds_weights_total(const struct ds_net *net);

/* Input images [n][h][w][c], uniform in [-1, 1]; zero-initialise. */
struct ds_input {
    float *data;
    size_t count;
};

/* Makes sure that there are at least `count` floats; a smaller input is the beginning of it. */
int ds_input_reserve(struct ds_input *images, uint64_t seed, size_t count, struct ds_error *err);
void ds_input_free(struct ds_input *images);

#endif

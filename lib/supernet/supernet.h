/*
 * Trained supernets of the Once-for-All family (Cai et al., ICLR 2020): OFA-MobileNetV3,
 * OFA-ProxylessNAS, OFA-ResNet50, and others with blocks and tensor names like theirs
 * (schemas/supernet.md). A subnet takes its weights from the file by the rules there: the first
 * channels of every tensor, kernels made smaller by the matrices in the file.
 */
#ifndef DS_SUPERNET_SUPERNET_H
#define DS_SUPERNET_SUPERNET_H

#include "network/network.h"

struct ds_supernet;

/*
 * Reads a checkpoint (formats/pytorch.h). `bn_eps` is what batch norm adds to the variance, which
 * is not in the file; 0: as its family has it (0.001 for ProxylessNAS, 1e-5 for the others). NULL
 * and the reason in `err`, also where the file is none of the family.
 */
struct ds_supernet *ds_supernet_load(const char *path, double bn_eps, struct ds_error *err);
void ds_supernet_free(struct ds_supernet *supernet);

/* "OFA-MobileNetV3", "OFA-ProxylessNAS", "OFA-ResNet50": whose names its tensors have. */
const char *ds_supernet_family(const struct ds_supernet *supernet);

/* A hash of names, shapes and numbers, and of bn_eps: for caches. */
uint64_t ds_supernet_key(const struct ds_supernet *supernet);

/*
 * Makes it the supernet of this space, which must outlive the use: finds out which block of the
 * file is which layer, and compares every tensor with every choice of every site. -1, and in `err`
 * tensor, both shapes and the place, where they do not fit, or where the file has what the space
 * does not have. A pruned space fits the supernet of the whole one.
 */
int ds_supernet_bind(struct ds_supernet *supernet, const struct ds_space *space,
                     struct ds_error *err);

/*
 * What a user should know of how they fit: that the widest choice of a ResNet's site is narrower
 * than the supernet. NULL: nothing.
 */
const char *ds_supernet_note(const struct ds_supernet *supernet);

/* One convolution of a subnet; floats owned by the subnet. */
struct ds_subnet_layer {
    float *weights; /* [cout][cin/groups][kernel][kernel]; NULL: the layer is no convolution */
    float *bias;    /* [cout]; zeros where it has none */
    float *gamma, *beta, *mean, *variance; /* [cout], its batch norm; NULL: none */
    int cout;
};

/* Zero-initialise; reuse from one subnet to the next; free with ds_subnet_free. */
struct ds_subnet {
    int nlayers;
    struct ds_subnet_layer *layer; /* [nlayers] of the network */
    double bn_eps;
    float *floats; /* all of the above */
    size_t room;
    struct ds_layer_weights *folded; /* what ds_subnet_give gives */
    float *folded_floats;
    size_t folded_room;
};

/*
 * Takes the weights of an architecture of the space that the supernet is bound to; `net` is its
 * network.
 */
int ds_supernet_take(const struct ds_supernet *supernet, const uint8_t *choice,
                     const struct ds_net *net, struct ds_subnet *subnet, struct ds_error *err);

/*
 * Gives the network (ds_net_give) the subnet's weights with their batch norms folded in: weights
 * times gamma / sqrt(variance + eps), bias to match. They are good until the subnet is given or
 * taken again, or freed.
 */
int ds_subnet_give(struct ds_subnet *subnet, struct ds_net *net, struct ds_error *err);

void ds_subnet_free(struct ds_subnet *subnet);

#endif

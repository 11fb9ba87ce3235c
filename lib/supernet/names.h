/*
 * Which tensors of a checkpoint belong to which layer of a network. Internal to the room.
 */
#ifndef DS_SUPERNET_NAMES_H
#define DS_SUPERNET_NAMES_H

#include "formats/pytorch.h"
#include "network/module_spec.h"
#include "supernet/supernet.h"

#define NAME_SIZE 120

enum family { MOBILENET_V3, PROXYLESS, RESNET };

struct ds_supernet {
    struct ds_pytorch *file;
    enum family family;
    double bn_eps;
    uint64_t key;
    const char *prefix; /* of every name: "module." as DataParallel saves it, or "" */
    const char *inside; /* what is between "blocks.1." and "depth_conv": "conv" or the older name */
    bool transforms;    /* kernels have matrices */
    int nblocks;        /* in the file */

    const struct ds_space *space; /* bound to */
    int *first_block;             /* [nunits] */
    char note[300];
};

/* The tensors of one convolution. */
struct conv_tensors {
    char name[NAME_SIZE]; /* what they begin with: "blocks.1.conv.depth_conv" */
    const struct ds_tensor_f32 *weight, *bias;
    const struct ds_tensor_f32 *bn[4]; /* weight, bias, running_mean, running_var; or NULL */
    bool depthwise;                    /* its kernel may be made smaller */
    bool out_whole, in_whole; /* the widest choice has as many channels out, in as the tensor */
};

/* The tensor so named, after the prefix; NULL: none. */
const struct ds_tensor_f32 *ds_supernet_find(const struct ds_supernet *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * The tensors of every convolution of an architecture's network: tensors[nlayers]. -1, with the
 * tensor's name and the place, where one is not there.
 */
int ds_supernet_tensors(const struct ds_supernet *s, const struct ds_space *space,
                        const uint8_t *choice, const struct ds_net *net,
                        struct conv_tensors *tensors, struct ds_error *err);

/*
 * Compares every tensor with every choice of every site of a space whose blocks are numbered: see
 * ds_supernet_bind.
 */
int ds_supernet_check(struct ds_supernet *s, const struct ds_space *space, struct ds_error *err);

#endif

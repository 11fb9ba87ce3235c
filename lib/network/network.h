/*
 * The network of an architecture: a list of layers with their shapes, in order of execution.
 * build.h builds it; costs, engines and export all read this list. Tensors are numbered, and a
 * layer reads only tensors written by layers before it. Shapes are channels x height x width of one
 * image; engines multiply by the batch. Padding is kernel/2 on all sides unless said otherwise, so
 * a stride of 2 gives ceil(size/2).
 */
#ifndef DS_NETWORK_NETWORK_H
#define DS_NETWORK_NETWORK_H

#include "space/space.h"

enum ds_op {
    DS_OP_CONV,        /* out = act(conv(in) [+ in2]); fully connected is 1x1 on 1x1 */
    DS_OP_MAX_POOL,    /* kernel, stride, pad */
    DS_OP_AVG_POOL,    /* kernel = stride, no pad, size rounded up, mean of what is inside */
    DS_OP_GLOBAL_POOL, /* mean over height and width -> c x 1 x 1 */
    DS_OP_SCALE,       /* out = in * in2, in2 being c x 1 x 1 */
    DS_OP_ADD,         /* out = act(in + in2) */
    DS_OP_SHUFFLE      /* channel i * groups + g of out is channel g * (c / groups) + i of in */
};

struct ds_tensor {
    int c, h, w;
};

struct ds_layer {
    enum ds_op op;
    enum ds_act act; /* applied last */
    int in, in2;     /* tensors; in2 is -1 where unused */
    int out;
    int kernel, stride, pad, groups;
    bool bn;      /* DS_OP_CONV: batch norm follows (folded into a bias when run) */
    bool bias;    /* DS_OP_CONV: a bias of its own */
    int instance; /* how many layers of the same weight shape come before it in the network */
    int module;   /* which of net->module it belongs to */
};

/* A stem step, a block or a head step: reads one tensor, writes one. */
struct ds_module {
    int unit;  /* -1: stem, nunits: head */
    int layer; /* of the unit; number of the step in stem and head */
    int first, count;
};

/* The weights that a layer is given: a batch norm is in them. */
struct ds_layer_weights {
    const float *weights; /* [cout][cin/groups][kernel][kernel] */
    const float *bias;    /* [cout] */
};

struct ds_quant;

/* Zero-initialise; reuse from one architecture to the next; free with ds_net_free. */
struct ds_net {
    int nlayers, ntensors, nmodules;
    struct ds_layer *layer;
    struct ds_tensor *tensor;
    struct ds_module *module;
    int input, output; /* tensors */
    size_t layer_room, tensor_room, module_room;
    const struct ds_layer_weights *given; /* see ds_net_give */
    int32_t given_number;                 /* tells them from others; 0: none */
    const struct ds_quant *quant;         /* its int8 form (quantize/quantize.h); NULL: none */
};

/*
 * Gives the network weights in place of seeded ones: weights[nlayers], read for the layers that are
 * convolutions. They are not copied and must stay until the network is built anew, freed or given
 * others; engines copy them when they load it.
 */
void ds_net_give(struct ds_net *net, const struct ds_layer_weights *weights);

void ds_net_free(struct ds_net *net);

#define DS_MODULE_NAME 40

/* What a module is called: "stem0", "unit0.layer1", "head2". Returns what snprintf does. */
int ds_module_name(const struct ds_space *space, const struct ds_net *net, int module, char *out,
                   size_t size);

/* Rounds channels to a multiple of `divisor`, never below 90% (MobileNet's make_divisible). */
int ds_round_channels(double channels, int divisor);

/* Multiply-accumulates of one layer for one image: convolutions and fully connected only. */
uint64_t ds_layer_macs(const struct ds_net *net, const struct ds_layer *layer);

/* Trained parameters of one layer: weights, bias, and two per channel for batch norm. */
uint64_t ds_layer_params(const struct ds_net *net, const struct ds_layer *layer);

#endif

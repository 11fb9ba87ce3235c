/* Costs that need no device: counted from the layers of the network. */
#ifndef DS_NETWORK_COST_H
#define DS_NETWORK_COST_H

#include "network/network.h"

struct ds_cost {
    uint64_t macs;   /* multiply-accumulates for one image */
    uint64_t params; /* trained parameters */
    uint64_t peak;   /* peak activation memory, bytes: fp32, batch 1, run layer by layer */
};

/*
 * The count of a metric as records have it, in millions: macs, params, peakmem (MB). -1 where it
 * is none of these.
 */
int ds_cost_metric(const struct ds_cost *cost, const char *metric, double *value);

/* Counts a built network. */
void ds_net_cost(const struct ds_net *net, struct ds_cost *cost);

/* What one module costs by itself. */
struct ds_module_cost {
    uint64_t macs, params;
    uint64_t weights;     /* bytes of weights and biases as they are run: batch norm folded */
    uint64_t activations; /* bytes that its layers write, for one image */
};

/*
 * Counts a module of a built network. `element` has the bytes of an element of every tensor; NULL:
 * 4, as in fp32. A convolution that reads elements of 1 byte has weights of 1 byte, and a bias and
 * a scale of 4 bytes for each output channel.
 */
void ds_module_count(const struct ds_net *net, int module, const uint8_t *element,
                     struct ds_module_cost *cost);

/*
 * ds_net_cost for many architectures of one space: every module is built and counted once
 * for each choice and input shape, then looked up.
 */
struct ds_coster;
struct ds_coster *ds_coster_new(const struct ds_space *space);
int ds_coster_cost(struct ds_coster *coster, const uint8_t *choice, struct ds_cost *cost,
                   struct ds_error *err);
void ds_coster_free(struct ds_coster *coster);

#endif

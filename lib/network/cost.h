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

/*
 * The same numbers for many architectures of one space: every module is built and counted once
 * for each choice and input shape, then looked up.
 */
struct ds_coster;
struct ds_coster *ds_coster_new(const struct ds_space *space);
int ds_coster_cost(struct ds_coster *coster, const uint8_t *choice, struct ds_cost *cost,
                   struct ds_error *err);
void ds_coster_free(struct ds_coster *coster);

#endif

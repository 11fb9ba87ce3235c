/*
 * The entries that a network has in Once-for-All's tables of block latencies, by the names that the
 * readers in its repository ask for (ofa/nas/efficiency_predictor/latency_lookup_table.py,
 * ofa/tutorial/latency_table.py). There are two layouts, told apart by the head:
 *
 *   MBv3LatencyTable          convolution, pool, convolution, linear: Conv_1, AvgPool2D, Conv_2,
 *                             Logits; blocks with expand:CHANNELS ... -se:0|1-hs:0|1
 *   ProxylessNASLatencyTable  convolution, pool, linear: Conv_1, Logits, which is both the pool and
 *                             the linear; blocks with expand:RATIO
 */
#ifndef DS_FORMATS_LATENCY_KEYS_H
#define DS_FORMATS_LATENCY_KEYS_H

#include "network/network.h"

struct ds_latency_key {
    char name[160]; /* "expanded_conv-input:56x56x32-output:28x28x48-expand:96-kernel:3-..." */
    int module, nmodules; /* the modules of the network that it is of */
};

/*
 * The entries of a network of `space`, in order, into key[net->nmodules]; returns how many. Modules
 * without layers, as a skip, have none. -1 and the reason in `err` where the tables cannot tell the
 * network: another head, blocks that are no MBConv, grouped convolutions.
 */
int ds_latency_keys(const struct ds_space *space, const struct ds_net *net,
                    struct ds_latency_key *key, struct ds_error *err);

#endif

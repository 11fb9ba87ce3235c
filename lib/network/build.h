/*
 * From an architecture to its network: its modules (module_spec.h), built one after another
 * (blocks.h).
 */
#ifndef DS_NETWORK_BUILD_H
#define DS_NETWORK_BUILD_H

#include "network/network.h"

/* Builds the network of a canonical architecture into `net`, replacing what it held. */
int ds_net_build(const struct ds_space *space, const uint8_t *choice, struct ds_net *net,
                 struct ds_error *err);

#endif

/* The layers of one part of an architecture, appended to a network. Internal to libds. */
#ifndef DS_NETWORK_BLOCKS_H
#define DS_NETWORK_BLOCKS_H

#include "network/network.h"
#include "network/parts.h"

/*
 * Appends a part to the network as a module that reads the tensor net->output, and makes its own
 * result net->output. A part that does nothing has no layers.
 */
int ds_module_build(const struct ds_space *space, const struct ds_part *part, struct ds_net *net,
                    struct ds_error *err);

/* Empties the network and gives it an input of this shape. */
int ds_net_start(struct ds_net *net, struct ds_tensor input, struct ds_error *err);

#endif

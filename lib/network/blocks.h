/* The layers of one module of an architecture, appended to a network. Internal to libds. */
#ifndef DS_NETWORK_BLOCKS_H
#define DS_NETWORK_BLOCKS_H

#include "network/module_spec.h"
#include "network/network.h"

/*
 * Appends a module to the network; it reads the tensor net->output, and makes its own
 * result net->output. A module that does nothing has no layers.
 */
int ds_module_build(const struct ds_space *space, const struct ds_module_spec *spec,
                    struct ds_net *net, struct ds_error *err);

/* Empties the network and gives it an input of this shape. */
int ds_net_start(struct ds_net *net, struct ds_tensor input, struct ds_error *err);

#endif

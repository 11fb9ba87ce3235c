#include "network/build.h"

#include "base/grow.h"
#include "network/blocks.h"
#include "space/arch.h"
#include <stdlib.h>

/* Numbers the layers that have the same weight shape, so that each has weights of its own. */
static void number_instances(struct ds_net *net)
{
    for (int i = 0; i < net->nlayers; i++) {
        struct ds_layer *a = &net->layer[i];
        a->instance = 0;
        for (int j = 0; j < i && a->op == DS_OP_CONV; j++) {
            const struct ds_layer *b = &net->layer[j];
            a->instance += b->op == DS_OP_CONV && a->kernel == b->kernel &&
                           a->groups == b->groups && net->tensor[a->in].c == net->tensor[b->in].c &&
                           net->tensor[a->out].c == net->tensor[b->out].c;
        }
    }
}

int ds_net_build(const struct ds_space *space, const uint8_t *choice, struct ds_net *net,
                 struct ds_error *err)
{
    int size = ds_arch_resolution(space, choice);
    struct ds_module_spec *spec = ds_alloc((size_t)ds_modules_most(space), sizeof *spec, err);
    if (!spec)
        return -1;

    int n = ds_module_specs(space, choice, spec);
    int rc = ds_net_start(net, (struct ds_tensor){space->input_channels, size, size}, err);
    for (int i = 0; i < n && rc == 0; i++)
        rc = ds_module_build(space, &spec[i], net, err);
    free(spec);
    if (rc == 0)
        number_instances(net);
    return rc;
}

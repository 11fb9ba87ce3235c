#include "network/network.h"

#include <stdio.h>
#include <stdlib.h>

int ds_module_name(const struct ds_space *space, const struct ds_net *net, int module, char *out,
                   size_t size)
{
    const struct ds_module *m = &net->module[module];
    if (m->unit < 0)
        return snprintf(out, size, "stem%d", m->layer);
    if (m->unit == space->nunits)
        return snprintf(out, size, "head%d", m->layer);
    return snprintf(out, size, "unit%d.layer%d", m->unit, m->layer);
}

int ds_round_channels(double channels, int divisor)
{
    int rounded = (int)(channels + divisor / 2.0) / divisor * divisor;
    if (rounded < divisor)
        rounded = divisor;
    if (rounded < 0.9 * channels)
        rounded += divisor;
    return rounded;
}

uint64_t ds_layer_macs(const struct ds_net *net, const struct ds_layer *layer)
{
    if (layer->op != DS_OP_CONV)
        return 0;
    struct ds_tensor in = net->tensor[layer->in], out = net->tensor[layer->out];
    uint64_t window =
        (uint64_t)(in.c / layer->groups) * (uint64_t)layer->kernel * (uint64_t)layer->kernel;
    return window * (uint64_t)out.c * (uint64_t)out.h * (uint64_t)out.w;
}

uint64_t ds_layer_params(const struct ds_net *net, const struct ds_layer *layer)
{
    if (layer->op != DS_OP_CONV)
        return 0;
    uint64_t in = (uint64_t)net->tensor[layer->in].c, out = (uint64_t)net->tensor[layer->out].c;
    uint64_t area = (uint64_t)layer->kernel * (uint64_t)layer->kernel;
    return in / (uint64_t)layer->groups * area * out + (layer->bn ? 2 * out : 0) +
           (layer->bias ? out : 0);
}

void ds_net_give(struct ds_net *net, const struct ds_layer_weights *weights)
{
    static int32_t last;
    net->given = weights;
    net->given_number = weights ? ++last : 0;
}

void ds_net_free(struct ds_net *net)
{
    free(net->layer);
    free(net->tensor);
    free(net->module);
    *net = (struct ds_net){0};
}

#include "network/cost.h"

#include "base/grow.h"
#include "base/metric.h"
#include "network/module_sums.h"
#include "network/weights.h"
#include <stdlib.h>
#include <string.h>

static uint64_t tensor_bytes(const struct ds_net *net, int t)
{
    const struct ds_tensor *x = &net->tensor[t];
    return 4 * (uint64_t)x->c * (uint64_t)x->h * (uint64_t)x->w;
}

/* The most bytes in use while a layer runs: its inputs, its output, and what later layers read. */
static uint64_t peak_bytes(const struct ds_net *net)
{
    uint64_t alive = tensor_bytes(net, net->input), peak = net->nlayers ? 0 : alive;
    for (int i = 0; i < net->nlayers; i++) {
        const struct ds_layer *l = &net->layer[i];
        alive += tensor_bytes(net, l->out);
        peak = alive > peak ? alive : peak;

        int read[2] = {l->in, l->in2 == l->in ? -1 : l->in2};
        for (int k = 0; k < 2; k++) {
            bool later = read[k] < 0 || read[k] == net->output;
            for (int j = i + 1; j < net->nlayers && !later; j++)
                later = net->layer[j].in == read[k] || net->layer[j].in2 == read[k];
            if (!later)
                alive -= tensor_bytes(net, read[k]);
        }
    }
    return peak;
}

int ds_cost_metric(const struct ds_cost *cost, const char *metric, double *value)
{
    const struct {
        const char *metric;
        uint64_t count;
    } counts[] = {{DS_MACS, cost->macs}, {DS_PARAMS, cost->params}, {DS_PEAKMEM, cost->peak}};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        if (strcmp(metric, counts[i].metric) == 0) {
            *value = (double)counts[i].count / DS_MILLION;
            return 0;
        }
    return -1;
}

void ds_net_cost(const struct ds_net *net, struct ds_cost *cost)
{
    *cost = (struct ds_cost){.peak = peak_bytes(net)};
    for (int i = 0; i < net->nlayers; i++) {
        cost->macs += ds_layer_macs(net, &net->layer[i]);
        cost->params += ds_layer_params(net, &net->layer[i]);
    }
}

/* Bytes of the weights of a convolution that reads elements of so many bytes. */
static uint64_t weight_bytes(const struct ds_net *net, const struct ds_layer *l, uint64_t element)
{
    struct ds_weight_key key = ds_weight_key(net, l);
    uint64_t numbers = element == 1 ? 2 : key.bias ? 1 : 0; /* of a channel, of 4 bytes */
    return element * ds_weight_count(&key) + 4 * numbers * (uint64_t)key.cout;
}

void ds_module_count(const struct ds_net *net, int module, const uint8_t *element,
                     struct ds_module_cost *cost)
{
    const struct ds_module *m = &net->module[module];
    *cost = (struct ds_module_cost){0};
    for (int i = m->first; i < m->first + m->count; i++) {
        const struct ds_layer *l = &net->layer[i];
        cost->macs += ds_layer_macs(net, l);
        cost->params += ds_layer_params(net, l);
        cost->activations += tensor_bytes(net, l->out) / 4 * (element ? element[l->out] : 4);
        if (l->op == DS_OP_CONV)
            cost->weights += weight_bytes(net, l, element ? element[l->in] : 4);
    }
}

/* Counts one module for the sums. */
static int count(void *context, const struct ds_net *net, bool image, void *cost,
                 struct ds_error *err)
{
    (void)context, (void)image, (void)err;
    ds_net_cost(net, cost);
    return 0;
}

struct ds_coster {
    struct ds_module_sums *sums;
};

struct ds_coster *ds_coster_new(const struct ds_space *space)
{
    struct ds_coster *c = ds_alloc(1, sizeof *c, NULL);
    if (c && (c->sums = ds_module_sums_new(space, sizeof(struct ds_cost), count, NULL)))
        return c;
    free(c);
    return NULL;
}

void ds_coster_free(struct ds_coster *c)
{
    if (c)
        ds_module_sums_free(c->sums);
    free(c);
}

int ds_coster_cost(struct ds_coster *c, const uint8_t *choice, struct ds_cost *cost,
                   struct ds_error *err)
{
    const void *const *counts;
    int n = ds_module_sums(c->sums, choice, &counts, err);
    if (n < 0)
        return -1;
    *cost = (struct ds_cost){0};
    for (int i = 0; i < n; i++) {
        const struct ds_cost *one = counts[i];
        cost->macs += one->macs;
        cost->params += one->params;
        cost->peak = one->peak > cost->peak ? one->peak : cost->peak;
    }
    return 0;
}

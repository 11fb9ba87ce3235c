#include "npu/model.h"

#include "base/grow.h"
#include "network/module_sums.h"
#include <math.h>
#include <stdlib.h>

static struct ds_tensor shape(const struct ds_net *net, int tensor)
{
    return net->tensor[tensor];
}

static double tensor_bytes(const struct ds_npu *npu, struct ds_tensor t)
{
    return (double)ds_npu_padded(npu, t.c) * t.h * t.w * npu->value[DS_NPU_ELEMENT_BYTES];
}

/* Reading or writing: time, and bytes if it is the memory that is read or written. */
struct traffic {
    double ms, bytes;
};

static void add_traffic(struct traffic *sum, struct traffic more, double times)
{
    sum->ms += times * more.ms;
    sum->bytes += times * more.bytes;
}

/*
 * The traffic of one tensor, read or written once. A tensor that is small enough stays on the chip.
 */
static struct traffic tensor_traffic(const struct ds_npu *npu, const struct ds_net *net, int tensor,
                                     bool outside)
{
    double bytes = tensor_bytes(npu, shape(net, tensor));
    double rate = npu->value[DS_NPU_KEEP_GB_S];
    bool end = tensor == net->input || tensor == net->output;
    if (bytes > 1024 * npu->value[DS_NPU_KEEP_KB] || (outside && end))
        return (struct traffic){bytes / npu->value[DS_NPU_MEMORY_GB_S] / 1e6, bytes};
    return (struct traffic){rate > 0 ? bytes / rate / 1e6 : 0, 0};
}

static bool is_depthwise(const struct ds_net *net, const struct ds_layer *l)
{
    return l->op == DS_OP_CONV && l->groups > 1 && l->groups == shape(net, l->in).c &&
           l->groups == shape(net, l->out).c;
}

/* Whether the activation is a layer of its own. */
static bool is_separate(const struct ds_npu *npu, const struct ds_layer *l)
{
    bool hard = l->act == DS_ACT_HSWISH || l->act == DS_ACT_HSIGMOID;
    return hard && npu->value[DS_NPU_SEPARATE_ACTIVATIONS] != 0;
}

/* Passes of the vector unit for an activation: h_swish is x times h_sigmoid. */
static double act_passes(const struct ds_npu *npu, enum ds_act act)
{
    switch (act) {
    case DS_ACT_NONE:
        break;
    case DS_ACT_RELU:
    case DS_ACT_RELU6:
        return npu->value[DS_NPU_PASS_RELU];
    case DS_ACT_HSIGMOID:
        return npu->value[DS_NPU_PASS_HSIGMOID];
    case DS_ACT_HSWISH:
        return npu->value[DS_NPU_PASS_HSIGMOID] + npu->value[DS_NPU_PASS_SCALE];
    }
    return 0;
}

/*
 * Whether layer i hands its result, tile by tile, to a depthwise convolution and to nothing else.
 * Only within a module, so that modules can be timed separately.
 */
static bool is_fused(const struct ds_npu *npu, const struct ds_net *net, int i)
{
    if (!npu->value[DS_NPU_FUSE_DEPTHWISE] || i < 0 || i + 1 >= net->nlayers)
        return false;
    const struct ds_layer *l = &net->layer[i];
    if (l->op != DS_OP_CONV || is_depthwise(net, l) || is_separate(npu, l) || l[1].in != l->out ||
        l[1].module != l->module || !is_depthwise(net, &l[1]))
        return false;
    for (int k = i + 2; k < net->nlayers; k++)
        if (net->layer[k].in == l->out || net->layer[k].in2 == l->out)
            return false;
    return true;
}

static void add_time(struct ds_npu_time *sum, const struct ds_npu_time *t)
{
    sum->ms += t->ms;
    sum->cube += t->cube;
    sum->vector += t->vector;
    sum->feed += t->feed;
    sum->move += t->move;
    sum->bytes += t->bytes;
}

/* A layer of the vector unit. */
static struct ds_npu_time vector_layer(const struct ds_npu *npu, double steps, double passes,
                                       struct traffic move)
{
    double per_ms = 1e3 * npu->value[DS_NPU_CLOCK_MHZ] * npu->value[DS_NPU_VECTOR_EFFICIENCY];
    struct ds_npu_time t = {
        .vector = steps * passes / per_ms, .move = move.ms, .bytes = move.bytes};
    t.ms = ds_npu_slowest(&t) + npu->value[DS_NPU_LAYER_US] / 1e3;
    return t;
}

/* Adds the layers that a separate activation is: h_sigmoid, and for h_swish x times it. */
static void add_activation(const struct ds_npu *npu, const struct ds_net *net,
                           const struct ds_layer *l, bool outside, struct ds_npu_time *sum)
{
    struct traffic once = tensor_traffic(npu, net, l->out, outside), move = {0};
    double steps = ds_npu_vector_steps(npu, shape(net, l->out));
    add_traffic(&move, once, 2);
    struct ds_npu_time t = vector_layer(npu, steps, npu->value[DS_NPU_PASS_HSIGMOID], move);
    add_time(sum, &t);
    if (l->act != DS_ACT_HSWISH)
        return;
    add_traffic(&move, once, 1);
    t = vector_layer(npu, steps, npu->value[DS_NPU_PASS_SCALE], move);
    add_time(sum, &t);
}

static int conv_time(const struct ds_npu *npu, const struct ds_net *net, int i, bool outside,
                     struct ds_npu_time *time, struct ds_npu_tile *tile, struct ds_error *err)
{
    const struct ds_layer *l = &net->layer[i];
    struct ds_npu_conv c = {.in = shape(net, l->in),
                            .out = shape(net, l->out),
                            .kernel = l->kernel,
                            .stride = l->stride,
                            .groups = l->groups};
    struct traffic in = {0}, fixed = {0};
    if (!is_fused(npu, net, i - 1))
        in = tensor_traffic(npu, net, l->in, outside);
    if (!is_fused(npu, net, i))
        add_traffic(&fixed, tensor_traffic(npu, net, l->out, outside), 1);
    if (l->in2 >= 0)
        add_traffic(&fixed, tensor_traffic(npu, net, l->in2, outside), 1);
    c.in_ms = in.ms;
    c.in_bytes = in.bytes;
    c.fixed_ms = fixed.ms;
    c.fixed_bytes = fixed.bytes;

    double steps = ds_npu_vector_steps(npu, c.out);
    double passes = npu->value[DS_NPU_PASS_DRAIN] +
                    (l->in2 >= 0 ? npu->value[DS_NPU_PASS_ADD] : 0) +
                    (is_separate(npu, l) ? 0 : act_passes(npu, l->act));
    bool depthwise = is_depthwise(net, l), found = false;
    for (int on_vector = 0; on_vector < 2; on_vector++) {
        enum ds_npu_key may = on_vector ? DS_NPU_DEPTHWISE_ON_VECTOR : DS_NPU_DEPTHWISE_ON_CUBE;
        struct ds_npu_time now;
        struct ds_npu_tile how;
        if (depthwise ? !npu->value[may] : on_vector)
            continue;
        c.on_vector = on_vector;
        c.vector_cycles = steps * (passes + (on_vector ? l->kernel * l->kernel : 0));
        if (ds_npu_conv_time(npu, &c, &now, &how, err) || (found && now.ms >= time->ms))
            continue;
        *time = now;
        if (tile)
            *tile = how;
        found = true;
    }
    if (!found)
        return -1;
    time->ms += npu->value[DS_NPU_LAYER_US] / 1e3;
    return 0;
}

/* Steps and passes of a layer that is not a convolution. */
static void vector_work(const struct ds_npu *npu, const struct ds_net *net,
                        const struct ds_layer *l, double *steps, double *passes)
{
    *steps = ds_npu_vector_steps(npu, shape(net, l->out));
    *passes = is_separate(npu, l) ? 0 : act_passes(npu, l->act);
    switch (l->op) {
    case DS_OP_MAX_POOL:
    case DS_OP_AVG_POOL:
        *passes += l->kernel * l->kernel * npu->value[DS_NPU_PASS_POOL];
        break;
    case DS_OP_GLOBAL_POOL:
        *steps = ds_npu_vector_steps(npu, shape(net, l->in));
        *passes += npu->value[DS_NPU_PASS_POOL];
        break;
    case DS_OP_SCALE:
        *passes += npu->value[DS_NPU_PASS_SCALE];
        break;
    case DS_OP_ADD:
        *passes += npu->value[DS_NPU_PASS_ADD];
        break;
    case DS_OP_SHUFFLE:
        *passes += npu->value[DS_NPU_PASS_SHUFFLE];
        break;
    case DS_OP_CONV:
        break;
    }
}

int ds_npu_layer(const struct ds_npu *npu, const struct ds_net *net, int layer, bool outside,
                 struct ds_npu_time *time, struct ds_npu_tile *tile, struct ds_error *err)
{
    const struct ds_layer *l = &net->layer[layer];
    if (l->op == DS_OP_CONV) {
        if (conv_time(npu, net, layer, outside, time, tile, err))
            return -1;
    } else {
        struct traffic move = tensor_traffic(npu, net, l->in, outside);
        double steps, passes;
        add_traffic(&move, tensor_traffic(npu, net, l->out, outside), 1);
        if (l->in2 >= 0)
            add_traffic(&move, tensor_traffic(npu, net, l->in2, outside), 1);
        vector_work(npu, net, l, &steps, &passes);
        *time = vector_layer(npu, steps, passes, move);
        if (tile)
            *tile = (struct ds_npu_tile){0};
    }
    if (is_separate(npu, l))
        add_activation(npu, net, l, outside, time);
    return 0;
}

static int sum_layers(const struct ds_npu *npu, const struct ds_net *net, bool outside,
                      struct ds_npu_time *sum, struct ds_error *err)
{
    *sum = (struct ds_npu_time){0};
    for (int i = 0; i < net->nlayers; i++) {
        struct ds_npu_time t;
        if (ds_npu_layer(npu, net, i, outside, &t, NULL, err))
            return -1;
        add_time(sum, &t);
    }
    return 0;
}

int ds_npu_net(const struct ds_npu *npu, const struct ds_net *net, struct ds_npu_time *time,
               struct ds_error *err)
{
    if (sum_layers(npu, net, true, time, err))
        return -1;
    time->ms += npu->value[DS_NPU_NETWORK_US] / 1e3;
    return 0;
}

/* ---- many architectures ---- */

struct ds_npu_coster {
    const struct ds_npu *npu;
    struct ds_module_sums *sums;
};

/* The image is read from the memory; a module's output need not go there. */
static int count(void *context, const struct ds_net *net, bool image, void *ms,
                 struct ds_error *err)
{
    const struct ds_npu *npu = context;
    struct ds_net part = *net;
    struct ds_npu_time time;
    part.output = -1;
    if (sum_layers(npu, &part, image, &time, err))
        return -1;
    *(double *)ms = time.ms;
    return 0;
}

struct ds_npu_coster *ds_npu_coster_new(const struct ds_npu *npu, const struct ds_space *space)
{
    struct ds_npu_coster *c = ds_alloc(1, sizeof *c, NULL);
    if (!c)
        return NULL;
    c->npu = npu;
    if ((c->sums = ds_module_sums_new(space, sizeof(double), count, (void *)npu)))
        return c;
    free(c);
    return NULL;
}

int ds_npu_coster_ms(struct ds_npu_coster *c, const uint8_t *choice, double *ms,
                     struct ds_error *err)
{
    const void *const *times;
    int n = ds_module_sums(c->sums, choice, &times, err);
    if (n < 0)
        return -1;
    *ms = c->npu->value[DS_NPU_NETWORK_US] / 1e3;
    for (int i = 0; i < n; i++)
        *ms += *(const double *)times[i];
    return 0;
}

void ds_npu_coster_free(struct ds_npu_coster *c)
{
    if (c)
        ds_module_sums_free(c->sums);
    free(c);
}

/* Networks for unit tests: of a few layers each, and of a space of odd sizes. */
#ifndef NETWORKS_H
#define NETWORKS_H

#include "base/random.h"
#include "network/build.h"
#include "reference.h"
#include "space/arch.h"

/* ---- networks of a few layers ---- */

static int tensor(struct ds_net *net, int c, int h, int w)
{
    net->tensor = must(realloc(net->tensor, (size_t)(net->ntensors + 1) * sizeof *net->tensor));
    net->tensor[net->ntensors] = (struct ds_tensor){c, h, w};
    return net->output = net->ntensors++;
}

static void layer(struct ds_net *net, struct ds_layer l)
{
    net->layer = must(realloc(net->layer, (size_t)(net->nlayers + 1) * sizeof *net->layer));
    net->layer[net->nlayers++] = l;
}

static int half(int size, int stride)
{
    return (size + stride - 1) / stride;
}

static int conv(struct ds_net *net, int in, int in2, int cout, int kernel, int stride, int groups,
                enum ds_act act)
{
    struct ds_tensor t = net->tensor[in];
    int out = tensor(net, cout, half(t.h, stride), half(t.w, stride));
    layer(net, (struct ds_layer){.op = DS_OP_CONV,
                                 .act = act,
                                 .in = in,
                                 .in2 = in2,
                                 .out = out,
                                 .kernel = kernel,
                                 .stride = stride,
                                 .pad = kernel / 2,
                                 .groups = groups,
                                 .bn = true,
                                 .instance = net->nlayers});
    return out;
}

static int pooling(struct ds_net *net, enum ds_op op, int in, int kernel, int stride, int pad)
{
    struct ds_tensor t = net->tensor[in];
    int h = op == DS_OP_GLOBAL_POOL ? 1 : half(t.h, stride);
    int w = op == DS_OP_GLOBAL_POOL ? 1 : half(t.w, stride);
    int out = tensor(net, t.c, h, w);
    layer(net, (struct ds_layer){.op = op,
                                 .in = in,
                                 .in2 = -1,
                                 .out = out,
                                 .kernel = kernel,
                                 .stride = stride,
                                 .pad = pad});
    return out;
}

static int binary(struct ds_net *net, enum ds_op op, int in, int in2, enum ds_act act)
{
    struct ds_tensor t = net->tensor[in];
    int out = tensor(net, t.c, t.h, t.w);
    layer(net, (struct ds_layer){.op = op, .act = act, .in = in, .in2 = in2, .out = out});
    return out;
}

static void plain(struct ds_net *n)
{
    conv(n, 0, -1, 13, 3, 2, 1, DS_ACT_HSWISH);
}

static void no_bias(struct ds_net *n)
{
    conv(n, 0, -1, 13, 1, 1, 1, DS_ACT_RELU);
    n->layer[0].bn = false;
}

static void strided_1x1(struct ds_net *n)
{
    conv(n, conv(n, 0, -1, 24, 3, 1, 1, DS_ACT_RELU), -1, 40, 1, 2, 1, DS_ACT_NONE);
}

static void large_kernel(struct ds_net *n)
{
    conv(n, 0, -1, 8, 7, 2, 1, DS_ACT_RELU6);
}

static void grouped(struct ds_net *n)
{
    conv(n, conv(n, 0, -1, 24, 1, 1, 1, DS_ACT_RELU), -1, 48, 3, 2, 4, DS_ACT_RELU);
}

static void depthwise3(struct ds_net *n)
{
    conv(n, conv(n, 0, -1, 24, 1, 1, 1, DS_ACT_RELU), -1, 24, 3, 1, 24, DS_ACT_RELU6);
}

static void depthwise5(struct ds_net *n)
{
    conv(n, conv(n, 0, -1, 20, 1, 1, 1, DS_ACT_HSWISH), -1, 20, 5, 2, 20, DS_ACT_HSWISH);
}

static void depthwise7(struct ds_net *n)
{
    conv(n, conv(n, 0, -1, 24, 1, 1, 1, DS_ACT_RELU), -1, 24, 7, 2, 24, DS_ACT_RELU);
}

static void max_pool(struct ds_net *n)
{
    pooling(n, DS_OP_MAX_POOL, conv(n, 0, -1, 16, 3, 1, 1, DS_ACT_NONE), 3, 2, 1);
}

static void average_pool(struct ds_net *n)
{
    pooling(n, DS_OP_AVG_POOL, conv(n, 0, -1, 16, 3, 1, 1, DS_ACT_NONE), 2, 2, 0);
}

static void global_pool(struct ds_net *n)
{
    pooling(n, DS_OP_GLOBAL_POOL, conv(n, 0, -1, 16, 3, 1, 1, DS_ACT_HSWISH), 0, 0, 0);
}

static void squeeze_excite(struct ds_net *n)
{
    int x = conv(n, 0, -1, 24, 3, 2, 1, DS_ACT_HSWISH);
    int squeezed = pooling(n, DS_OP_GLOBAL_POOL, x, 0, 0, 0);
    int narrow = conv(n, squeezed, -1, 8, 1, 1, 1, DS_ACT_RELU);
    int scale = conv(n, narrow, -1, 24, 1, 1, 1, DS_ACT_HSIGMOID);
    binary(n, DS_OP_SCALE, x, scale, DS_ACT_NONE);
}

static void add_relu(struct ds_net *n)
{
    int x = conv(n, 0, -1, 16, 3, 1, 1, DS_ACT_NONE), y = conv(n, 0, -1, 16, 1, 1, 1, DS_ACT_NONE);
    binary(n, DS_OP_ADD, x, y, DS_ACT_RELU);
}

static void add_hswish(struct ds_net *n)
{
    int x = conv(n, 0, -1, 16, 3, 1, 1, DS_ACT_NONE), y = conv(n, 0, -1, 16, 1, 1, 1, DS_ACT_NONE);
    binary(n, DS_OP_ADD, x, y, DS_ACT_HSWISH);
}

/* The activation comes after the sum, as in a bottleneck. */
static void residual(struct ds_net *n)
{
    int x = conv(n, 0, -1, 24, 3, 1, 1, DS_ACT_RELU);
    conv(n, conv(n, x, -1, 12, 1, 1, 1, DS_ACT_RELU), x, 24, 3, 1, 1, DS_ACT_RELU);
}

static void residual_hswish(struct ds_net *n)
{
    int x = conv(n, 0, -1, 24, 3, 1, 1, DS_ACT_HSWISH);
    conv(n, conv(n, x, -1, 12, 1, 1, 1, DS_ACT_RELU6), x, 24, 1, 1, 1, DS_ACT_HSWISH);
}

/* What is summed up is read again later, so the sum must not be taken in its place. */
static void residual_twice(struct ds_net *n)
{
    int x = conv(n, 0, -1, 24, 3, 1, 1, DS_ACT_RELU);
    int y = conv(n, x, x, 24, 3, 1, 1, DS_ACT_NONE);
    conv(n, y, x, 24, 1, 1, 1, DS_ACT_RELU);
}

static void shuffle(struct ds_net *n, int groups)
{
    int x = conv(n, 0, -1, 24, 3, 1, 1, DS_ACT_NONE);
    struct ds_tensor t = n->tensor[x];
    int out = tensor(n, t.c, t.h, t.w);
    layer(n,
          (struct ds_layer){.op = DS_OP_SHUFFLE, .in = x, .in2 = -1, .out = out, .groups = groups});
    conv(n, out, -1, 24, 1, 1, groups, DS_ACT_RELU);
}

static void shuffle2(struct ds_net *n)
{
    shuffle(n, 2);
}

static void shuffle3(struct ds_net *n)
{
    shuffle(n, 3);
}

static const struct small {
    const char *name;
    void (*build)(struct ds_net *net);
} small[] = {
    {"convolution", plain},
    {"convolution without bias", no_bias},
    {"1x1 with stride", strided_1x1},
    {"7x7 convolution", large_kernel},
    {"grouped convolution", grouped},
    {"3x3 depthwise", depthwise3},
    {"5x5 depthwise", depthwise5},
    {"7x7 depthwise", depthwise7},
    {"max pool", max_pool},
    {"average pool", average_pool},
    {"global pool", global_pool},
    {"squeeze-excite", squeeze_excite},
    {"add, relu", add_relu},
    {"add, hswish", add_hswish},
    {"residual", residual},
    {"residual, hswish", residual_hswish},
    {"residual summed twice", residual_twice},
    {"channel shuffle, 2 groups", shuffle2},
    {"channel shuffle, 3 groups", shuffle3},
};

enum { SMALL = sizeof small / sizeof *small };

/* One of them, for images of this size, as one module; free with small_free. */
static struct ds_net small_net(const struct small *test, int h, int w)
{
    static struct ds_module module;
    struct ds_net net = {0};
    tensor(&net, 3, h, w);
    test->build(&net);
    module.count = net.nlayers;
    net.module = &module;
    net.nmodules = 1;
    return net;
}

static void small_free(struct ds_net *net)
{
    net->module = NULL;
    ds_net_free(net);
}

/* ---- whole networks ---- */

static void random_net(const struct ds_space *space, uint64_t i, int resolution, struct ds_net *net)
{
    struct ds_random r;
    struct ds_error err;
    uint8_t choice[DS_MAX_SITES];
    ds_random_init(&r, SEED, i, 0);
    for (int s = 0; s < space->nsites; s++)
        choice[s] = (uint8_t)ds_random_below(&r, (uint32_t)space->site[s].nchoices);
    if (resolution >= 0)
        choice[space->resolution_site] = (uint8_t)resolution;
    if (ds_arch_canon(space, choice, &err) || ds_net_build(space, choice, net, &err))
        abort();
}

/* A narrow space of odd sizes that has all kinds of blocks, quick enough for the reference. */
static const char odd_space[] =
    "{\"dstools_space\":1,\"name\":\"odd\",\"resolution\":[33,47],"
    "\"blocks\":[{\"name\":\"a\",\"type\":\"mbconv\",\"expand\":3,\"kernel\":5},"
    "{\"name\":\"b\",\"type\":\"bottleneck\",\"expand\":0.25,\"kernel\":3},"
    "{\"name\":\"c\",\"type\":\"bottleneck\",\"expand\":0.5,\"kernel\":3,\"shortcut\":\"conv\"},"
    "{\"name\":\"g\",\"type\":\"mbconv\",\"expand\":1,\"kernel\":3,\"groups\":2,"
    "\"expand_conv\":true,\"shuffle\":true},"
    "{\"name\":\"s\",\"type\":\"skip\"}],"
    "\"stem\":[{\"op\":\"conv\",\"kernel\":3,\"stride\":2,\"width\":8,\"act\":\"relu\"}],"
    "\"units\":[{\"width\":16,\"depth\":[1,2,3],\"stride\":2,\"act\":\"relu\",\"se\":true},"
    "{\"width\":[16,24],\"depth\":[1,2],\"stride\":2,\"act\":\"hswish\"}],"
    "\"head\":[{\"op\":\"pool\"},{\"op\":\"linear\",\"width\":10}]}";

#endif

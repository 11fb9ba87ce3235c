#include "network/blocks.h"

#include "base/grow.h"
#include "space/arch.h"
#include <math.h>
#include <stdlib.h>

/* Far beyond any real layer, and so few that no sum over a network overflows 64 bits. */
#define MOST_ELEMENTS 0x1p40 /* of a tensor */
#define MOST_MACS 0x1p44     /* of a layer */

/* A network being built. After the first failure nothing more is added. */
struct builder {
    const struct ds_space *space;
    struct ds_net *net;
    struct ds_error *err;
    bool failed;
};

static int add_tensor(struct builder *b, int c, int h, int w)
{
    struct ds_net *net = b->net;
    b->failed = b->failed || ds_grow(&net->tensor, &net->tensor_room, (size_t)net->ntensors + 1,
                                     sizeof *net->tensor, b->err);
    if (b->failed)
        return -1;
    net->tensor[net->ntensors] = (struct ds_tensor){c, h, w};
    return net->ntensors++;
}

/* Appends a layer that writes a new tensor of c channels; gives the tensor. */
static int add_layer(struct builder *b, struct ds_layer layer, int c, int h, int w)
{
    struct ds_net *net = b->net;
    if (b->failed)
        return -1;
    if ((double)c * h * w > MOST_ELEMENTS) {
        b->failed = true;
        return ds_fail(b->err, "a tensor of %dx%dx%d is too large", c, h, w);
    }
    b->failed = ds_grow(&net->layer, &net->layer_room, (size_t)net->nlayers + 1, sizeof *net->layer,
                        b->err);
    if (b->failed)
        return -1;
    layer.out = add_tensor(b, c, h, w);
    layer.module = net->nmodules - 1;
    net->layer[net->nlayers++] = layer;
    return layer.out;
}

static struct ds_tensor shape(const struct builder *b, int tensor)
{
    return b->failed ? (struct ds_tensor){1, 1, 1} : b->net->tensor[tensor];
}

/* Output size of a window of `kernel` with padding kernel/2 and this stride: ceil(size/stride). */
static int strided(int size, int kernel, int stride)
{
    return (size + 2 * (kernel / 2) - kernel) / stride + 1;
}

static int conv(struct builder *b, struct ds_layer l, int cout)
{
    struct ds_tensor in = shape(b, l.in);
    l.op = DS_OP_CONV;
    l.pad = l.kernel / 2;
    if (!b->failed && (in.c % l.groups || cout % l.groups)) {
        b->failed = true;
        return ds_fail(b->err, "%d groups do not divide %d input and %d output channels", l.groups,
                       in.c, cout);
    }
    int h = strided(in.h, l.kernel, l.stride), w = strided(in.w, l.kernel, l.stride);
    if (!b->failed && (double)in.c / l.groups * l.kernel * l.kernel * cout * h * w > MOST_MACS) {
        b->failed = true;
        return ds_fail(b->err, "a convolution of %dx%dx%d to %dx%dx%d is too large", in.c, in.h,
                       in.w, cout, h, w);
    }
    return add_layer(b, l, cout, h, w);
}

static int pointwise(struct builder *b, int in, int cout, int groups, enum ds_act act, int residual)
{
    return conv(b,
                (struct ds_layer){.in = in,
                                  .in2 = residual,
                                  .kernel = 1,
                                  .stride = 1,
                                  .groups = groups,
                                  .bn = true,
                                  .act = act},
                cout);
}

static int global_pool(struct builder *b, int in)
{
    return add_layer(b, (struct ds_layer){.op = DS_OP_GLOBAL_POOL, .in = in, .in2 = -1},
                     shape(b, in).c, 1, 1);
}

static int squeeze_excite(struct builder *b, int in)
{
    struct ds_tensor t = shape(b, in);
    struct ds_layer fc = {.in2 = -1, .kernel = 1, .stride = 1, .groups = 1, .bias = true};
    fc.in = global_pool(b, in);
    fc.act = DS_ACT_RELU;
    fc.in = conv(b, fc, ds_round_channels(t.c / 4, b->space->divisor));
    fc.act = DS_ACT_HSIGMOID;
    int scale = conv(b, fc, t.c);
    return add_layer(b, (struct ds_layer){.op = DS_OP_SCALE, .in = in, .in2 = scale}, t.c, t.h,
                     t.w);
}

/*
 * Channel shuffle (Zhang et al., ShuffleNet, 2018): each group of the next convolution reads
 * channels of every group.
 */
static int shuffle(struct builder *b, int in, int groups)
{
    struct ds_tensor t = shape(b, in);
    return add_layer(b,
                     (struct ds_layer){.op = DS_OP_SHUFFLE, .in = in, .in2 = -1, .groups = groups},
                     t.c, t.h, t.w);
}

/* Sandler et al., MobileNetV2 (2018); Howard et al., MobileNetV3 (2019) with squeeze-excite. */
static int mbconv(struct builder *b, const struct ds_module_spec *p, int in)
{
    const struct ds_block *block = p->block;
    struct ds_tensor t = shape(b, in);
    int cout = p->width ? p->width : t.c;
    int mid = ds_round_channels(round(t.c * block->expand), b->space->divisor);
    int residual = p->stride == 1 && t.c == cout && !block->no_shortcut ? in : -1;

    int x = in;
    if (block->expand != 1 || block->expand_conv)
        x = pointwise(b, x, mid, block->groups, p->act, -1);
    else
        mid = t.c;
    if (block->shuffle)
        x = shuffle(b, x, block->groups);
    x = conv(b,
             (struct ds_layer){.in = x,
                               .in2 = -1,
                               .kernel = block->kernel,
                               .stride = p->stride,
                               .groups = mid,
                               .bn = true,
                               .act = p->act},
             mid);
    if (p->se)
        x = squeeze_excite(b, x);
    return pointwise(b, x, cout, block->groups, DS_ACT_NONE, residual);
}

/*
 * Where the shape changes: a 1x1 with the stride (He et al., Deep Residual Learning, 2016), or that
 * of ResNet-D, an average pool, then a 1x1 (He et al., Bag of Tricks, 2019).
 */
static int shortcut(struct builder *b, const struct ds_module_spec *p, int in, int cout)
{
    struct ds_tensor t = shape(b, in);
    bool projects = p->block->project && !p->step && p->layer == 0;
    if (p->stride == 1 && t.c == cout && !projects)
        return in;
    struct ds_layer l = {.in = in,
                         .in2 = -1,
                         .kernel = 1,
                         .stride = p->block->conv_shortcut ? p->stride : 1,
                         .groups = 1,
                         .bn = true};
    if (p->stride > 1 && !p->block->conv_shortcut)
        l.in = add_layer(b,
                         (struct ds_layer){.op = DS_OP_AVG_POOL,
                                           .in = in,
                                           .in2 = -1,
                                           .kernel = p->stride,
                                           .stride = p->stride},
                         t.c, (t.h + p->stride - 1) / p->stride, (t.w + p->stride - 1) / p->stride);
    return conv(b, l, cout);
}

static int bottleneck(struct builder *b, const struct ds_module_spec *p, int in)
{
    const struct ds_block *block = p->block;
    int cout = p->width ? p->width : shape(b, in).c;
    int mid = ds_round_channels(round(cout * block->expand), b->space->divisor);
    int x = pointwise(b, in, mid, 1, p->act, -1);
    x = conv(b,
             (struct ds_layer){.in = x,
                               .in2 = -1,
                               .kernel = block->kernel,
                               .stride = p->stride,
                               .groups = block->groups,
                               .bn = true,
                               .act = p->act},
             mid);
    return pointwise(b, x, cout, 1, p->act, shortcut(b, p, in, cout));
}

/* Identity, or where the shape changes a 1x1 convolution. */
static int skip(struct builder *b, const struct ds_module_spec *p, int in)
{
    struct ds_tensor t = shape(b, in);
    int cout = p->width ? p->width : t.c;
    if (p->stride == 1 && t.c == cout)
        return in;
    struct ds_layer l = {.in = in,
                         .in2 = -1,
                         .kernel = 1,
                         .stride = p->stride,
                         .groups = p->block->groups,
                         .bn = true,
                         .act = p->act};
    return conv(b, l, cout);
}

static int build_block(struct builder *b, const struct ds_module_spec *p, int in)
{
    switch (p->block->type) {
    case DS_BLOCK_MBCONV:
        return mbconv(b, p, in);
    case DS_BLOCK_BOTTLENECK:
        return bottleneck(b, p, in);
    case DS_BLOCK_SKIP:
        break;
    }
    return skip(b, p, in);
}

static int build_step(struct builder *b, const struct ds_module_spec *p, int in)
{
    const struct ds_step *step = p->step;
    struct ds_tensor t = shape(b, in);
    struct ds_layer l = {.in = in,
                         .in2 = -1,
                         .kernel = step->kernel,
                         .stride = step->stride,
                         .groups = 1,
                         .act = step->act};
    int cout = p->width ? p->width : t.c;

    switch (step->kind) {
    case DS_STEP_CONV:
        l.bn = step->bn;
        l.bias = step->bias;
        return conv(b, l, cout);
    case DS_STEP_BLOCK:
        return build_block(b, p, in);
    case DS_STEP_MAX_POOL:
        l.op = DS_OP_MAX_POOL;
        l.pad = l.kernel / 2;
        return add_layer(b, l, t.c, strided(t.h, l.kernel, l.stride),
                         strided(t.w, l.kernel, l.stride));
    case DS_STEP_POOL:
        return global_pool(b, in);
    case DS_STEP_LINEAR:
        break;
    }
    if (t.h != 1 || t.w != 1) {
        b->failed = true;
        return ds_fail(b->err, "a linear step reads %dx%dx%d; put a pool step before it", t.c, t.h,
                       t.w);
    }
    l.bias = true;
    l.kernel = l.stride = 1;
    return conv(b, l, cout);
}

int ds_net_start(struct ds_net *net, struct ds_tensor input, struct ds_error *err)
{
    struct builder b = {.net = net, .err = err};
    net->nlayers = net->ntensors = net->nmodules = 0;
    ds_net_give(net, NULL);
    net->quant = NULL;
    net->input = net->output = add_tensor(&b, input.c, input.h, input.w);
    return b.failed ? -1 : 0;
}

static int build_module(const struct ds_space *space, const struct ds_module_spec *spec,
                        struct ds_net *net, struct ds_error *err)
{
    struct builder b = {.space = space, .net = net, .err = err};
    if (ds_grow(&net->module, &net->module_room, (size_t)net->nmodules + 1, sizeof *net->module,
                err))
        return -1;
    struct ds_module *m = &net->module[net->nmodules++];
    *m = (struct ds_module){.unit = spec->unit, .layer = spec->layer, .first = net->nlayers};

    int in = net->output;
    int out = spec->step ? build_step(&b, spec, in) : build_block(&b, spec, in);
    if (!b.failed && spec->step && spec->step->residual) {
        struct ds_tensor x = shape(&b, in), y = shape(&b, out);
        if (x.c != y.c || x.h != y.h || x.w != y.w)
            return ds_fail(err, "a residual step changes %dx%dx%d to %dx%dx%d", x.c, x.h, x.w, y.c,
                           y.h, y.w);
        out =
            add_layer(&b, (struct ds_layer){.op = DS_OP_ADD, .in = in, .in2 = out}, y.c, y.h, y.w);
    }
    if (b.failed)
        return -1;
    m->count = net->nlayers - m->first;
    net->output = out;
    return 0;
}

/* Adds to the message which module cannot be built, and the shape that it reads. */
static int name_module(const struct ds_space *space, const struct ds_module_spec *spec,
                       struct ds_tensor in, struct ds_error *err)
{
    if (!spec->step)
        return ds_fail_in(err, "unit%d.layer%d: %s of %dx%dx%d", spec->unit, spec->layer,
                          spec->block->name, in.c, in.h, in.w);
    for (int i = 0; i < space->nstem; i++)
        if (spec->step == &space->stem[i])
            return ds_fail_in(err, "stem[%d] of %dx%dx%d", i, in.c, in.h, in.w);
    return ds_fail_in(err, "head[%d] of %dx%dx%d", (int)(spec->step - space->head), in.c, in.h,
                      in.w);
}

int ds_module_build(const struct ds_space *space, const struct ds_module_spec *spec,
                    struct ds_net *net, struct ds_error *err)
{
    struct ds_tensor in = net->tensor[net->output];
    return build_module(space, spec, net, err) ? name_module(space, spec, in, err) : 0;
}

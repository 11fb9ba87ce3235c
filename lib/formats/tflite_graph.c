#include "formats/tflite_graph.h"

#include "base/grow.h"
#include "network/weights.h"
#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_INPUTS 3

enum { PADDING_SAME, PADDING_VALID };
enum { FUSED_NONE = 0, FUSED_RELU = 1, FUSED_RELU6 = 3 };

/* A graph being built; the first failure sticks. */
struct builder {
    const struct ds_space *space;
    const struct ds_net *net;
    const struct ds_model_options *o;
    const struct ds_layer *layer; /* being built */
    struct ds_tflite_graph *g;
    struct ds_error *err;
    int *value; /* [tensors of the network]: its tensor here */
    bool weights;
    bool failed;
};

/* ---- tensors ---- */

static int add_tensor(struct builder *b, const char *what, int rank, const int32_t *shape)
{
    struct ds_tflite_graph *g = b->g;
    if (b->failed ||
        ds_grow(&g->tensor, &g->tensor_room, g->ntensors + 1, sizeof *g->tensor, b->err)) {
        b->failed = true;
        return 0;
    }
    struct ds_tflite_tensor *t = &g->tensor[g->ntensors];
    *t = (struct ds_tflite_tensor){.rank = rank, .type = DS_TFLITE_TYPE_FLOAT32};
    memcpy(t->shape, shape, (size_t)rank * sizeof *shape);
    if (b->layer) {
        char module[DS_MODULE_NAME];
        ds_module_name(b->space, b->net, b->layer->module, module, sizeof module);
        snprintf(t->name, sizeof t->name, "%s.%s%d", module, what, (int)(b->layer - b->net->layer));
    } else {
        snprintf(t->name, sizeof t->name, "%s", what);
    }
    return (int)g->ntensors++;
}

/* A tensor of images. */
static int add_images(struct builder *b, const char *what, int h, int w, int c)
{
    return add_tensor(b, what, 4, (int32_t[]){b->o->batch, h, w, c});
}

/* A constant with room for `count` numbers, zeros to be filled in; *data is NULL after a failure.
 */
static int add_room(struct builder *b, const char *what, enum ds_tflite_type type, int rank,
                    const int32_t *shape, size_t count, void *data)
{
    void **out = data;
    int tensor = add_tensor(b, what, rank, shape);
    *out = b->failed ? NULL : ds_alloc(count, 4, b->err);
    if (!*out) {
        b->failed = true;
        return 0;
    }
    b->g->tensor[tensor].type = type;
    b->g->tensor[tensor].data = *out;
    b->g->tensor[tensor].size = count * 4;
    return tensor;
}

static int add_constant(struct builder *b, const char *what, enum ds_tflite_type type, int rank,
                        const int32_t *shape, void *data)
{
    size_t count = 1;
    for (int i = 0; i < rank; i++)
        count *= (size_t)shape[i];
    return add_room(b, what, type, rank, shape, count, data);
}

static int add_ints(struct builder *b, const char *what, int rank, const int32_t *shape,
                    const int32_t *values, size_t count)
{
    int32_t *data;
    int tensor = add_constant(b, what, DS_TFLITE_TYPE_INT32, rank, shape, &data);
    if (data)
        memcpy(data, values, count * sizeof *values);
    return tensor;
}

static int add_number(struct builder *b, const char *what, float number)
{
    float *data;
    int tensor = add_constant(b, what, DS_TFLITE_TYPE_FLOAT32, 1, (int32_t[]){1}, &data);
    if (data)
        *data = number;
    return tensor;
}

/* ---- operations ---- */

static int32_t *copy_ints(struct builder *b, const int *from, int n)
{
    int32_t *to = ds_alloc((size_t)n, sizeof *to, b->err);
    for (int i = 0; to && i < n; i++)
        to[i] = from[i];
    b->failed = b->failed || !to;
    return to;
}

static void operate_many(struct builder *b, enum ds_tflite_operator code,
                         enum ds_tflite_options options, const struct ds_flatbuffer_field *field,
                         int nfields, const int *in, int nin, const int *out, int nout)
{
    struct ds_tflite_graph *g = b->g;
    if (b->failed || ds_grow(&g->operation, &g->operation_room, g->noperations + 1,
                             sizeof *g->operation, b->err)) {
        b->failed = true;
        return;
    }
    struct ds_tflite_operation *o = &g->operation[g->noperations++];
    *o = (struct ds_tflite_operation){
        .code = code, .options = options, .nfields = nfields, .ninputs = nin, .noutputs = nout};
    memcpy(o->field, field, (size_t)nfields * sizeof *field);
    o->input = copy_ints(b, in, nin);
    o->output = copy_ints(b, out, nout);
}

/* An operation of one output; inputs of -1 are left out. */
static void operate(struct builder *b, enum ds_tflite_operator code, enum ds_tflite_options options,
                    const struct ds_flatbuffer_field *field, int nfields, const int *in, int out)
{
    int n = 0;
    while (n < MOST_INPUTS && in[n] >= 0)
        n++;
    operate_many(b, code, options, field, nfields, in, n, &out, 1);
}

#define FIELDS DS_FLATBUFFER_FIELDS
#define BYTE DS_FLATBUFFER_BYTE
#define INT DS_FLATBUFFER_INT
#define NOTHING FIELDS(DS_FLATBUFFER_DEFAULT)

/* What a convolution, pool or sum can do at its end; the rest are operations of their own. */
static int fused(enum ds_act act)
{
    return act == DS_ACT_RELU ? FUSED_RELU : act == DS_ACT_RELU6 ? FUSED_RELU6 : FUSED_NONE;
}

static int add_like(struct builder *b, const char *what, int x)
{
    struct ds_tflite_tensor like =
        b->failed ? (struct ds_tflite_tensor){.rank = 1} : b->g->tensor[x];
    return add_tensor(b, what, like.rank, like.shape);
}

/* min(max(x + 3, 0), 6) / 6 */
static int hard_sigmoid(struct builder *b, int x)
{
    int gate = add_like(b, "relu6.", x), y = add_like(b, "hardsigmoid", x);
    operate(b, DS_TFLITE_OP_ADD, DS_TFLITE_OPTIONS_ADD, FIELDS(BYTE(FUSED_RELU6)),
            (int[]){x, add_number(b, "three", 3), -1}, gate);
    operate(b, DS_TFLITE_OP_MUL, DS_TFLITE_OPTIONS_MUL, FIELDS(BYTE(FUSED_NONE)),
            (int[]){gate, add_number(b, "sixth", 1 / 6.0f), -1}, y);
    return y;
}

/* The activations that cannot be fused. */
static int activate(struct builder *b, int x)
{
    if (b->layer->act == DS_ACT_HSIGMOID)
        return hard_sigmoid(b, x);
    if (b->layer->act != DS_ACT_HSWISH)
        return x;
    int y = add_like(b, "hardswish", x);
    operate(b, DS_TFLITE_OP_HARD_SWISH, DS_TFLITE_OPTIONS_NONE, NOTHING, (int[]){x, -1}, y);
    return y;
}

/* ---- windows ---- */

/* Zeros (or, `lowest`, what no maximum takes) around the images x of h x w. */
static int pad(struct builder *b, int x, struct ds_tensor t, int before, int below, int right,
               bool lowest)
{
    const int32_t around[] = {0, 0, before, below, before, right, 0, 0};
    int paddings = add_ints(b, "paddings", 2, (int32_t[]){4, 2}, around, 8);
    int y = add_images(b, "pad", t.h + before + below, t.w + before + right, t.c);
    if (lowest)
        operate(b, DS_TFLITE_OP_PADV2, DS_TFLITE_OPTIONS_PADV2, NOTHING,
                (int[]){x, paddings, add_number(b, "lowest", -FLT_MAX)}, y);
    else
        operate(b, DS_TFLITE_OP_PAD, DS_TFLITE_OPTIONS_PAD, NOTHING, (int[]){x, paddings, -1}, y);
    return y;
}

/* What SAME would put before the first pixel. */
static int same_before(int in, int out, const struct ds_layer *l)
{
    int total = (out - 1) * l->stride + l->kernel - in;
    return total > 0 ? total / 2 : 0;
}

static bool is_same(struct ds_tensor in, struct ds_tensor out, const struct ds_layer *l)
{
    return out.h == (in.h + l->stride - 1) / l->stride &&
           out.w == (in.w + l->stride - 1) / l->stride && same_before(in.h, out.h, l) == l->pad &&
           same_before(in.w, out.w, l) == l->pad;
}

/*
 * The images that a window of the layer moves over, padded where the padding is not that of SAME;
 * *padding is then VALID.
 */
static int window(struct builder *b, int x, bool lowest, int *padding)
{
    const struct ds_layer *l = b->layer;
    struct ds_tensor in = b->net->tensor[l->in], out = b->net->tensor[l->out];
    *padding = is_same(in, out, l) ? PADDING_SAME : PADDING_VALID;
    return *padding == PADDING_SAME || l->pad == 0 ? x
                                                   : pad(b, x, in, l->pad, l->pad, l->pad, lowest);
}

/* ---- layers ---- */

/*
 * Weights [cout][k][k][cin], of a depthwise convolution [1][k][k][c], and the bias, of the output
 * channels first .. first + n. From [cout][cin / groups][k][k].
 */
static void add_weights(struct builder *b, const float *weights, const float *bias, int first,
                        int n, bool depthwise, int in[MOST_INPUTS])
{
    const struct ds_layer *l = b->layer;
    size_t area = (size_t)l->kernel * (size_t)l->kernel;
    size_t cin = (size_t)(b->net->tensor[l->in].c / l->groups);
    const int32_t k = l->kernel, flat[] = {n, (int32_t)cin}, full[] = {n, k, k, (int32_t)cin},
                  deep[] = {1, k, k, n};
    float *w, *c;
    if (!b->weights) {
        in[1] = add_room(b, "weight", DS_TFLITE_TYPE_FLOAT32, 4, depthwise ? deep : full, 1, &w);
        in[2] = add_room(b, "bias", DS_TFLITE_TYPE_FLOAT32, 1, (int32_t[]){n}, 1, &c);
        return;
    }
    in[1] =
        add_constant(b, "weight", DS_TFLITE_TYPE_FLOAT32, ds_model_is_classifier(b->net, l) ? 2 : 4,
                     ds_model_is_classifier(b->net, l) ? flat
                     : depthwise                       ? deep
                                                       : full,
                     &w);
    in[2] = add_constant(b, "bias", DS_TFLITE_TYPE_FLOAT32, 1, (int32_t[]){n}, &c);
    if (b->failed)
        return;
    memcpy(c, bias + first, (size_t)n * sizeof *c);
    for (size_t o = 0; o < (size_t)n; o++)
        for (size_t i = 0; i < cin; i++)
            for (size_t p = 0; p < area; p++)
                w[depthwise ? p * (size_t)n + o : (o * area + p) * cin + i] =
                    weights[(((size_t)first + o) * cin + i) * area + p];
}

/* One convolution over all of its channels, or those of one group. */
static void convolve(struct builder *b, int padding, int act, const int *in, int out)
{
    const struct ds_layer *l = b->layer;
    struct ds_tensor t = b->net->tensor[l->in];
    if (ds_model_is_classifier(b->net, l))
        operate(b, DS_TFLITE_OP_FULLY_CONNECTED, DS_TFLITE_OPTIONS_FULLY_CONNECTED,
                FIELDS(BYTE(act)), in, out);
    else if (l->groups > 1 && l->groups == t.c && l->groups == b->net->tensor[l->out].c)
        operate(b, DS_TFLITE_OP_DEPTHWISE_CONV_2D, DS_TFLITE_OPTIONS_DEPTHWISE_CONV_2D,
                FIELDS(BYTE(padding), INT(l->stride), INT(l->stride), INT(1), BYTE(act)), in, out);
    else
        operate(b, DS_TFLITE_OP_CONV_2D, DS_TFLITE_OPTIONS_CONV_2D,
                FIELDS(BYTE(padding), INT(l->stride), INT(l->stride), BYTE(act)), in, out);
}

/* A convolution for each group of channels. */
static void convolve_groups(struct builder *b, int x, int padding, int act, const float *weights,
                            const float *bias, int out)
{
    const struct ds_layer *l = b->layer;
    struct ds_tensor t = b->net->tensor[l->out];
    int n = l->groups, *part = ds_alloc(2 * (size_t)n, sizeof *part, b->err);
    if (!part) {
        b->failed = true;
        return;
    }
    struct ds_tflite_tensor whole =
        b->failed ? (struct ds_tflite_tensor){.rank = 4} : b->g->tensor[x];
    for (int g = 0; g < n; g++) {
        part[g] = add_images(b, "split", whole.shape[1], whole.shape[2], whole.shape[3] / n);
        part[n + g] = add_images(b, "group", t.h, t.w, t.c / n);
    }
    int axis = add_ints(b, "axis", 0, (int32_t[]){0}, (int32_t[]){3}, 1);
    operate_many(b, DS_TFLITE_OP_SPLIT, DS_TFLITE_OPTIONS_SPLIT, FIELDS(INT(n)), (int[]){axis, x},
                 2, part, n);
    for (int g = 0; g < n; g++) {
        int in[MOST_INPUTS] = {part[g]};
        add_weights(b, weights, bias, g * (t.c / n), t.c / n, false, in);
        convolve(b, padding, act, in, part[n + g]);
    }
    operate_many(b, DS_TFLITE_OP_CONCATENATION, DS_TFLITE_OPTIONS_CONCATENATION,
                 FIELDS(INT(3), BYTE(FUSED_NONE)), part + n, n, &out, 1);
    free(part);
}

static int convolution(struct builder *b)
{
    const struct ds_layer *l = b->layer;
    struct ds_tensor t = b->net->tensor[l->out];
    struct ds_weight_key key = ds_weight_key(b->net, l);
    size_t count = b->weights ? ds_weight_count(&key) : 0;
    float *weights = ds_alloc(count + (size_t)key.cout, sizeof *weights, b->err);
    if (!weights) {
        b->failed = true;
        return 0;
    }
    float *bias = weights + count;
    if (b->weights)
        ds_weights_of(b->net, l, b->o->seed, weights, bias);

    int padding, act = l->in2 < 0 ? fused(l->act) : FUSED_NONE;
    int in[MOST_INPUTS] = {window(b, b->value[l->in], false, &padding)};
    int y = ds_model_is_classifier(b->net, l)
                ? add_tensor(b, "gemm", 2, (int32_t[]){b->o->batch, t.c})
                : add_images(b, "conv", t.h, t.w, t.c);
    bool depthwise = l->groups > 1 && l->groups == b->net->tensor[l->in].c && l->groups == t.c;
    if (l->groups > 1 && !depthwise) {
        convolve_groups(b, in[0], padding, act, weights, bias, y);
    } else {
        add_weights(b, weights, bias, 0, t.c, depthwise, in);
        convolve(b, padding, act, in, y);
    }
    free(weights);
    if (l->in2 < 0)
        return y;
    int sum = add_images(b, "conv_add", t.h, t.w, t.c);
    operate(b, DS_TFLITE_OP_ADD, DS_TFLITE_OPTIONS_ADD, FIELDS(BYTE(fused(l->act))),
            (int[]){y, b->value[l->in2], -1}, sum);
    return sum;
}

static int binary(struct builder *b, enum ds_tflite_operator code, enum ds_tflite_options options,
                  const char *what)
{
    const struct ds_layer *l = b->layer;
    struct ds_tensor t = b->net->tensor[l->out];
    int y = add_images(b, what, t.h, t.w, t.c);
    operate(b, code, options, FIELDS(BYTE(fused(l->act))),
            (int[]){b->value[l->in], b->value[l->in2], -1}, y);
    return y;
}

static int global_pool(struct builder *b)
{
    const struct ds_layer *l = b->layer;
    int y = add_images(b, "pool", 1, 1, b->net->tensor[l->out].c);
    int axes = add_ints(b, "axes", 1, (int32_t[]){2}, (int32_t[]){1, 2}, 2);
    operate(b, DS_TFLITE_OP_MEAN, DS_TFLITE_OPTIONS_REDUCER, FIELDS(BYTE(true)),
            (int[]){b->value[l->in], axes, -1}, y);
    return y;
}

static int pool(struct builder *b, enum ds_tflite_operator code, int x, int padding, int act)
{
    const struct ds_layer *l = b->layer;
    struct ds_tensor t = b->net->tensor[l->out];
    int y = add_images(b, "pool", t.h, t.w, t.c);
    operate(b, code, DS_TFLITE_OPTIONS_POOL_2D,
            FIELDS(BYTE(padding), INT(l->stride), INT(l->stride), INT(l->kernel), INT(l->kernel),
                   BYTE(act)),
            (int[]){x, -1}, y);
    return y;
}

/* Whether what the layer reads is never below zero. */
static bool reads_positive(const struct builder *b)
{
    for (int i = 0; i < b->net->nlayers; i++)
        if (b->net->layer[i].out == b->layer->in)
            return fused(b->net->layer[i].act) != FUSED_NONE;
    return false;
}

/* Zeros around what is never below zero do not change a maximum, and more runtimes know them. */
static int max_pool(struct builder *b)
{
    int padding, x = window(b, b->value[b->layer->in], !reads_positive(b), &padding);
    return pool(b, DS_TFLITE_OP_MAX_POOL_2D, x, padding, fused(b->layer->act));
}

/* How many of the window's pixels at place i are inside. */
static int inside(int i, int size, const struct ds_layer *l)
{
    int left = size - i * l->stride;
    return left < l->kernel ? left : l->kernel;
}

/*
 * Our average is over what is inside of the image. So is that of SAME, but SAME pads on both sides;
 * where that differs, zeros are put below and to the right, and the sum is divided anew.
 */
static int average_pool(struct builder *b)
{
    const struct ds_layer *l = b->layer;
    struct ds_tensor in = b->net->tensor[l->in], out = b->net->tensor[l->out];
    int x = b->value[l->in], act = fused(l->act);
    if (is_same(in, out, l))
        return pool(b, DS_TFLITE_OP_AVERAGE_POOL_2D, x, PADDING_SAME, act);
    x = pad(b, x, in, 0, out.h * l->stride - in.h, out.w * l->stride - in.w, false);
    x = pool(b, DS_TFLITE_OP_AVERAGE_POOL_2D, x, PADDING_VALID, FUSED_NONE);
    float *share;
    int shares = add_constant(b, "shares", DS_TFLITE_TYPE_FLOAT32, 4,
                              (int32_t[]){1, out.h, out.w, 1}, &share);
    for (int i = 0; share && i < out.h * out.w; i++)
        share[i] = (float)(l->kernel * l->kernel) /
                   (float)(inside(i / out.w, in.h, l) * inside(i % out.w, in.w, l));
    int y = add_images(b, "average", out.h, out.w, out.c);
    operate(b, DS_TFLITE_OP_MUL, DS_TFLITE_OPTIONS_MUL, FIELDS(BYTE(act)), (int[]){x, shares, -1},
            y);
    return y;
}

static int reshape(struct builder *b, const char *what, int x, int rank, const int32_t *shape)
{
    int y = add_tensor(b, what, rank, shape);
    int to = add_ints(b, "shape", 1, (int32_t[]){rank}, shape, (size_t)rank);
    operate(b, DS_TFLITE_OP_RESHAPE, DS_TFLITE_OPTIONS_RESHAPE, NOTHING, (int[]){x, to, -1}, y);
    return y;
}

/* Channel g * (c / groups) + i becomes i * groups + g: a transposition. */
static int shuffle(struct builder *b)
{
    const struct ds_layer *l = b->layer;
    struct ds_tensor t = b->net->tensor[l->in];
    const int32_t n = b->o->batch, area = t.h * t.w, g = l->groups, c = t.c / g;
    int x = reshape(b, "split", b->value[l->in], 4, (int32_t[]){n, area, g, c});
    int order = add_ints(b, "order", 1, (int32_t[]){4}, (int32_t[]){0, 1, 3, 2}, 4);
    int y = add_tensor(b, "transpose", 4, (int32_t[]){n, area, c, g});
    operate(b, DS_TFLITE_OP_TRANSPOSE, DS_TFLITE_OPTIONS_TRANSPOSE, NOTHING, (int[]){x, order, -1},
            y);
    return reshape(b, "shuffle", y, 4, (int32_t[]){n, t.h, t.w, t.c});
}

static int compute(struct builder *b)
{
    switch (b->layer->op) {
    case DS_OP_CONV:
        return convolution(b);
    case DS_OP_SCALE:
        return binary(b, DS_TFLITE_OP_MUL, DS_TFLITE_OPTIONS_MUL, "scale");
    case DS_OP_ADD:
        return binary(b, DS_TFLITE_OP_ADD, DS_TFLITE_OPTIONS_ADD, "add");
    case DS_OP_SHUFFLE:
        return shuffle(b);
    case DS_OP_MAX_POOL:
        return max_pool(b);
    case DS_OP_AVG_POOL:
        return average_pool(b);
    case DS_OP_GLOBAL_POOL:
        break;
    }
    return global_pool(b);
}

static void add_layers(struct builder *b)
{
    const struct ds_net *net = b->net;
    struct ds_tensor in = net->tensor[net->input];
    b->value[net->input] = add_images(b, b->o->input, in.h, in.w, in.c);
    for (int i = 0; i < net->nlayers && !b->failed; i++) {
        const struct ds_layer *l = b->layer = &net->layer[i];
        int x = activate(b, compute(b));
        if (ds_model_is_flat(b->net, l->out) &&
            !(l->op == DS_OP_CONV && ds_model_is_classifier(b->net, l)))
            x = reshape(b, "flatten", x, 2, (int32_t[]){b->o->batch, net->tensor[l->out].c});
        b->value[l->out] = x;
    }
    if (!b->failed)
        snprintf(b->g->tensor[b->value[net->output]].name, DS_TFLITE_NAME, "%s", b->o->output);
}

int ds_tflite_graph_build(const struct ds_space *space, const struct ds_net *net,
                          const struct ds_model_options *options, bool weights,
                          struct ds_tflite_graph *graph, struct ds_error *err)
{
    *graph = (struct ds_tflite_graph){0};
    struct builder b = {
        .space = space, .net = net, .o = options, .g = graph, .weights = weights, .err = err};
    if (net->nlayers == 0)
        return ds_fail(err, "a network without layers");
    b.value = ds_alloc((size_t)net->ntensors, sizeof *b.value, err);
    b.failed = !b.value;
    if (!b.failed)
        add_layers(&b);
    if (!b.failed) {
        graph->input = b.value[net->input];
        graph->output = b.value[net->output];
    }
    free(b.value);
    return b.failed ? -1 : 0;
}

void ds_tflite_graph_free(struct ds_tflite_graph *graph)
{
    for (size_t i = 0; i < graph->ntensors; i++)
        free(graph->tensor[i].data);
    for (size_t i = 0; i < graph->noperations; i++) {
        free(graph->operation[i].input);
        free(graph->operation[i].output);
    }
    free(graph->tensor);
    free(graph->operation);
    *graph = (struct ds_tflite_graph){0};
}

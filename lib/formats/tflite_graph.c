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
    int *real;  /* [tensors of the network]: the same as floats; -1: there is none yet */
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
    *t = (struct ds_tflite_tensor){.rank = rank};
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

static const struct ds_tflite_numbers floats = {.type = DS_TFLITE_TYPE_FLOAT32};

static struct ds_tflite_numbers numbers_of(const struct builder *b, int x)
{
    return b->failed ? floats : b->g->tensor[x].numbers;
}

/* Makes a tensor one of these numbers, instead of floats; gives the tensor. */
static int of_numbers(struct builder *b, int x, struct ds_tflite_numbers numbers)
{
    if (!b->failed)
        b->g->tensor[x].numbers = numbers;
    return x;
}

static struct ds_tflite_numbers int8_numbers(struct ds_affine affine)
{
    return (struct ds_tflite_numbers){DS_TFLITE_TYPE_INT8, affine};
}

/* Those that a tensor of the network has. */
static struct ds_tflite_numbers numbers_in(const struct builder *b, int tensor)
{
    const struct ds_quant *q = b->o->quant;
    return q && ds_element_is_8bit(q->tensor[tensor].element)
               ? int8_numbers(ds_affine_tensor(q, tensor))
               : floats;
}

/* A constant with room for `count` numbers, zeros to be filled in; *data: NULL after a failure. */
static int add_room(struct builder *b, const char *what, enum ds_tflite_type type, int rank,
                    const int32_t *shape, size_t count, void *data)
{
    void **out = data;
    size_t size = ds_tflite_type_size(type);
    int tensor = add_tensor(b, what, rank, shape);
    *out = b->failed ? NULL : ds_alloc(count, size, b->err);
    if (!*out) {
        b->failed = true;
        return 0;
    }
    b->g->tensor[tensor].numbers.type = type;
    b->g->tensor[tensor].data = *out;
    b->g->tensor[tensor].size = count * size;
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

/* The same as floats, or as 8 bits. */
static int convert(struct builder *b, int x, struct ds_tflite_numbers to)
{
    if (numbers_of(b, x).type == to.type)
        return x;
    bool quantize = to.type == DS_TFLITE_TYPE_INT8;
    int y = of_numbers(b, add_like(b, quantize ? "quantize" : "dequantize", x), to);
    operate(b, quantize ? DS_TFLITE_OP_QUANTIZE : DS_TFLITE_OP_DEQUANTIZE, DS_TFLITE_OPTIONS_NONE,
            NOTHING, (int[]){x, -1}, y);
    return y;
}

/* A tensor of the network as floats. */
static int as_floats(struct builder *b, int tensor)
{
    if (b->real[tensor] < 0)
        b->real[tensor] = convert(b, b->value[tensor], floats);
    return b->real[tensor];
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
    struct ds_tflite_numbers out = numbers_in(b, b->layer->out);
    if (b->layer->act == DS_ACT_HSIGMOID)
        return hard_sigmoid(b, convert(b, x, floats));
    if (b->layer->act != DS_ACT_HSWISH)
        return x;
    if (out.type != numbers_of(b, x).type)
        x = convert(b, x, out = floats);
    int y = of_numbers(b, add_like(b, "hardswish", x), out);
    operate(b, DS_TFLITE_OP_HARD_SWISH, DS_TFLITE_OPTIONS_NONE, NOTHING, (int[]){x, -1}, y);
    return y;
}

/* ---- windows ---- */

/* What no maximum takes, as a constant of these numbers. */
static int add_lowest(struct builder *b, struct ds_tflite_numbers numbers)
{
    if (numbers.type == DS_TFLITE_TYPE_FLOAT32)
        return add_number(b, "lowest", -FLT_MAX);
    int8_t *data;
    int x = add_constant(b, "lowest", numbers.type, 1, (int32_t[]){1}, &data);
    if (data)
        *data = INT8_MIN;
    return of_numbers(b, x, numbers);
}

/* Zeros (or, `lowest`, what no maximum takes) around the images x of h x w. */
static int pad(struct builder *b, int x, struct ds_tensor t, int before, int below, int right,
               bool lowest)
{
    const int32_t around[] = {0, 0, before, below, before, right, 0, 0};
    int paddings = add_ints(b, "paddings", 2, (int32_t[]){4, 2}, around, 8);
    int y = of_numbers(b, add_images(b, "pad", t.h + before + below, t.w + before + right, t.c),
                       numbers_of(b, x));
    if (lowest)
        operate(b, DS_TFLITE_OP_PADV2, DS_TFLITE_OPTIONS_PADV2, NOTHING,
                (int[]){x, paddings, add_lowest(b, numbers_of(b, x))}, y);
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

/* What is a FULLY_CONNECTED: in int8 that has one scale only, so that a convolution stays one. */
static bool is_classifier(const struct builder *b, const struct ds_layer *l)
{
    bool int8 = b->o->quant && b->o->quant->layer[l - b->net->layer].int8;
    return ds_model_is_classifier(b->net, l) && !int8;
}

/* Weights and biases of a convolution, floats or int8: [cout][cin / groups][k][k] and [cout]. */
struct weights {
    const void *weights, *bias;
    const struct ds_quant_layer *int8; /* NULL: floats */
};

/* Elements [n][cin][area] to [n][area][cin], or of a depthwise convolution to [area][n]. */
static inline void lay_out(uint8_t *to, const uint8_t *from, size_t size, size_t n, size_t cin,
                           size_t area, bool depthwise)
{
    for (size_t o = 0; o < n; o++)
        for (size_t i = 0; i < cin; i++)
            for (size_t p = 0; p < area; p++)
                memcpy(to + size * (depthwise ? p * n + o : (o * area + p) * cin + i),
                       from + size * ((o * cin + i) * area + p), size);
}

/* Gives a constant of an int8 layer a scale for each of n output channels, by which it is cut. */
static void add_scales(struct builder *b, int tensor, int axis, int first, int n, bool bias)
{
    const struct ds_layer *l = b->layer;
    float *scale = b->failed ? NULL : ds_alloc((size_t)n, sizeof *scale, b->err);
    b->failed = !scale;
    if (b->failed)
        return;
    b->g->tensor[tensor].scale = scale;
    b->g->tensor[tensor].channels = n;
    b->g->tensor[tensor].axis = axis;
    for (int o = 0; o < n; o++)
        scale[o] = bias ? ds_quant_scale(b->net, b->o->quant, l, first + o)
                        : b->o->quant->layer[l - b->net->layer].weight_scale[first + o];
}

/*
 * The weights [cout][k][k][cin], of a depthwise convolution [1][k][k][c], and the bias, of the
 * output channels first .. first + n.
 */
static void add_weights(struct builder *b, const struct weights *from, int first, int n,
                        bool depthwise, int in[MOST_INPUTS])
{
    const struct ds_layer *l = b->layer;
    size_t area = (size_t)l->kernel * (size_t)l->kernel;
    size_t cin = (size_t)(b->net->tensor[l->in].c / l->groups);
    size_t count = b->weights ? (size_t)n * cin * area : 1;
    const int32_t k = l->kernel, flat[] = {n, (int32_t)cin}, full[] = {n, k, k, (int32_t)cin},
                  deep[] = {1, k, k, n};
    enum ds_tflite_type type = from->int8 ? DS_TFLITE_TYPE_INT8 : DS_TFLITE_TYPE_FLOAT32;
    uint8_t *w, *c;
    in[1] = add_room(b, "weight", type, is_classifier(b, l) ? 2 : 4,
                     is_classifier(b, l) ? flat
                     : depthwise         ? deep
                                         : full,
                     count, &w);
    in[2] = add_room(b, "bias", from->int8 ? DS_TFLITE_TYPE_INT32 : type, 1, (int32_t[]){n},
                     b->weights ? (size_t)n : 1, &c);
    if (b->failed || !b->weights)
        return;
    memcpy(c, (const uint8_t *)from->bias + 4 * (size_t)first, 4 * (size_t)n);
    const uint8_t *weights = from->weights;
    if (from->int8) {
        lay_out(w, weights + (size_t)first * cin * area, 1, (size_t)n, cin, area, depthwise);
        add_scales(b, in[1], depthwise ? 3 : 0, first, n, false);
        add_scales(b, in[2], 0, first, n, true);
    } else {
        lay_out(w, weights + 4 * (size_t)first * cin * area, 4, (size_t)n, cin, area, depthwise);
    }
}

/* One convolution over all of its channels, or those of one group. */
static void convolve(struct builder *b, int padding, int act, const int *in, int out)
{
    const struct ds_layer *l = b->layer;
    struct ds_tensor t = b->net->tensor[l->in];
    if (is_classifier(b, l))
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
static void convolve_groups(struct builder *b, int x, int padding, int act,
                            const struct weights *weights, int out)
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
        part[g] = of_numbers(
            b, add_images(b, "split", whole.shape[1], whole.shape[2], whole.shape[3] / n),
            numbers_of(b, x));
        part[n + g] = of_numbers(b, add_images(b, "group", t.h, t.w, t.c / n), numbers_of(b, out));
    }
    int axis = add_ints(b, "axis", 0, (int32_t[]){0}, (int32_t[]){3}, 1);
    operate_many(b, DS_TFLITE_OP_SPLIT, DS_TFLITE_OPTIONS_SPLIT, FIELDS(INT(n)), (int[]){axis, x},
                 2, part, n);
    for (int g = 0; g < n; g++) {
        int in[MOST_INPUTS] = {part[g]};
        add_weights(b, weights, g * (t.c / n), t.c / n, false, in);
        convolve(b, padding, act, in, part[n + g]);
    }
    operate_many(b, DS_TFLITE_OP_CONCATENATION, DS_TFLITE_OPTIONS_CONCATENATION,
                 FIELDS(INT(3), BYTE(FUSED_NONE)), part + n, n, &out, 1);
    free(part);
}

/* What a convolution gives before its activation, residual included. */
static struct ds_tflite_numbers before(const struct builder *b)
{
    const struct ds_layer *l = b->layer;
    struct ds_tflite_numbers out = numbers_in(b, l->out);
    bool fuses = ds_act_is_limit(l->act) && out.type == DS_TFLITE_TYPE_INT8;
    return fuses ? out : int8_numbers(ds_affine_before(b->net, b->o->quant, l));
}

/* One that reads x, an image of which is padded as it has to be; without its residual. */
static int convolve_all(struct builder *b, const struct weights *weights)
{
    const struct ds_layer *l = b->layer;
    struct ds_tensor t = b->net->tensor[l->out];
    int padding, act = l->in2 < 0 ? fused(l->act) : FUSED_NONE;
    int in[MOST_INPUTS] = {window(b, b->value[l->in], false, &padding)};
    int y = is_classifier(b, l) ? add_tensor(b, "gemm", 2, (int32_t[]){b->o->batch, t.c})
                                : add_images(b, "conv", t.h, t.w, t.c);
    if (weights->int8)
        of_numbers(b, y,
                   l->in2 < 0 ? before(b) : int8_numbers(ds_affine_alone(b->net, b->o->quant, l)));
    bool depthwise = l->groups > 1 && l->groups == b->net->tensor[l->in].c && l->groups == t.c;
    if (l->groups > 1 && !depthwise) {
        convolve_groups(b, in[0], padding, act, weights, y);
    } else {
        add_weights(b, weights, 0, t.c, depthwise, in);
        convolve(b, padding, act, in, y);
    }
    return y;
}

/* The weights of a layer; *own is what is to be freed. */
static struct weights weights_of(struct builder *b, float **own)
{
    const struct ds_quant_layer *q =
        b->o->quant ? &b->o->quant->layer[b->layer - b->net->layer] : NULL;
    *own = NULL;
    if (!b->weights || (q && q->int8))
        return (struct weights){q ? q->weights : NULL, q ? q->bias : NULL, q && q->int8 ? q : NULL};
    struct ds_weight_key key = ds_weight_key(b->net, b->layer);
    size_t count = ds_weight_count(&key);
    *own = ds_alloc(count + (size_t)key.cout, sizeof **own, b->err);
    b->failed = b->failed || !*own;
    if (*own)
        ds_weights_of(b->net, b->layer, b->o->seed, *own, *own + count);
    return (struct weights){*own, *own ? *own + count : NULL, NULL};
}

static int convolution(struct builder *b)
{
    const struct ds_layer *l = b->layer;
    struct ds_tensor t = b->net->tensor[l->out];
    float *own;
    struct weights weights = weights_of(b, &own);
    int y = b->failed ? 0 : convolve_all(b, &weights);
    free(own);
    if (l->in2 < 0)
        return y;
    int sum =
        of_numbers(b, add_images(b, "conv_add", t.h, t.w, t.c), weights.int8 ? before(b) : floats);
    operate(b, DS_TFLITE_OP_ADD, DS_TFLITE_OPTIONS_ADD, FIELDS(BYTE(fused(l->act))),
            (int[]){y, b->value[l->in2], -1}, sum);
    return sum;
}

/* Sums of 8 bits are taken in integers, products with gates in floats. */
static int binary(struct builder *b, enum ds_tflite_operator code, enum ds_tflite_options options,
                  const char *what)
{
    const struct ds_layer *l = b->layer;
    struct ds_tensor t = b->net->tensor[l->out];
    bool integers = code == DS_TFLITE_OP_ADD && ds_act_is_limit(l->act);
    int in[] = {integers ? b->value[l->in] : as_floats(b, l->in),
                integers ? b->value[l->in2] : as_floats(b, l->in2), -1};
    int y = of_numbers(b, add_images(b, what, t.h, t.w, t.c),
                       integers ? numbers_in(b, l->out) : floats);
    operate(b, code, options, FIELDS(BYTE(fused(l->act))), in, y);
    return y;
}

static int global_pool(struct builder *b)
{
    const struct ds_layer *l = b->layer;
    int x = as_floats(b, l->in), y = add_images(b, "pool", 1, 1, b->net->tensor[l->out].c);
    int axes = add_ints(b, "axes", 1, (int32_t[]){2}, (int32_t[]){1, 2}, 2);
    operate(b, DS_TFLITE_OP_MEAN, DS_TFLITE_OPTIONS_REDUCER, FIELDS(BYTE(true)),
            (int[]){x, axes, -1}, y);
    return y;
}

static int pool(struct builder *b, enum ds_tflite_operator code, int x, int padding, int act)
{
    const struct ds_layer *l = b->layer;
    struct ds_tensor t = b->net->tensor[l->out];
    int y = of_numbers(b, add_images(b, "pool", t.h, t.w, t.c), numbers_of(b, x));
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
 * where that differs, zeros are put below and to the right, and the sum is divided anew, in floats.
 */
static int average_pool(struct builder *b)
{
    const struct ds_layer *l = b->layer;
    struct ds_tensor in = b->net->tensor[l->in], out = b->net->tensor[l->out];
    int act = fused(l->act);
    if (is_same(in, out, l))
        return pool(b, DS_TFLITE_OP_AVERAGE_POOL_2D, b->value[l->in], PADDING_SAME, act);
    int x = pad(b, as_floats(b, l->in), in, 0, out.h * l->stride - in.h, out.w * l->stride - in.w,
                false);
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
    int y = of_numbers(b, add_tensor(b, what, rank, shape), numbers_of(b, x));
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
    int y =
        of_numbers(b, add_tensor(b, "transpose", 4, (int32_t[]){n, area, c, g}), numbers_of(b, x));
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
    int input = add_images(b, b->o->input, in.h, in.w, in.c);
    b->g->input = input;
    for (int t = 0; t < net->ntensors; t++)
        b->real[t] = -1;
    b->value[net->input] = convert(b, input, numbers_in(b, net->input));
    for (int i = 0; i < net->nlayers && !b->failed; i++) {
        const struct ds_layer *l = b->layer = &net->layer[i];
        int x = convert(b, activate(b, compute(b)), numbers_in(b, l->out));
        if (ds_model_is_flat(b->net, l->out) && !(l->op == DS_OP_CONV && is_classifier(b, l)))
            x = reshape(b, "flatten", x, 2, (int32_t[]){b->o->batch, net->tensor[l->out].c});
        b->value[l->out] = x;
    }
    b->g->output = convert(b, b->value[net->output], floats);
    if (!b->failed)
        snprintf(b->g->tensor[b->g->output].name, DS_TFLITE_NAME, "%s", b->o->output);
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
    b.real = ds_alloc((size_t)net->ntensors, sizeof *b.real, err);
    b.failed = !b.value || !b.real;
    if (!b.failed)
        add_layers(&b);
    free(b.value);
    free(b.real);
    return b.failed ? -1 : 0;
}

void ds_tflite_graph_free(struct ds_tflite_graph *graph)
{
    for (size_t i = 0; i < graph->ntensors; i++) {
        free(graph->tensor[i].data);
        free(graph->tensor[i].scale);
    }
    for (size_t i = 0; i < graph->noperations; i++) {
        free(graph->operation[i].input);
        free(graph->operation[i].output);
    }
    free(graph->tensor);
    free(graph->operation);
    *graph = (struct ds_tflite_graph){0};
}

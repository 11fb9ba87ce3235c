#include "formats/onnx.h"

#include "base/grow.h"
#include "formats/onnx.pb-c.h"
#include "network/weights.h"
#include "quantize/affine.h"
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(__BYTE_ORDER == __LITTLE_ENDIAN, "weights are written as they are in memory");

#define NODE_NAME 80
#define TENSOR_NAME (NODE_NAME + 16)
#define LARGEST ((uint64_t)INT32_MAX) /* bytes: what protobuf's readers take */

enum {
    MOST_NODES = 13, /* of a layer: up to five, two for hard-swish, three times two for 8 bits */
    MOST_TENSORS =
        12,          /* of a layer: weights and bias with scales and zeros, and three times both */
    MOST_INPUTS = 3, /* of a node */
    MOST_ATTRIBUTES = 6,
    MOST_INTS = 5
};

/* A node with all that it points to. */
struct node {
    Onnx__NodeProto proto;
    char name[NODE_NAME]; /* and that of its output */
    char *input[MOST_INPUTS], *output;
    Onnx__AttributeProto attribute[MOST_ATTRIBUTES], *attributes[MOST_ATTRIBUTES];
    int64_t ints[MOST_ATTRIBUTES][MOST_INTS];
};

/* An initializer with all that it points to, except weights. */
struct tensor {
    Onnx__TensorProto proto;
    char name[TENSOR_NAME];
    int64_t dims[4];
    int64_t shape[MOST_INTS]; /* the data of a shape */
    float number;             /* the data of a scalar */
    uint8_t zero;             /* the data of a zero point */
};

/* A model being built. Arrays have room for the most there can be. */
struct builder {
    const struct ds_space *space;
    const struct ds_net *net;
    const struct ds_model_options *o;
    char **value; /* [ntensors]: what the tensor of the network is called */
    struct node *node;
    struct tensor *tensor;
    int nnodes, ntensors;
    float *weights; /* of all layers; of those in int8 the scales of the bias */
    size_t nweights;
    int32_t *zeros; /* [channels of the widest]: zero points */
    bool has_six;   /* the limits of ReLU6 are there: "zero" and "six" */
};

/* ---- initializers ---- */

static struct tensor *add_tensor(struct builder *b, int32_t type, const void *data, size_t size)
{
    struct tensor *t = &b->tensor[b->ntensors++];
    t->proto = (Onnx__TensorProto)ONNX__TENSOR_PROTO__INIT;
    t->proto.name = t->name;
    t->proto.dims = t->dims;
    t->proto.has_data_type = true;
    t->proto.data_type = type;
    t->proto.has_raw_data = true;
    t->proto.raw_data = (ProtobufCBinaryData){.data = (uint8_t *)data, .len = size};
    return t;
}

/* A constant named after its owner. */
static char *add_constant(struct builder *b, const char *owner, const char *what, int32_t type,
                          const void *data, size_t element, const int64_t *dims, size_t ndims)
{
    size_t count = 1;
    for (size_t i = 0; i < ndims; i++)
        count *= (size_t)dims[i];
    struct tensor *t = add_tensor(b, type, data, count * element);
    snprintf(t->name, sizeof t->name, "%s.%s", owner, what);
    if (ndims) /* a scalar has none */
        memcpy(t->dims, dims, ndims * sizeof *dims);
    t->proto.n_dims = ndims;
    return t->name;
}

static char *add_floats(struct builder *b, const char *owner, const char *what, const float *data,
                        const int64_t *dims, size_t ndims)
{
    return add_constant(b, owner, what, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, data, sizeof *data,
                        dims, ndims);
}

static char *add_shape(struct builder *b, const char *owner, const int64_t *shape, size_t n)
{
    struct tensor *t = add_tensor(b, ONNX__TENSOR_PROTO__DATA_TYPE__INT64, NULL, n * sizeof *shape);
    snprintf(t->name, sizeof t->name, "%s.shape", owner);
    memcpy(t->shape, shape, n * sizeof *shape);
    t->proto.raw_data.data = (uint8_t *)t->shape;
    t->dims[0] = (int64_t)n;
    t->proto.n_dims = 1;
    return t->name;
}

static void add_scalar(struct builder *b, const char *name, float number)
{
    struct tensor *t = add_tensor(b, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, NULL, sizeof number);
    snprintf(t->name, sizeof t->name, "%s", name);
    t->number = number;
    t->proto.raw_data.data = (uint8_t *)&t->number;
}

/* ---- nodes ---- */

/* A node named after its layer, and after `suffix` unless that is NULL. */
static struct node *add_node(struct builder *b, const struct ds_layer *l, char *op,
                             const char *what, const char *suffix)
{
    struct node *n = &b->node[b->nnodes++];
    char module[DS_MODULE_NAME];
    ds_module_name(b->space, b->net, l->module, module, sizeof module);
    snprintf(n->name, sizeof n->name, "%s.%s%d%s%s", module, what, (int)(l - b->net->layer),
             suffix ? "." : "", suffix ? suffix : "");
    n->proto = (Onnx__NodeProto)ONNX__NODE_PROTO__INIT;
    n->proto.name = n->output = n->name;
    n->proto.op_type = op;
    n->proto.input = n->input;
    n->proto.output = &n->output;
    n->proto.n_output = 1;
    n->proto.attribute = n->attributes;
    return n;
}

static void add_input(struct node *n, char *name)
{
    n->input[n->proto.n_input++] = name;
}

static Onnx__AttributeProto *add_attribute(struct node *n, char *name,
                                           Onnx__AttributeProto__AttributeType type)
{
    Onnx__AttributeProto *a = &n->attribute[n->proto.n_attribute];
    *a = (Onnx__AttributeProto)ONNX__ATTRIBUTE_PROTO__INIT;
    a->name = name;
    a->has_type = true;
    a->type = type;
    n->attributes[n->proto.n_attribute++] = a;
    return a;
}

static void set_float(struct node *n, char *name, float value)
{
    Onnx__AttributeProto *a = add_attribute(n, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT);
    a->has_f = true;
    a->f = value;
}

static void set_int(struct node *n, char *name, int64_t value)
{
    Onnx__AttributeProto *a = add_attribute(n, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
    a->has_i = true;
    a->i = value;
}

static void set_ints(struct node *n, char *name, const int64_t *value, size_t count)
{
    int64_t *copy = n->ints[n->proto.n_attribute];
    Onnx__AttributeProto *a = add_attribute(n, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);
    a->ints = memcpy(copy, value, count * sizeof *value);
    a->n_ints = count;
}

/* The window of a convolution or pool; `below` is the padding below and to the right. */
static void set_window(struct node *n, const struct ds_layer *l, int below, int right)
{
    set_ints(n, "kernel_shape", (int64_t[]){l->kernel, l->kernel}, 2);
    set_ints(n, "strides", (int64_t[]){l->stride, l->stride}, 2);
    set_ints(n, "pads", (int64_t[]){l->pad, l->pad, below, right}, 4);
}

/* Appends y = op(x), where x is the layer's result so far. */
static struct node *then(struct builder *b, const struct ds_layer *l, char *op, const char *what,
                         const char *suffix, char *x)
{
    struct node *n = add_node(b, l, op, what, suffix);
    add_input(n, x);
    return n;
}

/* ---- 8 bits ---- */

static bool is_8bit(const struct builder *b, int tensor)
{
    return b->o->quant && ds_element_is_8bit(b->o->quant->tensor[tensor].element);
}

static bool is_int8(const struct builder *b, const struct ds_layer *l)
{
    return b->o->quant && b->o->quant->layer[l - b->net->layer].int8;
}

/* Rounds x to 8 bits; gives the name of what they stand for. Nodes have names of these endings. */
static char *round_as(struct builder *b, const struct ds_layer *l, const char *what, char *x,
                      float scale, int32_t type, int zero, const char *const suffix[2])
{
    struct node *q = then(b, l, "QuantizeLinear", what, suffix[0], x);
    float *number = &b->tensor[b->ntensors].number;
    add_input(q, add_floats(b, q->name, "scale", number, NULL, 0));
    uint8_t *byte = &b->tensor[b->ntensors].zero;
    add_input(q, add_constant(b, q->name, "zero", type, byte, 1, NULL, 0));
    *number = scale;
    *byte = (uint8_t)zero;
    struct node *d = then(b, l, "DequantizeLinear", what, suffix[1], q->name);
    add_input(d, q->input[1]);
    add_input(d, q->input[2]);
    return d->name;
}

static char *round_each(struct builder *b, const struct ds_layer *l, const char *what, char *x,
                        struct ds_affine a, const char *const suffix[2])
{
    return round_as(b, l, what, x, a.scale, ONNX__TENSOR_PROTO__DATA_TYPE__UINT8, a.zero + 128,
                    suffix);
}

/* Rounds x to the 8 bits of a tensor of the network. */
static char *round_to(struct builder *b, const struct ds_layer *l, const char *what, int tensor,
                      char *x)
{
    static const char *const suffix[] = {"quantize", "dequantize"};
    const struct ds_quant_tensor *t = &b->o->quant->tensor[tensor];
    if (b->o->round_each)
        return round_each(b, l, what, x, ds_affine_tensor(b->o->quant, tensor), suffix);
    return round_as(b, l, what, x, t->scale,
                    t->element == DS_ELEMENT_U8 ? ONNX__TENSOR_PROTO__DATA_TYPE__UINT8
                                                : ONNX__TENSOR_PROTO__DATA_TYPE__INT8,
                    0, suffix);
}

/* A constant of integers and what it stands for, a scale for each output channel: its name. */
static char *add_integers(struct builder *b, const struct ds_layer *l, const char *what,
                          const char *suffix, int32_t type, const void *data, size_t element,
                          const float *scale, const int64_t *dims, size_t ndims)
{
    struct node *n = add_node(b, l, "DequantizeLinear", what, suffix);
    add_input(n, add_constant(b, n->name, "integers", type, data, element, dims, ndims));
    add_input(n, add_floats(b, n->name, "scale", scale, dims, 1));
    add_input(n, add_constant(b, n->name, "zero", type, b->zeros, element, dims, 1));
    set_int(n, "axis", 0);
    return n->name;
}

/* ---- layers ---- */

static char *hard_sigmoid(struct builder *b, const struct ds_layer *l, const char *what, char *x)
{
    struct node *n = then(b, l, "HardSigmoid", what, "hardsigmoid", x);
    set_float(n, "alpha", 1 / 6.0f);
    set_float(n, "beta", 0.5f);
    return n->name;
}

static char *activate(struct builder *b, const struct ds_layer *l, const char *what, char *x)
{
    struct node *n = NULL;
    switch (l->act) {
    case DS_ACT_RELU:
        n = then(b, l, "Relu", what, "relu", x);
        break;
    case DS_ACT_RELU6:
        if (!b->has_six) {
            add_scalar(b, "zero", 0);
            add_scalar(b, "six", 6);
            b->has_six = true;
        }
        n = then(b, l, "Clip", what, "relu6", x);
        add_input(n, "zero");
        add_input(n, "six");
        break;
    case DS_ACT_HSWISH: {
        char *gate = hard_sigmoid(b, l, what, x);
        n = then(b, l, "Mul", what, "hardswish", x);
        add_input(n, gate);
        break;
    }
    case DS_ACT_HSIGMOID:
        return hard_sigmoid(b, l, what, x);
    case DS_ACT_NONE:
        break;
    }
    return n ? n->name : x;
}

/* Weights and bias of a layer, named after its node. */
static void add_weights(struct builder *b, const struct ds_layer *l, struct node *n)
{
    struct ds_weight_key key = ds_weight_key(b->net, l);
    size_t count = ds_weight_count(&key);
    float *weights = b->weights + b->nweights, *bias = weights + count;
    b->nweights += count + (size_t)key.cout;
    ds_weights_of(b->net, l, b->o->seed, weights, bias);
    const int64_t dims[] = {key.cout, key.cin / key.groups, key.kernel, key.kernel};
    add_input(n, add_floats(b, n->name, "weight", weights, dims,
                            ds_model_is_classifier(b->net, l) ? 2 : 4));
    if (key.bias)
        add_input(n, add_floats(b, n->name, "bias", bias, dims, 1));
}

/* A node with weights; `x` is what it reads, `what` what it is called. */
static struct node *weighted(struct builder *b, const struct ds_layer *l, char *op,
                             const char *what, char *x)
{
    if (!is_int8(b, l)) {
        struct node *n = then(b, l, op, what, NULL, x);
        add_weights(b, l, n);
        return n;
    }
    /* in the order of computation, so these stand before the node that reads them */
    const struct ds_quant_layer *q = &b->o->quant->layer[l - b->net->layer];
    struct ds_weight_key key = ds_weight_key(b->net, l);
    const int64_t dims[] = {key.cout, key.cin / key.groups, key.kernel, key.kernel};
    float *scale = b->weights + b->nweights;
    b->nweights += (size_t)key.cout;
    for (int o = 0; o < key.cout; o++)
        scale[o] = ds_quant_scale(b->net, b->o->quant, l, o);
    char *weights =
        add_integers(b, l, what, "weight", ONNX__TENSOR_PROTO__DATA_TYPE__INT8, q->weights, 1,
                     q->weight_scale, dims, ds_model_is_classifier(b->net, l) ? 2 : 4);
    char *bias = add_integers(b, l, what, "bias", ONNX__TENSOR_PROTO__DATA_TYPE__INT32, q->bias,
                              sizeof *q->bias, scale, dims, 1);
    struct node *n = then(b, l, op, what, NULL, x);
    add_input(n, weights);
    add_input(n, bias);
    return n;
}

static char *flatten(struct builder *b, const struct ds_layer *l, const char *what, char *x)
{
    struct node *n = then(b, l, "Flatten", what, "flatten", x);
    set_int(n, "axis", 1);
    return n->name;
}

/* What a convolution gives, before its activation: summed with its residual. */
static char *finish(struct builder *b, const struct ds_layer *l, const char *what, char *x)
{
    static const char *const alone[] = {"quantize_alone", "dequantize_alone"};
    static const char *const before[] = {"quantize_before", "dequantize_before"};
    bool rounds = b->o->round_each && is_int8(b, l);
    if (rounds && l->in2 >= 0)
        x = round_each(b, l, what, x, ds_affine_alone(b->net, b->o->quant, l), alone);
    if (l->in2 >= 0) {
        struct node *sum = then(b, l, "Add", what, "add", x);
        add_input(sum, b->value[l->in2]);
        x = sum->name;
    }
    if (rounds && !(ds_act_is_limit(l->act) && is_8bit(b, l->out)))
        x = round_each(b, l, what, x, ds_affine_before(b->net, b->o->quant, l), before);
    return x;
}

static char *convolution(struct builder *b, const struct ds_layer *l)
{
    if (ds_model_is_classifier(b->net, l)) {
        char *x = flatten(b, l, "gemm", b->value[l->in]);
        struct node *n = weighted(b, l, "Gemm", "gemm", x);
        set_int(n, "transB", 1);
        return finish(b, l, "gemm", n->name);
    }
    struct node *n = weighted(b, l, "Conv", "conv", b->value[l->in]);
    set_window(n, l, l->pad, l->pad);
    set_ints(n, "dilations", (int64_t[]){1, 1}, 2);
    set_int(n, "group", l->groups);
    return finish(b, l, "conv", n->name);
}

static char *pool(struct builder *b, const struct ds_layer *l)
{
    struct ds_tensor in = b->net->tensor[l->in], out = b->net->tensor[l->out];
    if (l->op == DS_OP_GLOBAL_POOL)
        return then(b, l, "GlobalAveragePool", "pool", NULL, b->value[l->in])->name;
    bool max = l->op == DS_OP_MAX_POOL;
    struct node *n = then(b, l, max ? "MaxPool" : "AveragePool", "pool", NULL, b->value[l->in]);
    /* the rounding up of an average pool as padding, which all converters know, unlike ceil_mode */
    int below = max ? l->pad : out.h * l->stride - in.h,
        right = max ? l->pad : out.w * l->stride - in.w;
    set_window(n, l, below, right);
    if (!max)
        set_int(n, "count_include_pad", 0);
    return n->name;
}

/* Channel g * (c / groups) + i becomes i * groups + g: a transposition. */
static char *shuffle(struct builder *b, const struct ds_layer *l)
{
    struct ds_tensor t = b->net->tensor[l->in];
    const int64_t split[] = {b->o->batch, l->groups, t.c / l->groups, t.h, t.w};
    const int64_t joined[] = {b->o->batch, t.c, t.h, t.w};
    struct node *first = then(b, l, "Reshape", "shuffle", "split", b->value[l->in]);
    add_input(first, add_shape(b, first->name, split, 5));
    struct node *middle = then(b, l, "Transpose", "shuffle", "transpose", first->name);
    set_ints(middle, "perm", (int64_t[]){0, 2, 1, 3, 4}, 5);
    struct node *last = then(b, l, "Reshape", "shuffle", NULL, middle->name);
    add_input(last, add_shape(b, last->name, joined, 4));
    return last->name;
}

static char *binary(struct builder *b, const struct ds_layer *l, char *op, const char *what)
{
    struct node *n = then(b, l, op, what, NULL, b->value[l->in]);
    add_input(n, b->value[l->in2]);
    return n->name;
}

/* What the layer computes before its activation; *what is how its nodes are named. */
static char *operate(struct builder *b, const struct ds_layer *l, const char **what)
{
    switch (l->op) {
    case DS_OP_CONV:
        *what = ds_model_is_classifier(b->net, l) ? "gemm" : "conv";
        return convolution(b, l);
    case DS_OP_SCALE:
        return binary(b, l, "Mul", *what = "scale");
    case DS_OP_ADD:
        return binary(b, l, "Add", *what = "add");
    case DS_OP_SHUFFLE:
        *what = "shuffle";
        return shuffle(b, l);
    case DS_OP_MAX_POOL:
    case DS_OP_AVG_POOL:
    case DS_OP_GLOBAL_POOL:
        break;
    }
    *what = "pool";
    return pool(b, l);
}

static void add_layer(struct builder *b, const struct ds_layer *l)
{
    const char *what;
    char *x = operate(b, l, &what);
    x = activate(b, l, what, x);
    if (ds_model_is_flat(b->net, l->out) && !ds_model_is_classifier(b->net, l))
        x = flatten(b, l, what, x);
    b->value[l->out] = is_8bit(b, l->out) ? round_to(b, l, what, l->out, x) : x;
}

/* ---- the model ---- */

/* A tensor's shape as ONNX says it, with all that it points to. */
struct value_info {
    Onnx__ValueInfoProto proto;
    Onnx__TypeProto type;
    Onnx__TypeProto__Tensor tensor;
    Onnx__TensorShapeProto shape;
    Onnx__TensorShapeProto__Dimension dim[4], *dims[4];
};

static void describe(const struct builder *b, int tensor, const char *name, struct value_info *v)
{
    struct ds_tensor t = b->net->tensor[tensor];
    const int64_t size[] = {b->o->batch, t.c, t.h, t.w};
    v->proto = (Onnx__ValueInfoProto)ONNX__VALUE_INFO_PROTO__INIT;
    v->type = (Onnx__TypeProto)ONNX__TYPE_PROTO__INIT;
    v->tensor = (Onnx__TypeProto__Tensor)ONNX__TYPE_PROTO__TENSOR__INIT;
    v->shape = (Onnx__TensorShapeProto)ONNX__TENSOR_SHAPE_PROTO__INIT;
    v->proto.name = (char *)name;
    v->proto.type = &v->type;
    v->type.tensor_type = &v->tensor;
    v->tensor.has_elem_type = true;
    v->tensor.elem_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    v->tensor.shape = &v->shape;
    v->shape.n_dim = ds_model_is_flat(b->net, tensor) ? 2 : 4;
    v->shape.dim = v->dims;
    for (size_t i = 0; i < v->shape.n_dim; i++) {
        v->dim[i] = (Onnx__TensorShapeProto__Dimension)ONNX__TENSOR_SHAPE_PROTO__DIMENSION__INIT;
        v->dim[i].has_dim_value = true;
        v->dim[i].dim_value = size[i];
        v->dims[i] = &v->dim[i];
    }
}

static uint8_t *pack(const Onnx__ModelProto *model, size_t *size, struct ds_error *err)
{
    *size = onnx__model_proto__get_packed_size(model);
    uint8_t *bytes = *size <= LARGEST ? ds_alloc(*size, 1, NULL) : NULL;
    if (bytes)
        onnx__model_proto__pack(model, bytes);
    else
        ds_fail(err, *size <= LARGEST ? "out of memory" : "larger than the 2 GB of ONNX");
    return bytes;
}

/* Packs the model with these nodes and initializers. */
static uint8_t *pack_model(struct builder *b, Onnx__NodeProto **nodes,
                           Onnx__TensorProto **initializers, size_t *size, struct ds_error *err)
{
    struct value_info input, output;
    Onnx__ValueInfoProto *inputs = &input.proto, *outputs = &output.proto;
    Onnx__GraphProto graph = ONNX__GRAPH_PROTO__INIT;
    Onnx__OperatorSetIdProto opset = ONNX__OPERATOR_SET_ID_PROTO__INIT, *opsets = &opset;
    Onnx__ModelProto model = ONNX__MODEL_PROTO__INIT;

    for (int i = 0; i < b->nnodes; i++)
        nodes[i] = &b->node[i].proto;
    for (int i = 0; i < b->ntensors; i++)
        initializers[i] = &b->tensor[i].proto;
    describe(b, b->net->input, b->o->input, &input);
    describe(b, b->net->output, b->o->output, &output);
    graph.name = "network";
    graph.node = nodes;
    graph.n_node = (size_t)b->nnodes;
    graph.initializer = initializers;
    graph.n_initializer = (size_t)b->ntensors;
    graph.input = &inputs;
    graph.output = &outputs;
    graph.n_input = graph.n_output = 1;
    opset.domain = "";
    opset.has_version = true;
    opset.version = b->o->opset;
    model.has_ir_version = true;
    model.ir_version = b->o->opset > 11 ? 7 : 6; /* as ONNX 1.6 (opset 11), 1.7 and 1.8 wrote */
    model.producer_name = "dstools";
    model.producer_version = DS_VERSION;
    model.graph = &graph;
    model.opset_import = &opsets;
    model.n_opset_import = 1;
    return pack(&model, size, err);
}

/* Builds all layers. The last node gives the output, which has a name of its own. */
static void add_layers(struct builder *b)
{
    char *input = (char *)b->o->input;
    if (is_8bit(b, b->net->input) && b->net->nlayers > 0)
        input = round_to(b, b->net->layer, "input", b->net->input, input);
    b->value[b->net->input] = input;
    for (int i = 0; i < b->net->nlayers; i++)
        add_layer(b, &b->net->layer[i]);
}

/* The names of input and output must differ from all others: names in a graph are unique. */
static int check_names(const struct builder *b, struct ds_error *err)
{
    const char *const given[] = {b->o->input, b->o->output};
    for (int k = 0; k < 2; k++) {
        bool taken = false;
        for (int i = 0; i < b->nnodes; i++)
            taken = taken || strcmp(b->node[i].name, given[k]) == 0;
        for (int i = 0; i < b->ntensors; i++)
            taken = taken || strcmp(b->tensor[i].name, given[k]) == 0;
        if (taken)
            return ds_fail(err, "'%s' cannot be the name of the %s: something inside has it",
                           given[k], k ? "output" : "input");
    }
    return 0;
}

static int rename_output(struct builder *b, struct ds_error *err)
{
    for (int i = 0; i < b->nnodes; i++)
        if (b->node[i].output == b->value[b->net->output]) {
            b->node[i].output = (char *)b->o->output;
            return 0;
        }
    return ds_fail(err, "a network without layers");
}

uint8_t *ds_onnx_pack(const struct ds_space *space, const struct ds_net *net,
                      const struct ds_model_options *options, size_t *size, struct ds_error *err)
{
    struct builder b = {.space = space, .net = net, .o = options};
    uint64_t floats = ds_weights_total(net);
    if (floats > LARGEST / sizeof(float)) {
        ds_fail(err, "weights of %.1f GB are more than an ONNX file holds (2 GB)",
                (double)floats * sizeof(float) * 1e-9);
        return NULL;
    }
    size_t layers = (size_t)net->nlayers;
    size_t most_nodes = MOST_NODES * layers + 3, most_tensors = MOST_TENSORS * layers + 4,
           widest = 1;
    for (int t = 0; t < net->ntensors; t++)
        widest = (size_t)net->tensor[t].c > widest ? (size_t)net->tensor[t].c : widest;
    b.value = ds_alloc((size_t)net->ntensors, sizeof *b.value, NULL);
    b.node = ds_alloc(most_nodes, sizeof *b.node, NULL);
    b.tensor = ds_alloc(most_tensors, sizeof *b.tensor, NULL);
    b.weights = ds_alloc((size_t)floats, sizeof *b.weights, NULL);
    b.zeros = ds_alloc(widest, sizeof *b.zeros, NULL);
    Onnx__NodeProto **nodes = ds_alloc(most_nodes, sizeof *nodes, NULL);
    Onnx__TensorProto **initializers = ds_alloc(most_tensors, sizeof *initializers, NULL);

    uint8_t *bytes = NULL;
    if (!b.value || !b.node || !b.tensor || !b.weights || !b.zeros || !nodes || !initializers) {
        ds_no_memory(err);
    } else {
        add_layers(&b);
        if (check_names(&b, err) == 0 && rename_output(&b, err) == 0)
            bytes = pack_model(&b, nodes, initializers, size, err);
    }
    free(b.value);
    free(b.node);
    free(b.tensor);
    free(b.weights);
    free(b.zeros);
    free(nodes);
    free(initializers);
    return bytes;
}

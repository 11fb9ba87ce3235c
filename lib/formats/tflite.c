#include "formats/tflite.h"

#include "base/grow.h"
#include "formats/tflite_graph.h"
#include "network/weights.h"
#include <stdlib.h>

#define LARGEST ((uint64_t)INT32_MAX - (1 << 20)) /* bytes of weights: references are 31 bits */

enum { SCHEMA_VERSION = 3, DATA_ALIGN = 16 };

#define FIELDS DS_FLATBUFFER_FIELDS
#define BYTE DS_FLATBUFFER_BYTE
#define INT DS_FLATBUFFER_INT

static size_t put_ints(struct ds_flatbuffer *f, const int32_t *values, int n)
{
    return ds_flatbuffer_vector(f, values, (size_t)n, sizeof *values, 4);
}

/* Buffer 0 is empty; those of constants follow in their order. */
static void put_buffers(struct ds_flatbuffer *f, const struct ds_tflite_graph *g, size_t model,
                        int field)
{
    size_t n = 1;
    for (size_t i = 0; i < g->ntensors; i++)
        n += g->tensor[i].data != NULL;
    size_t vector = ds_flatbuffer_references(f, n), at = 0;
    ds_flatbuffer_refer(f, model, field, vector);
    ds_flatbuffer_refer_element(f, vector, at++,
                                ds_flatbuffer_table(f, FIELDS(DS_FLATBUFFER_DEFAULT)));
    for (size_t i = 0; i < g->ntensors; i++) {
        const struct ds_tflite_tensor *t = &g->tensor[i];
        if (!t->data)
            continue;
        size_t buffer = ds_flatbuffer_table(f, FIELDS(DS_FLATBUFFER_REFERENCE));
        ds_flatbuffer_refer_element(f, vector, at++, buffer);
        ds_flatbuffer_refer(f, buffer, 0, ds_flatbuffer_vector(f, t->data, t->size, 1, DATA_ALIGN));
    }
}

/* One scale and zero point, or one for each channel; all zero points are then 0. */
static size_t put_quantization(struct ds_flatbuffer *f, const struct ds_tflite_tensor *t)
{
    const int64_t zero = t->numbers.affine.zero;
    size_t n = t->scale ? (size_t)t->channels : 1;
    size_t table =
        ds_flatbuffer_table(f, FIELDS(DS_FLATBUFFER_DEFAULT, DS_FLATBUFFER_DEFAULT,
                                      DS_FLATBUFFER_REFERENCE, DS_FLATBUFFER_REFERENCE,
                                      DS_FLATBUFFER_DEFAULT, DS_FLATBUFFER_DEFAULT, INT(t->axis)));
    const float *scale = t->scale ? t->scale : &t->numbers.affine.scale;
    ds_flatbuffer_refer(f, table, 2, ds_flatbuffer_vector(f, scale, n, sizeof *scale, 4));
    ds_flatbuffer_refer(
        f, table, 3, ds_flatbuffer_vector(f, t->scale ? NULL : &zero, n, sizeof zero, sizeof zero));
    return table;
}

static bool is_quantized(const struct ds_tflite_tensor *t)
{
    return t->numbers.type == DS_TFLITE_TYPE_INT8 || t->scale;
}

static void put_tensors(struct ds_flatbuffer *f, const struct ds_tflite_graph *g, size_t graph,
                        int field)
{
    size_t vector = ds_flatbuffer_references(f, g->ntensors);
    int buffer = 0;
    ds_flatbuffer_refer(f, graph, field, vector);
    for (size_t i = 0; i < g->ntensors; i++) {
        const struct ds_tflite_tensor *t = &g->tensor[i];
        const struct ds_flatbuffer_field fields[] = {
            DS_FLATBUFFER_REFERENCE, BYTE(t->numbers.type),   INT(t->data ? ++buffer : 0),
            DS_FLATBUFFER_REFERENCE, DS_FLATBUFFER_REFERENCE,
        };
        size_t table = ds_flatbuffer_table(f, fields, is_quantized(t) ? 5 : 4);
        ds_flatbuffer_refer_element(f, vector, i, table);
        ds_flatbuffer_refer(f, table, 0, put_ints(f, t->shape, t->rank));
        ds_flatbuffer_refer(f, table, 3, ds_flatbuffer_string(f, t->name));
        if (is_quantized(t))
            ds_flatbuffer_refer(f, table, 4, put_quantization(f, t));
    }
}

/* Which of the model's operator codes is this operator's; lists them on the first call. */
static int code_index(const struct ds_tflite_graph *g, enum ds_tflite_operator code,
                      enum ds_tflite_operator *codes, int *n)
{
    bool used[DS_TFLITE_OPERATORS] = {false};
    int index = 0;
    for (size_t i = 0; i < g->noperations; i++)
        used[g->operation[i].code] = true;
    *n = 0;
    for (int c = 0; c < DS_TFLITE_OPERATORS; c++)
        if (used[c]) {
            index = c == (int)code ? *n : index;
            codes[(*n)++] = (enum ds_tflite_operator)c;
        }
    return index;
}

static void put_operations(struct ds_flatbuffer *f, const struct ds_tflite_graph *g, size_t graph,
                           int field)
{
    enum ds_tflite_operator codes[DS_TFLITE_OPERATORS];
    int ncodes;
    size_t vector = ds_flatbuffer_references(f, g->noperations);
    ds_flatbuffer_refer(f, graph, field, vector);
    for (size_t i = 0; i < g->noperations; i++) {
        const struct ds_tflite_operation *o = &g->operation[i];
        bool plain = o->options == DS_TFLITE_OPTIONS_NONE;
        const struct ds_flatbuffer_field fields[] = {
            INT(code_index(g, o->code, codes, &ncodes)),
            DS_FLATBUFFER_REFERENCE,
            DS_FLATBUFFER_REFERENCE,
            BYTE(o->options),
            DS_FLATBUFFER_REFERENCE,
        };
        size_t table = ds_flatbuffer_table(f, fields, plain ? 3 : 5);
        ds_flatbuffer_refer_element(f, vector, i, table);
        ds_flatbuffer_refer(f, table, 1, put_ints(f, o->input, o->ninputs));
        ds_flatbuffer_refer(f, table, 2, put_ints(f, o->output, o->noutputs));
        if (!plain)
            ds_flatbuffer_refer(f, table, 4, ds_flatbuffer_table(f, o->field, o->nfields));
    }
}

/* The version of an operator from which on it takes int8, with a scale for each channel. */
static int version_of(enum ds_tflite_operator code)
{
    switch (code) {
    case DS_TFLITE_OP_CONV_2D:
    case DS_TFLITE_OP_DEPTHWISE_CONV_2D:
        return 3;
    case DS_TFLITE_OP_FULLY_CONNECTED:
        return 4;
    case DS_TFLITE_OP_QUANTIZE:
    case DS_TFLITE_OP_HARD_SWISH:
    case DS_TFLITE_OP_RESHAPE:
    case DS_TFLITE_OP_MUL:
    case DS_TFLITE_OP_MEAN:
        return 1;
    default:
        return 2;
    }
}

/* Both the old field of a byte and the new one: readers of either age find it. */
static void put_codes(struct ds_flatbuffer *f, const struct ds_tflite_graph *g, size_t model,
                      int field, bool int8)
{
    enum ds_tflite_operator codes[DS_TFLITE_OPERATORS];
    int n;
    code_index(g, DS_TFLITE_OP_ADD, codes, &n);
    size_t vector = ds_flatbuffer_references(f, (size_t)n);
    ds_flatbuffer_refer(f, model, field, vector);
    for (int i = 0; i < n; i++)
        ds_flatbuffer_refer_element(
            f, vector, i,
            ds_flatbuffer_table(f, FIELDS(BYTE(codes[i]), DS_FLATBUFFER_DEFAULT,
                                          INT(int8 ? version_of(codes[i]) : 1), INT(codes[i]))));
}

static void put_graph(struct ds_flatbuffer *f, const struct ds_tflite_graph *g, size_t model,
                      int field)
{
    size_t graphs = ds_flatbuffer_references(f, 1);
    ds_flatbuffer_refer(f, model, field, graphs);
    size_t graph = ds_flatbuffer_table(f, FIELDS(DS_FLATBUFFER_REFERENCE, DS_FLATBUFFER_REFERENCE,
                                                 DS_FLATBUFFER_REFERENCE, DS_FLATBUFFER_REFERENCE,
                                                 DS_FLATBUFFER_REFERENCE));
    ds_flatbuffer_refer_element(f, graphs, 0, graph);
    put_tensors(f, g, graph, 0);
    ds_flatbuffer_refer(f, graph, 1, put_ints(f, &(int32_t){g->input}, 1));
    ds_flatbuffer_refer(f, graph, 2, put_ints(f, &(int32_t){g->output}, 1));
    put_operations(f, g, graph, 3);
    ds_flatbuffer_refer(f, graph, 4, ds_flatbuffer_string(f, "network"));
}

static void put_model(struct ds_flatbuffer *f, const struct ds_tflite_graph *g, bool int8)
{
    ds_flatbuffer_begin(f, "TFL3");
    size_t model = ds_flatbuffer_table(f, FIELDS(INT(SCHEMA_VERSION), DS_FLATBUFFER_REFERENCE,
                                                 DS_FLATBUFFER_REFERENCE, DS_FLATBUFFER_REFERENCE,
                                                 DS_FLATBUFFER_REFERENCE));
    ds_flatbuffer_root(f, model);
    put_codes(f, g, model, 1, int8);
    put_graph(f, g, model, 2);
    ds_flatbuffer_refer(f, model, 3, ds_flatbuffer_string(f, "dstools " DS_VERSION));
    put_buffers(f, g, model, 4);
}

uint8_t *ds_tflite_pack(const struct ds_space *space, const struct ds_net *net,
                        const struct ds_model_options *options, size_t *size, struct ds_error *err)
{
    uint64_t bytes = ds_weights_total(net) * sizeof(float);
    if (bytes > LARGEST) {
        ds_fail(err, "weights of %.1f GB are more than a TensorFlow Lite model holds (2 GB)",
                (double)bytes * 1e-9);
        return NULL;
    }
    struct ds_tflite_graph graph;
    struct ds_flatbuffer f = {0};
    int rc = ds_tflite_graph_build(space, net, options, true, &graph, err);
    if (rc == 0)
        put_model(&f, &graph, options->quant);
    if (rc == 0 && f.failed)
        rc = ds_no_memory(err);
    ds_tflite_graph_free(&graph);
    *size = f.size;
    if (rc == 0)
        return f.data;
    free(f.data);
    return NULL;
}

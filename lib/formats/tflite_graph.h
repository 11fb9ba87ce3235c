/*
 * A network lowered to operators of TensorFlow Lite: what tflite.c writes as a file. Internal to
 * libds; what is done with padding, groups and activations stands in tflite.h.
 */
#ifndef DS_FORMATS_TFLITE_GRAPH_H
#define DS_FORMATS_TFLITE_GRAPH_H

#include "formats/flatbuffer.h"
#include "formats/model.h"
#include "quantize/affine.h"

enum { DS_TFLITE_NAME = 96, DS_TFLITE_MOST_FIELDS = 6 };

/* Numbers of the schema: of operators, of the kinds of their options, of types of numbers. */
enum ds_tflite_operator {
    DS_TFLITE_OP_ADD = 0,
    DS_TFLITE_OP_AVERAGE_POOL_2D = 1,
    DS_TFLITE_OP_CONCATENATION = 2,
    DS_TFLITE_OP_CONV_2D = 3,
    DS_TFLITE_OP_DEPTHWISE_CONV_2D = 4,
    DS_TFLITE_OP_DEQUANTIZE = 6,
    DS_TFLITE_OP_FULLY_CONNECTED = 9,
    DS_TFLITE_OP_MAX_POOL_2D = 17,
    DS_TFLITE_OP_MUL = 18,
    DS_TFLITE_OP_RESHAPE = 22,
    DS_TFLITE_OP_PAD = 34,
    DS_TFLITE_OP_TRANSPOSE = 39,
    DS_TFLITE_OP_MEAN = 40,
    DS_TFLITE_OP_SPLIT = 49,
    DS_TFLITE_OP_PADV2 = 60,
    DS_TFLITE_OP_QUANTIZE = 114,
    DS_TFLITE_OP_HARD_SWISH = 117,
    DS_TFLITE_OPERATORS
};
enum ds_tflite_options {
    DS_TFLITE_OPTIONS_NONE = 0,
    DS_TFLITE_OPTIONS_CONV_2D = 1,
    DS_TFLITE_OPTIONS_DEPTHWISE_CONV_2D = 2,
    DS_TFLITE_OPTIONS_POOL_2D = 5,
    DS_TFLITE_OPTIONS_FULLY_CONNECTED = 8,
    DS_TFLITE_OPTIONS_CONCATENATION = 10,
    DS_TFLITE_OPTIONS_ADD = 11,
    DS_TFLITE_OPTIONS_RESHAPE = 17,
    DS_TFLITE_OPTIONS_MUL = 21,
    DS_TFLITE_OPTIONS_PAD = 22,
    DS_TFLITE_OPTIONS_TRANSPOSE = 26,
    DS_TFLITE_OPTIONS_REDUCER = 27,
    DS_TFLITE_OPTIONS_SPLIT = 35,
    DS_TFLITE_OPTIONS_PADV2 = 43
};
enum ds_tflite_type {
    DS_TFLITE_TYPE_FLOAT32 = 0,
    DS_TFLITE_TYPE_INT32 = 2,
    DS_TFLITE_TYPE_INT8 = 9
};

static inline size_t ds_tflite_type_size(enum ds_tflite_type type)
{
    return type == DS_TFLITE_TYPE_INT8 ? 1 : 4;
}

/* What the numbers of a tensor are. */
struct ds_tflite_numbers {
    enum ds_tflite_type type;
    struct ds_affine affine; /* of int8 */
};

struct ds_tflite_tensor {
    char name[DS_TFLITE_NAME];
    int32_t shape[4];
    int rank;
    struct ds_tflite_numbers numbers;
    void *data; /* of a constant, owned; else NULL */
    size_t size;
    float *scale; /* [channels], owned, of constants with a scale for each; else NULL */
    int channels, axis;
};

struct ds_tflite_operation {
    enum ds_tflite_operator code;
    enum ds_tflite_options options;
    struct ds_flatbuffer_field field[DS_TFLITE_MOST_FIELDS]; /* of the options */
    int nfields;
    int32_t *input, *output; /* tensors, owned */
    int ninputs, noutputs;
};

struct ds_tflite_graph {
    struct ds_tflite_tensor *tensor;
    struct ds_tflite_operation *operation;
    size_t ntensors, tensor_room, noperations, operation_room;
    int input, output; /* tensors */
};

/*
 * Lowers the network; -1 and the reason in `err`. Without `weights` there is no data
 * for them and the biases: for who wants shapes only. Free with ds_tflite_graph_free in any case.
 */
int ds_tflite_graph_build(const struct ds_space *space, const struct ds_net *net,
                          const struct ds_model_options *options, bool weights,
                          struct ds_tflite_graph *graph, struct ds_error *err);
void ds_tflite_graph_free(struct ds_tflite_graph *graph);

#endif

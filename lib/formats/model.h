/* Networks as files that other runtimes load: the formats there are, and what all of them ask. */
#ifndef DS_FORMATS_MODEL_H
#define DS_FORMATS_MODEL_H

#include "network/network.h"
#include "quantize/quantize.h"

struct ds_model_options {
    int batch;         /* images at once, 1.. */
    int opset;         /* of ONNX: DS_ONNX_OPSET..DS_ONNX_OPSET_MOST; int8: DS_ONNX_OPSET_INT8 */
    uint64_t seed;     /* of the weights */
    const char *input; /* what the input and the output are called */
    const char *output;
    const struct ds_quant *quant; /* the int8 form of the network, to be written; NULL: f32 */
    bool round_each; /* ONNX, int8: round what is before activations and sums, too (affine.h) */
};

/* A format; `name` is also what the names of its files end in. */
struct ds_model_format {
    const char *name;

    /* The model as bytes, to be freed, and their number; NULL and the reason in `err`. */
    uint8_t *(*pack)(const struct ds_space *space, const struct ds_net *net,
                     const struct ds_model_options *options, size_t *size, struct ds_error *err);

    bool nhwc; /* how images lie in its input: batch x h x w x c, else batch x c x h x w */
};

/* The format of this name ("onnx", "tflite"), or NULL. */
const struct ds_model_format *ds_model_format_find(const char *name);

/* Whether the tensor is the network's output, and 1 x 1: in a model it has no height and width. */
bool ds_model_is_flat(const struct ds_net *net, int tensor);

/* Whether the layer is the classifier: fully connected, at the end. */
bool ds_model_is_classifier(const struct ds_net *net, const struct ds_layer *layer);

/* A format and what numbers it is written in. */
struct ds_model_form {
    const char *name;
    const struct ds_model_format *format;
    bool int8, round_each;
};

#define DS_MODEL_FORMS "onnx, tflite, onnx-int8, onnx-int8-each, tflite-int8"

/* The form of this name, one of DS_MODEL_FORMS, or NULL. */
const struct ds_model_form *ds_model_form_find(const char *name);

#endif

#include "formats/model.h"

#include "formats/onnx.h"
#include "formats/tflite.h"
#include <string.h>

enum { ONNX, TFLITE };

static const struct ds_model_format formats[] = {
    [ONNX] = {"onnx", ds_onnx_pack, false},
    [TFLITE] = {"tflite", ds_tflite_pack, true},
};

static const struct ds_model_form forms[] = {
    {"onnx", &formats[ONNX], false, false},         {"tflite", &formats[TFLITE], false, false},
    {"onnx-int8", &formats[ONNX], true, false},     {"onnx-int8-each", &formats[ONNX], true, true},
    {"tflite-int8", &formats[TFLITE], true, false},
};

const struct ds_model_format *ds_model_format_find(const char *name)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (strcmp(formats[i].name, name) == 0)
            return &formats[i];
    return NULL;
}

bool ds_model_is_flat(const struct ds_net *net, int tensor)
{
    struct ds_tensor t = net->tensor[tensor];
    return tensor == net->output && t.h == 1 && t.w == 1;
}

bool ds_model_is_classifier(const struct ds_net *net, const struct ds_layer *layer)
{
    struct ds_tensor in = net->tensor[layer->in];
    return layer->op == DS_OP_CONV && ds_model_is_flat(net, layer->out) && layer->in2 < 0 &&
           in.h == 1 && in.w == 1 && layer->kernel == 1 && layer->groups == 1;
}

const struct ds_model_form *ds_model_form_find(const char *name)
{
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (strcmp(forms[i].name, name) == 0)
            return &forms[i];
    return NULL;
}

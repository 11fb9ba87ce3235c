#include "formats/model.h"

#include "formats/onnx.h"
#include "formats/tflite.h"
#include <string.h>

static const struct ds_model_format formats[] = {
    {"onnx", ds_onnx_pack, false},
    {"tflite", ds_tflite_pack, true},
};

const struct ds_model_format *ds_model_format_find(const char *name)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (strcmp(formats[i].name, name) == 0)
            return &formats[i];
    return NULL;
}

#include "quantize/dtype.h"

#include <string.h>

static const char *const names[] = {"f32", "bf16", "int8"};

const char *ds_dtype_name(enum ds_dtype dtype)
{
    return names[dtype];
}

const char *ds_dtype_precision(enum ds_dtype dtype)
{
    return dtype == DS_DTYPE_F32 ? "fp32" : names[dtype];
}

int ds_dtype_find(const char *name)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0)
            return (int)i;
    return -1;
}

size_t ds_element_size(enum ds_element element)
{
    return element == DS_ELEMENT_F32 ? 4 : element == DS_ELEMENT_BF16 ? 2 : 1;
}

bool ds_element_is_8bit(enum ds_element element)
{
    return element == DS_ELEMENT_S8 || element == DS_ELEMENT_U8;
}

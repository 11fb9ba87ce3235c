/* Number formats: of whole networks (--dtype), and of the elements of tensors. */
#ifndef DS_QUANTIZE_DTYPE_H
#define DS_QUANTIZE_DTYPE_H

#include <stdbool.h>
#include <stddef.h>

enum ds_dtype { DS_DTYPE_F32, DS_DTYPE_BF16, DS_DTYPE_INT8 };

enum ds_element { DS_ELEMENT_F32, DS_ELEMENT_BF16, DS_ELEMENT_S8, DS_ELEMENT_U8 };

/* "f32", "bf16", "int8" */
const char *ds_dtype_name(enum ds_dtype dtype);

/* What records call it: "fp32", "bf16", "int8". */
const char *ds_dtype_precision(enum ds_dtype dtype);

/* The one so named; -1: none. */
int ds_dtype_find(const char *name);

size_t ds_element_size(enum ds_element element);

/* Whether it is S8 or U8. */
bool ds_element_is_8bit(enum ds_element element);

#endif

/* Elements of a number format, from floats and to floats. Internal to libds. */
#ifndef DS_QUANTIZE_ELEMENTS_H
#define DS_QUANTIZE_ELEMENTS_H

#include "quantize/quantize.h"

/* Floats to elements of `type`: rounded to nearest, halves to even, and clamped. */
void ds_elements_narrow(const float *x, size_t n, struct ds_quant_tensor type, void *to);

/* Elements to floats. */
void ds_elements_widen(const void *q, size_t n, struct ds_quant_tensor type, float *to);

/* The largest magnitude; not finite where one of them is not. */
float ds_elements_range(const float *x, size_t n);

#endif

/* The first layer of a network on one-hot codes: a sum of rows of its weights. */
#ifndef DS_BASE_SUM_ROWS_H
#define DS_BASE_SUM_ROWS_H

#include <stddef.h>

/* out[n] = the sum of the rows, added in their order. */
void ds_sum_rows(const float *const *row, int nrows, float *out, size_t n);

#endif

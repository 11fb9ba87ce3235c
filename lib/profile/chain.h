/*
 * A network of windows along the chain of layers: it learns how layers that follow one another act
 * together, and what becomes of their sum. Part of a profile (profile.h), trained by fit.h.
 *
 *   h(layer) = ReLU(bias + sum of rows), one row for each choice that the layer, and those before
 *              it within the window, have, and for each choice that is of no unit (resolution)
 *   s        = sum of h(layer) over the layers that are there
 *   value    = out + last . s + top_last . ReLU(top_bias + top_first s)
 */
#ifndef DS_PROFILE_CHAIN_H
#define DS_PROFILE_CHAIN_H

#include "profile/train.h"
#include <stddef.h>
#include <stdint.h>

#define DS_CHAIN_MOST 256 /* hidden units, of either layer */
#define DS_CHAIN_ROWS 264 /* that are added up: as many as sites, and the window */

/* What becomes of the sum over layers. */
struct ds_chain_end {
    int hidden, top;
    const float *last;      /* [hidden] */
    const float *top_first; /* [top][hidden] */
    const float *top_last;  /* [top] */
    const float *top_bias;  /* [top] */
};

struct ds_chain {
    int window, columns, hidden, top;
    size_t count;     /* of all parameters, which stand together, in this order: */
    float *first;     /* [window][columns][hidden] */
    float *last;      /* [hidden] */
    float *top_first; /* [top][hidden] */
    float *top_last;  /* [top] */
    float *bias;      /* [hidden] */
    float *top_bias;  /* [top] */
    float *out;       /* [1] */
};

/* All zero. -1 when out of memory. */
int ds_chain_init(struct ds_chain *c, int window, int columns, int hidden, int top);
void ds_chain_free(struct ds_chain *c);

struct ds_chain_end ds_chain_end(const struct ds_chain *c);

/* The value of an architecture by the sum s[hidden], without `out`. */
double ds_chain_output(const struct ds_chain_end *end, const float *s);

/* Adds ReLU of the sum of rows to s. */
void ds_chain_add(const float *const *row, int nrows, float *s, int hidden);

/*
 * Examples: number i has column[start[i]] ... column[start[i + 1] - 1]. The first `shared` of these
 * are of choices of no unit; after them there are two for each layer: its own choice, and its
 * unit's width or -1.
 */
struct ds_chain_data {
    const size_t *start;
    const int32_t *column;
    int shared;
    const float *target;
};

/* What it says of an example. */
double ds_chain_value(const struct ds_chain *c, const struct ds_chain_data *data, size_t example);

/* As ds_neural_train. */
int ds_chain_train(struct ds_chain *c, const struct ds_chain_data *data, uint32_t *item,
                   uint32_t nitems, const struct ds_train_plan *plan);

#endif

/*
 * A multilayer perceptron with one hidden layer (ReLU) on one-hot codes. It learns the residuals of
 * a linear model (fit.h), and is then part of the profile (profile.h).
 */
#ifndef DS_PROFILE_NEURAL_H
#define DS_PROFILE_NEURAL_H

#include "profile/train.h"
#include <stddef.h>
#include <stdint.h>

#define DS_NEURAL_MOST 1024 /* hidden units */

struct ds_neural {
    int inputs, hidden;
    size_t count; /* of all parameters, which stand together, in this order: */
    float *first; /* [inputs][hidden] */
    float *last;  /* [hidden] */
    float *bias;  /* [hidden] */
    float *out;   /* [1], the output's bias */
};

/* All zero. -1 when out of memory. */
int ds_neural_init(struct ds_neural *n, int inputs, int hidden);
void ds_neural_free(struct ds_neural *n);

/* last . ReLU(sum of rows): the rows are `bias`, and those of `first` whose inputs are on. */
double ds_neural_output(const float *const *row, int nrows, const float *last, int hidden);

/* Examples: number i has the inputs column[start[i]] ... column[start[i + 1] - 1] on. */
struct ds_neural_data {
    const size_t *start;
    const int32_t *column;
    const float *target;
};

/*
 * Trains from random weights on the examples that `item` lists, which it shuffles, to the least
 * mean square error, by AdamW (train.h). Same input, same weights. -1 when out of memory.
 */
int ds_neural_train(struct ds_neural *n, const struct ds_neural_data *data, uint32_t *item,
                    uint32_t nitems, const struct ds_train_plan *plan);

#endif

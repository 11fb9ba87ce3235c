/* Training small networks by gradient descent. Internal to libds. */
#ifndef DS_PROFILE_TRAIN_H
#define DS_PROFILE_TRAIN_H

#include "base/random.h"
#include <stddef.h>

struct ds_train_plan {
    int epochs, batch;
    float rate;  /* learning rate at the start; falls to zero along half a cosine */
    float decay; /* of weights, not of biases */
    uint64_t seed;
    void (*epoch_done)(void *arg); /* may be NULL */
    void *arg;
};

/*
 * AdamW (Loshchilov and Hutter, "Decoupled Weight Decay Regularization", ICLR 2019): parameters
 * that stand together, with the gradient of each.
 */
struct ds_train {
    float *weight, *gradient; /* [count], of the network */
    float *m, *v;             /* [count], running means of the gradient and of its square */
    size_t count;
    float rate, scale[2]; /* of this step */
};

/* -1 when out of memory. */
int ds_train_init(struct ds_train *t, float *weight, float *gradient, size_t count);
void ds_train_free(struct ds_train *t);

/* Begins step `done` of `steps`. */
void ds_train_begin(struct ds_train *t, const struct ds_train_plan *plan, double done,
                    double steps);

/* The step for parameters from..to-1, at `part` of the rate. */
void ds_train_step(struct ds_train *t, size_t from, size_t to, float part, float decay);

/* Uniform between -most and most. */
void ds_train_randomise(float *weight, size_t n, double most, struct ds_random *r);

/* In four sums, so that they can be vectors' lanes. */
float ds_train_dot(const float *a, const float *b, int n);

#endif

/*
 * Inside predictor_graph.c: states of layers after a graph convolution or two. They depend on the
 * last few layers alone, which recur from network to network: so each is computed once and kept.
 */
#ifndef DS_PROFILE_PREDICTOR_WINDOW_H
#define DS_PROFILE_PREDICTOR_WINDOW_H

#include "base/error.h"
#include <stddef.h>

#define DS_WINDOW_STEPS 18 /* ways to go on from a layer: nine blocks, in its unit or the next */
#define DS_WINDOW_STARTS 3 /* before the first layer, one a resolution: windows 0 to 2 */

/* What a convolution makes of a state x: rel x for the next layer, root x + bias for its own. */
struct ds_convolution {
    float *weight; /* [2 * width][inputs]: rel, root */
    float *bias;   /* [width] */
};

/* Windows of k layers; their states are after k - 1 convolutions. */
struct ds_windows {
    size_t width;                             /* of a state */
    const struct ds_convolution *convolution; /* of the states, to `message` */
    size_t n;                                 /* how many there are, starts included, */
    size_t done;                              /* and of how many the state is computed */
    struct ds_window {
        int before, own;           /* windows of k - 1 layers that it is made of */
        int next[DS_WINDOW_STEPS]; /* window of k + 1 layers that it begins; 0: none yet */
    } * window;                    /* [n] */
    float *state;                  /* [n][width]; zero of starts */
    float *message;                /* [n][2 * width]: what the convolution computes */
    size_t room[3];                /* of the arrays */
};

/* With the starts alone. -1 when out of memory. */
int ds_windows_init(struct ds_windows *w, size_t width, const struct ds_convolution *convolution,
                    struct ds_error *err);
void ds_windows_free(struct ds_windows *w);

/*
 * The window in `to` that goes on from window `before` of `from` by a step, to its window `own`:
 * made, with its state still to be computed, where it is new. -1 when out of memory.
 */
int ds_windows_go_on(struct ds_windows *from, struct ds_windows *to, int before, int step, int own,
                     struct ds_error *err);

/* Computes what is new: states from the messages of `from`, then their messages. */
void ds_windows_compute(struct ds_windows *to, const struct ds_windows *from);

/*
 * state[width] of a layer: leaky ReLU of what the layer before sends it and it sends itself, plus
 * `own` (its state before the convolution) unless that is NULL.
 */
void ds_window_state(float *state, const float *before, const float *itself, const float *own,
                     size_t width);

#endif

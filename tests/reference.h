/* Networks run by a naive reference: a loop nest for each kind of layer. */
#ifndef REFERENCE_H
#define REFERENCE_H

#include "network/weights.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SEED 7

static void *must(void *p)
{
    if (!p)
        abort();
    return p;
}

/* ---- the reference: a loop nest for each kind of layer, images as [n][h][w][c] ---- */

static size_t floats(const struct ds_net *net, int tensor, int batch)
{
    struct ds_tensor t = net->tensor[tensor];
    return (size_t)batch * (size_t)t.c * (size_t)t.h * (size_t)t.w;
}

static double activate(enum ds_act act, double x)
{
    switch (act) {
    case DS_ACT_RELU:
        return fmax(x, 0);
    case DS_ACT_RELU6:
        return fmin(fmax(x, 0), 6);
    case DS_ACT_HSWISH:
        return x * fmin(fmax(x + 3, 0), 6) / 6;
    case DS_ACT_HSIGMOID:
        return fmin(fmax(x + 3, 0), 6) / 6;
    case DS_ACT_NONE:
        break;
    }
    return x;
}

/* Where a window stands: its first row or column may lie outside. */
struct window {
    struct ds_tensor in;
    const float *image;
    int y, x;
};

static const float *inside(const struct window *w, int ky, int kx)
{
    int y = w->y + ky, x = w->x + kx;
    if (y < 0 || x < 0 || y >= w->in.h || x >= w->in.w)
        return NULL;
    return &w->image[((size_t)y * (size_t)w->in.w + (size_t)x) * (size_t)w->in.c];
}

static double convolve(const struct window *w, const struct ds_weight_key *k, const float *weights,
                       int o)
{
    int cin = k->cin / k->groups, first = o / (k->cout / k->groups) * cin;
    const float *kernel = &weights[(size_t)o * (size_t)(cin * k->kernel * k->kernel)];
    double sum = 0;
    for (int ky = 0; ky < k->kernel; ky++)
        for (int kx = 0; kx < k->kernel; kx++) {
            const float *pixel = inside(w, ky, kx);
            for (int i = 0; i < cin && pixel; i++)
                sum += pixel[first + i] * kernel[(i * k->kernel + ky) * k->kernel + kx];
        }
    return sum;
}

static double pool(const struct window *w, int kh, int kw, int c, bool max)
{
    double best = -INFINITY, sum = 0;
    int n = 0;
    for (int ky = 0; ky < kh; ky++)
        for (int kx = 0; kx < kw; kx++) {
            const float *pixel = inside(w, ky, kx);
            if (!pixel)
                continue;
            best = fmax(best, pixel[c]);
            sum += pixel[c];
            n++;
        }
    return max ? best : sum / n;
}

struct operands {
    struct ds_tensor in, out, in2;
    const float *x, *x2, *weights, *bias;
    struct ds_weight_key key;
};

static double one_output(const struct ds_layer *l, const struct operands *p, const struct window *w,
                         size_t at, int n, int c)
{
    switch (l->op) {
    case DS_OP_CONV:
        return p->bias[c] + convolve(w, &p->key, p->weights, c) + (p->x2 ? p->x2[at] : 0);
    case DS_OP_MAX_POOL:
    case DS_OP_AVG_POOL:
        return pool(w, l->kernel, l->kernel, c, l->op == DS_OP_MAX_POOL);
    case DS_OP_GLOBAL_POOL:
        return pool(w, p->in.h, p->in.w, c, false);
    case DS_OP_SCALE:
        return p->x[at] * p->x2[n * p->in.c + c];
    case DS_OP_SHUFFLE: {
        int size = p->in.c / l->groups;
        return p->x[at - (size_t)c + (size_t)(c % l->groups * size + c / l->groups)];
    }
    case DS_OP_ADD:
        break;
    }
    return p->x[at] + p->x2[at];
}

static inline void run_layer(const struct ds_net *net, const struct ds_layer *l, float **data,
                             int batch)
{
    struct operands p = {.in = net->tensor[l->in], .out = net->tensor[l->out]};
    float *weights = NULL, *bias = NULL;
    p.x = data[l->in];
    p.x2 = l->in2 >= 0 ? data[l->in2] : NULL;
    if (l->op == DS_OP_CONV) {
        p.key = ds_weight_key(net, l);
        weights = must(malloc(ds_weight_count(&p.key) * sizeof *weights));
        bias = must(malloc((size_t)p.key.cout * sizeof *bias));
        ds_weights_of(net, l, SEED, weights, bias);
        p.weights = weights;
        p.bias = bias;
    }
    size_t at = 0, image = (size_t)p.in.c * (size_t)p.in.h * (size_t)p.in.w;
    for (int n = 0; n < batch; n++)
        for (int y = 0; y < p.out.h; y++)
            for (int x = 0; x < p.out.w; x++)
                for (int c = 0; c < p.out.c; c++, at++) {
                    struct window w = {p.in, p.x + (size_t)n * image, y * l->stride - l->pad,
                                       x * l->stride - l->pad};
                    double value = one_output(l, &p, &w, at, n, c);
                    data[l->out][at] = (float)activate(l->act, value);
                }
    free(weights);
    free(bias);
}

/* The output of the whole network on an input of this seed; to be freed. */
static inline float *reference_on(const struct ds_net *net, int batch, uint64_t seed)
{
    struct ds_input images = {0};
    struct ds_error err;
    float **data = must(calloc((size_t)net->ntensors, sizeof *data));
    for (int t = 0; t < net->ntensors; t++)
        data[t] = must(calloc(floats(net, t, batch), sizeof **data));
    size_t count = floats(net, net->input, batch);
    if (ds_input_reserve(&images, seed, count, &err))
        abort();
    memcpy(data[net->input], images.data, count * sizeof(float));
    for (int i = 0; i < net->nlayers; i++)
        run_layer(net, &net->layer[i], data, batch);
    float *result = data[net->output];
    for (int t = 0; t < net->ntensors; t++)
        if (t != net->output)
            free(data[t]);
    free(data);
    ds_input_free(&images);
    return result;
}

static inline float *reference(const struct ds_net *net, int batch)
{
    return reference_on(net, batch, SEED);
}

/* ---- comparing ---- */

/* Largest difference as a share of the largest output; infinite where an output is not finite. */
static inline double difference(const float *a, const float *b, size_t n)
{
    double most = 0, scale = 0;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(a[i]) || !isfinite(b[i]))
            return INFINITY;
        most = fmax(most, fabs((double)a[i] - b[i]));
        scale = fmax(scale, fabs((double)b[i]));
    }
    return scale > 0 ? most / scale : INFINITY;
}

#endif

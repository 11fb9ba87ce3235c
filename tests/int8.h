/* The int8 form of a network (quantize/quantize.h), run in integers by a naive reference. */
#ifndef INT8_H
#define INT8_H

#include "quantize/quantize.h"
#include "reference.h"

/*
 * What a tensor holds after a run: elements of 8 bits as `q`, and what they stand for as `x`, which
 * is all that an f32 tensor has.
 */
struct int8_tensor {
    int32_t *q;
    double *x;
};

static int32_t int8_clamp(double x, enum ds_element element)
{
    double low = element == DS_ELEMENT_U8 ? 0 : -128, high = element == DS_ELEMENT_U8 ? 255 : 127;
    return (int32_t)fmin(fmax(nearbyint(x), low), high);
}

/* Sets one element to the value that it is to stand for. */
static void int8_put(const struct ds_quant *q, struct int8_tensor *all, int t, size_t at, double y)
{
    struct ds_quant_tensor type = q->tensor[t];
    if (type.element != DS_ELEMENT_F32) {
        all[t].q[at] = int8_clamp(y / (double)type.scale, type.element);
        y = (double)type.scale * all[t].q[at];
    }
    all[t].x[at] = y;
}

/* The sum of products of a window: exact. `kernel` is [i][ky][kx]. */
static int64_t int8_convolve(const struct ds_net *net, const struct ds_layer *l, const int32_t *x,
                             const int8_t *kernel, int oy, int ox, int o)
{
    struct ds_tensor in = net->tensor[l->in];
    int n = in.c / l->groups, first = o / (net->tensor[l->out].c / l->groups) * n;
    int64_t sum = 0;
    for (int i = 0; i < n; i++)
        for (int ky = 0; ky < l->kernel; ky++)
            for (int kx = 0; kx < l->kernel; kx++) {
                int y = oy * l->stride - l->pad + ky, z = ox * l->stride - l->pad + kx;
                if (y < 0 || z < 0 || y >= in.h || z >= in.w)
                    continue;
                sum += (int64_t)x[(y * in.w + z) * in.c + first + i] *
                       kernel[(i * l->kernel + ky) * l->kernel + kx];
            }
    return sum;
}

static double int8_conv(const struct ds_net *net, const struct ds_quant *q,
                        const struct ds_layer *l, struct int8_tensor *all, size_t at, int y, int x,
                        int o)
{
    const struct ds_quant_layer *w = &q->layer[l - net->layer];
    size_t size = (size_t)(net->tensor[l->in].c / l->groups * l->kernel * l->kernel);
    int64_t acc =
        int8_convolve(net, l, all[l->in].q, w->weights + (size_t)o * size, y, x, o) + w->bias[o];
    if (acc != (int32_t)acc)
        abort(); /* the definition says that 32 bits suffice */
    double sum = (double)q->tensor[l->in].scale * (double)w->weight_scale[o] * (double)acc;
    return sum + (l->in2 >= 0 ? all[l->in2].x[at] : 0);
}

/* Whether a layer of 8 bits computes with the elements themselves, whatever they stand for. */
static bool int8_on_elements(const struct ds_quant *q, const struct ds_layer *l)
{
    return q->tensor[l->in].element != DS_ELEMENT_F32 &&
           (l->op == DS_OP_MAX_POOL || l->op == DS_OP_AVG_POOL || l->op == DS_OP_SHUFFLE);
}

/* What is no convolution of int8 is as the f32 reference has it. */
static void int8_layer(const struct ds_net *net, const struct ds_quant *q, const struct ds_layer *l,
                       struct int8_tensor *all)
{
    struct ds_tensor in = net->tensor[l->in], out = net->tensor[l->out];
    bool int8 = q->layer[l - net->layer].int8, elements = int8_on_elements(q, l);
    float *image = NULL, *weights = NULL, *bias = NULL;
    struct operands p = {.in = in, .out = out};
    size_t n = floats(net, l->in, 1), n2 = l->in2 >= 0 ? floats(net, l->in2, 1) : 0, at = 0;
    image = must(malloc((n + n2) * sizeof *image));
    for (size_t i = 0; i < n; i++)
        image[i] = elements ? (float)all[l->in].q[i] : (float)all[l->in].x[i];
    for (size_t i = 0; i < n2; i++)
        image[n + i] = (float)all[l->in2].x[i];
    p.x = image;
    p.x2 = n2 ? image + n : NULL;
    if (l->op == DS_OP_CONV && !int8) {
        p.key = ds_weight_key(net, l);
        weights = must(malloc(ds_weight_count(&p.key) * sizeof *weights));
        bias = must(malloc((size_t)p.key.cout * sizeof *bias));
        ds_weights_of(net, l, SEED, weights, bias);
        p.weights = weights;
        p.bias = bias;
    }
    for (int y = 0; y < out.h; y++)
        for (int x = 0; x < out.w; x++)
            for (int c = 0; c < out.c; c++, at++) {
                struct window w = {in, p.x, y * l->stride - l->pad, x * l->stride - l->pad};
                double value =
                    int8 ? int8_conv(net, q, l, all, at, y, x, c) : one_output(l, &p, &w, at, 0, c);
                if (elements)
                    value = nearbyint(value) * (double)q->tensor[l->out].scale;
                int8_put(q, all, l->out, at, activate(l->act, value));
            }
    free(image);
    free(weights);
    free(bias);
}

/* All tensors after a run on one image; to be freed with int8_free. */
static struct int8_tensor *int8_run(const struct ds_net *net, const struct ds_quant *q,
                                    const float *image)
{
    struct int8_tensor *all = must(calloc((size_t)net->ntensors, sizeof *all));
    for (int t = 0; t < net->ntensors; t++) {
        all[t].q = must(calloc(floats(net, t, 1), sizeof *all[t].q));
        all[t].x = must(calloc(floats(net, t, 1), sizeof *all[t].x));
    }
    for (size_t i = 0; i < floats(net, net->input, 1); i++)
        int8_put(q, all, net->input, i, (double)image[i]);
    for (int i = 0; i < net->nlayers; i++)
        int8_layer(net, q, &net->layer[i], all);
    return all;
}

static void int8_free(const struct ds_net *net, struct int8_tensor *all)
{
    for (int t = 0; t < net->ntensors; t++) {
        free(all[t].q);
        free(all[t].x);
    }
    free(all);
}

#endif

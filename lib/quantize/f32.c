#include "quantize/f32.h"

#include "base/grow.h"
#include "base/wide.h"
#include "network/channels.h"
#include "network/plain.h"
#include "network/weights.h"
#include "quantize/elements.h"
#include <stdlib.h>
#include <string.h>

#define LANES 16
#define SIDE 2               /* vectors of channels that a tile is wide */
#define BLOCK (SIDE * LANES) /* output channels of a tile */
#define PIXELS 4             /* output pixels of a tile */

typedef float lanes __attribute__((vector_size(LANES * sizeof(float))));

/* A convolution's weights, laid out for the loops. */
struct conv {
    float *weights;      /* depthwise: [ky][kx][c]; else [group][block][ky][kx][i][BLOCK] */
    float *bias;         /* [cout] */
    float before, alone; /* the largest magnitude before the activation, and before the residual */
};

struct ds_f32 {
    struct ds_net net; /* layers and tensors are copies */
    float **data;      /* [ntensors] */
    struct conv *conv; /* [nlayers] */
    float *patch;      /* PIXELS windows */
    float *zeros;      /* [widest tensor] */
    double *sum;       /* the same */
};

static size_t floats(const struct ds_net *net, int t)
{
    struct ds_tensor s = net->tensor[t];
    return (size_t)s.c * (size_t)s.h * (size_t)s.w;
}

static bool is_depthwise(const struct ds_net *net, const struct ds_layer *l)
{
    return l->groups > 1 && l->groups == net->tensor[l->in].c && l->groups == net->tensor[l->out].c;
}

static size_t blocks_of(const struct ds_net *net, const struct ds_layer *l)
{
    return (size_t)(net->tensor[l->out].c / l->groups + BLOCK - 1) / BLOCK;
}

/* Floats of a window for one group. */
static size_t window(const struct ds_net *net, const struct ds_layer *l)
{
    return (size_t)(net->tensor[l->in].c / l->groups * l->kernel * l->kernel);
}

/* ---- convolutions ---- */

/* One output channel's weights, [i][ky][kx], into the place of its lane. */
static void lay_out(const float *from, size_t inputs, size_t area, float *to, size_t step)
{
    for (size_t i = 0; i < inputs; i++)
        for (size_t k = 0; k < area; k++)
            to[(k * inputs + i) * step] = from[i * area + k];
}

static int make_conv(struct ds_f32 *f, const struct ds_layer *l, uint64_t seed,
                     struct ds_error *err)
{
    const struct ds_net *net = &f->net;
    struct conv *c = &f->conv[l - net->layer];
    struct ds_weight_key key = ds_weight_key(net, l);
    bool depthwise = is_depthwise(net, l);
    size_t per_group = (size_t)(key.cout / key.groups), blocks = blocks_of(net, l);
    size_t inputs = (size_t)(key.cin / key.groups), area = (size_t)(key.kernel * key.kernel);
    size_t step = depthwise ? (size_t)key.cout : BLOCK;
    size_t room =
        depthwise ? (size_t)key.cout * area : (size_t)key.groups * blocks * window(net, l) * BLOCK;
    float *plain = ds_alloc(ds_weight_count(&key), sizeof *plain, err);
    c->weights = ds_alloc(room, sizeof *c->weights, err);
    c->bias = ds_alloc((size_t)key.cout, sizeof *c->bias, err);
    if (!plain || !c->weights || !c->bias) {
        free(plain);
        return -1;
    }
    ds_weights_of(net, l, seed, plain, c->bias);
    for (size_t o = 0; o < (size_t)key.cout; o++) {
        size_t block = o / per_group * blocks + o % per_group / BLOCK;
        float *to = depthwise ? c->weights + o
                              : c->weights + block * window(net, l) * BLOCK + o % per_group % BLOCK;
        lay_out(plain + o * inputs * area, inputs, area, to, step);
    }
    free(plain);
    return 0;
}

/* Copies what the window of an output pixel sees of a group, zeros where it is outside. */
static void take_window(const struct ds_layer *l, struct ds_tensor in, const float *x, int group,
                        int oy, int ox, float *to)
{
    size_t n = (size_t)(in.c / l->groups);
    for (int ky = 0; ky < l->kernel; ky++)
        for (int kx = 0; kx < l->kernel; kx++, to += n) {
            int y = oy * l->stride - l->pad + ky, z = ox * l->stride - l->pad + kx;
            if (y < 0 || z < 0 || y >= in.h || z >= in.w)
                memset(to, 0, n * sizeof *to);
            else
                memcpy(to,
                       x + ((size_t)y * (size_t)in.w + (size_t)z) * (size_t)in.c +
                           (size_t)group * n,
                       n * sizeof *to);
        }
}

/* PIXELS windows of `size` floats each times the weights of BLOCK channels. */
DS_WIDE static void multiply(const float *patch, size_t size, const float *weights,
                             float out[PIXELS][BLOCK])
{
    lanes sum[PIXELS][SIDE];
    for (int p = 0; p < PIXELS; p++)
        for (int s = 0; s < SIDE; s++)
            sum[p][s] = (lanes){0};
    for (size_t i = 0; i < size; i++)
        for (int s = 0; s < SIDE; s++) {
            lanes w;
            memcpy(&w, weights + i * BLOCK + s * LANES, sizeof w);
            for (int p = 0; p < PIXELS; p++)
                sum[p][s] += patch[(size_t)p * size + i] * w;
        }
    for (int p = 0; p < PIXELS; p++)
        for (int s = 0; s < SIDE; s++)
            memcpy(&out[p][s * LANES], &sum[p][s], sizeof sum[p][s]);
}

/* The windows of n pixels from `first` on, of one group: all its output channels. */
static void convolve_tile(struct ds_f32 *f, const struct ds_layer *l, int group, int first, int n)
{
    const struct ds_net *net = &f->net;
    struct ds_tensor in = net->tensor[l->in], out = net->tensor[l->out];
    const struct conv *c = &f->conv[l - net->layer];
    size_t size = window(net, l), blocks = blocks_of(net, l);
    int per_group = out.c / l->groups;
    float result[PIXELS][BLOCK];
    for (int p = 0; p < n; p++)
        take_window(l, in, f->data[l->in], group, (first + p) / out.w, (first + p) % out.w,
                    f->patch + (size_t)p * size);
    for (size_t b = 0; b < blocks; b++) {
        int at = (int)b * BLOCK, width = per_group - at < BLOCK ? per_group - at : BLOCK;
        multiply(f->patch, size, c->weights + ((size_t)group * blocks + b) * size * BLOCK, result);
        for (int p = 0; p < n; p++)
            memcpy(f->data[l->out] + (size_t)(first + p) * (size_t)out.c +
                       (size_t)(group * per_group + at),
                   result[p], (size_t)width * sizeof(float));
    }
}

DS_WIDE static void add_products(const float *x, const float *weights, size_t n, float *y)
{
    for (size_t i = 0; i < n; i++)
        y[i] += x[i] * weights[i];
}

static void convolve_depthwise(struct ds_f32 *f, const struct ds_layer *l)
{
    struct ds_tensor in = f->net.tensor[l->in], out = f->net.tensor[l->out];
    const float *weights = f->conv[l - f->net.layer].weights;
    size_t n = (size_t)in.c;
    float *to = f->data[l->out];
    memset(to, 0, floats(&f->net, l->out) * sizeof *to);
    for (int oy = 0; oy < out.h; oy++)
        for (int ox = 0; ox < out.w; ox++, to += n)
            for (int k = 0; k < l->kernel * l->kernel; k++) {
                int y = oy * l->stride - l->pad + k / l->kernel;
                int x = ox * l->stride - l->pad + k % l->kernel;
                if (y >= 0 && x >= 0 && y < in.h && x < in.w)
                    add_products(f->data[l->in] + ((size_t)y * (size_t)in.w + (size_t)x) * n,
                                 weights + (size_t)k * n, n, to);
            }
}

/* Adds bias and residual, keeps the range, and applies the activation. */
static void finish_conv(struct ds_f32 *f, const struct ds_layer *l)
{
    struct ds_tensor out = f->net.tensor[l->out];
    size_t n = (size_t)out.c, pixels = (size_t)out.h * (size_t)out.w;
    float *y = f->data[l->out];
    struct conv *c = &f->conv[l - f->net.layer];
    for (size_t p = 0; p < pixels; p++)
        for (size_t i = 0; i < n; i++)
            y[p * n + i] += c->bias[i];
    c->before = c->alone = ds_elements_range(y, pixels * n);
    if (l->in2 >= 0) {
        ds_channels_apply_sum(y, pixels, n, NULL, NULL, f->data[l->in2], DS_ACT_NONE, y);
        c->before = ds_elements_range(y, pixels * n);
    }
    ds_channels_apply(y, pixels, n, NULL, NULL, l->act, y);
}

static void run_conv(struct ds_f32 *f, const struct ds_layer *l)
{
    struct ds_tensor out = f->net.tensor[l->out];
    int pixels = out.h * out.w;
    if (is_depthwise(&f->net, l))
        convolve_depthwise(f, l);
    else
        for (int g = 0; g < l->groups; g++)
            for (int p = 0; p < pixels; p += PIXELS)
                convolve_tile(f, l, g, p, pixels - p < PIXELS ? pixels - p : PIXELS);
    finish_conv(f, l);
}

/* ---- the network ---- */

static void run_layer(struct ds_f32 *f, const struct ds_layer *l)
{
    struct ds_tensor in = f->net.tensor[l->in], out = f->net.tensor[l->out];
    size_t pixels = (size_t)out.h * (size_t)out.w, channels = (size_t)out.c;
    const float *x = f->data[l->in], *x2 = l->in2 >= 0 ? f->data[l->in2] : NULL;
    float *y = f->data[l->out];
    switch (l->op) {
    case DS_OP_CONV:
        run_conv(f, l);
        return;
    case DS_OP_MAX_POOL:
    case DS_OP_AVG_POOL:
        ds_plain_pool(l, in, out, x, y);
        break;
    case DS_OP_GLOBAL_POOL:
        ds_plain_global_pool(in, x, f->sum, y);
        break;
    case DS_OP_SCALE:
        ds_channels_apply(x, pixels, channels, x2, f->zeros, l->act, y);
        return;
    case DS_OP_SHUFFLE:
        ds_plain_shuffle(l, in, x, y);
        break;
    case DS_OP_ADD:
        ds_channels_apply_sum(x, pixels, channels, NULL, NULL, x2, l->act, y);
        return;
    }
    ds_channels_apply(y, pixels, channels, NULL, NULL, l->act, y);
}

void ds_f32_run(struct ds_f32 *f, const float *image)
{
    memcpy(f->data[f->net.input], image, floats(&f->net, f->net.input) * sizeof *image);
    for (int i = 0; i < f->net.nlayers; i++)
        run_layer(f, &f->net.layer[i]);
}

const float *ds_f32_tensor(const struct ds_f32 *f, int tensor, size_t *count)
{
    *count = floats(&f->net, tensor);
    return f->data[tensor];
}

float ds_f32_before(const struct ds_f32 *f, int layer)
{
    return f->conv[layer].before;
}

float ds_f32_alone(const struct ds_f32 *f, int layer)
{
    return f->conv[layer].alone;
}

static int open_all(struct ds_f32 *f, const struct ds_net *net, uint64_t seed, struct ds_error *err)
{
    size_t nlayers = (size_t)net->nlayers, ntensors = (size_t)net->ntensors, widest = 1, patch = 1;
    f->net = *net;
    f->net.layer = ds_copy(net->layer, nlayers * sizeof *net->layer, err);
    f->net.tensor = ds_copy(net->tensor, ntensors * sizeof *net->tensor, err);
    f->data = ds_alloc(ntensors, sizeof *f->data, err);
    f->conv = ds_alloc(nlayers, sizeof *f->conv, err);
    if (!f->net.layer || !f->net.tensor || !f->data || !f->conv)
        return -1;
    for (int t = 0; t < net->ntensors; t++) {
        widest = (size_t)net->tensor[t].c > widest ? (size_t)net->tensor[t].c : widest;
        if (!(f->data[t] = ds_alloc(floats(net, t), sizeof **f->data, err)))
            return -1;
    }
    for (int i = 0; i < net->nlayers; i++) {
        const struct ds_layer *l = &f->net.layer[i];
        if (l->op != DS_OP_CONV)
            continue;
        patch = window(net, l) > patch ? window(net, l) : patch;
        if (make_conv(f, l, seed, err))
            return -1;
    }
    f->patch = ds_alloc(PIXELS * patch, sizeof *f->patch, err);
    f->zeros = ds_alloc(widest, sizeof *f->zeros, err);
    f->sum = ds_alloc(widest, sizeof *f->sum, err);
    return f->patch && f->zeros && f->sum ? 0 : -1;
}

struct ds_f32 *ds_f32_open(const struct ds_net *net, uint64_t seed, struct ds_error *err)
{
    struct ds_f32 *f = ds_alloc(1, sizeof *f, err);
    if (!f)
        return NULL;
    int rc = open_all(f, net, seed, err);
    f->net.given = NULL; /* copied; may be gone before the run */
    if (rc == 0)
        return f;
    ds_f32_free(f);
    return NULL;
}

void ds_f32_free(struct ds_f32 *f)
{
    if (!f)
        return;
    for (int t = 0; t < f->net.ntensors && f->data; t++)
        free(f->data[t]);
    for (int i = 0; i < f->net.nlayers && f->conv; i++) {
        free(f->conv[i].weights);
        free(f->conv[i].bias);
    }
    free(f->net.layer);
    free(f->net.tensor);
    free(f->data);
    free(f->conv);
    free(f->patch);
    free(f->zeros);
    free(f->sum);
    free(f);
}

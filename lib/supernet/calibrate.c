#include "supernet/calibrate.h"

#include "base/grow.h"
#include "engines/placement.h"
#include "network/channels.h"
#include "network/plain.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* How what is stored of a tensor is read: act(x * scale + shift). */
struct reading {
    float *scale, *shift; /* [c]; NULL: as it is */
    enum ds_act act;
};

/* The convolution of a layer alone, loaded into the engine. */
struct single {
    struct ds_net net;
    struct ds_tensor tensor[2];
    struct ds_layer layer;
    struct ds_module module;
    struct ds_model *model;
};

struct calibration {
    struct ds_subnet *subnet;
    const struct ds_net *net;
    const struct ds_engine *engine;
    struct ds_session *session;
    size_t n; /* images of this batch */
    struct ds_arena arena;
    size_t *offset;          /* [ntensors] in the arena, for a whole batch */
    struct reading *reading; /* [ntensors] */
    struct single *single;   /* [nlayers] */
    float *first, *second;   /* one image of the largest tensor each */
    float *pivot;            /* [channels of the widest tensor] */
    double *sum, *squares;   /* the same */
    double *mean, *variance; /* sums over images, for the layers one after another */
    struct ds_error *err;
};

static size_t pixels_of(const struct calibration *c, int t)
{
    return (size_t)c->net->tensor[t].h * (size_t)c->net->tensor[t].w;
}

static size_t channels_of(const struct calibration *c, int t)
{
    return (size_t)c->net->tensor[t].c;
}

/* Image `i` of a tensor, as it is stored. */
static float *stored(const struct calibration *c, int t, size_t i)
{
    return (float *)(c->arena.data + c->offset[t]) + i * pixels_of(c, t) * channels_of(c, t);
}

static void read_image(const struct calibration *c, int t, size_t i, float *out)
{
    const struct reading *r = &c->reading[t];
    ds_channels_apply(stored(c, t, i), pixels_of(c, t), channels_of(c, t), r->scale, r->shift,
                      r->act, out);
}

/* ---- layers that are no convolutions ---- */

static void run_plain(struct calibration *c, const struct ds_layer *l, size_t i)
{
    struct ds_tensor in = c->net->tensor[l->in], out = c->net->tensor[l->out];
    size_t pixels = pixels_of(c, l->out), channels = channels_of(c, l->out);
    float *y = stored(c, l->out, i);
    read_image(c, l->in, i, c->first);
    if (l->in2 >= 0)
        read_image(c, l->in2, i, c->second);
    switch (l->op) {
    case DS_OP_MAX_POOL:
    case DS_OP_AVG_POOL:
        ds_plain_pool(l, in, out, c->first, y);
        break;
    case DS_OP_GLOBAL_POOL:
        ds_plain_global_pool(in, c->first, c->sum, y);
        break;
    case DS_OP_SCALE:
        memset(c->pivot, 0, channels * sizeof *c->pivot);
        ds_channels_apply(c->first, pixels, channels, c->second, c->pivot, DS_ACT_NONE, y);
        break;
    case DS_OP_SHUFFLE:
        ds_plain_shuffle(l, in, c->first, y);
        break;
    case DS_OP_ADD:
        ds_channels_apply_sum(c->first, pixels, channels, NULL, NULL, c->second, DS_ACT_NONE, y);
        break;
    case DS_OP_CONV:
        break;
    }
    c->reading[l->out].act = l->act;
}

/* ---- convolutions ---- */

/* Loads a layer's convolution: without batch norm, and what follows it, where it has one. */
static int load_single(struct calibration *c, int i)
{
    const struct ds_layer *l = &c->net->layer[i];
    const struct ds_subnet_layer *weights = &c->subnet->layer[i];
    struct single *s = &c->single[i];
    struct ds_layer_weights given = {weights->weights, weights->bias};
    s->tensor[0] = c->net->tensor[l->in];
    s->tensor[1] = c->net->tensor[l->out];
    s->layer = *l;
    s->layer.in = 0;
    s->layer.out = 1;
    s->layer.in2 = -1;
    s->layer.module = 0;
    s->layer.bias = true;
    s->layer.bn = false;
    if (weights->gamma || l->in2 >= 0)
        s->layer.act = DS_ACT_NONE;
    s->module = (struct ds_module){.count = 1};
    s->net = (struct ds_net){.nlayers = 1,
                             .ntensors = 2,
                             .nmodules = 1,
                             .layer = &s->layer,
                             .tensor = s->tensor,
                             .module = &s->module,
                             .output = 1};
    ds_net_give(&s->net, &given);
    s->model = c->engine->load(c->session, &s->net, c->err);
    ds_net_give(&s->net, NULL);
    return s->model ? 0 : -1;
}

static int convolve(struct calibration *c, const struct ds_layer *l, struct ds_model *model,
                    size_t i)
{
    size_t count;
    float *to = c->engine->input(model, &count, c->err);
    if (!to)
        return -1;
    read_image(c, l->in, i, to);
    if (c->engine->run(model, NULL, c->err))
        return -1;
    const float *from = c->engine->output(model, &count);
    memcpy(stored(c, l->out, i), from, count * sizeof *from);
    return 0;
}

/* What the batch norm of a layer makes of the sums over this batch; keeps them for the average. */
static int take_statistics(struct calibration *c, int layer, double *mean, double *variance)
{
    const struct ds_layer *l = &c->net->layer[layer];
    const struct ds_subnet_layer *bn = &c->subnet->layer[layer];
    struct reading *r = &c->reading[l->out];
    size_t channels = channels_of(c, l->out);
    double n = (double)(c->n * pixels_of(c, l->out)), images = (double)c->n;
    for (size_t i = 0; i < channels; i++) {
        double off = c->sum[i] / n, m = c->pivot[i] + off, v = c->squares[i] / n - off * off;
        if (!isfinite(m) || !isfinite(v))
            return ds_fail(c->err, "the activations of layer %d grow without bounds", layer);
        v = v > 0 ? v : 0;
        mean[i] += m * images;
        variance[i] += v * images;
        double scale = bn->gamma[i] / sqrt(v + c->subnet->bn_eps);
        r->scale[i] = (float)scale;
        r->shift[i] = (float)(bn->beta[i] - m * scale);
    }
    r->act = l->act;
    return 0;
}

/* Adds the residual of a convolution, so that the tensor is as it is to be read. */
static void add_residual(struct calibration *c, const struct ds_layer *l, bool normed)
{
    struct reading *r = &c->reading[l->out];
    for (size_t i = 0; i < c->n; i++) {
        float *x = stored(c, l->out, i);
        read_image(c, l->in2, i, c->second);
        ds_channels_apply_sum(x, pixels_of(c, l->out), channels_of(c, l->out),
                              normed ? r->scale : NULL, r->shift, c->second, l->act, x);
    }
    r->act = DS_ACT_NONE;
    free(r->scale);
    r->scale = r->shift = NULL;
}

static int make_reading(struct calibration *c, int t)
{
    struct reading *r = &c->reading[t];
    size_t n = channels_of(c, t);
    if (!(r->scale = ds_alloc(2 * n, sizeof *r->scale, NULL)))
        return ds_no_memory(c->err);
    r->shift = r->scale + n;
    return 0;
}

static int run_conv(struct calibration *c, int layer, double *mean, double *variance)
{
    const struct ds_layer *l = &c->net->layer[layer];
    size_t channels = channels_of(c, l->out);
    bool normed = c->subnet->layer[layer].gamma;
    memset(c->sum, 0, channels * sizeof *c->sum);
    memset(c->squares, 0, channels * sizeof *c->squares);
    for (size_t i = 0; i < c->n; i++) {
        if (convolve(c, l, c->single[layer].model, i))
            return -1;
        if (normed && i == 0)
            memcpy(c->pivot, stored(c, l->out, 0), channels * sizeof *c->pivot);
        if (normed)
            ds_channels_sums(stored(c, l->out, i), pixels_of(c, l->out), channels, c->pivot, c->sum,
                             c->squares);
    }
    if (normed && (make_reading(c, l->out) || take_statistics(c, layer, mean, variance)))
        return -1;
    if (l->in2 >= 0)
        add_residual(c, l, normed);
    return 0;
}

/* ---- batches ---- */

static void forget_readings(struct calibration *c)
{
    for (int t = 0; t < c->net->ntensors && c->reading; t++) {
        free(c->reading[t].scale);
        c->reading[t] = (struct reading){0};
    }
}

static int run_batch(struct calibration *c, const struct ds_image_source *images, size_t first)
{
    size_t at = 0;
    forget_readings(c);
    images->fill(images->context, first, c->n, stored(c, c->net->input, 0));
    for (int i = 0; i < c->net->nlayers; i++) {
        const struct ds_layer *l = &c->net->layer[i];
        if (l->op != DS_OP_CONV)
            for (size_t k = 0; k < c->n; k++)
                run_plain(c, l, k);
        else if (run_conv(c, i, c->mean + at, c->variance + at))
            return -1;
        if (l->op == DS_OP_CONV && c->subnet->layer[i].gamma)
            at += channels_of(c, l->out);
    }
    return 0;
}

static void keep_averages(struct calibration *c, double images)
{
    size_t at = 0;
    for (int i = 0; i < c->net->nlayers; i++) {
        struct ds_subnet_layer *l = &c->subnet->layer[i];
        for (int k = 0; l->gamma && k < l->cout; k++, at++) {
            l->mean[k] = (float)(c->mean[at] / images);
            l->variance[k] = (float)(c->variance[at] / images);
        }
    }
}

static int prepare(struct calibration *c, int batch)
{
    const struct ds_net *net = c->net;
    size_t largest = 0, widest = 0, statistics = 0, size;
    for (int t = 0; t < net->ntensors; t++) {
        size_t floats = ds_arena_floats(net, t, 1);
        largest = floats > largest ? floats : largest;
        widest = channels_of(c, t) > widest ? channels_of(c, t) : widest;
    }
    for (int i = 0; i < net->nlayers; i++)
        if (c->subnet->layer[i].gamma)
            statistics += (size_t)c->subnet->layer[i].cout;
    c->offset = ds_alloc((size_t)net->ntensors, sizeof *c->offset, NULL);
    c->reading = ds_alloc((size_t)net->ntensors, sizeof *c->reading, NULL);
    c->single = ds_alloc((size_t)net->nlayers + 1, sizeof *c->single, NULL);
    c->first = ds_alloc(largest, sizeof *c->first, NULL);
    c->second = ds_alloc(largest, sizeof *c->second, NULL);
    c->pivot = ds_alloc(widest, sizeof *c->pivot, NULL);
    c->sum = ds_alloc(widest, sizeof *c->sum, NULL);
    c->squares = ds_alloc(widest, sizeof *c->squares, NULL);
    c->mean = ds_alloc(statistics + 1, sizeof *c->mean, NULL);
    c->variance = ds_alloc(statistics + 1, sizeof *c->variance, NULL);
    if (!c->offset || !c->reading || !c->single || !c->first || !c->second || !c->pivot ||
        !c->sum || !c->squares || !c->mean || !c->variance)
        return ds_no_memory(c->err);
    if (ds_arena_plan(net, NULL, batch, 0, false, c->offset, &size, c->err) ||
        ds_arena_reserve(&c->arena, size, c->err))
        return -1;
    for (int i = 0; i < net->nlayers; i++)
        if (net->layer[i].op == DS_OP_CONV && load_single(c, i))
            return -1;
    return 0;
}

static void release(struct calibration *c)
{
    for (int i = 0; i < c->net->nlayers && c->single; i++)
        if (c->single[i].model)
            c->engine->unload(c->single[i].model);
    forget_readings(c);
    ds_arena_free(&c->arena);
    free(c->offset);
    free(c->reading);
    free(c->single);
    free(c->first);
    free(c->second);
    free(c->pivot);
    free(c->sum);
    free(c->squares);
    free(c->mean);
    free(c->variance);
}

int ds_subnet_calibrate(struct ds_subnet *subnet, const struct ds_net *net,
                        const struct ds_engine *engine, struct ds_session *session,
                        const struct ds_image_source *images, int batch, struct ds_error *err)
{
    struct calibration c = {
        .subnet = subnet, .net = net, .engine = engine, .session = session, .err = err};
    if (!engine->input)
        return ds_fail(err, "engine %s takes no images", engine->name);
    if (images->n == 0)
        return ds_fail(err, "no images to calibrate with");
    if ((size_t)batch > images->n)
        batch = (int)images->n;
    int rc = prepare(&c, batch);
    for (size_t at = 0; at < images->n && rc == 0; at += c.n) {
        c.n = images->n - at < (size_t)batch ? images->n - at : (size_t)batch;
        rc = run_batch(&c, images, at);
    }
    if (rc == 0)
        keep_averages(&c, (double)images->n);
    release(&c);
    return rc;
}

/*
 * AutoBuild's predictors (Ascend-Research/AutoBuild, l1_models), of accuracy and of latencies.
 *
 * One node a layer that is there, six numbers each: of its unit, layer, kind of MBConv, expansion
 * and kernel a learned row through a learned linear map, and the resolution through two linear
 * maps; all in absolute value. Then four graph convolutions along the chain: rel (the layer before,
 * zero for the first) + root (itself) + bias, batch normalisation, leaky ReLU (0.01), and from the
 * second on plus its input. The sum over layers; two linear maps, ReLU, two linear maps, leaky
 * ReLU, one linear map to the metric. Batch normalisation is folded into the convolutions, and two
 * linear maps in a row into one.
 *
 * After the second convolution a layer's state depends on three layers, so there are 60,000 of them
 * in a space at most; they are kept (predictor_window.h), 1.6 kB each, 95 MB at most. Two
 * convolutions are left for each network, of which one is a multiplication of matrices.
 */
#include "base/grow.h"
#include "profile/predictor_family.h"
#include "profile/predictor_kind.h"
#include "profile/predictor_window.h"
#include <cblas.h>
#include <ctype.h>
#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONVOLUTIONS 4
#define FEATURES 6
#define UNITS 6
#define LAYERS DS_FAMILY_LAYERS
#define CODES DS_FAMILY_CODES
#define KINDS (UNITS * LAYERS * CODES * DS_WINDOW_STARTS) /* of layers */
#define MOST_WIDTH 1024
#define BATCH 64 /* networks together: their layers' states stay in the cache */

static const int resolutions[DS_WINDOW_STARTS] = {192, 208, 224};

struct dense {
    float *weight; /* [out][in] */
    float *bias;   /* [out] */
};

struct graph {
    struct ds_predictor common;
    const struct ds_family_of_nets *family;
    double percent; /* what the output is times: 100 of accuracy */
    size_t width;
    struct ds_convolution convolution[CONVOLUTIONS];
    struct dense dense[2];
    struct dense regressor;
    struct ds_windows layers, pairs, triples; /* of one, two, three layers */

    const struct ds_space *space;
    int *code[DS_MAX_SITES];        /* [choice] of a layer's site: its block, -1 where unknown */
    int resolution[DS_MAX_CHOICES]; /* [choice]: number of the resolution, -1 where unknown */

    /* of a batch: */
    int before[BATCH * UNITS * LAYERS], own[BATCH * UNITS * LAYERS]; /* triples */
    size_t first[BATCH + 1];                                         /* layer of a network */
    float *state;                                                    /* [layers][width] */
    float *message;                                                  /* [layers][2 * width] */
    float *sum, *hidden;                                             /* [BATCH][width] */
};

/* ---- reading ---- */

/* The numbers of a tensor of the shape [rows][columns], or [rows] where columns is 0; or NULL. */
static const float *numbers(const struct ds_pytorch *file, size_t rows, size_t columns,
                            struct ds_error *err, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

static const float *numbers(const struct ds_pytorch *file, size_t rows, size_t columns,
                            struct ds_error *err, const char *format, ...)
{
    char name[100];
    va_list ap;
    va_start(ap, format);
    vsnprintf(name, sizeof name, format, ap);
    va_end(ap);
    const struct ds_tensor_f32 *t = ds_pytorch_find(file, name);
    if (t && t->ndims == (columns ? 2 : 1) && t->dim[0] == rows &&
        (!columns || t->dim[1] == columns))
        return t->data;
    ds_fail(err,
            t ? "tensor %s is of another shape than an AutoBuild predictor's"
              : "tensor %s is missing",
            name);
    return NULL;
}

/* A float; what is too small to matter is slow to multiply. */
static float narrow(double x)
{
    return fabs(x) < (double)FLT_MIN ? 0 : (float)x;
}

/* value[n]: each of n learned rows through a linear map to one number, in absolute value. */
static int embed(const struct ds_pytorch *file, const char *what, size_t n, double *value,
                 struct ds_error *err)
{
    char name[100];
    snprintf(name, sizeof name, "embed_layer.%s_embed.weight", what);
    const struct ds_tensor_f32 *t = ds_pytorch_find(file, name);
    size_t columns = t && t->ndims == 2 ? t->dim[1] : 1;
    const float *row = numbers(file, n, columns, err, "%s", name),
                *map =
                    row ? numbers(file, 1, columns, err, "embed_layer.%s_mlp.weight", what) : NULL,
                *bias = map ? numbers(file, 1, 0, err, "embed_layer.%s_mlp.bias", what) : NULL;
    if (!bias)
        return -1;
    for (size_t i = 0; i < n; i++) {
        value[i] = bias[0];
        for (size_t k = 0; k < columns; k++)
            value[i] += (double)row[i * columns + k] * map[k];
        value[i] = fabs(value[i]);
    }
    return 0;
}

/* value[r] of each resolution: two linear maps, in absolute value. */
static int embed_resolutions(const struct ds_pytorch *file, double *value, struct ds_error *err)
{
    const struct ds_tensor_f32 *t = ds_pytorch_find(file, "embed_layer.res_mlp.0.weight");
    size_t n = t && t->ndims == 2 ? t->dim[0] : 1;
    const float *w0 = numbers(file, n, 1, err, "embed_layer.res_mlp.0.weight"),
                *b0 = w0 ? numbers(file, n, 0, err, "embed_layer.res_mlp.0.bias") : NULL,
                *w1 = b0 ? numbers(file, 1, n, err, "embed_layer.res_mlp.1.weight") : NULL,
                *b1 = w1 ? numbers(file, 1, 0, err, "embed_layer.res_mlp.1.bias") : NULL;
    if (!b1)
        return -1;
    for (int r = 0; r < DS_WINDOW_STARTS; r++) {
        value[r] = b1[0];
        for (size_t k = 0; k < n; k++)
            value[r] += (double)w1[k] * ((double)w0[k] * (resolutions[r] - 192) / 32 + b0[k]);
        value[r] = fabs(value[r]);
    }
    return 0;
}

static int read_convolution(struct graph *g, const struct ds_pytorch *file, int n, size_t in,
                            struct ds_error *err)
{
    static const char *const parts[] = {"weight", "bias", "running_mean", "running_var"};
    struct ds_convolution *c = &g->convolution[n];
    size_t width = g->width;
    const float *rel = numbers(file, width, in, err, "encoder.gnn_layers.%d.lin_rel.weight", n),
                *root =
                    rel ? numbers(file, width, in, err, "encoder.gnn_layers.%d.lin_root.weight", n)
                        : NULL,
                *bias = root ? numbers(file, width, 0, err, "encoder.gnn_layers.%d.lin_rel.bias", n)
                             : NULL,
                *norm[4] = {NULL};
    for (int i = 0; i < 4; i++)
        if (!bias ||
            !(norm[i] = numbers(file, width, 0, err, "encoder.bns.%d.module.%s", n, parts[i])))
            return -1;
    c->weight = ds_alloc(2 * width * in, sizeof *c->weight, err);
    c->bias = c->weight ? ds_alloc(width, sizeof *c->bias, err) : NULL;
    if (!c->bias)
        return -1;
    for (size_t o = 0; o < width; o++) {
        double scale = norm[0][o] / sqrt((double)norm[3][o] + 1e-5);
        for (size_t i = 0; i < in; i++) {
            c->weight[o * in + i] = narrow(scale * rel[o * in + i]);
            c->weight[(width + o) * in + i] = narrow(scale * root[o * in + i]);
        }
        c->bias[o] = narrow(scale * ((double)bias[o] - norm[2][o]) + norm[1][o]);
    }
    return 0;
}

/* post_proj.N and the one after it, as one map. */
static int read_dense(struct graph *g, const struct ds_pytorch *file, int which, int n,
                      struct ds_error *err)
{
    struct dense *d = &g->dense[which];
    size_t width = g->width;
    const float *w0 = numbers(file, width, width, err, "post_proj.%d.weight", n),
                *b0 = w0 ? numbers(file, width, 0, err, "post_proj.%d.bias", n) : NULL,
                *w1 = b0 ? numbers(file, width, width, err, "post_proj.%d.weight", n + 1) : NULL,
                *b1 = w1 ? numbers(file, width, 0, err, "post_proj.%d.bias", n + 1) : NULL;
    d->weight = b1 ? ds_alloc(width * width, sizeof *d->weight, err) : NULL;
    d->bias = d->weight ? ds_alloc(width, sizeof *d->bias, err) : NULL;
    double *row = d->bias ? ds_alloc(width, sizeof *row, err) : NULL;
    if (!row)
        return -1;
    for (size_t o = 0; o < width; o++) {
        double bias = b1[o];
        memset(row, 0, width * sizeof *row);
        for (size_t k = 0; k < width; k++) {
            bias += (double)w1[o * width + k] * b0[k];
            for (size_t i = 0; i < width; i++)
                row[i] += (double)w1[o * width + k] * w0[k * width + i];
        }
        for (size_t i = 0; i < width; i++)
            d->weight[o * width + i] = narrow(row[i]);
        d->bias[o] = narrow(bias);
    }
    free(row);
    return 0;
}

static int read_regressor(struct graph *g, const struct ds_pytorch *file, struct ds_error *err)
{
    const float *w = numbers(file, 1, g->width, err, "regressor.weight"),
                *b = w ? numbers(file, 1, 0, err, "regressor.bias") : NULL;
    g->regressor.weight = b ? ds_copy(w, g->width * sizeof *w, err) : NULL;
    g->regressor.bias = g->regressor.weight ? ds_copy(b, sizeof *b, err) : NULL;
    return g->regressor.bias ? 0 : -1;
}

/* Number of a kind of layer among the windows of one layer. */
static int kind_of(int unit, int layer, int code, int resolution)
{
    return DS_WINDOW_STARTS + ((unit * LAYERS + layer) * CODES + code) * DS_WINDOW_STARTS +
           resolution;
}

/* What the first convolution computes of a layer's six numbers. */
static void first_message(const struct graph *g, const double *feature, float *message)
{
    const struct ds_convolution *c = &g->convolution[0];
    for (size_t o = 0; o < 2 * g->width; o++) {
        double sum = o < g->width ? 0 : c->bias[o - g->width];
        for (int i = 0; i < FEATURES; i++)
            sum += feature[i] * c->weight[o * FEATURES + (size_t)i];
        message[o] = narrow(sum);
    }
}

/* All kinds of layers, with what the first convolution computes of them. */
static int make_layers(struct graph *g, const struct ds_pytorch *file, struct ds_error *err)
{
    double unit[UNITS], layer[LAYERS], mbconv[2], expand[3], kernel[3], res[DS_WINDOW_STARTS];
    struct ds_windows *w = &g->layers;
    if (embed(file, "stage", UNITS, unit, err) || embed(file, "block", LAYERS, layer, err) ||
        embed(file, "mbconv", 2, mbconv, err) || embed(file, "exp", 3, expand, err) ||
        embed(file, "kernel", 3, kernel, err) || embed_resolutions(file, res, err))
        return -1;
    w->n = DS_WINDOW_STARTS + KINDS;
    w->window = ds_alloc(w->n, sizeof *w->window, err);
    w->message = w->window ? ds_alloc(w->n, 2 * g->width * sizeof *w->message, err) : NULL;
    if (!w->message)
        return -1;
    for (int i = 0; i < KINDS; i++) {
        int r = i % DS_WINDOW_STARTS, code = i / DS_WINDOW_STARTS % CODES,
            slot = i / DS_WINDOW_STARTS / CODES;
        double feature[FEATURES] = {
            unit[slot / LAYERS], layer[slot % LAYERS], mbconv[g->family == &ds_family_mbv3],
            expand[code / 3],    kernel[code % 3],     res[r]};
        first_message(g, feature, w->message + (size_t)(DS_WINDOW_STARTS + i) * 2 * g->width);
    }
    return 0;
}

/* ---- what it is of ---- */

/* Whether a name has this among its words, which letters and digits make up. */
static bool has_word(const char *name, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = name; (at = strstr(at, word)); at++)
        if ((at == name || !isalnum((unsigned char)at[-1])) && !isalnum((unsigned char)at[n]))
            return true;
    return false;
}

/*
 * The tensors do not say of what they are; the archive's own name does, as in
 * ofa_pn_latency_npu_..., and else that of the file may.
 */
static int identify(struct graph *g, const char *name)
{
    static const struct {
        const char *word, *class;
    } classes[] = {{"acc", "acc"}, {"cpu", "cpu"}, {"gpu", "gpu"}, {"npu", "npu"}};
    g->family = has_word(name, "mbv3") ? &ds_family_mbv3
                : has_word(name, "pn") ? &ds_family_proxyless
                                       : NULL;
    for (int i = 0; i < 4; i++)
        if (g->family && has_word(name, classes[i].word)) {
            g->common =
                (struct ds_predictor){&ds_predictor_graph, g->family->name, classes[i].class};
            g->percent = i == 0 ? 100 : 1;
            return 0;
        }
    return -1;
}

static bool is_graph(const struct ds_pytorch *file)
{
    return ds_pytorch_find(file, "encoder.gnn_layers.0.lin_rel.weight") != NULL;
}

static void unbind(struct graph *g)
{
    for (int s = 0; s < DS_MAX_SITES; s++) {
        free(g->code[s]);
        g->code[s] = NULL;
    }
    g->space = NULL;
}

static void free_graph(struct ds_predictor *common)
{
    struct graph *g = (struct graph *)common;
    unbind(g);
    for (int i = 0; i < CONVOLUTIONS; i++) {
        free(g->convolution[i].weight);
        free(g->convolution[i].bias);
    }
    for (int i = 0; i < 2; i++) {
        free(g->dense[i].weight);
        free(g->dense[i].bias);
    }
    free(g->regressor.weight);
    free(g->regressor.bias);
    ds_windows_free(&g->layers);
    ds_windows_free(&g->pairs);
    ds_windows_free(&g->triples);
    free(g->state);
    free(g->message);
    free(g->sum);
    free(g->hidden);
    free(g);
}

static int make_room(struct graph *g, struct ds_error *err)
{
    size_t row = g->width * sizeof(float);
    g->state = ds_alloc(BATCH * UNITS * LAYERS, row, err);
    g->message = ds_alloc(BATCH * UNITS * LAYERS, 2 * row, err);
    g->sum = ds_alloc(BATCH, row, err);
    g->hidden = ds_alloc(BATCH, row, err);
    return g->state && g->message && g->sum && g->hidden ? 0 : -1;
}

static int read_all(struct graph *g, const struct ds_pytorch *file, const char *path,
                    struct ds_error *err)
{
    const char *slash = strrchr(path, '/');
    g->width = ds_pytorch_find(file, "encoder.gnn_layers.0.lin_rel.weight")->dim[0];
    if (g->width > MOST_WIDTH)
        return ds_fail(err, "convolutions of %zu channels: more than %d", g->width, MOST_WIDTH);
    if (identify(g, file->archive) && identify(g, slash ? slash + 1 : path))
        return ds_fail(err, "neither the archive in it nor its name says what it predicts: call it "
                            "ofa_mbv3-acc.pt, or pn for mbv3, or cpu, gpu, npu for acc");
    for (int i = 0; i < CONVOLUTIONS; i++)
        if (read_convolution(g, file, i, i ? g->width : FEATURES, err))
            return -1;
    if (read_dense(g, file, 0, 0, err) || read_dense(g, file, 1, 3, err) ||
        read_regressor(g, file, err) || make_layers(g, file, err) || make_room(g, err))
        return -1;
    return ds_windows_init(&g->pairs, g->width, &g->convolution[1], err) ||
                   ds_windows_init(&g->triples, g->width, &g->convolution[2], err)
               ? -1
               : 0;
}

static struct ds_predictor *make_graph(const struct ds_pytorch *file, const char *path,
                                       struct ds_error *err)
{
    struct graph *g = ds_alloc(1, sizeof *g, err);
    if (g && read_all(g, file, path, err)) {
        free_graph(&g->common);
        return NULL;
    }
    return &g->common;
}

/* ---- running ---- */

static int bind_graph(struct ds_predictor *common, const struct ds_space *space,
                      struct ds_error *err)
{
    struct graph *g = (struct graph *)common;
    unbind(g);
    if (ds_family_check(g->family, space, err))
        return -1;
    g->space = space;
    const struct ds_site *site = &space->site[space->resolution_site];
    for (int c = 0; c < site->nchoices; c++) {
        g->resolution[c] = -1;
        for (int r = 0; r < DS_WINDOW_STARTS; r++)
            if (site->value[c] == resolutions[r])
                g->resolution[c] = r;
    }
    for (int s = 0; s < space->nsites; s++) {
        site = &space->site[s];
        if (site->kind != DS_SITE_BLOCK)
            continue;
        if (!(g->code[s] = ds_alloc((size_t)site->nchoices, sizeof **g->code, err)))
            return -1;
        for (int c = 0; c < site->nchoices; c++) {
            int k, e;
            bool known = ds_family_block(&space->block[site->value[c]], &k, &e);
            g->code[s][c] = known ? 3 * e + k : -1;
        }
    }
    return 0;
}

static int unknown(const struct graph *g, int site, int choice, struct ds_error *err)
{
    char label[200];
    ds_site_print(g->space, site, choice, label, sizeof label);
    if (g->space->site[site].kind == DS_SITE_RESOLUTION)
        return ds_fail(err, "the predictor is of resolutions 192, 208 and 224, not of %s", label);
    return ds_fail(err, "the predictor of %s does not know %s at %s", g->family->name, label,
                   g->space->site[site].name);
}

/* Lists the triples that end in the layers of a network. */
static int list_layers(struct graph *g, const uint8_t *choice, size_t *n, struct ds_error *err)
{
    const struct ds_space *space = g->space;
    int r = g->resolution[choice[space->resolution_site]];
    if (r < 0)
        return unknown(g, space->resolution_site, choice[space->resolution_site], err);
    int layer = r, pair = r, triple = r;
    for (int u = 0; u < space->nunits; u++)
        for (int l = 0; l < space->unit[u].max_depth; l++) {
            int s = space->unit[u].layer_site + l;
            if (choice[s] == DS_INACTIVE)
                break;
            int code = g->code[s][choice[s]], step = code + (l == 0 ? CODES : 0);
            if (code < 0)
                return unknown(g, s, choice[s], err);
            int own = kind_of(u, l, code, r);
            int own_pair = ds_windows_go_on(&g->layers, &g->pairs, layer, step, own, err);
            int own_triple =
                own_pair < 0 ? -1
                             : ds_windows_go_on(&g->pairs, &g->triples, pair, step, own_pair, err);
            if (own_triple < 0)
                return -1;
            g->before[*n] = triple;
            g->own[(*n)++] = own_triple;
            layer = own;
            pair = own_pair;
            triple = own_triple;
        }
    return 0;
}

/* to[n][out] = from[n][in] weight^T, plus what is there. */
static void multiply(const float *from, const float *weight, float *to, size_t n, size_t out,
                     size_t in)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)n, (int)out, (int)in, 1, from,
                (int)in, weight, (int)in, 1, to, (int)out);
}

/* The last two convolutions of all layers of a batch. */
static void convolve(struct graph *g, size_t layers)
{
    size_t width = g->width;
    for (size_t i = 0; i < layers; i++) {
        const float *own = g->triples.message + (size_t)g->own[i] * 2 * width + width,
                    *before = g->triples.message + (size_t)g->before[i] * 2 * width;
        ds_window_state(g->state + i * width, before, own,
                        g->triples.state + (size_t)g->own[i] * width, width);
        memset(g->message + i * 2 * width, 0, width * sizeof *g->message);
        memcpy(g->message + i * 2 * width + width, g->convolution[3].bias,
               width * sizeof *g->message);
    }
    multiply(g->state, g->convolution[3].weight, g->message, layers, 2 * width, width);
}

/* The sum of the last states of a network's layers. */
static void add_layers(const struct graph *g, size_t from, size_t to, float *sum)
{
    static const float nothing[MOST_WIDTH];
    size_t width = g->width;
    float last[MOST_WIDTH];
    memset(sum, 0, width * sizeof *sum);
    for (size_t i = from; i < to; i++) {
        const float *own = g->message + i * 2 * width + width,
                    *before = i > from ? g->message + (i - 1) * 2 * width : nothing;
        ds_window_state(last, before, own, g->state + i * width, width);
        for (size_t k = 0; k < width; k++)
            sum[k] += last[k];
    }
}

static void apply(const struct graph *g, const struct dense *d, const float *from, float *to,
                  size_t n)
{
    for (size_t i = 0; i < n; i++)
        memcpy(to + i * g->width, d->bias, g->width * sizeof *to);
    multiply(from, d->weight, to, n, g->width, g->width);
}

/* Sums over layers to the metric. */
static void finish(struct graph *g, size_t n, double *value)
{
    size_t width = g->width;
    apply(g, &g->dense[0], g->sum, g->hidden, n);
    for (size_t i = 0; i < n * width; i++)
        g->hidden[i] = g->hidden[i] > 0 ? g->hidden[i] : 0;
    apply(g, &g->dense[1], g->hidden, g->sum, n);
    for (size_t i = 0; i < n; i++) {
        double sum = *g->regressor.bias;
        for (size_t k = 0; k < width; k++) {
            double x = g->sum[i * width + k];
            sum += (x > 0 ? x : 0.01 * x) * g->regressor.weight[k];
        }
        value[i] = g->percent * sum;
    }
}

static int run_batch(struct graph *g, const uint8_t *choice, size_t stride, size_t n, double *value,
                     size_t *which, struct ds_error *err)
{
    size_t layers = 0;
    for (size_t i = 0; i < n; i++) {
        g->first[i] = layers;
        if (list_layers(g, choice + i * stride, &layers, err)) {
            *which += i;
            return -1;
        }
    }
    g->first[n] = layers;
    ds_windows_compute(&g->pairs, &g->layers);
    ds_windows_compute(&g->triples, &g->pairs);
    convolve(g, layers);
    for (size_t i = 0; i < n; i++)
        add_layers(g, g->first[i], g->first[i + 1], g->sum + i * g->width);
    finish(g, n, value);
    return 0;
}

static int run_graph(struct ds_predictor *common, const uint8_t *choice, size_t stride, size_t n,
                     double *value, size_t *which, struct ds_error *err)
{
    for (size_t at = 0; at < n; at += BATCH) {
        *which = at;
        if (run_batch((struct graph *)common, choice + at * stride, stride,
                      n - at < BATCH ? n - at : BATCH, value + at, which, err))
            return -1;
    }
    return 0;
}

const struct ds_predictor_kind ds_predictor_graph = {is_graph, make_graph, free_graph, bind_graph,
                                                     run_graph};

#include "profile/chain.h"

#include "base/grow.h"
#include "base/random.h"
#include "base/sum_rows.h"
#include "base/wide.h"
#include "space/space.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

int ds_chain_init(struct ds_chain *c, int window, int columns, int hidden, int top)
{
    size_t h = (size_t)hidden, t = (size_t)top, first = (size_t)window * (size_t)columns * h;
    *c = (struct ds_chain){window, columns, hidden, top};
    c->count = first + h + t * h + t + h + t + 1;
    c->first = ds_alloc(c->count, sizeof *c->first, NULL);
    if (!c->first)
        return -1;
    c->last = c->first + first;
    c->top_first = c->last + h;
    c->top_last = c->top_first + t * h;
    c->bias = c->top_last + t;
    c->top_bias = c->bias + h;
    c->out = c->top_bias + t;
    return 0;
}

void ds_chain_free(struct ds_chain *c)
{
    free(c->first);
    *c = (struct ds_chain){0};
}

struct ds_chain_end ds_chain_end(const struct ds_chain *c)
{
    return (struct ds_chain_end){c->hidden,    c->top,      c->last,
                                 c->top_first, c->top_last, c->top_bias};
}

double ds_chain_output(const struct ds_chain_end *end, const float *s)
{
    float sum = ds_train_dot(end->last, s, end->hidden);
    for (int k = 0; k < end->top; k++) {
        const float *first = end->top_first + (size_t)k * (size_t)end->hidden;
        float t = end->top_bias[k] + ds_train_dot(first, s, end->hidden);
        sum += t > 0 ? t * end->top_last[k] : 0;
    }
    return sum;
}

void ds_chain_add(const float *const *row, int nrows, float *s, int hidden)
{
    float h[DS_CHAIN_MOST];
    ds_sum_rows(row, nrows, h, (size_t)hidden);
    for (int j = 0; j < hidden; j++)
        s[j] += h[j] > 0 ? h[j] : 0;
}

/* ---- examples ---- */

/* Of an example: its layers, two columns each. */
struct layers {
    const int32_t *column;
    int n;
};

static struct layers layers_of(const struct ds_chain_data *d, size_t example)
{
    size_t from = d->start[example] + (size_t)d->shared;
    return (struct layers){d->column + from, (int)(d->start[example + 1] - from) / 2};
}

/* Lists where in `first` the rows of a layer begin: of its width, itself, and those before it. */
static int list_rows(const struct ds_chain *c, const struct layers *of, int layer, size_t *at)
{
    size_t h = (size_t)c->hidden, table = (size_t)c->columns * h;
    int n = 0, width = of->column[2 * layer + 1];
    if (width >= 0)
        at[n++] = (size_t)width * h;
    for (int back = 0; back < c->window && back <= layer; back++)
        at[n++] = (size_t)back * table + (size_t)of->column[2 * (layer - back)] * h;
    return n;
}

/* The hidden layer of all layers of an example, and their sum. */
DS_WIDE static void forward(const struct ds_chain *c, const struct ds_chain_data *d, size_t example,
                            float *restrict hidden, float *restrict s)
{
    const struct layers layers = layers_of(d, example);
    const float *row[DS_CHAIN_ROWS];
    size_t h = (size_t)c->hidden, at[DS_CHAIN_ROWS];
    float all[DS_CHAIN_MOST]; /* what all layers have */
    row[0] = c->bias;
    for (int i = 0; i < d->shared; i++)
        row[i + 1] = c->first + (size_t)d->column[d->start[example] + (size_t)i] * h;
    ds_sum_rows(row, d->shared + 1, all, h);
    memset(s, 0, h * sizeof *s);
    for (int k = 0; k < layers.n; k++, hidden += h) {
        int n = list_rows(c, &layers, k, at);
        row[0] = all;
        for (int i = 0; i < n; i++)
            row[i + 1] = c->first + at[i];
        ds_sum_rows(row, n + 1, hidden, h);
        for (size_t j = 0; j < h; j++) {
            hidden[j] = hidden[j] > 0 ? hidden[j] : 0;
            s[j] += hidden[j];
        }
    }
}

double ds_chain_value(const struct ds_chain *c, const struct ds_chain_data *data, size_t example)
{
    float hidden[DS_MAX_SITES * DS_CHAIN_MOST], s[DS_CHAIN_MOST];
    const struct ds_chain_end end = ds_chain_end(c);
    forward(c, data, example, hidden, s);
    return *c->out + ds_chain_output(&end, s);
}

/* ---- training ---- */

typedef float vec __attribute__((vector_size(64), aligned(4), may_alias));
#define VEC 16

/* A training under way. */
struct training {
    struct ds_chain *net, gradient;
    const struct ds_chain_data *data;
    const struct ds_train_plan *plan;
    struct ds_train descent;
    float *hidden; /* [layers of a batch][hidden] */
    float *slope;  /* [batch][hidden] in the sum over layers */
    float *across; /* [hidden][top]: top_first, transposed */
};

static void free_training(struct training *t)
{
    ds_chain_free(&t->gradient);
    ds_train_free(&t->descent);
    free(t->hidden);
    free(t->slope);
    free(t->across);
}

/* The most layers of an example, and rows of a layer. */
static void find_most(const struct ds_chain *c, const struct ds_chain_data *d, const uint32_t *item,
                      uint32_t n, size_t *layers, size_t *rows)
{
    size_t at[DS_CHAIN_ROWS];
    int most = 1, most_rows = 1;
    for (uint32_t i = 0; i < n; i++) {
        const struct layers of = layers_of(d, item[i]);
        most = of.n > most ? of.n : most;
        for (int k = 0; k < of.n; k++) {
            int count = d->shared + list_rows(c, &of, k, at);
            most_rows = count > most_rows ? count : most_rows;
        }
    }
    *layers = (size_t)most;
    *rows = (size_t)most_rows;
}

static int make_training(struct training *t, size_t layers)
{
    const struct ds_chain *c = t->net;
    size_t h = (size_t)c->hidden, batch = (size_t)t->plan->batch;
    t->hidden = ds_alloc(batch * layers * h, sizeof *t->hidden, NULL);
    t->slope = ds_alloc(batch * h, sizeof *t->slope, NULL);
    t->across = ds_alloc(h * (size_t)c->top, sizeof *t->across, NULL);
    return ds_chain_init(&t->gradient, c->window, c->columns, c->hidden, c->top) == 0 &&
                   ds_train_init(&t->descent, c->first, t->gradient.first, c->count) == 0 &&
                   t->hidden && t->slope && t->across
               ? 0
               : -1;
}

/* Sums of the top layer: its bias, and s times `across`. */
DS_WIDE static void add_across(const struct training *t, const float *s, float *top)
{
    size_t n = (size_t)t->net->top, h = (size_t)t->net->hidden, k = 0;
    memcpy(top, t->net->top_bias, n * sizeof *top);
    for (; k + 2 * VEC <= n; k += 2 * VEC) { /* in registers */
        vec a = *(vec *)(top + k), b = *(vec *)(top + k + VEC);
        for (size_t j = 0; j < h; j++) {
            const vec *w = (const vec *)(t->across + j * n + k);
            a += s[j] * w[0];
            b += s[j] * w[1];
        }
        *(vec *)(top + k) = a;
        *(vec *)(top + k + VEC) = b;
    }
    for (; k < n; k++)
        for (size_t j = 0; j < h; j++)
            top[k] += s[j] * t->across[j * n + k];
}

/* The top layer; returns the network's value. */
DS_WIDE static float forward_top(const struct training *t, const float *s, float *restrict top)
{
    const struct ds_chain *c = t->net;
    size_t n = (size_t)c->top;
    float value = *c->out + ds_train_dot(c->last, s, c->hidden);
    add_across(t, s, top);
    for (size_t k = 0; k < n; k++)
        top[k] = top[k] > 0 ? top[k] : 0;
    return value + ds_train_dot(c->top_last, top, c->top);
}

/* Adds the slopes of the top layer, and of `last`; slope[hidden]: that in the sum over layers. */
DS_WIDE static void add_top(struct training *t, float off, const float *restrict s,
                            const float *top, float *restrict slope)
{
    const struct ds_chain *c = t->net;
    struct ds_chain *g = &t->gradient;
    float *restrict g_last = g->last;
    size_t h = (size_t)c->hidden;
    *g->out += off;
    for (size_t j = 0; j < h; j++) {
        g_last[j] += off * s[j];
        slope[j] = off * c->last[j];
    }
    for (int k = 0; k < c->top; k++) {
        if (!(top[k] > 0))
            continue;
        const float *restrict w = c->top_first + (size_t)k * h;
        float *restrict gw = g->top_first + (size_t)k * h;
        float back = off * c->top_last[k];
        g->top_last[k] += off * top[k];
        g->top_bias[k] += back;
        for (size_t j = 0; j < h; j++) {
            gw[j] += back * s[j];
            slope[j] += back * w[j];
        }
    }
}

/* Adds the slopes of all rows of an example. */
DS_WIDE static void add_layers(struct training *t, size_t example, const float *restrict hidden,
                               const float *restrict slope)
{
    const struct ds_chain_data *d = t->data;
    const struct ds_chain *g = &t->gradient;
    const struct layers layers = layers_of(d, example);
    size_t h = (size_t)g->hidden, at[DS_CHAIN_ROWS];
    float back[DS_CHAIN_MOST], all[DS_CHAIN_MOST];
    memset(all, 0, h * sizeof *all);
    for (int k = 0; k < layers.n; k++, hidden += h) {
        int n = list_rows(g, &layers, k, at);
        for (size_t j = 0; j < h; j++) {
            back[j] = hidden[j] > 0 ? slope[j] : 0;
            all[j] += back[j];
        }
        for (int i = 0; i < n; i++) {
            float *restrict to = g->first + at[i];
            for (size_t j = 0; j < h; j++)
                to[j] += back[j];
        }
    }
    for (int i = -1; i < d->shared; i++) {
        float *restrict to =
            i < 0 ? g->bias : g->first + (size_t)d->column[d->start[example] + (size_t)i] * h;
        for (size_t j = 0; j < h; j++)
            to[j] += all[j];
    }
}

/* The gradient of half the mean square error of a batch. */
static void add_gradient(struct training *t, const uint32_t *item, uint32_t n)
{
    const struct ds_chain *c = t->net;
    const struct ds_chain_data *d = t->data;
    size_t h = (size_t)c->hidden, ntop = (size_t)c->top;
    float s[DS_CHAIN_MOST], top[DS_CHAIN_MOST], *hidden = t->hidden;
    memset(t->gradient.first, 0, c->count * sizeof *c->first);
    for (size_t k = 0; k < ntop; k++)
        for (size_t j = 0; j < h; j++)
            t->across[j * ntop + k] = c->top_first[k * h + j];
    for (uint32_t i = 0; i < n; i++) {
        forward(c, d, item[i], hidden, s);
        float off = forward_top(t, s, top) - d->target[item[i]];
        add_top(t, off / (float)n, s, top, t->slope + i * h);
        hidden += (size_t)layers_of(d, item[i]).n * h;
    }
    hidden = t->hidden;
    for (uint32_t i = 0; i < n; i++) { /* apart: a cache holds the weights or their gradient */
        add_layers(t, item[i], hidden, t->slope + i * h);
        hidden += (size_t)layers_of(d, item[i]).n * h;
    }
}

/* What follows the sum over layers, on which all layers act at once, learns at a tenth of the rate.
 */
static void descend(struct training *t, double done, double steps)
{
    const struct ds_chain *c = t->net;
    size_t first = (size_t)(c->last - c->first), weights = (size_t)(c->bias - c->first);
    ds_train_begin(&t->descent, t->plan, done, steps);
    ds_train_step(&t->descent, 0, first, 1, t->plan->decay);
    ds_train_step(&t->descent, first, weights, 0.1f, t->plan->decay);
    ds_train_step(&t->descent, weights, c->count, 1, 0);
}

/* Uniform, of the deviation that keeps the signal's size (He et al., ICCV 2015). */
static void start_weights(struct training *t, size_t layers, size_t rows)
{
    struct ds_chain *c = t->net;
    size_t h = (size_t)c->hidden, top = (size_t)c->top;
    struct ds_random r;
    ds_random_init(&r, t->plan->seed, 0, 0);
    memset(c->first, 0, c->count * sizeof *c->first);
    ds_train_randomise(c->first, (size_t)(c->last - c->first), sqrt(6.0 / (double)rows), &r);
    ds_train_randomise(c->last, h, sqrt(1.0 / (double)h) / (double)layers, &r);
    ds_train_randomise(c->top_first, top * h, sqrt(6.0 / (double)h) / (double)layers, &r);
    ds_train_randomise(c->top_last, top, sqrt(1.0 / (double)top), &r);
}

int ds_chain_train(struct ds_chain *net, const struct ds_chain_data *data, uint32_t *item,
                   uint32_t nitems, const struct ds_train_plan *plan)
{
    struct training t = {.net = net, .data = data, .plan = plan};
    uint32_t batch = (uint32_t)plan->batch, batches = (nitems + batch - 1) / batch;
    size_t layers, rows;
    find_most(net, data, item, nitems, &layers, &rows);
    int rc = make_training(&t, layers);
    if (rc == 0)
        start_weights(&t, layers, rows);
    for (int e = 0; rc == 0 && e < plan->epochs; e++) {
        struct ds_random r;
        ds_random_init(&r, plan->seed, (uint64_t)e + 1, 0);
        ds_random_shuffle(&r, item, nitems);
        for (uint32_t b = 0; b < batches; b++) {
            uint32_t at = b * batch, n = nitems - at < batch ? nitems - at : batch;
            add_gradient(&t, item + at, n);
            descend(&t, (double)e * batches + b, (double)plan->epochs * batches);
        }
        if (plan->epoch_done)
            plan->epoch_done(plan->arg);
    }
    free_training(&t);
    return rc;
}

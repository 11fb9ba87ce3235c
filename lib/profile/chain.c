#include "profile/chain.h"

#include "base/grow.h"
#include "base/random.h"
#include "base/sum_rows.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

int ds_chain_init(struct ds_chain *c, int rows, int hidden, int top)
{
    size_t h = (size_t)hidden, t = (size_t)top, first = (size_t)rows * h;
    *c = (struct ds_chain){.rows = rows, .hidden = hidden, .top = top};
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

/* ---- training ---- */

/* A training under way, with room for one batch. */
struct training {
    struct ds_chain *net, gradient;
    const struct ds_chain_data *data;
    const struct ds_train_plan *plan;
    struct ds_train descent;
    float *hidden;    /* [layers of a batch][hidden]: of a layer, then the error's slope in it */
    size_t *begin;    /* [rows + 1] where a row's layers begin, below */
    const float **of; /* layers by row */
};

static void free_training(struct training *t)
{
    ds_chain_free(&t->gradient);
    ds_train_free(&t->descent);
    free(t->hidden);
    free(t->begin);
    free(t->of);
}

/* The most layers of an example, and rows of a layer. */
static void find_most(const struct ds_chain_data *d, const uint32_t *item, uint32_t n,
                      size_t *layers, size_t *rows)
{
    *layers = *rows = 1;
    for (uint32_t i = 0; i < n; i++) {
        size_t from = d->start[item[i]], to = d->start[item[i] + 1];
        *layers = to - from > *layers ? to - from : *layers;
        for (size_t k = from; k < to; k++)
            *rows = d->begin[k + 1] - d->begin[k] > *rows ? d->begin[k + 1] - d->begin[k] : *rows;
    }
}

static int make_training(struct training *t, const uint32_t *item, uint32_t nitems)
{
    const struct ds_chain *c = t->net;
    size_t batch = (size_t)t->plan->batch, h = (size_t)c->hidden, layers, rows;
    find_most(t->data, item, nitems, &layers, &rows);
    t->hidden = ds_alloc(batch * layers * h, sizeof *t->hidden, NULL);
    t->begin = ds_alloc((size_t)c->rows + 1, sizeof *t->begin, NULL);
    t->of = ds_alloc(batch * layers * rows + 1, sizeof *t->of, NULL);
    return ds_chain_init(&t->gradient, c->rows, c->hidden, c->top) == 0 &&
                   ds_train_init(&t->descent, c->first, t->gradient.first, c->count) == 0 &&
                   t->hidden && t->begin && t->of
               ? 0
               : -1;
}

/* The hidden layer of all layers of an example, and their sum. */
static void forward(const struct ds_chain *c, const struct ds_chain_data *d, uint32_t example,
                    float *hidden, float *s)
{
    const float *row[DS_CHAIN_ROWS];
    size_t h = (size_t)c->hidden;
    memset(s, 0, h * sizeof *s);
    for (size_t k = d->start[example]; k < d->start[example + 1]; k++, hidden += h) {
        int n = 0;
        row[n++] = c->bias;
        for (size_t r = d->begin[k]; r < d->begin[k + 1]; r++)
            row[n++] = c->first + (size_t)d->row[r] * h;
        ds_sum_rows(row, n, hidden, h);
        for (size_t j = 0; j < h; j++) {
            hidden[j] = hidden[j] > 0 ? hidden[j] : 0;
            s[j] += hidden[j];
        }
    }
}

/* Adds the slopes of an example; the hidden layers become the slopes in their inputs. */
static void add_example(struct training *t, uint32_t example, uint32_t n, float *restrict hidden)
{
    const struct ds_chain *c = t->net;
    struct ds_chain *g = &t->gradient;
    size_t h = (size_t)c->hidden, layers = t->data->start[example + 1] - t->data->start[example];
    float s[DS_CHAIN_MOST], slope[DS_CHAIN_MOST], top[DS_CHAIN_MOST];
    forward(c, t->data, example, hidden, s);
    float off = *c->out + ds_train_dot(c->last, s, c->hidden) - t->data->target[example];
    for (int k = 0; k < c->top; k++) {
        top[k] = c->top_bias[k] + ds_train_dot(c->top_first + (size_t)k * h, s, c->hidden);
        top[k] = top[k] > 0 ? top[k] : 0;
        off += top[k] * c->top_last[k];
    }
    off /= (float)n;
    *g->out += off;
    for (size_t j = 0; j < h; j++) {
        g->last[j] += off * s[j];
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
    for (size_t i = 0; i < layers; i++)
        for (size_t j = 0; j < h; j++) {
            float on = hidden[i * h + j] > 0 ? 1 : 0; /* a factor: no branch */
            hidden[i * h + j] = on * slope[j];
            g->bias[j] += on * slope[j];
        }
}

/* Lists for each row the layers of the batch that have it. */
static void transpose(struct training *t, const uint32_t *item, uint32_t n)
{
    const struct ds_chain_data *d = t->data;
    size_t rows = (size_t)t->net->rows, at = 0;
    memset(t->begin, 0, (rows + 1) * sizeof *t->begin);
    for (uint32_t i = 0; i < n; i++)
        for (size_t r = d->begin[d->start[item[i]]]; r < d->begin[d->start[item[i] + 1]]; r++)
            t->begin[d->row[r]]++;
    for (size_t c = 0; c <= rows; c++) { /* ends, from which they are filled downwards */
        at += t->begin[c];
        t->begin[c] = at;
    }
    const float *hidden = t->hidden;
    for (uint32_t i = 0; i < n; i++)
        for (size_t k = d->start[item[i]]; k < d->start[item[i] + 1]; k++, hidden += t->net->hidden)
            for (size_t r = d->begin[k]; r < d->begin[k + 1]; r++)
                t->of[--t->begin[d->row[r]]] = hidden;
}

/* The gradient of half the mean square error of a batch. */
static void add_gradient(struct training *t, const uint32_t *item, uint32_t n)
{
    struct ds_chain *g = &t->gradient;
    size_t h = (size_t)g->hidden;
    float *hidden = t->hidden;
    memset(g->last, 0, (g->count - (size_t)(g->last - g->first)) * sizeof *g->last);
    for (uint32_t i = 0; i < n; i++) {
        add_example(t, item[i], n, hidden);
        hidden += (t->data->start[item[i] + 1] - t->data->start[item[i]]) * h;
    }
    transpose(t, item, n);
    for (int r = 0; r < g->rows; r++)
        ds_sum_rows(t->of + t->begin[r], (int)(t->begin[r + 1] - t->begin[r]),
                    g->first + (size_t)r * h, h);
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
    ds_train_randomise(c->first, (size_t)c->rows * h, sqrt(6.0 / (double)rows), &r);
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
    int rc = make_training(&t, item, nitems);
    find_most(data, item, nitems, &layers, &rows);
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

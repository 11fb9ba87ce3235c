#include "profile/neural.h"

#include "base/grow.h"
#include "base/random.h"
#include "base/sum_rows.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

int ds_neural_init(struct ds_neural *n, int inputs, int hidden)
{
    size_t h = (size_t)hidden, first = (size_t)inputs * h;
    *n = (struct ds_neural){.inputs = inputs, .hidden = hidden, .count = first + 2 * h + 1};
    n->first = ds_alloc(n->count, sizeof *n->first, NULL);
    if (!n->first)
        return -1;
    n->last = n->first + first;
    n->bias = n->last + h;
    n->out = n->bias + h;
    return 0;
}

void ds_neural_free(struct ds_neural *n)
{
    free(n->first);
    *n = (struct ds_neural){0};
}

/* In four sums, so that the compiler can use vector instructions. */
static float relu_dot(const float *sum, const float *last, int hidden)
{
    float lane[4] = {0};
    int i = 0;
    for (; i + 4 <= hidden; i += 4)
        for (int k = 0; k < 4; k++)
            lane[k] += (sum[i + k] > 0 ? sum[i + k] : 0) * last[i + k];
    for (; i < hidden; i++)
        lane[0] += (sum[i] > 0 ? sum[i] : 0) * last[i];
    return (lane[0] + lane[1]) + (lane[2] + lane[3]);
}

double ds_neural_output(const float *const *row, int nrows, const float *last, int hidden)
{
    float sum[DS_NEURAL_MOST];
    ds_sum_rows(row, nrows, sum, (size_t)hidden);
    return relu_dot(sum, last, hidden);
}

/* ---- training ---- */

/* A training under way, with room for one batch. */
struct training {
    struct ds_neural *net, gradient;
    const struct ds_neural_data *data;
    const struct ds_train_plan *plan;
    struct ds_train descent;
    float *hidden;     /* [batch][hidden] outputs of the hidden layer */
    float *back;       /* [batch][hidden] the error's slope in its inputs */
    const float **row; /* rows to be summed: of an example, or of an input */
    size_t *begin;     /* [inputs + 1] where an input's rows begin, below */
    const float **of;  /* rows of `back` by input */
};

static void free_training(struct training *t)
{
    ds_neural_free(&t->gradient);
    ds_train_free(&t->descent);
    free(t->hidden);
    free(t->back);
    free(t->row);
    free(t->begin);
    free(t->of);
}

/* The most inputs that are on in an example. */
static size_t most_on(const struct ds_neural_data *data, const uint32_t *item, uint32_t nitems)
{
    size_t most = 0;
    for (uint32_t i = 0; i < nitems; i++) {
        size_t on = data->start[item[i] + 1] - data->start[item[i]];
        most = on > most ? on : most;
    }
    return most;
}

static int make_training(struct training *t, const uint32_t *item, uint32_t nitems)
{
    const struct ds_neural *n = t->net;
    size_t batch = (size_t)t->plan->batch, h = (size_t)n->hidden;
    size_t on = most_on(t->data, item, nitems);
    t->hidden = ds_alloc(batch * h, sizeof *t->hidden, NULL);
    t->back = ds_alloc(batch * h, sizeof *t->back, NULL);
    t->row = ds_alloc(on + 1, sizeof *t->row, NULL);
    t->begin = ds_alloc((size_t)n->inputs + 1, sizeof *t->begin, NULL);
    t->of = ds_alloc(batch * on + 1, sizeof *t->of, NULL);
    return ds_neural_init(&t->gradient, n->inputs, n->hidden) == 0 &&
                   ds_train_init(&t->descent, n->first, t->gradient.first, n->count) == 0 &&
                   t->hidden && t->back && t->row && t->begin && t->of
               ? 0
               : -1;
}

/* Computes the hidden layer's outputs for an example; returns the network's error. */
static float forward(struct training *t, uint32_t example, float *hidden)
{
    const struct ds_neural *n = t->net;
    const struct ds_neural_data *d = t->data;
    int nrows = 0;
    t->row[nrows++] = n->bias;
    for (size_t k = d->start[example]; k < d->start[example + 1]; k++)
        t->row[nrows++] = n->first + (size_t)d->column[k] * (size_t)n->hidden;
    ds_sum_rows(t->row, nrows, hidden, (size_t)n->hidden);
    for (int j = 0; j < n->hidden; j++)
        hidden[j] = hidden[j] > 0 ? hidden[j] : 0;
    return *n->out + relu_dot(hidden, n->last, n->hidden) - d->target[example];
}

static void backward(struct training *t, float off, const float *restrict hidden,
                     float *restrict back)
{
    const float *restrict last = t->net->last;
    float *restrict g_last = t->gradient.last, *restrict g_bias = t->gradient.bias;
    int n = t->net->hidden;
    for (int j = 0; j < n; j++) {
        float on = hidden[j] > 0 ? 1 : 0; /* a factor rather than a branch */
        back[j] = on * (off * last[j]);
        g_last[j] += off * hidden[j];
        g_bias[j] += back[j];
    }
    *t->gradient.out += off;
}

/* Lists for each input the rows of `back` of the examples that have it. */
static void transpose(struct training *t, const uint32_t *item, uint32_t n)
{
    const struct ds_neural_data *d = t->data;
    size_t inputs = (size_t)t->net->inputs, at = 0;
    memset(t->begin, 0, (inputs + 1) * sizeof *t->begin);
    for (uint32_t i = 0; i < n; i++)
        for (size_t k = d->start[item[i]]; k < d->start[item[i] + 1]; k++)
            t->begin[d->column[k]]++;
    for (size_t c = 0; c <= inputs;
         c++) { /* first the ends of the lists, which are filled downwards from there */
        at += t->begin[c];
        t->begin[c] = at;
    }
    for (uint32_t i = n; i-- > 0;)
        for (size_t k = d->start[item[i]]; k < d->start[item[i] + 1]; k++)
            t->of[--t->begin[d->column[k]]] = t->back + (size_t)i * (size_t)t->net->hidden;
}

/* The gradient of half the mean square error of a batch. */
static void add_gradient(struct training *t, const uint32_t *item, uint32_t n)
{
    struct ds_neural *g = &t->gradient;
    size_t h = (size_t)g->hidden;
    memset(g->last, 0, (2 * h + 1) * sizeof *g->last); /* and the biases */
    for (uint32_t i = 0; i < n; i++) {
        float off = forward(t, item[i], t->hidden + i * h) / (float)n;
        backward(t, off, t->hidden + i * h, t->back + i * h);
    }
    transpose(t, item, n);
    for (int c = 0; c < g->inputs; c++)
        ds_sum_rows(t->of + t->begin[c], (int)(t->begin[c + 1] - t->begin[c]),
                    g->first + (size_t)c * h, h);
}

static void descend(struct training *t, double done, double steps)
{
    size_t weights = (size_t)(t->net->bias - t->net->first);
    ds_train_begin(&t->descent, t->plan, done, steps);
    ds_train_step(&t->descent, 0, weights, 1, t->plan->decay);
    ds_train_step(&t->descent, weights, t->net->count, 1, 0);
}

/*
 * Uniform, with the standard deviation that keeps the variance of activations (He et al., ICCV
 * 2015).
 */
static void start_weights(struct training *t, size_t on)
{
    struct ds_neural *n = t->net;
    size_t h = (size_t)n->hidden;
    struct ds_random r;
    ds_random_init(&r, t->plan->seed, 0, DS_DRAW_SAMPLE);
    memset(n->first, 0, n->count * sizeof *n->first);
    ds_train_randomise(n->first, (size_t)n->inputs * h, sqrt(6 / (on ? (double)on : 1)), &r);
    ds_train_randomise(n->last, h, sqrt(1 / (double)h), &r);
}

static void train(struct training *t, uint32_t *item, uint32_t nitems)
{
    const struct ds_train_plan *plan = t->plan;
    uint32_t batch = (uint32_t)plan->batch, batches = (nitems + batch - 1) / batch;
    start_weights(t, most_on(t->data, item, nitems));
    for (int e = 0; e < plan->epochs; e++) {
        struct ds_random r;
        ds_random_init(&r, plan->seed, (uint64_t)e + 1, DS_DRAW_SAMPLE);
        ds_random_shuffle(&r, item, nitems);
        for (uint32_t b = 0; b < batches; b++) {
            uint32_t at = b * batch, n = nitems - at < batch ? nitems - at : batch;
            add_gradient(t, item + at, n);
            descend(t, (double)e * batches + b, (double)plan->epochs * batches);
        }
        if (plan->epoch_done)
            plan->epoch_done(plan->arg);
    }
}

int ds_neural_train(struct ds_neural *n, const struct ds_neural_data *data, uint32_t *item,
                    uint32_t nitems, const struct ds_train_plan *plan)
{
    struct training t = {.net = n, .data = data, .plan = plan};
    int rc = make_training(&t, item, nitems);
    if (rc == 0)
        train(&t, item, nitems);
    free_training(&t);
    return rc;
}

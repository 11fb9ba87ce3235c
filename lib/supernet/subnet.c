/* The weights of a subnet, out of the tensors of its supernet. */
#include "base/grow.h"
#include "supernet/names.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Largest kernel whose transform is worked out on the stack. */
enum { MOST_KERNEL = 31 };

/* ---- kernels ---- */

/* The middle k x k of a size x size kernel. */
static void middle(const double *from, size_t size, size_t k, double *to)
{
    size_t start = (size - k) / 2;
    for (size_t y = 0; y < k; y++)
        for (size_t x = 0; x < k; x++)
            to[y * k + x] = from[(start + y) * size + start + x];
}

/* The matrix that makes kernels of `size` into the next smaller of the file's, *to; NULL: none. */
static const struct ds_tensor_f32 *next_matrix(const struct ds_supernet *s, const char *name,
                                               size_t size, size_t *to)
{
    for (*to = size - 2; *to >= 1 && *to < size; *to -= 2) {
        const struct ds_tensor_f32 *m =
            ds_supernet_find(s, "%s.conv.%zuto%zu_matrix", name, size, *to);
        if (m)
            return m;
    }
    return NULL;
}

/*
 * The matrices on the way from the file's kernel to one of size k: where the file has any, each
 * makes the middle of the kernel before it into the next one. Where it has none at all, smaller
 * kernels are the middle of the larger.
 */
struct way {
    const struct ds_tensor_f32 *matrix[MOST_KERNEL];
    size_t size[MOST_KERNEL]; /* after the matrix */
    int n;
};

static int find_way(const struct ds_supernet *s, const char *name, size_t size, size_t k,
                    struct way *way, struct ds_error *err)
{
    way->n = 0;
    if (!s->transforms)
        return 0;
    while (size > k) {
        size_t to;
        const struct ds_tensor_f32 *m = next_matrix(s, name, size, &to);
        if (!m || to < k)
            return ds_fail(err, "%s: no matrix makes a %zux%zu kernel into one of %zux%zu", name,
                           size, size, k, k);
        if (m->ndims != 2 || m->dim[0] != to * to || m->dim[1] != to * to)
            return ds_fail(err, "tensor %s is not %zux%zu", m->name, to * to, to * to);
        way->matrix[way->n] = m;
        way->size[way->n++] = size = to;
    }
    return 0;
}

/* One channel's kernel. */
static void shrink(const float *from, size_t size, size_t k, const struct way *way, float *to)
{
    double a[MOST_KERNEL * MOST_KERNEL], b[MOST_KERNEL * MOST_KERNEL];
    for (size_t i = 0; i < size * size; i++)
        a[i] = (double)from[i];
    for (int i = 0; i < way->n; size = way->size[i++]) {
        size_t n = way->size[i] * way->size[i];
        middle(a, size, way->size[i], b);
        for (size_t r = 0; r < n; r++) {
            double sum = 0;
            for (size_t c = 0; c < n; c++)
                sum += (double)way->matrix[i]->data[r * n + c] * b[c];
            a[r] = sum;
        }
    }
    middle(a, size, k, b);
    for (size_t i = 0; i < k * k; i++)
        to[i] = (float)b[i];
}

/* ---- taking ---- */

static int reserve(float **floats, size_t *room, size_t n, struct ds_error *err)
{
    if (n <= *room)
        return 0;
    free(*floats);
    *room = 0;
    if (!(*floats = ds_alloc(n, sizeof **floats, NULL)))
        return ds_fail(err, "out of memory: %zu MB of weights", n * sizeof **floats >> 20);
    *room = n;
    return 0;
}

static size_t weight_count(const struct ds_net *net, const struct ds_layer *l)
{
    return (size_t)net->tensor[l->out].c * (size_t)(net->tensor[l->in].c / l->groups) *
           (size_t)l->kernel * (size_t)l->kernel;
}

/* The first output and input channels of a tensor. */
static int take_weights(const struct ds_supernet *s, const struct ds_net *net,
                        const struct ds_layer *l, const struct conv_tensors *t, float *to,
                        struct ds_error *err)
{
    const struct ds_tensor_f32 *w = t->weight;
    size_t out = (size_t)net->tensor[l->out].c, k = (size_t)l->kernel;
    size_t in = (size_t)(net->tensor[l->in].c / l->groups);
    size_t size = w->ndims == 4 ? w->dim[2] : 1, row = w->dim[1] * size * size;
    struct way way;
    if (w->ndims < 2 || out > w->dim[0] || in > w->dim[1] || size < k || size > MOST_KERNEL)
        return ds_fail(err, "tensor %s is too small", w->name);
    if (size == k) {
        for (size_t o = 0; o < out; o++)
            memcpy(to + o * in * k * k, w->data + o * row, in * k * k * sizeof *to);
        return 0;
    }
    if (find_way(s, t->name, size, k, &way, err))
        return -1;
    for (size_t o = 0; o < out; o++)
        for (size_t i = 0; i < in; i++)
            shrink(w->data + o * row + i * size * size, size, k, &way, to + (o * in + i) * k * k);
    return 0;
}

/* Takes the first n numbers, or zeros, and steps on. */
static float *take_vector(const struct ds_tensor_f32 *t, size_t n, float **at)
{
    float *to = *at;
    *at += n;
    if (t)
        memcpy(to, t->data, n * sizeof *to);
    else
        memset(to, 0, n * sizeof *to);
    return to;
}

static int take_layer(const struct ds_supernet *s, const struct ds_net *net,
                      const struct ds_layer *l, const struct conv_tensors *t,
                      struct ds_subnet_layer *to, float **at, struct ds_error *err)
{
    size_t n = (size_t)net->tensor[l->out].c;
    to->cout = (int)n;
    to->weights = *at;
    *at += weight_count(net, l);
    if (take_weights(s, net, l, t, to->weights, err))
        return -1;
    to->bias = take_vector(t->bias, n, at);
    if (!t->bn[0])
        return 0;
    to->gamma = take_vector(t->bn[0], n, at);
    to->beta = take_vector(t->bn[1], n, at);
    to->mean = take_vector(t->bn[2], n, at);
    to->variance = take_vector(t->bn[3], n, at);
    for (size_t i = 0; i < n; i++)
        if (to->variance[i] < 0)
            return ds_fail(err, "tensor %s holds a negative variance", t->bn[3]->name);
    return 0;
}

static size_t count_floats(const struct ds_net *net)
{
    size_t sum = 0;
    for (int i = 0; i < net->nlayers; i++)
        if (net->layer[i].op == DS_OP_CONV)
            sum += weight_count(net, &net->layer[i]) + 5 * (size_t)net->tensor[net->layer[i].out].c;
    return sum;
}

int ds_supernet_take(const struct ds_supernet *s, const uint8_t *choice, const struct ds_net *net,
                     struct ds_subnet *subnet, struct ds_error *err)
{
    size_t n = (size_t)net->nlayers;
    struct conv_tensors *tensors = ds_alloc(n + 1, sizeof *tensors, NULL);
    struct ds_subnet_layer *layer = ds_alloc(n + 1, sizeof *layer, NULL);
    free(subnet->layer);
    free(subnet->folded);
    subnet->layer = layer;
    subnet->folded = NULL;
    subnet->nlayers = 0;
    int rc = tensors && layer ? 0 : ds_no_memory(err);
    if (rc == 0)
        rc = ds_supernet_tensors(s, s->space, choice, net, tensors, err);
    if (rc == 0)
        rc = reserve(&subnet->floats, &subnet->room, count_floats(net), err);
    float *at = subnet->floats;
    for (int i = 0; i < net->nlayers && rc == 0; i++)
        if (net->layer[i].op == DS_OP_CONV)
            rc = take_layer(s, net, &net->layer[i], &tensors[i], &layer[i], &at, err);
    free(tensors);
    if (rc == 0)
        subnet->nlayers = net->nlayers;
    subnet->bn_eps = s->bn_eps;
    return rc;
}

void ds_subnet_free(struct ds_subnet *subnet)
{
    free(subnet->layer);
    free(subnet->floats);
    free(subnet->folded);
    free(subnet->folded_floats);
    *subnet = (struct ds_subnet){0};
}

/* ---- folding ---- */

static void fold(const struct ds_subnet_layer *l, size_t row, double eps, float *weights,
                 float *bias)
{
    for (int o = 0; o < l->cout; o++) {
        double scale = l->gamma ? l->gamma[o] / sqrt((double)l->variance[o] + eps) : 1;
        const float *from = l->weights + (size_t)o * row;
        float *to = weights + (size_t)o * row;
        for (size_t i = 0; i < row; i++)
            to[i] = (float)(from[i] * scale);
        bias[o] =
            l->gamma ? (float)(l->beta[o] + (l->bias[o] - (double)l->mean[o]) * scale) : l->bias[o];
    }
}

int ds_subnet_give(struct ds_subnet *subnet, struct ds_net *net, struct ds_error *err)
{
    free(subnet->folded);
    subnet->folded = ds_alloc((size_t)net->nlayers + 1, sizeof *subnet->folded, err);
    if (!subnet->folded)
        return -1;
    if (reserve(&subnet->folded_floats, &subnet->folded_room, count_floats(net), err))
        return -1;
    float *at = subnet->folded_floats;
    for (int i = 0; i < net->nlayers; i++) {
        const struct ds_layer *l = &net->layer[i];
        if (l->op != DS_OP_CONV)
            continue;
        size_t count = weight_count(net, l), cout = (size_t)net->tensor[l->out].c;
        fold(&subnet->layer[i], count / cout, subnet->bn_eps, at, at + count);
        subnet->folded[i] = (struct ds_layer_weights){at, at + count};
        at += count + cout;
    }
    ds_net_give(net, subnet->folded);
    return 0;
}

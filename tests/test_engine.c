/* Engines against a naive reference, and against each other. */
#include "base/clock.h"
#include "base/random.h"
#include "engines.h"
#include "network/build.h"
#include "network/weights.h"
#include "space/arch.h"
#include "tap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SEED 7
#define TOLERANCE 1e-3 /* largest difference, as a share of the largest output */

static const char *const engines[] = {"onednn", "xnnpack", "opencl"};
enum { ENGINES = sizeof engines / sizeof *engines };

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

static void run_layer(const struct ds_net *net, const struct ds_layer *l, float **data, int batch)
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
static float *reference_on(const struct ds_net *net, int batch, uint64_t seed)
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

static float *reference(const struct ds_net *net, int batch)
{
    return reference_on(net, batch, SEED);
}

/* ---- comparing ---- */

/* Largest difference as a share of the largest output; infinite where an output is not finite. */
static double difference(const float *a, const float *b, size_t n)
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

static struct ds_session *open_session(const char *name, int batch, int threads)
{
    struct ds_error err;
    struct ds_engine_options options = {
        .threads = threads, .batch = batch, .seed = SEED, .device = TEST_DEVICE};
    return must(ds_engine_find(ds_all_engines, name)->open(&options, &err));
}

/* Runs the model and copies its output, to be freed; NULL and the reason on failure. */
static float *run(const struct ds_engine *e, struct ds_model *model, size_t *count,
                  struct ds_error *err)
{
    if (e->run(model, NULL, err))
        return NULL;
    const float *out = e->output(model, count);
    return memcpy(must(malloc(*count * sizeof *out)), out, *count * sizeof *out);
}

static float *load_and_run(const struct ds_engine *e, struct ds_session *s,
                           const struct ds_net *net, size_t *count, struct ds_error *err)
{
    struct ds_model *model = e->load(s, net, err);
    float *out = model ? run(e, model, count, err) : NULL;
    if (model)
        e->unload(model);
    return out;
}

/* ---- networks of a few layers ---- */

static int tensor(struct ds_net *net, int c, int h, int w)
{
    net->tensor = must(realloc(net->tensor, (size_t)(net->ntensors + 1) * sizeof *net->tensor));
    net->tensor[net->ntensors] = (struct ds_tensor){c, h, w};
    return net->output = net->ntensors++;
}

static void layer(struct ds_net *net, struct ds_layer l)
{
    net->layer = must(realloc(net->layer, (size_t)(net->nlayers + 1) * sizeof *net->layer));
    net->layer[net->nlayers++] = l;
}

static int half(int size, int stride)
{
    return (size + stride - 1) / stride;
}

static int conv(struct ds_net *net, int in, int in2, int cout, int kernel, int stride, int groups,
                enum ds_act act)
{
    struct ds_tensor t = net->tensor[in];
    int out = tensor(net, cout, half(t.h, stride), half(t.w, stride));
    layer(net, (struct ds_layer){.op = DS_OP_CONV,
                                 .act = act,
                                 .in = in,
                                 .in2 = in2,
                                 .out = out,
                                 .kernel = kernel,
                                 .stride = stride,
                                 .pad = kernel / 2,
                                 .groups = groups,
                                 .bn = true,
                                 .instance = net->nlayers});
    return out;
}

static int pooling(struct ds_net *net, enum ds_op op, int in, int kernel, int stride, int pad)
{
    struct ds_tensor t = net->tensor[in];
    int h = op == DS_OP_GLOBAL_POOL ? 1 : half(t.h, stride);
    int w = op == DS_OP_GLOBAL_POOL ? 1 : half(t.w, stride);
    int out = tensor(net, t.c, h, w);
    layer(net, (struct ds_layer){.op = op,
                                 .in = in,
                                 .in2 = -1,
                                 .out = out,
                                 .kernel = kernel,
                                 .stride = stride,
                                 .pad = pad});
    return out;
}

static int binary(struct ds_net *net, enum ds_op op, int in, int in2, enum ds_act act)
{
    struct ds_tensor t = net->tensor[in];
    int out = tensor(net, t.c, t.h, t.w);
    layer(net, (struct ds_layer){.op = op, .act = act, .in = in, .in2 = in2, .out = out});
    return out;
}

static void plain(struct ds_net *n)
{
    conv(n, 0, -1, 13, 3, 2, 1, DS_ACT_HSWISH);
}

static void no_bias(struct ds_net *n)
{
    conv(n, 0, -1, 13, 1, 1, 1, DS_ACT_RELU);
    n->layer[0].bn = false;
}

static void strided_1x1(struct ds_net *n)
{
    conv(n, conv(n, 0, -1, 24, 3, 1, 1, DS_ACT_RELU), -1, 40, 1, 2, 1, DS_ACT_NONE);
}

static void large_kernel(struct ds_net *n)
{
    conv(n, 0, -1, 8, 7, 2, 1, DS_ACT_RELU6);
}

static void grouped(struct ds_net *n)
{
    conv(n, conv(n, 0, -1, 24, 1, 1, 1, DS_ACT_RELU), -1, 48, 3, 2, 4, DS_ACT_RELU);
}

static void depthwise3(struct ds_net *n)
{
    conv(n, conv(n, 0, -1, 24, 1, 1, 1, DS_ACT_RELU), -1, 24, 3, 1, 24, DS_ACT_RELU6);
}

static void depthwise5(struct ds_net *n)
{
    conv(n, conv(n, 0, -1, 20, 1, 1, 1, DS_ACT_HSWISH), -1, 20, 5, 2, 20, DS_ACT_HSWISH);
}

static void depthwise7(struct ds_net *n)
{
    conv(n, conv(n, 0, -1, 24, 1, 1, 1, DS_ACT_RELU), -1, 24, 7, 2, 24, DS_ACT_RELU);
}

static void max_pool(struct ds_net *n)
{
    pooling(n, DS_OP_MAX_POOL, conv(n, 0, -1, 16, 3, 1, 1, DS_ACT_NONE), 3, 2, 1);
}

static void average_pool(struct ds_net *n)
{
    pooling(n, DS_OP_AVG_POOL, conv(n, 0, -1, 16, 3, 1, 1, DS_ACT_NONE), 2, 2, 0);
}

static void global_pool(struct ds_net *n)
{
    pooling(n, DS_OP_GLOBAL_POOL, conv(n, 0, -1, 16, 3, 1, 1, DS_ACT_HSWISH), 0, 0, 0);
}

static void squeeze_excite(struct ds_net *n)
{
    int x = conv(n, 0, -1, 24, 3, 2, 1, DS_ACT_HSWISH);
    int squeezed = pooling(n, DS_OP_GLOBAL_POOL, x, 0, 0, 0);
    int narrow = conv(n, squeezed, -1, 8, 1, 1, 1, DS_ACT_RELU);
    int scale = conv(n, narrow, -1, 24, 1, 1, 1, DS_ACT_HSIGMOID);
    binary(n, DS_OP_SCALE, x, scale, DS_ACT_NONE);
}

static void add_relu(struct ds_net *n)
{
    int x = conv(n, 0, -1, 16, 3, 1, 1, DS_ACT_NONE), y = conv(n, 0, -1, 16, 1, 1, 1, DS_ACT_NONE);
    binary(n, DS_OP_ADD, x, y, DS_ACT_RELU);
}

static void add_hswish(struct ds_net *n)
{
    int x = conv(n, 0, -1, 16, 3, 1, 1, DS_ACT_NONE), y = conv(n, 0, -1, 16, 1, 1, 1, DS_ACT_NONE);
    binary(n, DS_OP_ADD, x, y, DS_ACT_HSWISH);
}

/* The activation comes after the sum, as in a bottleneck. */
static void residual(struct ds_net *n)
{
    int x = conv(n, 0, -1, 24, 3, 1, 1, DS_ACT_RELU);
    conv(n, conv(n, x, -1, 12, 1, 1, 1, DS_ACT_RELU), x, 24, 3, 1, 1, DS_ACT_RELU);
}

static void residual_hswish(struct ds_net *n)
{
    int x = conv(n, 0, -1, 24, 3, 1, 1, DS_ACT_HSWISH);
    conv(n, conv(n, x, -1, 12, 1, 1, 1, DS_ACT_RELU6), x, 24, 1, 1, 1, DS_ACT_HSWISH);
}

/* What is summed up is read again later, so the sum must not be taken in its place. */
static void residual_twice(struct ds_net *n)
{
    int x = conv(n, 0, -1, 24, 3, 1, 1, DS_ACT_RELU);
    int y = conv(n, x, x, 24, 3, 1, 1, DS_ACT_NONE);
    conv(n, y, x, 24, 1, 1, 1, DS_ACT_RELU);
}

static void shuffle(struct ds_net *n, int groups)
{
    int x = conv(n, 0, -1, 24, 3, 1, 1, DS_ACT_NONE);
    struct ds_tensor t = n->tensor[x];
    int out = tensor(n, t.c, t.h, t.w);
    layer(n,
          (struct ds_layer){.op = DS_OP_SHUFFLE, .in = x, .in2 = -1, .out = out, .groups = groups});
    conv(n, out, -1, 24, 1, 1, groups, DS_ACT_RELU);
}

static void shuffle2(struct ds_net *n)
{
    shuffle(n, 2);
}

static void shuffle3(struct ds_net *n)
{
    shuffle(n, 3);
}

static const struct small {
    const char *name;
    void (*build)(struct ds_net *net);
} small[] = {
    {"convolution", plain},
    {"convolution without bias", no_bias},
    {"1x1 with stride", strided_1x1},
    {"7x7 convolution", large_kernel},
    {"grouped convolution", grouped},
    {"3x3 depthwise", depthwise3},
    {"5x5 depthwise", depthwise5},
    {"7x7 depthwise", depthwise7},
    {"max pool", max_pool},
    {"average pool", average_pool},
    {"global pool", global_pool},
    {"squeeze-excite", squeeze_excite},
    {"add, relu", add_relu},
    {"add, hswish", add_hswish},
    {"residual", residual},
    {"residual, hswish", residual_hswish},
    {"residual summed twice", residual_twice},
    {"channel shuffle, 2 groups", shuffle2},
    {"channel shuffle, 3 groups", shuffle3},
};

static void small_network(const char *name, const struct small *test, int h, int w, int batch)
{
    const struct ds_engine *e = ds_engine_find(ds_all_engines, name);
    struct ds_session *s = open_session(name, batch, 1);
    struct ds_net net = {0};
    struct ds_module module = {.first = 0};
    struct ds_error err = {""};
    tensor(&net, 3, h, w);
    test->build(&net);
    module.count = net.nlayers;
    net.module = &module;
    net.nmodules = 1;

    size_t count = 0;
    float *expected = reference(&net, batch);
    float *out = load_and_run(e, s, &net, &count, &err);
    CHECK(out && count == floats(&net, net.output, batch) &&
              difference(out, expected, count) < TOLERANCE,
          "%s: %s, %dx%d, batch %d %s", name, test->name, h, w, batch, out ? "" : err.text);
    free(out);
    free(expected);
    e->close(s);
    net.module = NULL;
    ds_net_free(&net);
}

/* ---- whole networks ---- */

static void random_net(const struct ds_space *space, uint64_t i, int resolution, struct ds_net *net)
{
    struct ds_random r;
    struct ds_error err;
    uint8_t choice[DS_MAX_SITES];
    ds_random_init(&r, SEED, i, 0);
    for (int s = 0; s < space->nsites; s++)
        choice[s] = (uint8_t)ds_random_below(&r, (uint32_t)space->site[s].nchoices);
    if (resolution >= 0)
        choice[space->resolution_site] = (uint8_t)resolution;
    if (ds_arch_canon(space, choice, &err) || ds_net_build(space, choice, net, &err))
        abort();
}

/* A narrow space of odd sizes that has all kinds of blocks, quick enough for the reference. */
static const char odd_space[] =
    "{\"dstools_space\":1,\"name\":\"odd\",\"resolution\":[33,47],"
    "\"blocks\":[{\"name\":\"a\",\"type\":\"mbconv\",\"expand\":3,\"kernel\":5},"
    "{\"name\":\"b\",\"type\":\"bottleneck\",\"expand\":0.25,\"kernel\":3},"
    "{\"name\":\"c\",\"type\":\"bottleneck\",\"expand\":0.5,\"kernel\":3,\"shortcut\":\"conv\"},"
    "{\"name\":\"g\",\"type\":\"mbconv\",\"expand\":1,\"kernel\":3,\"groups\":2,"
    "\"expand_conv\":true,\"shuffle\":true},"
    "{\"name\":\"s\",\"type\":\"skip\"}],"
    "\"stem\":[{\"op\":\"conv\",\"kernel\":3,\"stride\":2,\"width\":8,\"act\":\"relu\"}],"
    "\"units\":[{\"width\":16,\"depth\":[1,2,3],\"stride\":2,\"act\":\"relu\",\"se\":true},"
    "{\"width\":[16,24],\"depth\":[1,2],\"stride\":2,\"act\":\"hswish\"}],"
    "\"head\":[{\"op\":\"pool\"},{\"op\":\"linear\",\"width\":10}]}";

static void whole_networks(const char *name)
{
    struct ds_error err = {""};
    struct ds_space *space = ds_space_parse(odd_space, strlen(odd_space), &err);
    CHECK(space, "the space of the test is one: %s", space ? "yes" : err.text);
    if (!space)
        return;
    const struct ds_engine *e = ds_engine_find(ds_all_engines, name);
    struct ds_session *s = open_session(name, 2, 1);
    double worst = 0;
    for (uint64_t i = 0; i < 20; i++) {
        struct ds_net net = {0};
        size_t count = 0;
        random_net(space, i, -1, &net);
        float *expected = reference(&net, 2);
        float *out = load_and_run(e, s, &net, &count, &err);
        worst = out ? fmax(worst, difference(out, expected, count)) : INFINITY;
        free(out);
        free(expected);
        ds_net_free(&net);
    }
    CHECK(worst < TOLERANCE, "%s: 20 networks of odd sizes, worst %g %s", name, worst, err.text);
    e->close(s);
    ds_space_free(space);
}

/* Gives the network weights of another seed. */
static struct ds_layer_weights *give(struct ds_net *net, uint64_t seed)
{
    struct ds_layer_weights *given = must(calloc((size_t)net->nlayers, sizeof *given));
    for (int i = 0; i < net->nlayers; i++) {
        if (net->layer[i].op != DS_OP_CONV)
            continue;
        struct ds_weight_key key = ds_weight_key(net, &net->layer[i]);
        float *weights = must(malloc(ds_weight_count(&key) * sizeof *weights));
        float *bias = must(malloc((size_t)key.cout * sizeof *bias));
        ds_weights_fill(&key, seed, weights, bias);
        given[i] = (struct ds_layer_weights){weights, bias};
    }
    ds_net_give(net, given);
    return given;
}

static void take_back(struct ds_net *net, struct ds_layer_weights *given)
{
    for (int i = 0; i < net->nlayers; i++) {
        free((float *)given[i].weights);
        free((float *)given[i].bias);
    }
    free(given);
    ds_net_give(net, NULL);
}

/* Runs the model on an input of this seed, where the engine takes any. */
static float *run_on(const struct ds_engine *e, struct ds_model *model, uint64_t seed,
                     size_t *count, struct ds_error *err)
{
    struct ds_input images = {0};
    size_t n;
    float *to = e->input ? e->input(model, &n, err) : NULL;
    if (to && ds_input_reserve(&images, seed, n, err) == 0)
        memcpy(to, images.data, n * sizeof *to);
    ds_input_free(&images);
    return e->input && !to ? NULL : run(e, model, count, err);
}

/* Models of given weights between those of seeded ones, loaded and unloaded, on inputs given. */
static void given_weights(const char *name)
{
    struct ds_error err = {""};
    struct ds_space *space = must(ds_space_parse(odd_space, strlen(odd_space), &err));
    const struct ds_engine *e = ds_engine_find(ds_all_engines, name);
    struct ds_session *s = open_session(name, 2, 1);
    struct ds_net net = {0};
    random_net(space, 3, -1, &net);
    float *seeded = reference(&net, 2);
    struct ds_model *model = must(e->load(s, &net, &err));
    double worst = 0, other = INFINITY;
    for (uint64_t seed = 100; seed < 103; seed++) {
        size_t count = 0;
        uint64_t input = e->input ? seed : SEED;
        struct ds_layer_weights *given = give(&net, seed);
        float *expected = reference_on(&net, 2, input);
        struct ds_model *own = must(e->load(s, &net, &err)), *twin = must(e->load(s, &net, &err));
        take_back(&net, given);
        e->unload(twin);
        float *a = run_on(e, own, seed, &count, &err), *b = run(e, model, &count, &err);
        worst =
            a && b ? fmax(worst, fmax(difference(a, expected, count), difference(b, seeded, count)))
                   : INFINITY;
        other = b ? fmin(other, difference(b, expected, count)) : 0;
        e->unload(own);
        free(a);
        free(b);
        free(expected);
    }
    CHECK(worst < TOLERANCE && other > 10 * TOLERANCE,
          "%s: given weights and inputs, worst %g, from seeded ones at least %g %s", name, worst,
          other, err.text);
    e->unload(model);
    e->close(s);
    free(seeded);
    ds_net_free(&net);
    ds_space_free(space);
}

/* The same function on both, on `n` networks. */
static void engines_agree(const char *first, const char *second, const struct ds_space *space,
                          int threads, int networks)
{
    const char *lack;
    if (!engine_there(first, &lack) || !engine_there(second, &lack))
        return;
    const struct ds_engine *a = ds_engine_find(ds_all_engines, first),
                           *b = ds_engine_find(ds_all_engines, second);
    struct ds_session *s = open_session(first, 1, 1), *t = open_session(second, 1, threads);
    struct ds_error err = {""};
    for (int i = 0; i < networks; i++) {
        struct ds_net net = {0};
        size_t n = 0, m = 0;
        random_net(space, (uint64_t)i, i % 2, &net);
        float *x = load_and_run(a, s, &net, &n, &err), *y = load_and_run(b, t, &net, &m, &err);
        double d = x && y && n == m ? difference(x, y, n) : INFINITY;
        CHECK(d < TOLERANCE, "%s network %d: %s and %s differ by %g %s", space->name, i, first,
              second, d, err.text);
        free(x);
        free(y);
        ds_net_free(&net);
    }
    a->close(s);
    b->close(t);
}

/* Models of a session share memory and weights: one must not spoil another's result. */
static void models_share(const char *name, const struct ds_space *space)
{
    const struct ds_engine *e = ds_engine_find(ds_all_engines, name);
    struct ds_session *s = open_session(name, 1, 1);
    struct ds_error err;
    struct ds_net small_net = {0}, large_net = {0};
    random_net(space, 5, 0, &small_net);
    random_net(space, 6, 4, &large_net);
    struct ds_model *a = must(e->load(s, &small_net, &err));
    size_t n = 0, m = 0, k = 0;
    float *first = must(run(e, a, &n, &err));
    struct ds_model *b = must(e->load(s, &large_net, &err)); /* a larger one: memory moves */
    float *again = must(run(e, a, &m, &err));
    CHECK(n == m && memcmp(first, again, n * sizeof *first) == 0,
          "%s: the same bits after another model was loaded", name);
    free(again);
    free(must(run(e, b, &k, &err)));
    again = must(run(e, a, &m, &err));
    CHECK(memcmp(first, again, n * sizeof *first) == 0, "%s: and after it ran", name);
    free(again);
    e->unload(b);
    again = must(run(e, a, &m, &err));
    CHECK(memcmp(first, again, n * sizeof *first) == 0, "%s: and after it was unloaded", name);
    free(again);
    free(first);
    e->unload(a);
    e->close(s);
    ds_net_free(&small_net);
    ds_net_free(&large_net);
}

/* Times of the modules: all counted, none twice. */
static void module_times(const char *name, const struct ds_space *space)
{
    const struct ds_engine *e = ds_engine_find(ds_all_engines, name);
    struct ds_session *s = open_session(name, 1, 1);
    struct ds_error err;
    struct ds_net net = {0};
    random_net(space, 1, 0, &net);
    struct ds_model *model = must(e->load(s, &net, &err));
    double *ms = must(calloc((size_t)net.nmodules, sizeof *ms)), sum = 0;
    double before = ds_now_ms();
    int rc = e->run(model, ms, &err), positive = 0, with_layers = 0;
    double all = ds_now_ms() - before;
    for (int i = 0; i < net.nmodules; i++) {
        sum += ms[i];
        positive += ms[i] > 0;
        with_layers += net.module[i].count > 0;
    }
    CHECK(rc == 0 && positive == with_layers, "%s: a time for each of %d modules", name, positive);
    CHECK(sum > 0 && sum <= all, "%s: together they take no longer than the whole", name);
    free(ms);
    e->unload(model);
    e->close(s);
    ds_net_free(&net);
}

static void names(void)
{
    const struct ds_engine *first = ds_engine_find(ds_all_engines, NULL);
    CHECK(!ds_engine_find(ds_all_engines, "abacus"), "an engine that there is not");
    CHECK(first ? strstr(ds_engine_names(ds_all_engines), first->name) ==
                      ds_engine_names(ds_all_engines)
                : strcmp(ds_engine_names(ds_all_engines), "none") == 0,
          "names of the engines built in: %s", ds_engine_names(ds_all_engines));
}

static void weights(void)
{
    struct ds_weight_key key = {.cin = 64, .cout = 128, .kernel = 3, .groups = 1, .bias = 1};
    struct ds_weight_key other = key;
    size_t n = ds_weight_count(&key);
    float *w = must(malloc(n * sizeof *w)), *again = must(malloc(n * sizeof *w)), bias[128];
    ds_weights_fill(&key, 1, w, bias);
    ds_weights_fill(&key, 1, again, bias);
    CHECK(n == 64 * 128 * 9 && memcmp(w, again, n * sizeof *w) == 0, "weights: by the seed");
    double mean = 0, square = 0;
    for (size_t i = 0; i < n; i++) {
        mean += w[i] / (double)n;
        square += (double)w[i] * w[i] / (double)n;
    }
    CHECK(fabs(mean) < 1e-3 && fabs(square * 64 * 9 / 2 - 1) < 0.02,
          "weights: mean 0, variance 2 / fan-in");
    ds_weights_fill(&key, 2, again, bias);
    CHECK(memcmp(w, again, n * sizeof *w) != 0, "weights: another seed, other weights");
    other.instance = 1;
    ds_weights_fill(&other, 1, again, bias);
    CHECK(memcmp(w, again, n * sizeof *w) != 0, "weights: another instance, other weights");
    key.bias = 0;
    ds_weights_fill(&key, 1, again, bias);
    bool zero = true;
    for (int i = 0; i < 128; i++)
        zero = zero && bias[i] == 0;
    CHECK(zero, "weights: no bias where there is none");
    free(w);
    free(again);
}

int main(void)
{
    struct ds_error err = {""};
    struct ds_space *space = ds_space_load("ofa-mbv3", &err);
    CHECK(space, "ofa-mbv3: %s", space ? "loaded" : err.text);
    names();
    weights();
    for (int i = 0; i < ENGINES && space; i++) {
        const char *lack;
        if (!engine_there(engines[i], &lack)) {
            printf("ok %d # skip %s %s\n", ++tap_count, engines[i], lack);
            continue;
        }
        for (size_t t = 0; t < sizeof small / sizeof *small; t++) {
            small_network(engines[i], &small[t], 17, 14, 1);
            small_network(engines[i], &small[t], 12, 9, 3);
        }
        whole_networks(engines[i]);
        given_weights(engines[i]);
        models_share(engines[i], space);
        module_times(engines[i], space);
    }
    if (space) {
        engines_agree("onednn", "xnnpack", space, 1, 3);
        engines_agree("onednn", "xnnpack", space, 2, 3);
        engines_agree("onednn", "opencl", space, 1, 2);
    }
    ds_space_free(space);
    return TAP_END();
}

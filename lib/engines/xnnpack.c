/*
 * The XNNPACK engine, on its operator API. It has no fused sum and no fused hard-swish, so these
 * are operators of their own; h_sigmoid(x) = clamp(x/6 + 1/2, 0, 1) is folded into the weights,
 * bias and clamp of its convolution.
 */
#include "engines/engine.h"

#include "base/clock.h"
#include "engines/placement.h"
#include "network/weights.h"
#include <math.h>
#include <pthreadpool.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <xnnpack.h>

/* What a convolution with packed weights depends on; compared with memcmp. */
struct conv_key {
    struct ds_weight_key weights;
    int32_t stride, pad, act;
};

/* A convolution, shared between models: each sets it up anew when its turn comes. */
struct conv {
    struct conv_key key;
    xnn_operator_t op;
    int models; /* that use it, where the weights are given: the last one takes it away */
};

struct ds_session {
    struct ds_engine_options options;
    pthreadpool_t threads;
    void *convs; /* tree of struct conv */
    struct ds_arena arena;
    struct ds_model *current; /* whose operators are set up */
    unsigned arena_moves;     /* when they were */
    struct ds_input input;    /* what every run starts from */
};

struct step {
    xnn_operator_t op;
    bool own;                     /* the model's, not the session's */
    struct conv *given;           /* the session's, but of weights that models were given */
    const struct ds_layer *layer; /* the model's copy */
    bool sums;                    /* adds in2 to out, after a convolution */
    bool activates;               /* hard-swish on out */
};

struct ds_model {
    struct ds_session *session;
    struct ds_net net; /* a copy */
    size_t *offset;
    int nsteps;
    struct step *step;
};

static int check(enum xnn_status status, const char *what, struct ds_error *err)
{
    if (status == xnn_status_success)
        return 0;
    return ds_fail(err, "XNNPACK: %s: %s", what,
                   status == xnn_status_out_of_memory          ? "out of memory"
                   : status == xnn_status_unsupported_hardware ? "this processor is not supported"
                                                               : "refused");
}

/* The clamp of an activation; all that is not a clamp is an operator of its own. */
static void clamp(enum ds_act act, float *low, float *high)
{
    *low = act == DS_ACT_RELU || act == DS_ACT_RELU6 || act == DS_ACT_HSIGMOID ? 0 : -INFINITY;
    *high = act == DS_ACT_RELU6 ? 6 : act == DS_ACT_HSIGMOID ? 1 : INFINITY;
}

/* ---- convolutions ---- */

static int compare_convs(const void *a, const void *b)
{
    return memcmp(&((const struct conv *)a)->key, &((const struct conv *)b)->key,
                  sizeof(struct conv_key));
}

static void free_conv(void *p)
{
    struct conv *c = p;
    if (c->op)
        xnn_delete_operator(c->op);
    free(c);
}

/* [out][in][h][w] to [out][h][w][in] */
static void to_nhwc(const struct ds_weight_key *k, const float *from, float *to)
{
    int in = k->cin / k->groups, area = k->kernel * k->kernel;
    for (int o = 0; o < k->cout; o++)
        for (int i = 0; i < in; i++)
            for (int p = 0; p < area; p++)
                to[((size_t)o * (size_t)area + (size_t)p) * (size_t)in + (size_t)i] = *from++;
}

/* Takes it away with the last of its models. */
static void release_conv(struct ds_session *s, struct conv *c)
{
    if (--c->models)
        return;
    tdelete(c, &s->convs, compare_convs);
    free_conv(c);
}

/* `bias` and `plain` hold the layer's weights; `weights` has room for as many. */
static int make_conv(struct conv *c, const float *plain, float *weights, float *bias,
                     struct ds_error *err)
{
    const struct ds_weight_key *k = &c->key.weights;
    enum ds_act act = (enum ds_act)c->key.act;
    size_t count = ds_weight_count(k);
    to_nhwc(k, plain, weights);
    if (act == DS_ACT_HSIGMOID) {
        for (size_t i = 0; i < count; i++)
            weights[i] /= 6;
        for (int i = 0; i < k->cout; i++)
            bias[i] = bias[i] / 6 + 0.5f;
    }
    float low, high;
    clamp(act, &low, &high);
    uint32_t pad = (uint32_t)c->key.pad, kernel = (uint32_t)k->kernel;
    uint32_t stride = (uint32_t)c->key.stride;
    return check(xnn_create_convolution2d_nhwc_f32(
                     pad, pad, pad, pad, kernel, kernel, stride, stride, 1, 1, (uint32_t)k->groups,
                     (size_t)(k->cin / k->groups), (size_t)(k->cout / k->groups), (size_t)k->cin,
                     (size_t)k->cout, weights, bias, low, high, 0, &c->op),
                 "convolution", err);
}

/* The shared convolution of a layer; NULL on failure. */
static struct conv *find_conv(struct ds_session *s, const struct ds_net *net,
                              const struct ds_layer *l, struct ds_error *err)
{
    struct conv *c = calloc(1, sizeof *c);
    if (!c) {
        ds_fail(err, "out of memory");
        return NULL;
    }
    c->key.weights = ds_weight_key(net, l);
    c->key.stride = l->stride;
    c->key.pad = l->pad;
    c->key.act = l->in2 >= 0 ? DS_ACT_NONE : (int32_t)l->act;
    struct conv **at = tsearch(c, &s->convs, compare_convs);
    if (at && *at != c) {
        free(c);
        return *at;
    }
    size_t count = ds_weight_count(&c->key.weights);
    float *plain = malloc(count * sizeof *plain), *weights = malloc(count * sizeof *weights);
    float *bias = malloc((size_t)c->key.weights.cout * sizeof *bias);
    int rc = at && plain && weights && bias ? 0 : ds_fail(err, "out of memory");
    if (rc == 0) {
        ds_weights_of(net, l, s->options.seed, plain, bias);
        rc = make_conv(c, plain, weights, bias, err);
    }
    free(plain);
    free(weights);
    free(bias);
    if (rc == 0)
        return c;
    if (at)
        tdelete(c, &s->convs, compare_convs);
    free_conv(c);
    return NULL;
}

/* ---- sessions ---- */

static void close_session(struct ds_session *s)
{
    tdestroy(s->convs, free_conv);
    if (s->threads)
        pthreadpool_destroy(s->threads);
    ds_arena_free(&s->arena);
    ds_input_free(&s->input);
    free(s);
}

static struct ds_session *open_session(const struct ds_engine_options *options,
                                       struct ds_error *err)
{
    struct ds_session *s = calloc(1, sizeof *s);
    if (!s) {
        ds_fail(err, "out of memory");
        return NULL;
    }
    s->options = *options;
    if (check(xnn_initialize(NULL), "initialise", err)) {
        free(s);
        return NULL;
    }
    if (options->threads > 1)
        s->threads = pthreadpool_create((size_t)options->threads);
    return s;
}

static const char *version(const struct ds_session *s)
{
    (void)s;
    return "XNNPACK " DS_XNNPACK_VERSION;
}

/* ---- models ---- */

static void unload(struct ds_model *m)
{
    if (m->session->current == m)
        m->session->current = NULL;
    for (int i = 0; i < m->nsteps; i++)
        if (m->step[i].own && m->step[i].op)
            xnn_delete_operator(m->step[i].op);
    for (int i = 0; i < m->nsteps; i++)
        if (m->step[i].given)
            release_conv(m->session, m->step[i].given);
    ds_net_free(&m->net);
    free(m->offset);
    free(m->step);
    free(m);
}

static size_t floats(const struct ds_model *m, int tensor)
{
    return ds_arena_floats(&m->net, tensor, m->session->options.batch);
}

static struct step *add_step(struct ds_model *m, const struct ds_layer *l)
{
    struct step *step = &m->step[m->nsteps++];
    *step = (struct step){.layer = l, .own = true};
    return step;
}

/* Creates the operator of a layer that has no weights. */
static int create_plain(struct ds_model *m, const struct ds_layer *l, struct ds_error *err)
{
    struct step *step = add_step(m, l);
    struct ds_tensor in = m->net.tensor[l->in], out = m->net.tensor[l->out];
    size_t c = (size_t)in.c;
    uint32_t k = (uint32_t)l->kernel, stride = (uint32_t)l->stride, pad = (uint32_t)l->pad;
    float low, high;
    clamp(l->act, &low, &high);

    switch (l->op) {
    case DS_OP_MAX_POOL:
        return check(xnn_create_max_pooling2d_nhwc_f32(pad, pad, pad, pad, k, k, stride, stride, 1,
                                                       1, c, c, c, low, high, 0, &step->op),
                     "max pool", err);
    case DS_OP_AVG_POOL: {
        uint32_t bottom = (uint32_t)(out.h * l->stride - in.h);
        uint32_t right = (uint32_t)(out.w * l->stride - in.w);
        return check(xnn_create_average_pooling2d_nhwc_f32(0, right, bottom, 0, k, k, stride,
                                                           stride, c, c, c, low, high, 0,
                                                           &step->op),
                     "average pool", err);
    }
    case DS_OP_GLOBAL_POOL:
        return check(xnn_create_global_average_pooling_nwc_f32(c, c, c, low, high, 0, &step->op),
                     "global pool", err);
    case DS_OP_SCALE:
        return check(xnn_create_multiply_nd_f32(low, high, 0, &step->op), "scale", err);
    case DS_OP_ADD:
        return check(xnn_create_add_nd_f32(low, high, 0, &step->op), "add", err);
    case DS_OP_SHUFFLE: {
        size_t groups = (size_t)l->groups;
        return check(xnn_create_channel_shuffle_nc_x32(groups, c / groups, c, c, 0, &step->op),
                     "channel shuffle", err);
    }
    case DS_OP_CONV:
        break;
    }
    return ds_fail(err, "XNNPACK: a layer of unknown kind");
}

static int load_layer(struct ds_model *m, const struct ds_layer *l, struct ds_error *err)
{
    size_t c = (size_t)m->net.tensor[l->out].c;
    if (l->act == DS_ACT_HSIGMOID && (l->op != DS_OP_CONV || l->in2 >= 0))
        return ds_fail(err, "XNNPACK: h_sigmoid is only had right after a convolution");
    if (l->op != DS_OP_CONV) {
        if (create_plain(m, l, err))
            return -1;
    } else {
        struct conv *conv = find_conv(m->session, &m->net, l, err);
        if (!conv)
            return -1;
        struct step *step = add_step(m, l);
        step->own = false;
        step->op = conv->op;
        if (conv->key.weights.given) {
            step->given = conv;
            conv->models++;
        }
        if (l->in2 >= 0) {
            float low, high;
            clamp(l->act, &low, &high);
            step = add_step(m, l);
            step->sums = true;
            if (check(xnn_create_add_nd_f32(low, high, 0, &step->op), "add", err))
                return -1;
        }
    }
    if (l->act != DS_ACT_HSWISH)
        return 0;
    struct step *step = add_step(m, l);
    step->activates = true;
    return check(xnn_create_hardswish_nc_f32(c, c, c, 0, &step->op), "hard-swish", err);
}

static int copy_net(struct ds_net *to, const struct ds_net *from, struct ds_error *err)
{
    *to = *from;
    to->layer = malloc((size_t)from->nlayers * sizeof *to->layer + 1);
    to->tensor = malloc((size_t)from->ntensors * sizeof *to->tensor);
    to->module = malloc((size_t)from->nmodules * sizeof *to->module + 1);
    if (!to->layer || !to->tensor || !to->module)
        return ds_fail(err, "out of memory");
    memcpy(to->layer, from->layer, (size_t)from->nlayers * sizeof *to->layer);
    memcpy(to->tensor, from->tensor, (size_t)from->ntensors * sizeof *to->tensor);
    memcpy(to->module, from->module, (size_t)from->nmodules * sizeof *to->module);
    return 0;
}

static int load_layers(struct ds_model *m, const struct ds_net *net, struct ds_error *err)
{
    struct ds_session *s = m->session;
    size_t size;
    if (copy_net(&m->net, net, err))
        return -1;
    m->offset = calloc((size_t)net->ntensors, sizeof *m->offset);
    m->step = calloc(3 * (size_t)net->nlayers + 1, sizeof *m->step);
    if (!m->offset || !m->step)
        return ds_fail(err, "out of memory");
    if (ds_arena_plan(net, s->options.batch, XNN_EXTRA_BYTES, false, m->offset, &size, err) ||
        ds_arena_reserve(&s->arena, size, err) ||
        ds_input_reserve(&s->input, s->options.seed, floats(m, net->input), err))
        return -1;
    for (int i = 0; i < net->nlayers; i++)
        if (load_layer(m, &m->net.layer[i], err))
            return -1;
    return 0;
}

static struct ds_model *load(struct ds_session *s, const struct ds_net *net, struct ds_error *err)
{
    struct ds_model *m = calloc(1, sizeof *m);
    if (!m) {
        ds_fail(err, "out of memory");
        return NULL;
    }
    m->session = s;
    if (load_layers(m, net, err) == 0)
        return m;
    unload(m);
    return NULL;
}

static float *at(const struct ds_model *m, int tensor)
{
    return (float *)(m->session->arena.data + m->offset[tensor]);
}

/* Points one operator to its tensors. */
static int set_up_step(struct ds_model *m, const struct step *step, struct ds_error *err)
{
    const struct ds_layer *l = step->layer;
    struct ds_tensor in = m->net.tensor[l->in];
    size_t n = (size_t)m->session->options.batch, c = (size_t)in.c;
    size_t h = (size_t)in.h, w = (size_t)in.w;
    pthreadpool_t pool = m->session->threads;
    float *x = at(m, l->in), *y = at(m, l->out);
    size_t all = floats(m, l->out);

    if (step->activates) {
        size_t channels = (size_t)m->net.tensor[l->out].c;
        return check(xnn_setup_hardswish_nc_f32(step->op, all / channels, y, y, pool), "hard-swish",
                     err);
    }
    if (step->sums)
        return check(xnn_setup_add_nd_f32(step->op, 1, &all, 1, &all, y, at(m, l->in2), y, pool),
                     "add", err);
    switch (l->op) {
    case DS_OP_CONV:
        return check(xnn_setup_convolution2d_nhwc_f32(step->op, n, h, w, x, y, pool), "convolution",
                     err);
    case DS_OP_MAX_POOL:
        return check(xnn_setup_max_pooling2d_nhwc_f32(step->op, n, h, w, x, y, pool), "max pool",
                     err);
    case DS_OP_AVG_POOL:
        return check(xnn_setup_average_pooling2d_nhwc_f32(step->op, n, h, w, x, y, pool),
                     "average pool", err);
    case DS_OP_GLOBAL_POOL:
        return check(xnn_setup_global_average_pooling_nwc_f32(step->op, n, h * w, x, y, pool),
                     "global pool", err);
    case DS_OP_SCALE: {
        size_t image[] = {n, h * w, c}, scale[] = {n, 1, c};
        return check(
            xnn_setup_multiply_nd_f32(step->op, 3, image, 3, scale, x, at(m, l->in2), y, pool),
            "scale", err);
    }
    case DS_OP_SHUFFLE:
        return check(xnn_setup_channel_shuffle_nc_x32(step->op, all / c, x, y, pool),
                     "channel shuffle", err);
    case DS_OP_ADD:
        break;
    }
    return check(xnn_setup_add_nd_f32(step->op, 1, &all, 1, &all, x, at(m, l->in2), y, pool), "add",
                 err);
}

/* Sets all operators up for this model, when another one ran before or the arena moved. */
static int set_up(struct ds_model *m, struct ds_error *err)
{
    struct ds_session *s = m->session;
    if (s->current == m && s->arena_moves == s->arena.moves)
        return 0;
    for (int i = 0; i < m->nsteps; i++)
        if (set_up_step(m, &m->step[i], err))
            return -1;
    memcpy(at(m, m->net.input), s->input.data, floats(m, m->net.input) * sizeof(float));
    s->current = m;
    s->arena_moves = s->arena.moves;
    return 0;
}

static float *input(struct ds_model *m, size_t *count, struct ds_error *err)
{
    *count = floats(m, m->net.input);
    return set_up(m, err) ? NULL : at(m, m->net.input);
}

static int run(struct ds_model *m, double *module_ms, struct ds_error *err)
{
    if (set_up(m, err))
        return -1;
    if (module_ms)
        memset(module_ms, 0, (size_t)m->net.nmodules * sizeof *module_ms);
    double before = module_ms ? ds_now_ms() : 0;
    for (int i = 0; i < m->nsteps; i++) {
        if (check(xnn_run_operator(m->step[i].op, m->session->threads), "run", err))
            return -1;
        if (module_ms) {
            double now = ds_now_ms();
            module_ms[m->step[i].layer->module] += now - before;
            before = now;
        }
    }
    return 0;
}

static const float *output(struct ds_model *m, size_t *count)
{
    *count = floats(m, m->net.output);
    return at(m, m->net.output);
}

const struct ds_engine ds_engine_xnnpack = {
    .name = "xnnpack",
    .class = "cpu",
    .open = open_session,
    .version = version,
    .load = load,
    .input = input,
    .run = run,
    .output = output,
    .unload = unload,
    .close = close_session,
};

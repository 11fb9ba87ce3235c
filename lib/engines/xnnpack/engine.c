/*
 * The XNNPACK engine, on its operator API. It has no fused sum and no fused hard-swish, so these
 * are operators of their own, as a clamp is where an operator has none; h_sigmoid(x) = clamp(x/6 +
 * 1/2, 0, 1) is folded into the weights, bias and clamp of its convolution.
 */
#include "engines/engine.h"
#include "base/grow.h"

#include "base/clock.h"
#include "engines/pages.h"
#include "engines/placement.h"
#include "engines/xnnpack/operators.h"
#include "network/weights.h"
#include <math.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

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
    struct ds_arena arena, scratch;
    struct ds_model *current;            /* whose operators are set up */
    unsigned arena_moves, scratch_moves; /* when they were */
    struct ds_input input;               /* what every run starts from */
};

/* Part of a layer: all of it, or what its operator does not do itself, on the layer's output. */
enum part { PART_LAYER, PART_SUM, PART_HARDSWISH, PART_CLAMP };

#define MOST_PARTS 3 /* of one layer */

struct step {
    xnn_operator_t op;
    bool own;                     /* the model's, not the session's */
    struct conv *given;           /* the session's, but of weights that models were given */
    const struct ds_layer *layer; /* the model's copy */
    enum part part;
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

static struct window square(int kernel, int stride, int padding)
{
    uint32_t p = (uint32_t)padding;
    return (struct window){(uint32_t)kernel, (uint32_t)stride, p, p, p, p};
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
    struct conv_shape shape = {.window = square(k->kernel, c->key.stride, c->key.pad),
                               .groups = (uint32_t)k->groups,
                               .cin = (size_t)k->cin,
                               .cout = (size_t)k->cout};
    return check(create_conv(&shape, weights, bias, low, high, &c->op), "convolution", err);
}

/* The shared convolution of a layer; NULL on failure. */
static struct conv *find_conv(struct ds_session *s, const struct ds_net *net,
                              const struct ds_layer *l, struct ds_error *err)
{
    struct conv *c = ds_alloc(1, sizeof *c, err);
    if (!c)
        return NULL;
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
    float *plain = ds_alloc(count, sizeof *plain, NULL),
          *weights = ds_alloc(count, sizeof *weights, NULL);
    float *bias = ds_alloc((size_t)c->key.weights.cout, sizeof *bias, NULL);
    int rc = at && plain && weights && bias ? 0 : ds_no_memory(err);
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
    ds_arena_free(&s->scratch);
    ds_input_free(&s->input);
    free(s);
}

/* One thread is this one, without a pool. */
static int start_threads(struct ds_session *s, struct ds_error *err)
{
    size_t threads = (size_t)s->options.threads;
    if (threads <= 1)
        return 0;
    s->threads = pthreadpool_create(threads);
    if (!s->threads || pthreadpool_get_threads_count(s->threads) != threads)
        return ds_fail(err, "XNNPACK: cannot start %zu threads", threads);
    return 0;
}

/* ---- memory: packed weights, which it asks for aligned, lie in huge pages ---- */

static void *take(void *context, size_t size)
{
    (void)context;
    return malloc(size);
}

static void *take_more(void *context, void *data, size_t size)
{
    (void)context;
    return realloc(data, size);
}

static void give(void *context, void *data)
{
    (void)context;
    free(data);
}

static void *take_aligned(void *context, size_t alignment, size_t size)
{
    (void)context;
    return alignment <= DS_PAGES_ALIGNED ? ds_pages_take(size) : NULL;
}

static void give_aligned(void *context, void *data)
{
    (void)context;
    ds_pages_give(data);
}

static const struct xnn_allocator allocator = {NULL, take,         take_more,
                                               give, take_aligned, give_aligned};

static struct ds_session *open_session(const struct ds_engine_options *options,
                                       struct ds_error *err)
{
    if (ds_engine_only_f32("xnnpack", options, err))
        return NULL;
    struct ds_session *s = ds_alloc(1, sizeof *s, err);
    if (!s)
        return NULL;
    s->options = *options;
    if (check(xnn_initialize(&allocator), "initialise", err) || start_threads(s, err)) {
        close_session(s);
        return NULL;
    }
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

static struct step *add_step(struct ds_model *m, const struct ds_layer *l, enum part part)
{
    struct step *step = &m->step[m->nsteps++];
    *step = (struct step){.layer = l, .own = true, .part = part};
    return step;
}

/* Padding after the image, so that the last window of an average pool is a whole one. */
static struct window pool_window(const struct ds_model *m, const struct ds_layer *l)
{
    struct ds_tensor in = m->net.tensor[l->in], out = m->net.tensor[l->out];
    struct window w = square(l->kernel, l->stride, l->pad);
    if (l->op == DS_OP_AVG_POOL) {
        w.bottom = (uint32_t)(out.h * l->stride - in.h);
        w.right = (uint32_t)(out.w * l->stride - in.w);
    }
    return w;
}

/* Creates the operator of a layer that has no weights. */
static int create_plain(struct ds_model *m, const struct ds_layer *l, struct ds_error *err)
{
    struct step *step = add_step(m, l, PART_LAYER);
    size_t c = (size_t)m->net.tensor[l->in].c;
    struct window window = pool_window(m, l);
    float low, high;
    clamp(l->act, &low, &high);

    switch (l->op) {
    case DS_OP_MAX_POOL:
        return check(create_max_pool(&window, c, low, high, &step->op), "max pool", err);
    case DS_OP_AVG_POOL:
        return check(create_average_pool(&window, c, low, high, &step->op), "average pool", err);
    case DS_OP_GLOBAL_POOL:
        return check(create_global_pool(c, low, high, &step->op), "global pool", err);
    case DS_OP_SCALE:
        return check(create_binary(BINARY_MULTIPLY, low, high, &step->op), "scale", err);
    case DS_OP_ADD:
        return check(create_binary(BINARY_ADD, low, high, &step->op), "add", err);
    case DS_OP_SHUFFLE:
        return check(create_shuffle(c, (size_t)l->groups, &step->op), "channel shuffle", err);
    case DS_OP_CONV:
        break;
    }
    return ds_fail(err, "XNNPACK: a layer of unknown kind");
}

/* The convolution of a layer and, where it has one, the sum behind it. */
static int load_conv(struct ds_model *m, const struct ds_layer *l, struct ds_error *err)
{
    struct conv *conv = find_conv(m->session, &m->net, l, err);
    if (!conv)
        return -1;
    struct step *step = add_step(m, l, PART_LAYER);
    step->own = false;
    step->op = conv->op;
    if (conv->key.weights.given) {
        step->given = conv;
        conv->models++;
    }
    if (l->in2 < 0)
        return 0;
    float low, high;
    clamp(l->act, &low, &high);
    step = add_step(m, l, PART_SUM);
    return check(create_binary(BINARY_ADD, low, high, &step->op), "add", err);
}

/* Whether the layer's operators clamp its output. */
static bool clamps(const struct ds_layer *l)
{
    bool windowed = l->op == DS_OP_MAX_POOL || l->op == DS_OP_AVG_POOL;
    return ALL_CLAMP || windowed || (l->op == DS_OP_CONV && l->in2 < 0);
}

/* What of the activation is left to do once the layer's operators ran. */
static int load_activation(struct ds_model *m, const struct ds_layer *l, struct ds_error *err)
{
    size_t c = (size_t)m->net.tensor[l->out].c;
    if (l->act == DS_ACT_HSWISH)
        return check(create_hardswish(c, &add_step(m, l, PART_HARDSWISH)->op), "hard-swish", err);
    if (l->act == DS_ACT_NONE || clamps(l))
        return 0;
    float low, high;
    clamp(l->act, &low, &high);
    return check(create_clamp(c, low, high, &add_step(m, l, PART_CLAMP)->op), "clamp", err);
}

static int load_layer(struct ds_model *m, const struct ds_layer *l, struct ds_error *err)
{
    if (l->act == DS_ACT_HSIGMOID && (l->op != DS_OP_CONV || l->in2 >= 0))
        return ds_fail(err, "XNNPACK: h_sigmoid is only had right after a convolution");
    if (l->op == DS_OP_CONV ? load_conv(m, l, err) : create_plain(m, l, err))
        return -1;
    return load_activation(m, l, err);
}

static int copy_net(struct ds_net *to, const struct ds_net *from, struct ds_error *err)
{
    *to = *from;
    to->layer = ds_alloc((size_t)from->nlayers, sizeof *to->layer, NULL);
    to->tensor = ds_alloc((size_t)from->ntensors, sizeof *to->tensor, NULL);
    to->module = ds_alloc((size_t)from->nmodules, sizeof *to->module, NULL);
    if (!to->layer || !to->tensor || !to->module)
        return ds_no_memory(err);
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
    m->offset = ds_alloc((size_t)net->ntensors, sizeof *m->offset, NULL);
    m->step = ds_alloc(MOST_PARTS * (size_t)net->nlayers + 1, sizeof *m->step, NULL);
    if (!m->offset || !m->step)
        return ds_no_memory(err);
    if (ds_arena_plan(net, NULL, s->options.batch, XNN_EXTRA_BYTES, false, m->offset, &size, err) ||
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
    struct ds_model *m = ds_alloc(1, sizeof *m, err);
    if (!m)
        return NULL;
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

/* A layer's work on tensor x, which is its input or, once its operator ran, its output. */
static struct operands operands(const struct ds_model *m, const struct ds_layer *l, int x)
{
    struct ds_tensor t = m->net.tensor[x];
    return (struct operands){.n = (size_t)m->session->options.batch,
                             .h = (size_t)t.h,
                             .w = (size_t)t.w,
                             .c = (size_t)t.c,
                             .x = at(m, x),
                             .x2 = l->in2 >= 0 ? at(m, l->in2) : NULL,
                             .y = at(m, l->out),
                             .scratch = &m->session->scratch,
                             .threads = m->session->threads};
}

static enum xnn_status set_up_layer(const struct ds_model *m, const struct step *step)
{
    const struct ds_layer *l = step->layer;
    struct operands o = operands(m, l, l->in);
    switch (l->op) {
    case DS_OP_CONV:
        return set_up_conv(step->op, &o);
    case DS_OP_MAX_POOL:
        return set_up_max_pool(step->op, &o);
    case DS_OP_AVG_POOL:
        return set_up_average_pool(step->op, &o);
    case DS_OP_GLOBAL_POOL:
        return set_up_global_pool(step->op, &o);
    case DS_OP_SCALE:
        return set_up_binary(step->op, BINARY_MULTIPLY, true, &o);
    case DS_OP_SHUFFLE:
        return set_up_shuffle(step->op, &o);
    case DS_OP_ADD:
        break;
    }
    return set_up_binary(step->op, BINARY_ADD, false, &o);
}

/* Points one operator to its tensors. */
static enum xnn_status set_up_step(const struct ds_model *m, const struct step *step)
{
    struct operands o = operands(m, step->layer, step->layer->out);
    switch (step->part) {
    case PART_SUM:
        return set_up_binary(step->op, BINARY_ADD, false, &o);
    case PART_HARDSWISH:
        return set_up_hardswish(step->op, &o);
    case PART_CLAMP:
        return set_up_clamp(step->op, &o);
    case PART_LAYER:
        break;
    }
    return set_up_layer(m, step);
}

/* Sets all operators up for this model, when another one ran before or memory moved. */
static int set_up(struct ds_model *m, struct ds_error *err)
{
    struct ds_session *s = m->session;
    if (s->current == m && s->arena_moves == s->arena.moves && s->scratch_moves == s->scratch.moves)
        return 0;
    s->current = NULL;
    do { /* again, when the scratch memory grew on the way */
        s->scratch_moves = s->scratch.moves;
        for (int i = 0; i < m->nsteps; i++)
            if (check(set_up_step(m, &m->step[i]), "set up", err))
                return -1;
    } while (s->scratch_moves != s->scratch.moves);
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
    .open = open_session,
    .version = version,
    .load = load,
    .input = input,
    .run = run,
    .output = output,
    .unload = unload,
    .close = close_session,
};

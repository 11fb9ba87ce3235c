/*
 * The oneDNN engine. Activations are nhwc throughout and only weights take the layout a primitive
 * likes best: with `any` for activations oneDNN 2.6 picks layouts whose depthwise kernels fall
 * back to reference code. Activation functions and residual sums are post-ops.
 */
#include "engines/engine.h"
#include "base/grow.h"

#include "base/clock.h"
#include "engines/onednn/version.h"
#include "engines/placement.h"
#include "network/weights.h"
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* of libgomp; its header is the compiler's own */
void omp_set_num_threads(int);
int omp_get_thread_limit(void);

/* Everything a primitive is made from; compared with memcmp. */
struct op_key {
    int32_t op, act, cin, hin, win, cout, hout, wout, kernel, stride, pad, groups, sum, bias;
};

/* A primitive that all layers of one shape share. */
struct op {
    struct op_key key;
    dnnl_primitive_t primitive;
    desc_t in, in2, out; /* in2 of binary primitives */
    desc_t scratch;      /* memory it works in; NULL: none */
    int32_t layout;      /* of convolutions: that of weights, in the session's list */
    desc_t bias;
};

struct packed_key {
    struct ds_weight_key weights;
    int32_t layout;
};

/* Weights packed for primitives of one layout. */
struct packed {
    struct packed_key key; /* compared with memcmp */
    dnnl_memory_t weights, bias;
    int models; /* that use it, where the weights are given: the last one takes it away */
};

struct ds_session {
    struct ds_engine_options options;
    char version[64];
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    void *ops;      /* tree of struct op */
    void *packed;   /* tree of struct packed */
    desc_t *layout; /* [nlayouts], all different */
    int32_t nlayouts;
    size_t layout_room;
    struct ds_arena arena, scratch;
    struct ds_model *current; /* whose input is in the arena */
    struct ds_input input;    /* what every run starts from */
};

#define MOST_ARGS 6

struct step {
    dnnl_primitive_t primitive;
    int nargs;
    dnnl_exec_arg_t args[MOST_ARGS];
    size_t copy_from, copy_to, copy_size; /* residual that could not be summed in place */
    int module;
};

/* A memory object over the arena. */
struct view {
    dnnl_memory_t memory;
    size_t offset;
    bool scratch; /* over the scratch arena */
};

struct ds_model {
    struct ds_session *session;
    int nsteps, nmodules, nviews, nown;
    struct step *step;
    struct view *view;
    struct packed **own; /* [nown], of given weights */
    unsigned arena_moves, scratch_moves;
    size_t input_offset, input_count, output_offset, output_count;
};

static int check(dnnl_status_t status, const char *what, struct ds_error *err)
{
    if (status == dnnl_success)
        return 0;
    return ds_fail(err, "oneDNN: %s: %s", what,
                   status == dnnl_out_of_memory       ? "out of memory"
                   : status == dnnl_invalid_arguments ? "invalid arguments"
                   : status == dnnl_unimplemented     ? "not implemented"
                                                      : "failed");
}

/* ---- primitives ---- */

static int describe_tensor(desc_t *desc, int n, int c, int h, int w, struct ds_error *err)
{
    dnnl_dims_t dims = {n, c, h, w};
    return check(dnnl_memory_desc_create_with_tag(desc, 4, dims, dnnl_f32, dnnl_nhwc), "a tensor",
                 err);
}

/* Weights of a convolution, in the layout `plain` or `grouped`. */
static int describe_weights(desc_t *desc, const struct op_key *k, dnnl_format_tag_t plain,
                            dnnl_format_tag_t grouped, struct ds_error *err)
{
    dnnl_dims_t dims = {k->cout, k->cin, k->kernel, k->kernel};
    dnnl_dims_t in_groups = {k->groups, k->cout / k->groups, k->cin / k->groups, k->kernel,
                             k->kernel};
    return check(k->groups > 1
                     ? dnnl_memory_desc_create_with_tag(desc, 5, in_groups, dnnl_f32, grouped)
                     : dnnl_memory_desc_create_with_tag(desc, 4, dims, dnnl_f32, plain),
                 "weights", err);
}

/* Appends the activation to the post-ops. */
static dnnl_status_t append_act(dnnl_post_ops_t ops, enum ds_act act)
{
    dnnl_status_t status = dnnl_success;
    switch (act) {
    case DS_ACT_NONE:
        break;
    case DS_ACT_RELU:
        status = dnnl_post_ops_append_eltwise(ops, dnnl_eltwise_relu, 0, 0);
        break;
    case DS_ACT_RELU6:
        status = dnnl_post_ops_append_eltwise(ops, dnnl_eltwise_clip, 0, 6);
        break;
    case DS_ACT_HSWISH:
        status = dnnl_post_ops_append_eltwise(ops, dnnl_eltwise_hardswish, 1.0f / 6, 0.5f);
        break;
    case DS_ACT_HSIGMOID:
        status = dnnl_post_ops_append_eltwise(ops, dnnl_eltwise_linear, 1.0f / 6, 0.5f);
        if (status == dnnl_success)
            status = dnnl_post_ops_append_eltwise(ops, dnnl_eltwise_clip, 0, 1);
        break;
    }
    return status;
}

/* What goes with a primitive: whether it sums, its activation, scratch memory given by us. */
static int make_attr(const struct op_key *k, dnnl_primitive_attr_t *attr, struct ds_error *err)
{
    dnnl_post_ops_t ops = NULL;
    dnnl_status_t status = dnnl_primitive_attr_create(attr);
    if (status == dnnl_success)
        status = dnnl_primitive_attr_set_scratchpad_mode(*attr, dnnl_scratchpad_mode_user);
    if (status == dnnl_success)
        status = dnnl_post_ops_create(&ops);
    if (status == dnnl_success && k->sum)
        status = dnnl_post_ops_append_sum(ops, 1, 0, dnnl_f32);
    if (status == dnnl_success)
        status = append_act(ops, (enum ds_act)k->act);
    if (status == dnnl_success)
        status = dnnl_primitive_attr_set_post_ops(*attr, ops);
    if (ops)
        dnnl_post_ops_destroy(ops);
    return check(status, "attributes", err);
}

static const dnnl_dims_t no_dilation = {0};

static int describe_conv(struct ds_session *s, const struct op *op, dnnl_primitive_attr_t attr,
                         dnnl_primitive_desc_t *pd, struct ds_error *err)
{
    const struct op_key *k = &op->key;
    desc_t weights = NULL, bias = NULL;
    dnnl_dims_t channels = {k->cout}, strides = {k->stride, k->stride}, before = {k->pad, k->pad};
    dnnl_dims_t after = {(k->hout - 1) * k->stride + k->kernel - k->hin - k->pad,
                         (k->wout - 1) * k->stride + k->kernel - k->win - k->pad};
    int rc = describe_weights(&weights, k, dnnl_format_tag_any, dnnl_format_tag_any, err);
    if (rc == 0)
        rc = check(dnnl_memory_desc_create_with_tag(&bias, 1, channels, dnnl_f32, dnnl_a), "bias",
                   err);
    if (rc == 0)
        rc = check(dnnl_convolution_forward_primitive_desc_create(
                       pd, s->engine, dnnl_forward_inference, dnnl_convolution_direct, op->in,
                       weights, bias, op->out, strides, no_dilation, before, after, attr),
                   "convolution", err);
    if (weights)
        dnnl_memory_desc_destroy(weights);
    if (bias)
        dnnl_memory_desc_destroy(bias);
    return rc;
}

static dnnl_status_t describe_pool(struct ds_session *s, const struct op *op,
                                   dnnl_primitive_attr_t attr, dnnl_primitive_desc_t *pd)
{
    const struct op_key *k = &op->key;
    bool global = k->op == DS_OP_GLOBAL_POOL;
    int kh = global ? k->hin : k->kernel, kw = global ? k->win : k->kernel;
    int stride = global ? 1 : k->stride;
    dnnl_dims_t strides = {stride, stride}, kernel = {kh, kw}, before = {k->pad, k->pad};
    dnnl_dims_t after = {(k->hout - 1) * stride + kh - k->hin - k->pad,
                         (k->wout - 1) * stride + kw - k->win - k->pad};
    return dnnl_pooling_forward_primitive_desc_create(
        pd, s->engine, dnnl_forward_inference,
        k->op == DS_OP_MAX_POOL ? dnnl_pooling_max : dnnl_pooling_avg_exclude_padding, op->in,
        op->out, strides, kernel, no_dilation, before, after, attr);
}

static int describe_op(struct ds_session *s, const struct op *op, dnnl_primitive_attr_t attr,
                       dnnl_primitive_desc_t *pd, struct ds_error *err)
{
    const struct op_key *k = &op->key;
    switch ((enum ds_op)k->op) {
    case DS_OP_CONV:
        return describe_conv(s, op, attr, pd, err);
    case DS_OP_MAX_POOL:
    case DS_OP_AVG_POOL:
    case DS_OP_GLOBAL_POOL:
        return check(describe_pool(s, op, attr, pd), "pooling", err);
    case DS_OP_SCALE:
        return check(dnnl_binary_primitive_desc_create(pd, s->engine, dnnl_binary_mul, op->in,
                                                       op->in2, op->out, attr),
                     "scale", err);
    case DS_OP_SHUFFLE: /* read as [c / group size][group size], written transposed */
        return check(dnnl_shuffle_forward_primitive_desc_create(
                         pd, s->engine, dnnl_forward_inference, op->in, op->out, 1,
                         k->cin / k->groups, attr),
                     "channel shuffle", err);
    case DS_OP_ADD:
        break;
    }
    return check(dnnl_binary_primitive_desc_create(pd, s->engine, dnnl_binary_add, op->in, op->in2,
                                                   op->out, attr),
                 "add", err);
}

/* The number of a layout of weights in the session's list, which a new one joins; -1: no memory. */
static int32_t layout_number(struct ds_session *s, const_desc_t desc)
{
    for (int32_t i = 0; i < s->nlayouts; i++)
        if (dnnl_memory_desc_equal(s->layout[i], desc))
            return i;
    if (ds_grow(&s->layout, &s->layout_room, (size_t)s->nlayouts + 1, sizeof *s->layout, NULL) ||
        dnnl_memory_desc_clone(&s->layout[s->nlayouts], desc) != dnnl_success)
        return -1;
    return s->nlayouts++;
}

/* Keeps the layouts that the primitive asks for. */
static int keep_layouts(struct ds_session *s, struct op *op, dnnl_primitive_desc_t pd,
                        struct ds_error *err)
{
    const_desc_t scratch = dnnl_primitive_desc_query_md(pd, dnnl_query_scratchpad_md, 0);
    dnnl_status_t status = dnnl_success;
    if (scratch && dnnl_memory_desc_get_size(scratch) > 0)
        status = dnnl_memory_desc_clone(&op->scratch, scratch);
    if (status == dnnl_success && op->key.op == DS_OP_CONV) {
        op->layout = layout_number(s, dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0));
        status = op->layout < 0
                     ? dnnl_out_of_memory
                     : dnnl_memory_desc_clone(
                           &op->bias, dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 1));
    }
    return check(status, "layouts", err);
}

/* Makes the primitive of op->key. */
static int make_op(struct ds_session *s, struct op *op, struct ds_error *err)
{
    const struct op_key *k = &op->key;
    int n = s->options.batch;
    if (describe_tensor(&op->in, n, k->cin, k->hin, k->win, err) ||
        describe_tensor(&op->out, n, k->cout, k->hout, k->wout, err))
        return -1;
    if (k->op == DS_OP_SCALE && describe_tensor(&op->in2, n, k->cin, 1, 1, err))
        return -1;
    if (k->op == DS_OP_ADD && describe_tensor(&op->in2, n, k->cin, k->hin, k->win, err))
        return -1;

    dnnl_primitive_attr_t attr = NULL;
    dnnl_primitive_desc_t pd = NULL;
    int rc = make_attr(k, &attr, err);
    if (rc == 0)
        rc = describe_op(s, op, attr, &pd, err);
    if (rc == 0)
        rc = check(dnnl_primitive_create(&op->primitive, pd), "a primitive", err);
    if (rc == 0)
        rc = keep_layouts(s, op, pd, err);
    if (pd)
        dnnl_primitive_desc_destroy(pd);
    if (attr)
        dnnl_primitive_attr_destroy(attr);
    return rc;
}

static int compare_ops(const void *a, const void *b)
{
    return memcmp(&((const struct op *)a)->key, &((const struct op *)b)->key,
                  sizeof(struct op_key));
}

static void free_op(void *p)
{
    struct op *op = p;
    desc_t desc[] = {op->in, op->in2, op->out, op->bias, op->scratch};
    for (size_t i = 0; i < sizeof desc / sizeof *desc; i++)
        if (desc[i])
            dnnl_memory_desc_destroy(desc[i]);
    if (op->primitive)
        dnnl_primitive_destroy(op->primitive);
    free(op);
}

/* The shared primitive of a layer, made at first use; NULL on failure. */
static struct op *find_op(struct ds_session *s, const struct ds_net *net, const struct ds_layer *l,
                          struct ds_error *err)
{
    struct ds_tensor in = net->tensor[l->in], out = net->tensor[l->out];
    struct op *op = ds_alloc(1, sizeof *op, err);
    if (!op)
        return NULL;
    op->key = (struct op_key){.op = (int32_t)l->op,
                              .act = (int32_t)l->act,
                              .cin = in.c,
                              .hin = in.h,
                              .win = in.w,
                              .cout = out.c,
                              .hout = out.h,
                              .wout = out.w,
                              .kernel = l->kernel,
                              .stride = l->stride,
                              .pad = l->pad,
                              .groups = l->groups,
                              .sum = l->op == DS_OP_CONV && l->in2 >= 0,
                              .bias = l->bias || l->bn};
    struct op **at = tsearch(op, &s->ops, compare_ops);
    if (!at) {
        free(op);
        ds_no_memory(err);
        return NULL;
    }
    if (*at != op) {
        free(op);
        return *at;
    }
    if (make_op(s, op, err)) {
        tdelete(op, &s->ops, compare_ops);
        free_op(op);
        return NULL;
    }
    return op;
}

/* ---- weights ---- */

static int compare_packed(const void *a, const void *b)
{
    const struct packed *p = a, *q = b;
    return memcmp(&p->key, &q->key, sizeof p->key);
}

static void free_packed(void *at)
{
    struct packed *p = at;
    if (p->weights)
        dnnl_memory_destroy(p->weights);
    if (p->bias)
        dnnl_memory_destroy(p->bias);
    free(p);
}

/* Writes weights, laid out as `desc` says, in the layout that p has. */
static int reorder(struct ds_session *s, const_desc_t desc, float *from, const struct packed *p,
                   struct ds_error *err)
{
    dnnl_memory_t source = NULL;
    dnnl_primitive_desc_t pd = NULL;
    dnnl_primitive_t primitive = NULL;
    const_desc_t to = s->layout[p->key.layout];
    dnnl_status_t status = dnnl_memory_create(&source, desc, s->engine, from);
    if (status == dnnl_success)
        status = dnnl_reorder_primitive_desc_create(&pd, desc, s->engine, to, s->engine, NULL);
    if (status == dnnl_success)
        status = dnnl_primitive_create(&primitive, pd);
    if (status == dnnl_success) {
        dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, source}, {DNNL_ARG_TO, p->weights}};
        status = dnnl_primitive_execute(primitive, s->stream, 2, args);
    }
    if (status == dnnl_success)
        status = dnnl_stream_wait(s->stream);
    if (primitive)
        dnnl_primitive_destroy(primitive);
    if (pd)
        dnnl_primitive_desc_destroy(pd);
    if (source)
        dnnl_memory_destroy(source);
    return check(status, "packing weights", err);
}

/* Makes p's memory and brings plain weights into its layout. */
static int pack(struct ds_session *s, struct packed *p, const struct op *op, float *plain,
                const float *bias, struct ds_error *err)
{
    void *to;
    desc_t desc = NULL;
    dnnl_status_t status =
        dnnl_memory_create(&p->weights, s->layout[op->layout], s->engine, DNNL_MEMORY_ALLOCATE);
    if (status == dnnl_success)
        status = dnnl_memory_create(&p->bias, op->bias, s->engine, DNNL_MEMORY_ALLOCATE);
    if (status == dnnl_success)
        status = dnnl_memory_get_data_handle(p->bias, &to);
    if (check(status, "memory for weights", err))
        return -1;
    memcpy(to, bias, (size_t)op->key.cout * sizeof *bias);
    int rc = describe_weights(&desc, &op->key, dnnl_oihw, dnnl_goihw, err);
    if (rc == 0)
        rc = reorder(s, desc, plain, p, err);
    if (desc)
        dnnl_memory_desc_destroy(desc);
    return rc;
}

/* The packed weights of a layer, made at first use; NULL on failure. */
static struct packed *find_packed(struct ds_session *s, const struct op *op,
                                  const struct ds_net *net, const struct ds_layer *l,
                                  struct ds_error *err)
{
    struct packed *p = ds_alloc(1, sizeof *p, err);
    if (!p)
        return NULL;
    p->key.weights = ds_weight_key(net, l);
    p->key.layout = op->layout;
    struct packed **at = tsearch(p, &s->packed, compare_packed);
    if (at && *at != p) {
        free(p);
        return *at;
    }
    float *plain = malloc(ds_weight_count(&p->key.weights) * sizeof *plain);
    float *bias = malloc((size_t)op->key.cout * sizeof *bias);
    int rc = -1;
    if (!at || !plain || !bias) {
        ds_no_memory(err);
    } else {
        ds_weights_of(net, l, s->options.seed, plain, bias);
        rc = pack(s, p, op, plain, bias, err);
    }
    free(plain);
    free(bias);
    if (rc) {
        if (at)
            tdelete(p, &s->packed, compare_packed);
        free_packed(p);
        return NULL;
    }
    return p;
}

/* ---- sessions ---- */

static void close_session(struct ds_session *s)
{
    tdestroy(s->packed, free_packed);
    tdestroy(s->ops, free_op);
    for (int32_t i = 0; i < s->nlayouts; i++)
        dnnl_memory_desc_destroy(s->layout[i]);
    free(s->layout);
    if (s->stream)
        dnnl_stream_destroy(s->stream);
    if (s->engine)
        dnnl_engine_destroy(s->engine);
    ds_arena_free(&s->arena);
    ds_arena_free(&s->scratch);
    ds_input_free(&s->input);
    free(s);
}

static int start(struct ds_session *s, struct ds_error *err)
{
    const dnnl_version_t *v = dnnl_version();
    snprintf(s->version, sizeof s->version, "oneDNN %d.%d.%d", v->major, v->minor, v->patch);
    if (s->options.threads > omp_get_thread_limit())
        return ds_fail(err, "oneDNN: OpenMP allows no more than %d threads",
                       omp_get_thread_limit());
    omp_set_num_threads(s->options.threads);
    if (check(dnnl_set_primitive_cache_capacity(4096), "its cache", err) ||
        check(dnnl_engine_create(&s->engine, dnnl_cpu, 0), "an engine", err))
        return -1;
    return check(dnnl_stream_create(&s->stream, s->engine, dnnl_stream_default_flags), "a stream",
                 err);
}

static struct ds_session *open_session(const struct ds_engine_options *options,
                                       struct ds_error *err)
{
    struct ds_session *s = ds_alloc(1, sizeof *s, err);
    if (!s)
        return NULL;
    s->options = *options;
    if (start(s, err) == 0)
        return s;
    close_session(s);
    return NULL;
}

static const char *version(const struct ds_session *s)
{
    return s->version;
}

/* ---- models ---- */

static void unload(struct ds_model *m)
{
    if (m->session->current == m)
        m->session->current = NULL;
    for (int i = 0; i < m->nviews; i++)
        if (m->view[i].memory)
            dnnl_memory_destroy(m->view[i].memory);
    for (int i = 0; i < m->nown; i++) {
        struct packed *p = m->own[i];
        if (--p->models == 0) {
            tdelete(p, &m->session->packed, compare_packed);
            free_packed(p);
        }
    }
    free(m->own);
    free(m->view);
    free(m->step);
    free(m);
}

/* Adds an argument that lies in an arena. */
static int add_view(struct ds_model *m, struct step *step, int arg, const_desc_t desc,
                    size_t offset, bool scratch, struct ds_error *err)
{
    struct view *v = &m->view[m->nviews];
    if (check(dnnl_memory_create(&v->memory, desc, m->session->engine, DNNL_MEMORY_NONE), "memory",
              err))
        return -1;
    v->offset = offset;
    v->scratch = scratch;
    m->nviews++;
    step->args[step->nargs++] = (dnnl_exec_arg_t){arg, v->memory};
    return 0;
}

static int load_layer(struct ds_model *m, const struct ds_net *net, const struct ds_layer *l,
                      const size_t *offset, struct ds_error *err)
{
    struct ds_session *s = m->session;
    struct step *step = &m->step[m->nsteps++];
    struct op *op = find_op(s, net, l, err);
    if (!op)
        return -1;
    step->primitive = op->primitive;
    step->module = l->module;
    bool binary = l->op == DS_OP_SCALE || l->op == DS_OP_ADD;
    if (add_view(m, step, binary ? DNNL_ARG_SRC_0 : DNNL_ARG_SRC, op->in, offset[l->in], false,
                 err) ||
        (binary && add_view(m, step, DNNL_ARG_SRC_1, op->in2, offset[l->in2], false, err)) ||
        add_view(m, step, DNNL_ARG_DST, op->out, offset[l->out], false, err))
        return -1;
    if (l->op == DS_OP_CONV) {
        struct packed *p = find_packed(s, op, net, l, err);
        if (!p)
            return -1;
        if (p->key.weights.given) {
            p->models++;
            m->own[m->nown++] = p;
        }
        step->args[step->nargs++] = (dnnl_exec_arg_t){DNNL_ARG_WEIGHTS, p->weights};
        step->args[step->nargs++] = (dnnl_exec_arg_t){DNNL_ARG_BIAS, p->bias};
        if (l->in2 >= 0 && offset[l->in2] != offset[l->out]) {
            step->copy_from = offset[l->in2];
            step->copy_to = offset[l->out];
            step->copy_size = dnnl_memory_desc_get_size(op->out);
        }
    }
    if (op->scratch &&
        (ds_arena_reserve(&s->scratch, dnnl_memory_desc_get_size(op->scratch), err) ||
         add_view(m, step, DNNL_ARG_SCRATCHPAD, op->scratch, 0, true, err)))
        return -1;
    return 0;
}

static int load_layers(struct ds_model *m, const struct ds_net *net, struct ds_error *err)
{
    int batch = m->session->options.batch;
    size_t size, *offset = calloc((size_t)net->ntensors, sizeof *offset);
    m->step = calloc((size_t)net->nlayers + 1, sizeof *m->step);
    m->view = calloc((size_t)net->nlayers * MOST_ARGS + 1, sizeof *m->view);
    m->own = calloc((size_t)net->nlayers + 1, sizeof *m->own);
    int rc = offset && m->step && m->view && m->own ? 0 : ds_no_memory(err);
    if (rc == 0)
        rc = ds_arena_plan(net, batch, 0, true, offset, &size, err);
    if (rc == 0)
        rc = ds_arena_reserve(&m->session->arena, size, err);
    for (int i = 0; i < net->nlayers && rc == 0; i++)
        rc = load_layer(m, net, &net->layer[i], offset, err);
    if (rc == 0) {
        m->nmodules = net->nmodules;
        m->input_offset = offset[net->input];
        m->output_offset = offset[net->output];
        m->input_count = ds_arena_floats(net, net->input, batch);
        m->output_count = ds_arena_floats(net, net->output, batch);
        rc = ds_input_reserve(&m->session->input, m->session->options.seed, m->input_count, err);
    }
    free(offset);
    return rc;
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

/* Points the model's memory objects into the arenas, when those have moved. */
static int bind(struct ds_model *m, struct ds_error *err)
{
    struct ds_session *s = m->session;
    bool moved = m->arena_moves != s->arena.moves || m->scratch_moves != s->scratch.moves;
    if (moved || s->current != m)
        memcpy(s->arena.data + m->input_offset, s->input.data, m->input_count * sizeof(float));
    s->current = m;
    if (!moved)
        return 0;
    for (int i = 0; i < m->nviews; i++) {
        struct view *v = &m->view[i];
        char *base = v->scratch ? s->scratch.data : s->arena.data;
        if (check(dnnl_memory_set_data_handle(v->memory, base + v->offset), "memory", err))
            return -1;
    }
    m->arena_moves = s->arena.moves;
    m->scratch_moves = s->scratch.moves;
    return 0;
}

static float *input(struct ds_model *m, size_t *count, struct ds_error *err)
{
    *count = m->input_count;
    return bind(m, err) ? NULL : (float *)(m->session->arena.data + m->input_offset);
}

static int run(struct ds_model *m, double *module_ms, struct ds_error *err)
{
    struct ds_session *s = m->session;
    if (bind(m, err))
        return -1;
    if (module_ms)
        memset(module_ms, 0, (size_t)m->nmodules * sizeof *module_ms);
    double before = module_ms ? ds_now_ms() : 0;
    for (int i = 0; i < m->nsteps; i++) {
        struct step *step = &m->step[i];
        if (step->copy_size)
            memcpy(s->arena.data + step->copy_to, s->arena.data + step->copy_from, step->copy_size);
        if (check(dnnl_primitive_execute(step->primitive, s->stream, step->nargs, step->args),
                  "run", err))
            return -1;
        if (module_ms) {
            if (check(dnnl_stream_wait(s->stream), "run", err))
                return -1;
            double now = ds_now_ms();
            module_ms[step->module] += now - before;
            before = now;
        }
    }
    return check(dnnl_stream_wait(s->stream), "run", err);
}

static const float *output(struct ds_model *m, size_t *count)
{
    *count = m->output_count;
    return (const float *)(m->session->arena.data + m->output_offset);
}

const struct ds_engine ds_engine_onednn = {
    .name = "onednn",
    .open = open_session,
    .version = version,
    .load = load,
    .input = input,
    .run = run,
    .output = output,
    .unload = unload,
    .close = close_session,
};

/* Primitives of the oneDNN engine, from layers. */
#include "engines/onednn/onednn.h"

#include "base/grow.h"
#include <search.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static dnnl_data_type_t type_of(enum ds_element element)
{
    return element == DS_ELEMENT_BF16 ? dnnl_bf16
           : element == DS_ELEMENT_S8 ? dnnl_s8
           : element == DS_ELEMENT_U8 ? dnnl_u8
                                      : dnnl_f32;
}

static int describe_tensor(desc_t *desc, int n, int c, int h, int w, int32_t type,
                           struct ds_error *err)
{
    dnnl_dims_t dims = {n, c, h, w};
    return ds_onednn_check(
        dnnl_memory_desc_create_with_tag(desc, 4, dims, (dnnl_data_type_t)type, dnnl_nhwc),
        "a tensor", err);
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

/*
 * What goes with a primitive: how int8 is scaled, whether it sums, its activation, scratch memory
 * given by us.
 */
static int make_attr(const struct op *op, dnnl_primitive_attr_t *attr, struct ds_error *err)
{
    const struct op_key *k = &op->key;
    dnnl_post_ops_t ops = NULL;
    dnnl_status_t status = dnnl_primitive_attr_create(attr);
    if (status == dnnl_success)
        status = dnnl_primitive_attr_set_scratchpad_mode(*attr, dnnl_scratchpad_mode_user);
    if (status == dnnl_success && op->scale)
        status = set_channel_scales(*attr, k->cout, op->scale, k->groups > 1);
    if (status == dnnl_success)
        status = dnnl_post_ops_create(&ops);
    if (status == dnnl_success && k->sum)
        status = dnnl_post_ops_append_sum(ops, op->scale ? k->sum_scale : 1, 0,
                                          (dnnl_data_type_t)k->in2_type);
    if (status == dnnl_success)
        status = append_act(ops, (enum ds_act)k->act);
    if (status == dnnl_success && k->factor > 0)
        status = dnnl_post_ops_append_eltwise(ops, dnnl_eltwise_linear, k->factor, 0);
    if (status == dnnl_success)
        status = dnnl_primitive_attr_set_post_ops(*attr, ops);
    if (ops)
        dnnl_post_ops_destroy(ops);
    return ds_onednn_check(status, "attributes", err);
}

static const dnnl_dims_t no_dilation = {0};

/* Weights go with what they are multiplied by. */
static dnnl_data_type_t weight_type(const struct op_key *k)
{
    return k->in_type == dnnl_u8 ? dnnl_s8 : (dnnl_data_type_t)k->in_type;
}

/* In whatever layout oneDNN likes best. */
static dnnl_status_t describe_weights(desc_t *desc, const struct op_key *k)
{
    dnnl_dims_t dims = {k->cout, k->cin, k->kernel, k->kernel};
    dnnl_dims_t in_groups = {k->groups, k->cout / k->groups, k->cin / k->groups, k->kernel,
                             k->kernel};
    bool grouped = k->groups > 1;
    return dnnl_memory_desc_create_with_tag(desc, grouped ? 5 : 4, grouped ? in_groups : dims,
                                            weight_type(k), dnnl_format_tag_any);
}

static sigjmp_buf planned;

static void cannot_plan(int signal)
{
    (void)signal;
    siglongjmp(planned, 1);
}

/*
 * oneDNN 3 divides by the sizes of caches as it plans some convolutions (1x1 with stride 2, of
 * ResNet), and some virtual machines tell programs none: then it is refused, in place of an end by
 * SIGFPE.
 */
static int plan_conv(struct ds_session *s, const struct op *op, dnnl_primitive_attr_t attr,
                     const_desc_t weights, const_desc_t bias, dnnl_primitive_desc_t *pd,
                     struct ds_error *err)
{
    const struct op_key *k = &op->key;
    dnnl_dims_t strides = {k->stride, k->stride}, before = {k->pad, k->pad};
    dnnl_dims_t after = {(k->hout - 1) * k->stride + k->kernel - k->hin - k->pad,
                         (k->wout - 1) * k->stride + k->kernel - k->win - k->pad};
    struct sigaction divided = {.sa_handler = cannot_plan}, as_before;
    sigaction(SIGFPE, &divided, &as_before);
    int rc = sigsetjmp(planned, 1)
                 ? ds_fail(err,
                           "%s divides by zero in planning a %dx%d convolution of %d to %d "
                           "channels: this machine tells programs no sizes of caches; --engine "
                           "xnnpack does not ask",
                           s->version, k->kernel, k->kernel, k->cin, k->cout)
                 : ds_onednn_check(dnnl_convolution_forward_primitive_desc_create(
                                       pd, s->engine, dnnl_forward_inference,
                                       dnnl_convolution_direct, op->in, weights, bias, op->out,
                                       strides, no_dilation, before, after, attr),
                                   "convolution", err);
    sigaction(SIGFPE, &as_before, NULL);
    return rc;
}

static int describe_conv(struct ds_session *s, const struct op *op, dnnl_primitive_attr_t attr,
                         dnnl_primitive_desc_t *pd, struct ds_error *err)
{
    const struct op_key *k = &op->key;
    desc_t weights = NULL, bias = NULL;
    dnnl_dims_t channels = {k->cout};
    int rc = ds_onednn_check(describe_weights(&weights, k), "weights", err);
    if (rc == 0)
        rc = ds_onednn_check(dnnl_memory_desc_create_with_tag(&bias, 1, channels, dnnl_f32, dnnl_a),
                             "bias", err);
    if (rc == 0)
        rc = plan_conv(s, op, attr, weights, bias, pd, err);
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
        return ds_onednn_check(describe_pool(s, op, attr, pd), "pooling", err);
    case DS_OP_SCALE:
        return ds_onednn_check(dnnl_binary_primitive_desc_create(pd, s->engine, dnnl_binary_mul,
                                                                 op->in, op->in2, op->out, attr),
                               "scale", err);
    case DS_OP_SHUFFLE: /* read as [c / group size][group size], written transposed */
        return ds_onednn_check(dnnl_shuffle_forward_primitive_desc_create(
                                   pd, s->engine, dnnl_forward_inference, op->in, op->out, 1,
                                   k->cin / k->groups, attr),
                               "channel shuffle", err);
    case DS_OP_ADD:
        break;
    }
    return ds_onednn_check(dnnl_binary_primitive_desc_create(pd, s->engine, dnnl_binary_add, op->in,
                                                             op->in2, op->out, attr),
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
    return ds_onednn_check(status, "layouts", err);
}

/*
 * Refuses a convolution of a narrow number format that only reference code computes: its time would
 * say nothing of the format.
 */
static int check_compiled(const struct ds_session *s, const struct op_key *k,
                          dnnl_primitive_desc_t pd, struct ds_error *err)
{
    const char *info = "";
    if (k->op != DS_OP_CONV || k->in_type == dnnl_f32)
        return 0;
    dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, &info);
    if (!strstr(info, "ref"))
        return 0;
    return ds_fail(err,
                   "%s has only reference code for a %dx%d convolution of %d to %d channels "
                   "in %s",
                   s->version, k->kernel, k->kernel, k->cin, k->cout,
                   ds_dtype_name(s->options.dtype));
}

/* What the primitive reads and writes. */
static int describe_tensors(const struct ds_session *s, struct op *op, struct ds_error *err)
{
    const struct op_key *k = &op->key;
    int n = s->options.batch;
    if (describe_tensor(&op->in, n, k->cin, k->hin, k->win, k->in_type, err) ||
        describe_tensor(&op->out, n, k->cout, k->hout, k->wout, k->out_type, err))
        return -1;
    if (k->op == DS_OP_SCALE)
        return describe_tensor(&op->in2, n, k->cin, 1, 1, k->in2_type, err);
    if (k->op == DS_OP_ADD)
        return describe_tensor(&op->in2, n, k->cin, k->hin, k->win, k->in2_type, err);
    return 0;
}

/* Makes the primitive of op->key. */
static int make_op(struct ds_session *s, struct op *op, struct ds_error *err)
{
    dnnl_primitive_attr_t attr = NULL;
    dnnl_primitive_desc_t pd = NULL;
    int rc = describe_tensors(s, op, err);
    if (rc == 0)
        rc = make_attr(op, &attr, err);
    if (rc == 0)
        rc = describe_op(s, op, attr, &pd, err);
    if (rc == 0)
        rc = check_compiled(s, &op->key, pd, err);
    if (rc == 0)
        rc = ds_onednn_check(dnnl_primitive_create(&op->primitive, pd), "a primitive", err);
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

void ds_onednn_free_op(void *p)
{
    struct op *op = p;
    desc_t desc[] = {op->in, op->in2, op->out, op->bias, op->scratch};
    for (size_t i = 0; i < sizeof desc / sizeof *desc; i++)
        if (desc[i])
            dnnl_memory_desc_destroy(desc[i]);
    if (op->primitive)
        dnnl_primitive_destroy(op->primitive);
    free(op->scale);
    free(op);
}

enum ds_element ds_onednn_element(const struct ds_session *s, const struct ds_net *net, int tensor)
{
    if (s->options.dtype == DS_DTYPE_INT8)
        return net->quant->tensor[tensor].element;
    const struct ds_layer *last = net->nlayers ? &net->layer[net->nlayers - 1] : NULL;
    bool logits = last && tensor == net->output && last->out == tensor && last->op == DS_OP_CONV &&
                  last->in2 < 0;
    return s->options.dtype == DS_DTYPE_BF16 && !logits ? DS_ELEMENT_BF16 : DS_ELEMENT_F32;
}

static bool reads_8bit(const struct ds_session *s, const struct ds_net *net,
                       const struct ds_layer *l)
{
    return ds_element_is_8bit(ds_onednn_element(s, net, l->in));
}

bool ds_onednn_has_op(const struct ds_session *s, const struct ds_net *net,
                      const struct ds_layer *l)
{
    return !reads_8bit(s, net, l) || (l->op != DS_OP_GLOBAL_POOL && l->op != DS_OP_ADD);
}

static void fill_key(const struct ds_session *s, const struct ds_net *net, const struct ds_layer *l,
                     struct op_key *k)
{
    struct ds_tensor in = net->tensor[l->in], out = net->tensor[l->out];
    *k = (struct op_key){.op = (int32_t)l->op,
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
    k->in_type = (int32_t)type_of(ds_onednn_element(s, net, l->in));
    k->out_type = (int32_t)type_of(ds_onednn_element(s, net, l->out));
    k->in2_type = l->in2 >= 0 ? (int32_t)type_of(ds_onednn_element(s, net, l->in2)) : 0;
}

/* The scales of a layer that computes in int8. */
static int fill_scales(const struct ds_net *net, const struct ds_layer *l, struct op *op,
                       struct ds_error *err)
{
    const struct ds_quant_tensor *t = net->quant->tensor;
    bool narrow = ds_element_is_8bit(t[l->out].element);
    if (l->op == DS_OP_SCALE) {
        op->key.factor = t[l->in].scale / t[l->out].scale;
        return 0;
    }
    op->key.sum_scale = l->in2 >= 0 ? t[l->in2].scale : 0;
    op->key.factor = narrow ? 1 / t[l->out].scale : 0;
    if (!(op->scale = ds_alloc((size_t)op->key.cout, sizeof *op->scale, err)))
        return -1;
    for (int o = 0; o < op->key.cout; o++)
        op->scale[o] = ds_quant_scale(net, net->quant, l, o);
    return 0;
}

/* One that is shared. */
static struct op *share(struct ds_session *s, struct op *op, struct ds_error *err)
{
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
        ds_onednn_free_op(op);
        return NULL;
    }
    return op;
}

struct op *ds_onednn_find_op(struct ds_session *s, const struct ds_net *net,
                             const struct ds_layer *l, bool *own, struct ds_error *err)
{
    struct op *op = ds_alloc(1, sizeof *op, err);
    if (!op)
        return NULL;
    fill_key(s, net, l, &op->key);
    *own = reads_8bit(s, net, l) && (l->op == DS_OP_CONV || l->op == DS_OP_SCALE);
    if (!*own)
        return share(s, op, err);
    if (fill_scales(net, l, op, err) == 0 && make_op(s, op, err) == 0)
        return op;
    ds_onednn_free_op(op);
    return NULL;
}

/*
 * XNNPACK of November 2024. An operator first takes its shapes and says how much memory it works
 * in, then takes the tensors. Sums, products and means have no clamp of their own.
 */
#ifndef DS_ENGINES_XNNPACK_OPERATORS_2024_H
#define DS_ENGINES_XNNPACK_OPERATORS_2024_H

/* Whether sums, products and means clamp their output. */
enum { ALL_CLAMP = 0 };

static inline enum xnn_status create_conv(const struct conv_shape *s, const float *weights,
                                          const float *bias, float low, float high,
                                          xnn_operator_t *op)
{
    const struct window *w = &s->window;
    return xnn_create_convolution2d_nhwc_f32(w->top, w->right, w->bottom, w->left, w->kernel,
                                             w->kernel, w->stride, w->stride, 1, 1, s->groups,
                                             s->cin / s->groups, s->cout / s->groups, s->cin,
                                             s->cout, weights, bias, low, high, 0, NULL, NULL, op);
}

static inline enum xnn_status create_max_pool(const struct window *w, size_t c, float low,
                                              float high, xnn_operator_t *op)
{
    (void)c;
    return xnn_create_max_pooling2d_nhwc_f32(w->top, w->right, w->bottom, w->left, w->kernel,
                                             w->kernel, w->stride, w->stride, 1, 1, low, high, 0,
                                             op);
}

static inline enum xnn_status create_average_pool(const struct window *w, size_t c, float low,
                                                  float high, xnn_operator_t *op)
{
    (void)c;
    return xnn_create_average_pooling2d_nhwc_f32(w->top, w->right, w->bottom, w->left, w->kernel,
                                                 w->kernel, w->stride, w->stride, low, high, 0, op);
}

static inline enum xnn_status create_global_pool(size_t c, float low, float high,
                                                 xnn_operator_t *op)
{
    (void)c, (void)low, (void)high;
    return xnn_create_reduce_nd(xnn_reduce_mean, xnn_datatype_fp32, NULL, NULL, 0, op);
}

static inline enum xnn_status create_binary(enum binary kind, float low, float high,
                                            xnn_operator_t *op)
{
    (void)low, (void)high;
    return xnn_create_binary_elementwise_nd(kind == BINARY_ADD ? xnn_binary_add
                                                               : xnn_binary_multiply,
                                            xnn_datatype_fp32, NULL, NULL, NULL, 0, op);
}

static inline enum xnn_status create_shuffle(size_t c, size_t groups, xnn_operator_t *op)
{
    return xnn_create_channel_shuffle_nc_x32(groups, c / groups, c, c, 0, op);
}

static inline enum xnn_status create_hardswish(size_t c, xnn_operator_t *op)
{
    (void)c;
    return xnn_create_unary_elementwise_nc(xnn_unary_hardswish, xnn_datatype_fp32,
                                           xnn_datatype_fp32, NULL, NULL, NULL, 0, op);
}

static inline enum xnn_status create_clamp(size_t c, float low, float high, xnn_operator_t *op)
{
    union xnn_unary_params params = {.clamp = {low, high}};
    (void)c;
    return xnn_create_unary_elementwise_nc(xnn_unary_clamp, xnn_datatype_fp32, xnn_datatype_fp32,
                                           &params, NULL, NULL, 0, op);
}

/* Makes sure of `size` bytes to work in, after a reshape that went well. */
static inline enum xnn_status reserve(enum xnn_status status, const struct operands *o, size_t size)
{
    struct ds_error err;
    if (status == xnn_status_success && ds_arena_reserve(o->scratch, size, &err))
        return xnn_status_out_of_memory;
    return status;
}

static inline enum xnn_status set_up_conv(xnn_operator_t op, const struct operands *o)
{
    size_t size = 0, alignment = 0, h, w;
    enum xnn_status status = xnn_reshape_convolution2d_nhwc_f32(op, o->n, o->h, o->w, &size,
                                                                &alignment, &h, &w, o->threads);
    status = reserve(status, o, size);
    return status != xnn_status_success
               ? status
               : xnn_setup_convolution2d_nhwc_f32(op, o->scratch->data, o->x, o->y);
}

static inline enum xnn_status set_up_max_pool(xnn_operator_t op, const struct operands *o)
{
    size_t h, w;
    enum xnn_status status = xnn_reshape_max_pooling2d_nhwc_f32(op, o->n, o->h, o->w, o->c, o->c,
                                                                o->c, &h, &w, o->threads);
    return status != xnn_status_success ? status : xnn_setup_max_pooling2d_nhwc_f32(op, o->x, o->y);
}

static inline enum xnn_status set_up_average_pool(xnn_operator_t op, const struct operands *o)
{
    size_t size = 0, alignment = 0, h, w;
    enum xnn_status status = xnn_reshape_average_pooling2d_nhwc_f32(
        op, o->n, o->h, o->w, o->c, o->c, o->c, &size, &alignment, &h, &w, o->threads);
    status = reserve(status, o, size);
    return status != xnn_status_success
               ? status
               : xnn_setup_average_pooling2d_nhwc_f32(op, o->scratch->data, o->x, o->y);
}

/* In floats it works in its output: memory to work in makes it look for a conversion. */
static inline enum xnn_status set_up_global_pool(xnn_operator_t op, const struct operands *o)
{
    const size_t shape[] = {o->n, o->h * o->w, o->c};
    const int64_t axis[] = {1};
    enum xnn_status status = xnn_reshape_reduce_nd(op, 1, axis, 3, shape, NULL, NULL, o->threads);
    return status != xnn_status_success ? status : xnn_setup_reduce_nd(op, NULL, o->x, o->y);
}

/* x2 has one pixel an image where `scales`, else as many as x. */
static inline enum xnn_status set_up_binary(xnn_operator_t op, enum binary kind, bool scales,
                                            const struct operands *o)
{
    const size_t shape[] = {o->n, o->h * o->w, o->c};
    const size_t shape2[] = {o->n, scales ? 1 : o->h * o->w, o->c};
    (void)kind;
    enum xnn_status status = xnn_reshape_binary_elementwise_nd(op, 3, shape, 3, shape2, o->threads);
    return status != xnn_status_success ? status
                                        : xnn_setup_binary_elementwise_nd(op, o->x, o->x2, o->y);
}

static inline enum xnn_status set_up_unary(xnn_operator_t op, const struct operands *o)
{
    enum xnn_status status =
        xnn_reshape_unary_elementwise_nc(op, o->n * o->h * o->w, o->c, o->c, o->c, o->threads);
    return status != xnn_status_success ? status : xnn_setup_unary_elementwise_nc(op, o->x, o->y);
}

static inline enum xnn_status set_up_hardswish(xnn_operator_t op, const struct operands *o)
{
    return set_up_unary(op, o);
}

static inline enum xnn_status set_up_clamp(xnn_operator_t op, const struct operands *o)
{
    return set_up_unary(op, o);
}

static inline enum xnn_status set_up_shuffle(xnn_operator_t op, const struct operands *o)
{
    enum xnn_status status = xnn_reshape_channel_shuffle_nc_x32(op, o->n * o->h * o->w, o->threads);
    return status != xnn_status_success ? status : xnn_setup_channel_shuffle_nc_x32(op, o->x, o->y);
}

#endif

/* XNNPACK of 2022. An operator takes its shapes and its tensors at once. */
#ifndef DS_ENGINES_XNNPACK_OPERATORS_2022_H
#define DS_ENGINES_XNNPACK_OPERATORS_2022_H

/* Whether sums, products and means clamp their output. */
enum { ALL_CLAMP = 1 };

static inline enum xnn_status create_conv(const struct conv_shape *s, const float *weights,
                                          const float *bias, float low, float high,
                                          xnn_operator_t *op)
{
    const struct window *w = &s->window;
    return xnn_create_convolution2d_nhwc_f32(w->top, w->right, w->bottom, w->left, w->kernel,
                                             w->kernel, w->stride, w->stride, 1, 1, s->groups,
                                             s->cin / s->groups, s->cout / s->groups, s->cin,
                                             s->cout, weights, bias, low, high, 0, op);
}

static inline enum xnn_status create_max_pool(const struct window *w, size_t c, float low,
                                              float high, xnn_operator_t *op)
{
    return xnn_create_max_pooling2d_nhwc_f32(w->top, w->right, w->bottom, w->left, w->kernel,
                                             w->kernel, w->stride, w->stride, 1, 1, c, c, c, low,
                                             high, 0, op);
}

static inline enum xnn_status create_average_pool(const struct window *w, size_t c, float low,
                                                  float high, xnn_operator_t *op)
{
    return xnn_create_average_pooling2d_nhwc_f32(w->top, w->right, w->bottom, w->left, w->kernel,
                                                 w->kernel, w->stride, w->stride, c, c, c, low,
                                                 high, 0, op);
}

static inline enum xnn_status create_global_pool(size_t c, float low, float high,
                                                 xnn_operator_t *op)
{
    return xnn_create_global_average_pooling_nwc_f32(c, c, c, low, high, 0, op);
}

static inline enum xnn_status create_binary(enum binary kind, float low, float high,
                                            xnn_operator_t *op)
{
    return kind == BINARY_ADD ? xnn_create_add_nd_f32(low, high, 0, op)
                              : xnn_create_multiply_nd_f32(low, high, 0, op);
}

static inline enum xnn_status create_shuffle(size_t c, size_t groups, xnn_operator_t *op)
{
    return xnn_create_channel_shuffle_nc_x32(groups, c / groups, c, c, 0, op);
}

static inline enum xnn_status create_hardswish(size_t c, xnn_operator_t *op)
{
    return xnn_create_hardswish_nc_f32(c, c, c, 0, op);
}

static inline enum xnn_status create_clamp(size_t c, float low, float high, xnn_operator_t *op)
{
    return xnn_create_clamp_nc_f32(c, c, c, low, high, 0, op);
}

static inline enum xnn_status set_up_conv(xnn_operator_t op, const struct operands *o)
{
    return xnn_setup_convolution2d_nhwc_f32(op, o->n, o->h, o->w, o->x, o->y, o->threads);
}

static inline enum xnn_status set_up_max_pool(xnn_operator_t op, const struct operands *o)
{
    return xnn_setup_max_pooling2d_nhwc_f32(op, o->n, o->h, o->w, o->x, o->y, o->threads);
}

static inline enum xnn_status set_up_average_pool(xnn_operator_t op, const struct operands *o)
{
    return xnn_setup_average_pooling2d_nhwc_f32(op, o->n, o->h, o->w, o->x, o->y, o->threads);
}

static inline enum xnn_status set_up_global_pool(xnn_operator_t op, const struct operands *o)
{
    return xnn_setup_global_average_pooling_nwc_f32(op, o->n, o->h * o->w, o->x, o->y, o->threads);
}

/* x2 has one pixel an image where `scales`, else as many as x. */
static inline enum xnn_status set_up_binary(xnn_operator_t op, enum binary kind, bool scales,
                                            const struct operands *o)
{
    const size_t shape[] = {o->n, o->h * o->w, o->c};
    const size_t shape2[] = {o->n, scales ? 1 : o->h * o->w, o->c};
    return kind == BINARY_ADD
               ? xnn_setup_add_nd_f32(op, 3, shape, 3, shape2, o->x, o->x2, o->y, o->threads)
               : xnn_setup_multiply_nd_f32(op, 3, shape, 3, shape2, o->x, o->x2, o->y, o->threads);
}

static inline enum xnn_status set_up_hardswish(xnn_operator_t op, const struct operands *o)
{
    return xnn_setup_hardswish_nc_f32(op, o->n * o->h * o->w, o->x, o->y, o->threads);
}

static inline enum xnn_status set_up_clamp(xnn_operator_t op, const struct operands *o)
{
    return xnn_setup_clamp_nc_f32(op, o->n * o->h * o->w, o->x, o->y, o->threads);
}

static inline enum xnn_status set_up_shuffle(xnn_operator_t op, const struct operands *o)
{
    return xnn_setup_channel_shuffle_nc_x32(op, o->n * o->h * o->w, o->x, o->y, o->threads);
}

#endif

/* Layers of a network to steps on an OpenCL device: kernels and matrix products. */
#include "engines/opencl/opencl.h"

#include "base/grow.h"
#include <search.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    GROUP = 64,         /* items in a work group */
    REDUCE_GROUP = 256, /* where a group sums up, if the device allows */
    LANES = 8,          /* results of such a group, next to one another in memory */
    MOST_CONNECTED = 4, /* images of which a fully connected layer is no matrix product */
    TILE_ITEMS = 256,   /* items that every compute unit has before an item does more work */
};

#define COLUMNS ((size_t)32 << 20) /* floats of im2col at once, unless one image has more */
#define MOST_FLOATS ((size_t)1 << 31)

/* Weights on the device: of a depthwise convolution [k][k][c], else [group][k][k][cin][cout]. */
struct packed {
    struct ds_weight_key key;
    cl_mem mem;
    size_t bias_at; /* floats before the bias */
};

/* A network whose steps are being made. */
struct loader {
    struct ds_session *s;
    const struct ds_net *net;
    const size_t *offset;
    const struct ds_layer **left; /* [ntensors]: whose bias and activation are left to the reader */
    struct ds_opencl_steps *steps;
    const struct ds_layer *l; /* the one being loaded */
    struct ds_tensor in, out;
    struct ds_error *err;
};

static size_t round_up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

static size_t size_of(struct ds_tensor t)
{
    return (size_t)t.c * (size_t)t.h * (size_t)t.w;
}

int ds_opencl_reserve(struct ds_opencl *cl, struct ds_opencl_buffer *b, size_t size,
                      struct ds_error *err)
{
    cl_int status;
    if (size <= b->size)
        return 0;
    if (size > cl->buffer_limit || size / sizeof(float) >= MOST_FLOATS)
        return ds_fail(err,
                       "OpenCL: %s: a buffer of %zu MB is too large; a smaller batch or "
                       "resolution needs less",
                       cl->device.name, size >> 20);
    if (b->mem)
        clReleaseMemObject(b->mem);
    *b = (struct ds_opencl_buffer){.moves = b->moves + 1};
    b->mem = clCreateBuffer(cl->context, CL_MEM_READ_WRITE, size, NULL, &status);
    if (status)
        return ds_fail(err, "OpenCL: %s: a buffer of %zu MB: %s", cl->device.name, size >> 20,
                       ds_opencl_status(status));
    b->size = size;
    return 0;
}

/* ---- weights ---- */

static bool is_depthwise(const struct ds_weight_key *k)
{
    return k->groups > 1 && k->groups == k->cin && k->groups == k->cout;
}

/* From [cout][cin of a group][k][k]. */
static void pack(const struct ds_weight_key *k, const float *from, float *to)
{
    size_t cin = (size_t)(k->cin / k->groups), cout = (size_t)(k->cout / k->groups);
    size_t area = (size_t)k->kernel * (size_t)k->kernel, n = (size_t)k->cout;
    bool depthwise = is_depthwise(k);
    for (size_t o = 0; o < n; o++)
        for (size_t i = 0; i < cin; i++)
            for (size_t p = 0; p < area; p++)
                to[depthwise ? p * n + o : ((o / cout * area + p) * cin + i) * cout + o % cout] =
                    *from++;
}

static int compare_packed(const void *a, const void *b)
{
    return memcmp(&((const struct packed *)a)->key, &((const struct packed *)b)->key,
                  sizeof(struct ds_weight_key));
}

void ds_opencl_packed_free(void *p)
{
    struct packed *packed = p;
    if (packed->mem)
        clReleaseMemObject(packed->mem);
    free(packed);
}

static int upload(struct loader *b, const struct ds_layer *l, struct packed *p, float *plain,
                  float *both)
{
    struct ds_session *s = b->s;
    cl_int status;
    size_t size = (p->bias_at + (size_t)p->key.cout) * sizeof *both;
    ds_weights_of(b->net, l, s->options.seed, plain, both + p->bias_at);
    pack(&p->key, plain, both);
    p->mem =
        clCreateBuffer(s->cl.context, CL_MEM_READ_ONLY | CL_MEM_COPY_HOST_PTR, size, both, &status);
    return status ? ds_fail(b->err, "OpenCL: %s: weights of %zu MB: %s", s->cl.device.name,
                            size >> 20, ds_opencl_status(status))
                  : 0;
}

/* The weights of a layer; NULL on failure. */
static struct packed *find_packed(struct loader *b, const struct ds_layer *l)
{
    struct ds_session *s = b->s;
    struct packed *p = ds_alloc(1, sizeof *p, NULL), **at = NULL;
    if (p) {
        p->key = ds_weight_key(b->net, l);
        at = tsearch(p, &s->packed, compare_packed);
    }
    if (!at) {
        free(p);
        ds_no_memory(b->err);
        return NULL;
    }
    if (*at != p) {
        free(p);
        return *at;
    }
    size_t count = ds_weight_count(&p->key);
    p->bias_at = round_up(count, 16);
    float *plain = ds_alloc(count, sizeof *plain, NULL);
    float *both = ds_alloc(p->bias_at + (size_t)p->key.cout, sizeof *both, NULL);
    int rc = plain && both ? upload(b, l, p, plain, both) : ds_no_memory(b->err);
    free(plain);
    free(both);
    if (rc == 0)
        return p;
    tdelete(p, &s->packed, compare_packed);
    ds_opencl_packed_free(p);
    return NULL;
}

/* ---- steps ---- */

static struct ds_opencl_step *add_step(struct loader *b)
{
    struct ds_opencl_steps *steps = b->steps;
    if (ds_grow(&steps->step, &steps->room, (size_t)steps->n + 1, sizeof *steps->step, b->err))
        return NULL;
    struct ds_opencl_step *step = &steps->step[steps->n++];
    *step = (struct ds_opencl_step){.module = b->l->module};
    return step;
}

void ds_opencl_steps_free(struct ds_opencl_steps *steps)
{
    for (int i = 0; i < steps->n; i++)
        if (steps->step[i].kernel)
            clReleaseKernel(steps->step[i].kernel);
    free(steps->step);
    *steps = (struct ds_opencl_steps){0};
}

/* A kernel being prepared: its compiler options and its arguments. */
struct call {
    struct loader *b;
    struct ds_opencl_step *step;
    size_t vec; /* channels at once */
    char options[256];
    cl_int status; /* the first that failed */
};

static void define(struct call *c, const char *name, int value)
{
    size_t n = strlen(c->options);
    snprintf(c->options + n, sizeof c->options - n, " -D %s=%d", name, value);
}

/* Begins a kernel for the layer being loaded; `channels` are what it takes VEC of. */
static struct call begin(struct loader *b, const char *macro, int channels)
{
    struct call c = {.b = b, .vec = channels % 4 ? 1 : 4};
    snprintf(c.options, sizeof c.options, "-D %s", macro);
    define(&c, "VEC", (int)c.vec);
    return c;
}

/* Options for the activation of the layer and, where it adds a second tensor, for that. */
static void define_result(struct call *c)
{
    define(c, "ACT", (int)c->b->l->act);
    if (c->b->l->in2 >= 0 && c->b->l->op != DS_OP_SCALE)
        define(c, "RESIDUAL", 1);
}

static void define_input(struct call *c)
{
    const struct ds_layer *left = c->b->left[c->b->l->in];
    if (left)
        define(c, "IN_ACT", (int)left->act);
}

/* Compiles it, for work groups of `group` items. */
static int compile(struct call *c, const char *name, int group)
{
    define(c, "GROUP", group);
    c->step = add_step(c->b);
    if (!c->step)
        return -1;
    c->step->group = (size_t)group;
    return ds_opencl_kernel(&c->b->s->cl, name, c->options, &c->step->kernel, c->b->err);
}

static void pass(struct call *c, size_t size, const void *value)
{
    cl_int status = clSetKernelArg(c->step->kernel, c->step->nargs++, size, value);
    if (c->status == CL_SUCCESS)
        c->status = status;
}

static void pass_number(struct call *c, size_t number)
{
    cl_uint n = (cl_uint)number;
    pass(c, sizeof n, &n);
}

/* A place in a buffer that may move, in floats. */
static void pass_place(struct call *c, const struct ds_opencl_buffer *buffer, size_t at)
{
    struct ds_opencl_step *step = c->step;
    step->buffer[step->nbuffers].arg = step->nargs++;
    step->buffer[step->nbuffers++].buffer = buffer;
    pass_number(c, at / c->vec);
}

static void pass_tensor(struct call *c, int tensor)
{
    pass_place(c, &c->b->s->arena, c->b->offset[tensor]);
}

/* Weights, or a bias alone, which is at the same place. */
static void pass_weights(struct call *c, const struct packed *p)
{
    pass(c, sizeof p->mem, &p->mem);
    pass_number(c, p->bias_at / c->vec);
}

/* What define_input promised. */
static int pass_input(struct call *c)
{
    const struct ds_layer *left = c->b->left[c->b->l->in];
    const struct packed *p = left ? find_packed(c->b, left) : NULL;
    if (p)
        pass_weights(c, p);
    return left && !p ? -1 : 0;
}

/* What define_result promised. */
static void pass_result(struct call *c)
{
    if (c->b->l->in2 >= 0)
        pass_tensor(c, c->b->l->in2);
}

static int finish_groups(struct call *c, size_t x, size_t y)
{
    c->step->items[0] = x * c->step->group;
    c->step->items[1] = y;
    return c->status ? ds_fail(c->b->err, "OpenCL: clSetKernelArg: %s", ds_opencl_status(c->status))
                     : 0;
}

/* Ends the arguments with the number of items. */
static int finish(struct call *c, size_t items)
{
    pass_number(c, items);
    return finish_groups(c, (items + c->step->group - 1) / c->step->group, 1);
}

/* ---- kinds of layers ---- */

static size_t batch(const struct loader *b)
{
    return (size_t)b->s->options.batch;
}

static int reduce_group(const struct loader *b)
{
    return b->s->cl.group_limit >= REDUCE_GROUP ? REDUCE_GROUP : GROUP;
}

static void pass_window(struct call *c, int channels)
{
    struct loader *b = c->b;
    pass_number(c, (size_t)b->in.h);
    pass_number(c, (size_t)b->in.w);
    pass_number(c, (size_t)channels / c->vec);
}

static void define_window(struct call *c)
{
    define(c, "K", c->b->l->kernel);
    define(c, "S", c->b->l->stride);
}

static int load_depthwise(struct loader *b)
{
    const struct ds_layer *l = b->l;
    const struct packed *p = find_packed(b, l);
    struct call c = begin(b, "DEPTHWISE", b->in.c);
    int tile = l->stride == 1 ? 4 : 2;
    size_t rows = batch(b) * (size_t)b->out.h * (size_t)b->out.c / c.vec, w = (size_t)b->out.w;
    if (rows * w / (size_t)tile < (size_t)TILE_ITEMS * b->s->cl.compute_units)
        tile = 1;
    define_window(&c);
    define(&c, "TILE", tile);
    define_input(&c);
    define_result(&c);
    if (!p || compile(&c, "depthwise", GROUP))
        return -1;
    pass_tensor(&c, l->in);
    pass_tensor(&c, l->out);
    pass_weights(&c, p);
    if (pass_input(&c))
        return -1;
    pass_result(&c);
    pass_window(&c, b->in.c);
    pass_number(&c, (size_t)b->out.h);
    pass_number(&c, (size_t)b->out.w);
    pass_number(&c, (size_t)l->pad);
    return finish(&c, rows * ((w + (size_t)tile - 1) / (size_t)tile));
}

/*
 * A fully connected layer for few images takes as long as reading its weights, so a simple kernel
 * is best.
 */
static int load_connected(struct loader *b)
{
    const struct packed *p = find_packed(b, b->l);
    struct call c = begin(b, "CONNECT", 1);
    define(&c, "LANES", LANES);
    define_result(&c);
    if (!p || compile(&c, "connect", reduce_group(b)))
        return -1;
    pass_tensor(&c, b->l->in);
    pass_tensor(&c, b->l->out);
    pass_weights(&c, p);
    pass_result(&c);
    pass_number(&c, (size_t)b->in.c);
    pass_number(&c, (size_t)b->out.c);
    return finish_groups(&c, ((size_t)b->out.c + LANES - 1) / LANES, batch(b));
}

/* im2col: copies the windows of `images` images, from image `first` on, into the columns. */
static int load_im2col(struct loader *b, size_t first, size_t images)
{
    const struct ds_layer *l = b->l;
    int cg = b->in.c / l->groups;
    struct call c = begin(b, "IM2COL", cg);
    define_window(&c);
    define_input(&c);
    if (compile(&c, "im2col", GROUP))
        return -1;
    pass_tensor(&c, l->in);
    pass_place(&c, &b->s->columns, 0);
    if (pass_input(&c))
        return -1;
    pass_window(&c, b->in.c);
    pass_number(&c, (size_t)cg / c.vec);
    pass_number(&c, (size_t)b->out.h);
    pass_number(&c, (size_t)b->out.w);
    pass_number(&c, (size_t)l->pad);
    pass_number(&c, first);
    return finish(&c, images * (size_t)b->out.h * (size_t)b->out.w * (size_t)b->in.c *
                          (size_t)(l->kernel * l->kernel) / c.vec);
}

static int add_product(struct loader *b, const struct packed *p, size_t first, size_t images,
                       bool of_columns)
{
    struct ds_opencl_step *step = add_step(b);
    const struct ds_layer *l = b->l;
    if (!step)
        return -1;
    step->product = (struct ds_opencl_product){
        .weights = p->mem,
        .rows = images * (size_t)b->out.h * (size_t)b->out.w,
        .n = (size_t)(b->out.c / l->groups),
        .k = (size_t)(b->in.c / l->groups * l->kernel * l->kernel),
        .groups = (size_t)l->groups,
        .x_at = of_columns ? 0 : b->offset[l->in],
        .y_at = b->offset[l->out] + first * size_of(b->out),
        .x = of_columns ? &b->s->columns : &b->s->arena,
    };
    return 0;
}

/* Bias, residual and activation, after a product. */
static int load_epilogue(struct loader *b, const struct packed *p)
{
    struct call c = begin(b, "EPILOGUE", b->out.c);
    define_result(&c);
    if (compile(&c, "epilogue", GROUP))
        return -1;
    pass_tensor(&c, b->l->out);
    pass_weights(&c, p);
    pass_result(&c);
    pass_number(&c, (size_t)b->out.c / c.vec);
    return finish(&c, batch(b) * size_of(b->out) / c.vec);
}

static bool is_pointwise(const struct ds_layer *l)
{
    return l->kernel == 1 && l->stride == 1;
}

/* Whether a layer's kernel can apply the bias and activation of the layer that made its input. */
static bool does_what_is_left(const struct ds_layer *l)
{
    return l->op == DS_OP_SHUFFLE || (l->op == DS_OP_CONV && !is_pointwise(l));
}

/*
 * Whether bias and activation of a matrix product are left to the kernel of its only reader, a
 * layer of the same module.
 */
static bool is_left(const struct loader *b)
{
    const struct ds_layer *l = b->l, *reader = NULL;
    if (l->in2 >= 0 || l->out == b->net->output)
        return false;
    for (int i = 0; i < b->net->nlayers; i++) {
        const struct ds_layer *r = &b->net->layer[i];
        if (r->in2 == l->out || (r->in == l->out && reader))
            return false;
        if (r->in == l->out)
            reader = r;
    }
    return reader && reader->module == l->module && does_what_is_left(reader);
}

static int load_products(struct loader *b)
{
    const struct ds_layer *l = b->l;
    const struct packed *p = find_packed(b, l);
    size_t images = batch(b), n = images;
    bool columns = !is_pointwise(l);
    size_t image =
        (size_t)b->out.h * (size_t)b->out.w * (size_t)b->in.c * (size_t)(l->kernel * l->kernel);
    if (columns && n * image > COLUMNS)
        n = image < COLUMNS ? COLUMNS / image : 1;
    if (!p || (columns &&
               ds_opencl_reserve(&b->s->cl, &b->s->columns, n * image * sizeof(float), b->err)))
        return -1;
    for (size_t first = 0; first < images; first += n) {
        size_t now = images - first < n ? images - first : n;
        if ((columns && load_im2col(b, first, now)) || add_product(b, p, first, now, columns))
            return -1;
    }
    if (!l->bn && !l->bias && l->act == DS_ACT_NONE && l->in2 < 0)
        return 0;
    if (!is_left(b))
        return load_epilogue(b, p);
    b->left[l->out] = l;
    return 0;
}

static int load_conv(struct loader *b)
{
    const struct ds_layer *l = b->l;
    struct ds_weight_key key = ds_weight_key(b->net, l);
    if (is_depthwise(&key))
        return load_depthwise(b);
    if (is_pointwise(l) && l->groups == 1 && b->in.h * b->in.w == 1 && batch(b) <= MOST_CONNECTED)
        return load_connected(b);
    return load_products(b);
}

static int load_pool(struct loader *b)
{
    struct call c = begin(b, "POOL", b->in.c);
    define_window(&c);
    define(&c, "MAX", b->l->op == DS_OP_MAX_POOL);
    define_result(&c);
    if (compile(&c, "pool", GROUP))
        return -1;
    pass_tensor(&c, b->l->in);
    pass_tensor(&c, b->l->out);
    pass_window(&c, b->in.c);
    pass_number(&c, (size_t)b->out.h);
    pass_number(&c, (size_t)b->out.w);
    pass_number(&c, (size_t)b->l->pad);
    return finish(&c, batch(b) * size_of(b->out) / c.vec);
}

static int load_global_pool(struct loader *b)
{
    struct call c = begin(b, "GLOBAL_POOL", 1);
    define(&c, "LANES", LANES);
    define_result(&c);
    if (compile(&c, "global_pool", reduce_group(b)))
        return -1;
    pass_tensor(&c, b->l->in);
    pass_tensor(&c, b->l->out);
    pass_number(&c, (size_t)b->in.h * (size_t)b->in.w);
    pass_number(&c, (size_t)b->in.c);
    return finish_groups(&c, ((size_t)b->in.c + LANES - 1) / LANES, batch(b));
}

static int load_scale(struct loader *b)
{
    struct call c = begin(b, "SCALE", b->in.c);
    define_result(&c);
    if (compile(&c, "scale", GROUP))
        return -1;
    pass_tensor(&c, b->l->in);
    pass_tensor(&c, b->l->out);
    pass_tensor(&c, b->l->in2);
    pass_number(&c, size_of(b->in) / c.vec);
    pass_number(&c, (size_t)b->in.c / c.vec);
    return finish(&c, batch(b) * size_of(b->out) / c.vec);
}

static int load_add(struct loader *b)
{
    struct call c = begin(b, "ADD", b->in.c);
    define_result(&c);
    if (compile(&c, "add", GROUP))
        return -1;
    pass_tensor(&c, b->l->in);
    pass_tensor(&c, b->l->out);
    pass_result(&c);
    return finish(&c, batch(b) * size_of(b->out) / c.vec);
}

static int load_shuffle(struct loader *b)
{
    struct call c = begin(b, "SHUFFLE", 1);
    define_input(&c);
    define_result(&c);
    if (compile(&c, "shuffle_channels", GROUP))
        return -1;
    pass_tensor(&c, b->l->in);
    pass_tensor(&c, b->l->out);
    if (pass_input(&c))
        return -1;
    pass_number(&c, (size_t)b->in.c);
    pass_number(&c, (size_t)b->l->groups);
    return finish(&c, batch(b) * size_of(b->out));
}

static int load_layer(struct loader *b)
{
    switch (b->l->op) {
    case DS_OP_CONV:
        return load_conv(b);
    case DS_OP_MAX_POOL:
    case DS_OP_AVG_POOL:
        return load_pool(b);
    case DS_OP_GLOBAL_POOL:
        return load_global_pool(b);
    case DS_OP_SCALE:
        return load_scale(b);
    case DS_OP_ADD:
        return load_add(b);
    case DS_OP_SHUFFLE:
        return load_shuffle(b);
    }
    return ds_fail(b->err, "OpenCL: a layer of unknown kind");
}

int ds_opencl_load(struct ds_session *s, const struct ds_net *net, const size_t *offset,
                   struct ds_opencl_steps *steps, struct ds_error *err)
{
    struct loader b = {.s = s, .net = net, .offset = offset, .steps = steps, .err = err};
    b.left = ds_alloc((size_t)net->ntensors, sizeof *b.left, NULL);
    int rc = b.left ? 0 : ds_no_memory(err);
    for (int i = 0; i < net->nlayers && rc == 0; i++) {
        b.l = &net->layer[i];
        b.in = net->tensor[b.l->in];
        b.out = net->tensor[b.l->out];
        rc = load_layer(&b);
    }
    free(b.left);
    return rc;
}

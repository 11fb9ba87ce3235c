/*
 * The oneDNN engine. Activations are nhwc throughout and only weights take the layout a primitive
 * likes best: with `any` for activations oneDNN 2.6 picks layouts whose depthwise kernels fall
 * back to reference code. Activation functions and residual sums are post-ops.
 *
 * In bf16 all tensors but the logits are bf16; in int8 they are as quantize.h has it, and what
 * scales is in the primitives, which then belong to their model. Images are given, and results
 * taken, as floats: converting them is part of a run.
 */
#include "engines/onednn/onednn.h"

#include "base/clock.h"
#include "base/grow.h"
#include "engines/onednn/plain.h"
#include "quantize/elements.h"
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* of libgomp; its header is the compiler's own */
void omp_set_num_threads(int);
int omp_get_thread_limit(void);

#define MOST_ARGS 7

/* A layer in plain loops, or a conversion; offsets are into the arena. */
struct plain {
    enum { NONE, NARROW, WIDEN, ADD, GLOBAL_POOL } what;
    struct ds_quant_tensor in, in2, out;
    size_t from, from2, to, count; /* elements of the whole batch */
    size_t pixels, channels;
    enum ds_act act;
};

struct step {
    dnnl_primitive_t primitive; /* NULL: plain */
    int nargs;
    dnnl_exec_arg_t args[MOST_ARGS];
    size_t copy_from, copy_to, copy_size; /* residual that could not be summed in place */
    struct plain plain;
    int module;
};

/* A memory object over the arena. */
struct view {
    dnnl_memory_t memory;
    size_t offset;
    bool scratch; /* over the scratch arena */
};

/* What a model has of its own for a layer. */
struct own {
    struct op *op;              /* one that is scaled, or NULL */
    struct packed *packed;      /* weights that go with the last model that uses them, or NULL */
    dnnl_memory_t bias, scales; /* of int8, or NULL */
};

struct ds_model {
    struct ds_session *session;
    int nsteps, nmodules, nviews, nown;
    struct step *step;
    struct view *view;
    struct own *own; /* [nown] */
    unsigned arena_moves, scratch_moves;
    size_t input_offset, input_count, output_offset, output_count;
};

int ds_onednn_check(dnnl_status_t status, const char *what, struct ds_error *err)
{
    if (status == dnnl_success)
        return 0;
    return ds_fail(err, "oneDNN: %s: %s", what,
                   status == dnnl_out_of_memory       ? "out of memory"
                   : status == dnnl_invalid_arguments ? "invalid arguments"
                   : status == dnnl_unimplemented     ? "not implemented"
                                                      : "failed");
}

/* ---- sessions ---- */

static void close_session(struct ds_session *s)
{
    tdestroy(s->packed, ds_onednn_free_packed);
    tdestroy(s->ops, ds_onednn_free_op);
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

/* What the library makes of this processor, and what the number format asks of it. */
static int check_isa(struct ds_session *s, struct ds_error *err)
{
    unsigned isa = (unsigned)dnnl_get_effective_cpu_isa();
    enum ds_dtype dtype = s->options.dtype;
    s->isa = isa_name(isa);
    if (dtype == DS_DTYPE_BF16 && !isa_has_bf16(isa))
        return ds_fail(err, "%s: bf16 wants a processor with AVX512_BF16; what it finds here is %s",
                       s->version, s->isa ? s->isa : "unknown");
    if (dtype == DS_DTYPE_INT8 && !isa_has_vnni(isa))
        return ds_fail(err,
                       "%s: int8 wants a processor with VNNI, else sums of products overflow; what "
                       "it finds here is %s",
                       s->version, s->isa ? s->isa : "unknown");
    return 0;
}

static int start(struct ds_session *s, struct ds_error *err)
{
    const dnnl_version_t *v = dnnl_version();
    snprintf(s->version, sizeof s->version, "oneDNN %d.%d.%d", v->major, v->minor, v->patch);
    if (s->options.threads > omp_get_thread_limit())
        return ds_fail(err, "oneDNN: OpenMP allows no more than %d threads",
                       omp_get_thread_limit());
    omp_set_num_threads(s->options.threads);
    if (check_isa(s, err) ||
        ds_onednn_check(dnnl_set_primitive_cache_capacity(4096), "its cache", err) ||
        ds_onednn_check(dnnl_engine_create(&s->engine, dnnl_cpu, 0), "an engine", err))
        return -1;
    return ds_onednn_check(dnnl_stream_create(&s->stream, s->engine, dnnl_stream_default_flags),
                           "a stream", err);
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

static const char *isa(const struct ds_session *s)
{
    return s->isa;
}

/* ---- models ---- */

static void free_own(struct ds_session *s, struct own *own)
{
    if (own->op)
        ds_onednn_free_op(own->op);
    if (own->packed && --own->packed->models == 0)
        ds_onednn_forget_packed(s, own->packed);
    if (own->bias)
        dnnl_memory_destroy(own->bias);
    if (own->scales)
        dnnl_memory_destroy(own->scales);
}

static void unload(struct ds_model *m)
{
    if (m->session->current == m)
        m->session->current = NULL;
    for (int i = 0; i < m->nviews; i++)
        if (m->view[i].memory)
            dnnl_memory_destroy(m->view[i].memory);
    for (int i = 0; i < m->nown; i++)
        free_own(m->session, &m->own[i]);
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
    if (ds_onednn_check(dnnl_memory_create(&v->memory, desc, m->session->engine, DNNL_MEMORY_NONE),
                        "memory", err))
        return -1;
    v->offset = offset;
    v->scratch = scratch;
    m->nviews++;
    step->args[step->nargs++] = (dnnl_exec_arg_t){arg, v->memory};
    return 0;
}

static void add_arg(struct step *step, int arg, dnnl_memory_t memory)
{
    step->args[step->nargs++] = (dnnl_exec_arg_t){arg, memory};
}

/* Adds weights and bias. */
static int add_weights(struct ds_model *m, struct step *step, const struct ds_net *net,
                       const struct ds_layer *l, const struct op *op, struct own *own,
                       struct ds_error *err)
{
    struct ds_session *s = m->session;
    struct packed *p = ds_onednn_find_packed(s, op, net, l, err);
    if (!p)
        return -1;
    if (!ds_onednn_packed_stays(p)) {
        p->models++;
        own->packed = p;
    }
    if (op->scale && ds_onednn_int8_bias(s, op, &net->quant->layer[l - net->layer], &own->bias,
                                         &own->scales, err))
        return -1;
    add_arg(step, DNNL_ARG_WEIGHTS, p->weights);
    add_arg(step, DNNL_ARG_BIAS, op->scale ? own->bias : p->bias);
    if (own->scales)
        add_arg(step, SCALES_ARG, own->scales);
    return 0;
}

static int load_op(struct ds_model *m, struct step *step, const struct ds_net *net,
                   const struct ds_layer *l, const size_t *offset, struct ds_error *err)
{
    struct ds_session *s = m->session;
    struct own *own = &m->own[m->nown++];
    bool is_own;
    struct op *op = ds_onednn_find_op(s, net, l, &is_own, err);
    if (!op)
        return -1;
    own->op = is_own ? op : NULL;
    step->primitive = op->primitive;
    bool binary = l->op == DS_OP_SCALE || l->op == DS_OP_ADD;
    if (add_view(m, step, binary ? DNNL_ARG_SRC_0 : DNNL_ARG_SRC, op->in, offset[l->in], false,
                 err) ||
        (binary && add_view(m, step, DNNL_ARG_SRC_1, op->in2, offset[l->in2], false, err)) ||
        add_view(m, step, DNNL_ARG_DST, op->out, offset[l->out], false, err))
        return -1;
    if (l->op == DS_OP_CONV) {
        if (add_weights(m, step, net, l, op, own, err))
            return -1;
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

/* The type of a tensor, with its scale where it has one. */
static struct ds_quant_tensor type_of(const struct ds_session *s, const struct ds_net *net, int t)
{
    return s->options.dtype == DS_DTYPE_INT8
               ? net->quant->tensor[t]
               : (struct ds_quant_tensor){ds_onednn_element(s, net, t), 1};
}

/* A layer of int8 that oneDNN does not have. */
static void load_plain(const struct ds_session *s, struct step *step, const struct ds_net *net,
                       const struct ds_layer *l, const size_t *offset)
{
    struct ds_tensor in = net->tensor[l->in];
    step->plain = (struct plain){.what = l->op == DS_OP_ADD ? ADD : GLOBAL_POOL,
                                 .in = type_of(s, net, l->in),
                                 .out = type_of(s, net, l->out),
                                 .from = offset[l->in],
                                 .to = offset[l->out],
                                 .count = ds_arena_floats(net, l->in, s->options.batch),
                                 .pixels = (size_t)in.h * (size_t)in.w,
                                 .channels = (size_t)in.c,
                                 .act = l->act};
    if (l->in2 >= 0) {
        step->plain.in2 = type_of(s, net, l->in2);
        step->plain.from2 = offset[l->in2];
    }
}

static int load_layer(struct ds_model *m, const struct ds_net *net, const struct ds_layer *l,
                      const size_t *offset, struct ds_error *err)
{
    struct step *step = &m->step[m->nsteps++];
    step->module = l->module;
    if (ds_onednn_has_op(m->session, net, l))
        return load_op(m, step, net, l, offset, err);
    load_plain(m->session, step, net, l, offset);
    return 0;
}

/* A step between a tensor and floats, unless it holds floats; gives the place of those. */
static size_t add_conversion(struct ds_model *m, const struct ds_net *net, int tensor, int what,
                             const size_t *offset, size_t floats)
{
    struct ds_quant_tensor type = type_of(m->session, net, tensor);
    if (type.element == DS_ELEMENT_F32)
        return offset[tensor];
    struct step *step = &m->step[m->nsteps++];
    step->module = what == NARROW ? 0 : net->nmodules - 1;
    step->plain = (struct plain){.what = what,
                                 .in = type,
                                 .out = type,
                                 .from = what == NARROW ? floats : offset[tensor],
                                 .to = what == NARROW ? offset[tensor] : floats,
                                 .count = ds_arena_floats(net, tensor, m->session->options.batch)};
    return floats;
}

/* The steps of all layers, tensors being at these places, and behind them `end`. */
static int load_steps(struct ds_model *m, const struct ds_net *net, const size_t *offset,
                      size_t end, struct ds_error *err)
{
    int batch = m->session->options.batch;
    m->nmodules = net->nmodules;
    m->input_count = ds_arena_floats(net, net->input, batch);
    m->output_count = ds_arena_floats(net, net->output, batch);
    m->input_offset = add_conversion(m, net, net->input, NARROW, offset, end);
    end += m->input_count * sizeof(float);
    for (int i = 0; i < net->nlayers; i++)
        if (load_layer(m, net, &net->layer[i], offset, err))
            return -1;
    m->output_offset = add_conversion(m, net, net->output, WIDEN, offset, end);
    end += m->output_count * sizeof(float);
    return ds_arena_reserve(&m->session->arena, end, err) ||
                   ds_input_reserve(&m->session->input, m->session->options.seed, m->input_count,
                                    err)
               ? -1
               : 0;
}

static int load_layers(struct ds_model *m, const struct ds_net *net, struct ds_error *err)
{
    size_t n = (size_t)net->ntensors, size, *offset = calloc(n, sizeof *offset);
    size_t *element = calloc(n, sizeof *element);
    m->step = calloc((size_t)net->nlayers + 2, sizeof *m->step);
    m->view = calloc((size_t)net->nlayers * MOST_ARGS + 1, sizeof *m->view);
    m->own = calloc((size_t)net->nlayers + 1, sizeof *m->own);
    int rc = offset && element && m->step && m->view && m->own ? 0 : ds_no_memory(err);
    for (int t = 0; t < net->ntensors && rc == 0; t++)
        element[t] = ds_element_size(ds_onednn_element(m->session, net, t));
    if (rc == 0)
        rc = ds_arena_plan(net, element, m->session->options.batch, 0, true, offset, &size, err);
    if (rc == 0)
        rc = load_steps(m, net, offset, size, err);
    free(offset);
    free(element);
    return rc;
}

static struct ds_model *load(struct ds_session *s, const struct ds_net *net, struct ds_error *err)
{
    if (s->options.dtype == DS_DTYPE_INT8 && !net->quant) {
        ds_fail(err, "int8: the network has no scales");
        return NULL;
    }
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
        if (ds_onednn_check(dnnl_memory_set_data_handle(v->memory, base + v->offset), "memory",
                            err))
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

static void run_plain(char *data, const struct plain *p)
{
    switch (p->what) {
    case NARROW:
        ds_elements_narrow((float *)(data + p->from), p->count, p->out, data + p->to);
        break;
    case WIDEN:
        ds_elements_widen(data + p->from, p->count, p->in, (float *)(data + p->to));
        break;
    case ADD:
        ds_onednn_add(data + p->from, p->in, data + p->from2, p->in2, p->count, p->act,
                      data + p->to, p->out);
        break;
    case GLOBAL_POOL:
        ds_onednn_global_pool(data + p->from, p->in, p->count / (p->pixels * p->channels),
                              p->pixels, p->channels, (float *)(data + p->to));
        break;
    case NONE:
        break;
    }
}

static int run_step(struct ds_session *s, const struct step *step, struct ds_error *err)
{
    if (!step->primitive) {
        run_plain(s->arena.data, &step->plain);
        return 0;
    }
    if (step->copy_size)
        memcpy(s->arena.data + step->copy_to, s->arena.data + step->copy_from, step->copy_size);
    return ds_onednn_check(
        dnnl_primitive_execute(step->primitive, s->stream, step->nargs, step->args), "run", err);
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
        if (run_step(s, &m->step[i], err))
            return -1;
        if (module_ms) {
            if (ds_onednn_check(dnnl_stream_wait(s->stream), "run", err))
                return -1;
            double now = ds_now_ms();
            module_ms[m->step[i].module] += now - before;
            before = now;
        }
    }
    return ds_onednn_check(dnnl_stream_wait(s->stream), "run", err);
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
    .isa = isa,
    .load = load,
    .input = input,
    .run = run,
    .output = output,
    .unload = unload,
    .close = close_session,
};

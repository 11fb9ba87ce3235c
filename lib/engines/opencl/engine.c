/*
 * The OpenCL engine. Activations are nhwc, in one buffer of the device. Convolutions are matrix
 * products of CLBlast, of the image itself where they are 1x1, else of its windows (im2col);
 * depthwise convolutions and all the rest are kernels of our own (kernels.cl), which add
 * bias, residual and activation in the pass that they make anyway.
 */
#include "base/grow.h"
#include "engines/opencl/opencl.h"
#include "engines/placement.h"

#include <clblast_c.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>

struct ds_model {
    struct ds_session *session;
    struct ds_opencl_steps steps;
    int nmodules;
    bool bound;
    unsigned arena_moves, columns_moves;                   /* when it was */
    size_t input_at, input_count, output_at, output_count; /* floats */
    float *output;
    cl_event begun; /* of the last run: before the first step */
    cl_event *done; /* [steps]: after a step that ends its module, or the last */
    double device_ms;
};

/* ---- sessions ---- */

static void close_session(struct ds_session *s)
{
    CLBlastClearCache();
    tdestroy(s->packed, ds_opencl_packed_free);
    if (s->arena.mem)
        clReleaseMemObject(s->arena.mem);
    if (s->columns.mem)
        clReleaseMemObject(s->columns.mem);
    ds_opencl_close(&s->cl);
    ds_input_free(&s->input);
    free(s);
}

static struct ds_session *open_session(const struct ds_engine_options *options,
                                       struct ds_error *err)
{
    if (ds_engine_only_f32("opencl", options, err))
        return NULL;
    struct ds_session *s = ds_alloc(1, sizeof *s, err);
    if (!s)
        return NULL;
    s->options = *options;
    if (ds_opencl_open(&s->cl, options->device, err)) {
        close_session(s);
        return NULL;
    }
    snprintf(s->version, sizeof s->version, "%s, CLBlast %s", s->cl.version, DS_CLBLAST_VERSION);
    return s;
}

static const char *version(const struct ds_session *s)
{
    return s->version;
}

static const struct ds_device *device(const struct ds_session *s)
{
    return &s->cl.device;
}

/* ---- models ---- */

static void release_events(struct ds_model *m)
{
    if (m->begun)
        clReleaseEvent(m->begun);
    m->begun = NULL;
    for (int i = 0; i < m->steps.n && m->done; i++) {
        if (m->done[i])
            clReleaseEvent(m->done[i]);
        m->done[i] = NULL;
    }
}

static void unload(struct ds_model *m)
{
    if (m->session->current == m)
        m->session->current = NULL;
    release_events(m);
    ds_opencl_steps_free(&m->steps);
    free(m->done);
    free(m->output);
    free(m);
}

static int load_layers(struct ds_model *m, const struct ds_net *net, size_t *offset,
                       struct ds_error *err)
{
    struct ds_session *s = m->session;
    int batch = s->options.batch;
    size_t size;
    if (ds_arena_plan(net, NULL, batch, 0, false, offset, &size, err))
        return -1;
    for (int t = 0; t < net->ntensors; t++)
        offset[t] /= sizeof(float);
    m->nmodules = net->nmodules;
    m->input_at = offset[net->input];
    m->input_count = ds_arena_floats(net, net->input, batch);
    m->output_at = offset[net->output];
    m->output_count = ds_arena_floats(net, net->output, batch);
    if (ds_opencl_reserve(&s->cl, &s->arena, size, err) ||
        ds_input_reserve(&s->input, s->options.seed, m->input_count, err) ||
        ds_opencl_load(s, net, offset, &m->steps, err))
        return -1;
    m->done = ds_alloc((size_t)m->steps.n + 1, sizeof *m->done, NULL);
    m->output = ds_alloc(m->output_count, sizeof *m->output, NULL);
    return m->done && m->output ? 0 : ds_no_memory(err);
}

static struct ds_model *load(struct ds_session *s, const struct ds_net *net, struct ds_error *err)
{
    struct ds_model *m = ds_alloc(1, sizeof *m, NULL);
    size_t *offset = ds_alloc((size_t)net->ntensors, sizeof *offset, NULL);
    int rc = -1;
    if (m && offset) {
        m->session = s;
        rc = load_layers(m, net, offset, err);
    } else {
        ds_no_memory(err);
    }
    free(offset);
    if (rc == 0)
        return m;
    if (m && m->session)
        unload(m);
    else
        free(m);
    return NULL;
}

/* ---- running ---- */

/* Sets the kernels' buffer arguments anew where buffers have moved. */
static int bind_steps(struct ds_model *m, struct ds_error *err)
{
    struct ds_session *s = m->session;
    if (m->bound && m->arena_moves == s->arena.moves && m->columns_moves == s->columns.moves)
        return 0;
    for (int i = 0; i < m->steps.n; i++) {
        struct ds_opencl_step *step = &m->steps.step[i];
        for (int j = 0; j < step->nbuffers; j++)
            CL_TRY(clSetKernelArg(step->kernel, step->buffer[j].arg, sizeof(cl_mem),
                                  &step->buffer[j].buffer->mem));
    }
    m->bound = true;
    m->arena_moves = s->arena.moves;
    m->columns_moves = s->columns.moves;
    s->current = NULL; /* the input went with the old buffer */
    return 0;
}

/* Gets the device ready: the input is in its place, the queue is empty. */
static int prepare(struct ds_model *m, struct ds_error *err)
{
    struct ds_session *s = m->session;
    if (bind_steps(m, err))
        return -1;
    if (s->current != m)
        CL_TRY(clEnqueueWriteBuffer(s->cl.queue, s->arena.mem, CL_TRUE, m->input_at * sizeof(float),
                                    m->input_count * sizeof(float), s->input.data, 0, NULL, NULL));
    s->current = m;
    release_events(m);
    return 0;
}

static int run_product(struct ds_session *s, const struct ds_opencl_product *p, cl_event *event,
                       struct ds_error *err)
{
    /* column-major, where CLBlast is fastest: y is [n][rows], the weights [n][k], x [k][rows] */
    CLBlastStatusCode status =
        p->groups == 1
            ? CLBlastSgemm(CLBlastLayoutColMajor, CLBlastTransposeNo, CLBlastTransposeNo, p->n,
                           p->rows, p->k, 1, p->weights, 0, p->n, p->x->mem, p->x_at, p->k, 0,
                           s->arena.mem, p->y_at, p->n, &s->cl.queue, event)
            : CLBlastSgemmStridedBatched(CLBlastLayoutColMajor, CLBlastTransposeNo,
                                         CLBlastTransposeNo, p->n, p->rows, p->k, 1, p->weights, 0,
                                         p->n, p->n * p->k, p->x->mem, p->x_at, p->groups * p->k,
                                         p->k, 0, s->arena.mem, p->y_at, p->groups * p->n, p->n,
                                         p->groups, &s->cl.queue, event);
    return status ? ds_fail(err, "CLBlast: a matrix product of %zux%zu by %zux%zu: %s", p->rows,
                            p->k, p->k, p->n, ds_opencl_status(status))
                  : 0;
}

static int run_step(struct ds_session *s, const struct ds_opencl_step *step, cl_event *event,
                    struct ds_error *err)
{
    if (!step->kernel)
        return run_product(s, &step->product, event, err);
    size_t group[2] = {step->group, 1};
    CL_TRY(clEnqueueNDRangeKernel(s->cl.queue, step->kernel, 2, NULL, step->items, group, 0, NULL,
                                  event));
    return 0;
}

static int end_of(cl_event event, double *ms, struct ds_error *err)
{
    cl_ulong ns;
    CL_TRY(clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_END, sizeof ns, &ns, NULL));
    *ms = (double)ns * 1e-6;
    return 0;
}

/*
 * What the device's clock says: the times of the whole and of the modules. These are differences
 * of ends, for a matrix product may be several kernels, of which CLBlast shows the last.
 */
static int read_clock(struct ds_model *m, double *module_ms, struct ds_error *err)
{
    double begun = 0, before, now;
    if (end_of(m->begun, &begun, err))
        return -1;
    before = now = begun;
    for (int i = 0; i < m->steps.n; i++) {
        if (!m->done[i])
            continue;
        if (end_of(m->done[i], &now, err))
            return -1;
        if (module_ms)
            module_ms[m->steps.step[i].module] += now - before;
        before = now;
    }
    m->device_ms = now - begun;
    return 0;
}

static int run(struct ds_model *m, double *module_ms, struct ds_error *err)
{
    struct ds_session *s = m->session;
    const struct ds_opencl_steps *steps = &m->steps;
    if (prepare(m, err))
        return -1;
    if (module_ms)
        memset(module_ms, 0, (size_t)m->nmodules * sizeof *module_ms);
    CL_TRY(clEnqueueMarkerWithWaitList(s->cl.queue, 0, NULL, &m->begun));
    for (int i = 0; i < steps->n; i++) {
        bool ends =
            i + 1 == steps->n || (module_ms && steps->step[i + 1].module != steps->step[i].module);
        if (run_step(s, &steps->step[i], ends ? &m->done[i] : NULL, err))
            return -1;
    }
    CL_TRY(clFinish(s->cl.queue));
    return read_clock(m, module_ms, err);
}

static double device_ms(const struct ds_model *m)
{
    return m->device_ms;
}

static const float *output(struct ds_model *m, size_t *count)
{
    struct ds_session *s = m->session;
    *count = m->output_count;
    if (clEnqueueReadBuffer(s->cl.queue, s->arena.mem, CL_TRUE, m->output_at * sizeof(float),
                            m->output_count * sizeof(float), m->output, 0, NULL, NULL))
        memset(m->output, 0xff, m->output_count * sizeof(float)); /* no numbers */
    return m->output;
}

const struct ds_engine ds_engine_opencl = {
    .name = "opencl",
    .devices = ds_opencl_devices,
    .open = open_session,
    .version = version,
    .device = device,
    .load = load,
    .run = run,
    .device_ms = device_ms,
    .output = output,
    .unload = unload,
    .close = close_session,
};

/*
 * What the parts of the OpenCL engine share: devices, programs, the steps of a network. Internal
 * to it.
 */
#ifndef DS_ENGINES_OPENCL_OPENCL_H
#define DS_ENGINES_OPENCL_OPENCL_H

#define CL_TARGET_OPENCL_VERSION 120 /* 1.2: what phones and NVIDIA's drivers offer */

#include "engines/engine.h"
#include "network/weights.h"
#include <CL/cl.h>
#include <string.h>

/* A device with what is open on it, and the programs compiled for it so far. */
struct ds_opencl {
    cl_device_id id;
    cl_context context;
    cl_command_queue queue; /* in order, with profiling */
    struct ds_device device;
    char version[64];      /* "OpenCL 3.0" */
    uint64_t identity;     /* hash of all that a compiled program depends on */
    cl_uint compute_units; /* "cores" of the device */
    size_t group_limit;    /* items in a work group at most */
    cl_ulong buffer_limit; /* bytes in a buffer at most */
    void *programs;        /* tree of compiled programs */
};

/* "CL_OUT_OF_RESOURCES": of an OpenCL or CLBlast status. */
const char *ds_opencl_status(int status);

/* The devices of all drivers, in the order that they are numbered; as in struct ds_engine. */
struct ds_device *ds_opencl_devices(int *n, struct ds_error *err);

/*
 * Opens the device of that number, or the only one with that in its name; NULL: the first that is
 * not a processor. Close with ds_opencl_close, also after a failure.
 */
int ds_opencl_open(struct ds_opencl *cl, const char *device, struct ds_error *err);
void ds_opencl_close(struct ds_opencl *cl);

/*
 * A new kernel `name` of kernels.cl, compiled with `options`, to be released. Programs are
 * kept: in the session, and on disk (blob_cache.h).
 */
int ds_opencl_kernel(struct ds_opencl *cl, const char *name, const char *options, cl_kernel *kernel,
                     struct ds_error *err);

/* ---- networks ---- */

/* A buffer of the device that only grows. */
struct ds_opencl_buffer {
    cl_mem mem;
    size_t size;
    unsigned moves;
};

struct ds_session {
    struct ds_engine_options options;
    char version[96];
    struct ds_opencl cl;
    void *packed; /* tree of weights on the device */
    struct ds_opencl_buffer arena, columns;
    struct ds_model *current; /* the model whose input is in the arena now */
    struct ds_input input;    /* what every run starts from */
};

/*
 * A matrix product for each group: y = x * weights, where y is [rows][groups][n], x is
 * [rows][groups][k] and the weights are [groups][k][n]; places in floats.
 */
struct ds_opencl_product {
    cl_mem weights;
    size_t rows, n, k, groups, x_at, y_at;
    const struct ds_opencl_buffer *x; /* the arena, or the columns; y is in the arena */
};

/* A kernel, or a matrix product. */
struct ds_opencl_step {
    cl_kernel kernel; /* NULL: a product */
    size_t items[2], group;
    cl_uint nargs;
    int nbuffers; /* arguments to be set anew when their buffer moves */
    struct {
        cl_uint arg;
        const struct ds_opencl_buffer *buffer;
    } buffer[3];
    struct ds_opencl_product product;
    int module; /* of the network, that it belongs to */
};

struct ds_opencl_steps {
    struct ds_opencl_step *step;
    int n;
    size_t room;
};

/*
 * Adds the steps of all layers; offset[ntensors] is each tensor's place in the arena, in floats.
 * Reserves the columns. Free with ds_opencl_steps_free, also after a failure.
 */
int ds_opencl_load(struct ds_session *s, const struct ds_net *net, const size_t *offset,
                   struct ds_opencl_steps *steps, struct ds_error *err);
void ds_opencl_steps_free(struct ds_opencl_steps *steps);

/* Makes the buffer at least `size` bytes large. */
int ds_opencl_reserve(struct ds_opencl *cl, struct ds_opencl_buffer *b, size_t size,
                      struct ds_error *err);

void ds_opencl_packed_free(void *packed); /* for tdestroy */

/* Fails with the name of the status, unless that is success. */
#define CL_TRY(call)                                                                               \
    do {                                                                                           \
        int status_ = (int)(call);                                                                 \
        if (status_ != CL_SUCCESS)                                                                 \
            return ds_fail(err, "OpenCL: %.*s: %s", (int)strcspn(#call, "("), #call,               \
                           ds_opencl_status(status_));                                             \
    } while (0)

#endif

/* OpenCL programs: compiled once for a device, a driver and a set of options; kept on disk. */
#include "base/grow.h"
#include "engines/opencl/opencl.h"

#include "base/blob_cache.h"
#include "base/checksum.h"
#include "engines/opencl/kernels.h" /* made from kernels.cl: `opencl_kernels` */
#include <inttypes.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct program {
    char *options; /* compiler options: what tells programs apart */
    cl_program program;
};

static int compare_programs(const void *a, const void *b)
{
    return strcmp(((const struct program *)a)->options, ((const struct program *)b)->options);
}

static void free_program(void *p)
{
    struct program *program = p;
    if (program->program)
        clReleaseProgram(program->program);
    free(program->options);
    free(program);
}

/* The name under which a compiled program is kept. */
static void blob_name(const struct ds_opencl *cl, const char *options, char *out, size_t size)
{
    uint64_t source =
        ds_block_checksum(options, strlen(options), opencl_kernels, sizeof opencl_kernels);
    snprintf(out, size, "opencl-%016" PRIx64 "%016" PRIx64, cl->identity, source);
}

/* The compiled program from disk; NULL where there is none, or the driver refuses it. */
static cl_program restore(const struct ds_opencl *cl, const char *blob, const char *options)
{
    size_t size;
    cl_int status, binary_status = CL_SUCCESS;
    unsigned char *data = ds_blob_get(blob, &size);
    const unsigned char *binary = data;
    if (!data)
        return NULL;
    cl_program p =
        clCreateProgramWithBinary(cl->context, 1, &cl->id, &size, &binary, &binary_status, &status);
    free(data);
    if (status || binary_status || clBuildProgram(p, 1, &cl->id, options, NULL, NULL)) {
        if (p)
            clReleaseProgram(p);
        return NULL;
    }
    return p;
}

static void keep(cl_program p, const char *blob)
{
    size_t size = 0;
    if (clGetProgramInfo(p, CL_PROGRAM_BINARY_SIZES, sizeof size, &size, NULL) || size == 0)
        return;
    unsigned char *data = ds_alloc(size, 1, NULL);
    if (data && clGetProgramInfo(p, CL_PROGRAM_BINARIES, sizeof data, &data, NULL) == 0)
        ds_blob_put(blob, data, size);
    free(data);
}

/* Fails with the first line of the compiler's messages. */
static int compile_error(const struct ds_opencl *cl, cl_program p, const char *name, int status,
                         struct ds_error *err)
{
    size_t size = 0;
    clGetProgramBuildInfo(p, cl->id, CL_PROGRAM_BUILD_LOG, 0, NULL, &size);
    char *log = ds_alloc(size + 1, 1, NULL);
    if (log)
        clGetProgramBuildInfo(p, cl->id, CL_PROGRAM_BUILD_LOG, size, log, NULL);
    const char *line = log ? log + strspn(log, " \r\n") : "";
    ds_fail(err, "OpenCL: %s: kernel %s is not compiled: %s: %.*s", cl->device.name, name,
            ds_opencl_status(status), (int)strcspn(line, "\r\n"), line);
    free(log);
    return -1;
}

static int compile(const struct ds_opencl *cl, const char *name, const char *options, cl_program *p,
                   struct ds_error *err)
{
    const char *source = opencl_kernels;
    cl_int status;
    *p = clCreateProgramWithSource(cl->context, 1, &source, NULL, &status);
    if (status)
        return ds_fail(err, "OpenCL: clCreateProgramWithSource: %s", ds_opencl_status(status));
    status = clBuildProgram(*p, 1, &cl->id, options, NULL, NULL);
    return status ? compile_error(cl, *p, name, status, err) : 0;
}

static int make_kernel(cl_program p, const char *name, cl_kernel *kernel, struct ds_error *err)
{
    cl_int status;
    *kernel = clCreateKernel(p, name, &status);
    return status ? ds_fail(err, "OpenCL: kernel %s: %s", name, ds_opencl_status(status)) : 0;
}

/* Loads a new program from disk or compiles it, and makes a kernel of it. */
static int make(const struct ds_opencl *cl, struct program *p, const char *name, cl_kernel *kernel,
                struct ds_error *err)
{
    char blob[64];
    blob_name(cl, p->options, blob, sizeof blob);
    p->program = restore(cl, blob, p->options);
    if (p->program && make_kernel(p->program, name, kernel, err) == 0)
        return 0;
    if (p->program) { /* a binary of something else */
        clReleaseProgram(p->program);
        p->program = NULL;
    }
    if (compile(cl, name, p->options, &p->program, err) ||
        make_kernel(p->program, name, kernel, err))
        return -1;
    keep(p->program, blob); /* only now: some drivers compile when a kernel is made */
    return 0;
}

int ds_opencl_kernel(struct ds_opencl *cl, const char *name, const char *options, cl_kernel *kernel,
                     struct ds_error *err)
{
    struct program *p = ds_alloc(1, sizeof *p, NULL), **at = NULL;
    if (p && (p->options = ds_copy_string(options, NULL)))
        at = tsearch(p, &cl->programs, compare_programs);
    if (!at) {
        if (p)
            free_program(p);
        return ds_no_memory(err);
    }
    if (*at != p) {
        free_program(p);
        return make_kernel((*at)->program, name, kernel, err);
    }
    if (make(cl, p, name, kernel, err) == 0)
        return 0;
    tdelete(p, &cl->programs, compare_programs);
    free_program(p);
    return -1;
}

void ds_opencl_close(struct ds_opencl *cl)
{
    tdestroy(cl->programs, free_program);
    if (cl->queue)
        clReleaseCommandQueue(cl->queue);
    if (cl->context)
        clReleaseContext(cl->context);
    *cl = (struct ds_opencl){0};
}

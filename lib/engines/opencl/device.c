/* OpenCL's devices: listed, chosen, opened. */
#include "base/grow.h"
#include "engines/opencl/opencl.h"

#include "base/checksum.h"
#include "base/number.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_DEVICES 64
#define PLATFORM_NOT_FOUND -1001 /* of cl_khr_icd: no driver is installed */

struct found {
    cl_platform_id platform;
    cl_device_id id;
};

/* ---- the words for a status ---- */

static const struct {
    int status;
    const char *name;
} statuses[] = {
    {-1, "CL_DEVICE_NOT_FOUND"},
    {-2, "CL_DEVICE_NOT_AVAILABLE"},
    {-3, "CL_COMPILER_NOT_AVAILABLE"},
    {-4, "CL_MEM_OBJECT_ALLOCATION_FAILURE"},
    {-5, "CL_OUT_OF_RESOURCES"},
    {-6, "CL_OUT_OF_HOST_MEMORY"},
    {-7, "CL_PROFILING_INFO_NOT_AVAILABLE"},
    {-8, "CL_MEM_COPY_OVERLAP"},
    {-11, "CL_BUILD_PROGRAM_FAILURE"},
    {-13, "CL_MISALIGNED_SUB_BUFFER_OFFSET"},
    {-14, "CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST"},
    {-15, "CL_COMPILE_PROGRAM_FAILURE"},
    {-16, "CL_LINKER_NOT_AVAILABLE"},
    {-17, "CL_LINK_PROGRAM_FAILURE"},
    {-30, "CL_INVALID_VALUE"},
    {-31, "CL_INVALID_DEVICE_TYPE"},
    {-32, "CL_INVALID_PLATFORM"},
    {-33, "CL_INVALID_DEVICE"},
    {-34, "CL_INVALID_CONTEXT"},
    {-35, "CL_INVALID_QUEUE_PROPERTIES"},
    {-36, "CL_INVALID_COMMAND_QUEUE"},
    {-38, "CL_INVALID_MEM_OBJECT"},
    {-42, "CL_INVALID_BINARY"},
    {-43, "CL_INVALID_BUILD_OPTIONS"},
    {-44, "CL_INVALID_PROGRAM"},
    {-45, "CL_INVALID_PROGRAM_EXECUTABLE"},
    {-46, "CL_INVALID_KERNEL_NAME"},
    {-47, "CL_INVALID_KERNEL_DEFINITION"},
    {-48, "CL_INVALID_KERNEL"},
    {-49, "CL_INVALID_ARG_INDEX"},
    {-50, "CL_INVALID_ARG_VALUE"},
    {-51, "CL_INVALID_ARG_SIZE"},
    {-52, "CL_INVALID_KERNEL_ARGS"},
    {-53, "CL_INVALID_WORK_DIMENSION"},
    {-54, "CL_INVALID_WORK_GROUP_SIZE"},
    {-55, "CL_INVALID_WORK_ITEM_SIZE"},
    {-56, "CL_INVALID_GLOBAL_OFFSET"},
    {-57, "CL_INVALID_EVENT_WAIT_LIST"},
    {-58, "CL_INVALID_EVENT"},
    {-59, "CL_INVALID_OPERATION"},
    {-61, "CL_INVALID_BUFFER_SIZE"},
    {-63, "CL_INVALID_GLOBAL_WORK_SIZE"},
    {-64, "CL_INVALID_PROPERTY"},
    {PLATFORM_NOT_FOUND, "CL_PLATFORM_NOT_FOUND_KHR"},
    /* of CLBlast alone */
    {-1024, "CLBlastNotImplemented"},
    {-1022, "CLBlastInvalidMatrixA"},
    {-1021, "CLBlastInvalidMatrixB"},
    {-1020, "CLBlastInvalidMatrixC"},
    {-1017, "CLBlastInvalidDimension"},
    {-1016, "CLBlastInvalidLeadDimA"},
    {-1015, "CLBlastInvalidLeadDimB"},
    {-1014, "CLBlastInvalidLeadDimC"},
    {-1011, "CLBlastInsufficientMemoryA"},
    {-1010, "CLBlastInsufficientMemoryB"},
    {-1009, "CLBlastInsufficientMemoryC"},
    {-2050, "CLBlastInsufficientMemoryTemp"},
    {-2049, "CLBlastInvalidBatchCount"},
    {-2046, "CLBlastInvalidLocalMemUsage"},
    {-2041, "CLBlastDatabaseError"},
    {-2040, "CLBlastUnknownError"},
    {-2039, "CLBlastUnexpectedError"},
};

const char *ds_opencl_status(int status)
{
    static _Thread_local char unknown[32];
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        if (statuses[i].status == status)
            return statuses[i].name;
    snprintf(unknown, sizeof unknown, "status %d", status);
    return unknown;
}

/* ---- the devices there are ---- */

/*
 * Fills found[MOST_DEVICES] and returns how many devices there are: 0 without a driver, -1 on
 * failure.
 */
static int find_devices(struct found *found, struct ds_error *err)
{
    cl_platform_id platform[MOST_DEVICES];
    cl_uint platforms = 0, n = 0;
    cl_int status = clGetPlatformIDs(MOST_DEVICES, platform, &platforms);
    if (status == PLATFORM_NOT_FOUND)
        return 0;
    if (status != CL_SUCCESS)
        return ds_fail(err, "OpenCL: clGetPlatformIDs: %s", ds_opencl_status(status));
    for (cl_uint p = 0; p < platforms && p < MOST_DEVICES; p++) {
        cl_device_id id[MOST_DEVICES];
        cl_uint more = 0, room = MOST_DEVICES - n;
        if (room == 0 || clGetDeviceIDs(platform[p], CL_DEVICE_TYPE_ALL, room, id, &more))
            continue; /* a driver without a device */
        for (cl_uint d = 0; d < more && d < room; d++)
            found[n++] = (struct found){platform[p], id[d]};
    }
    return (int)n;
}

/* Removes spaces at both ends, and makes one space of several. */
static void tidy(char *text)
{
    char *to = text;
    for (const char *from = text; *from; from++)
        if (!isspace((unsigned char)*from))
            *to++ = *from;
        else if (to > text && to[-1] != ' ')
            *to++ = ' ';
    while (to > text && to[-1] == ' ')
        to--;
    *to = 0;
}

static void device_text(cl_device_id id, cl_device_info what, char *out, size_t size)
{
    size_t used = 0;
    if (clGetDeviceInfo(id, what, size - 1, out, &used) || used == 0)
        snprintf(out, size, "unknown");
    out[size - 1] = 0;
    tidy(out);
}

static cl_device_type type_of(cl_device_id id)
{
    cl_device_type type = 0;
    clGetDeviceInfo(id, CL_DEVICE_TYPE, sizeof type, &type, NULL);
    return type;
}

static void describe(const struct found *f, struct ds_device *d)
{
    char platform[128] = "", driver[96] = "";
    cl_device_type type = type_of(f->id);
    device_text(f->id, CL_DEVICE_NAME, d->name, sizeof d->name);
    device_text(f->id, CL_DRIVER_VERSION, driver, sizeof driver);
    clGetPlatformInfo(f->platform, CL_PLATFORM_NAME, sizeof platform - 1, platform, NULL);
    tidy(platform);
    snprintf(d->driver, sizeof d->driver, "%s %s", platform, driver);
    snprintf(d->kind, sizeof d->kind, "%s",
             type & CL_DEVICE_TYPE_GPU           ? "GPU"
             : type & CL_DEVICE_TYPE_ACCELERATOR ? "accelerator"
             : type & CL_DEVICE_TYPE_CPU         ? "CPU"
                                                 : "custom");
}

struct ds_device *ds_opencl_devices(int *n, struct ds_error *err)
{
    struct found found[MOST_DEVICES];
    if ((*n = find_devices(found, err)) < 0)
        return NULL;
    struct ds_device *all = ds_alloc((size_t)*n + 1, sizeof *all, NULL);
    if (!all)
        ds_no_memory(err);
    for (int i = 0; all && i < *n; i++)
        describe(&found[i], &all[i]);
    return all;
}

/* ---- choosing ---- */

/* The first that is not a processor, or -1. */
static int best(const struct found *found, int n, struct ds_error *err)
{
    struct ds_device d;
    for (int i = 0; i < n; i++)
        if (!(type_of(found[i].id) & CL_DEVICE_TYPE_CPU))
            return i;
    if (n == 0)
        return ds_fail(err, "no GPU: OpenCL finds no device; the driver of a GPU brings one");
    describe(&found[0], &d);
    return ds_fail(err, "no GPU: OpenCL finds only %s, a processor; --device 0 measures on that",
                   d.name);
}

/* The device that has `part` in its name, or -1. */
static int named(const struct found *found, int n, const char *part, struct ds_error *err)
{
    int at = -1, matches = 0;
    for (int i = 0; i < n; i++) {
        struct ds_device d;
        describe(&found[i], &d);
        if (strcasestr(d.name, part)) {
            at = matches++ ? at : i;
        }
    }
    if (matches == 1)
        return at;
    return matches
               ? ds_fail(err, "device '%s': so %d devices are named; give a number", part, matches)
               : ds_fail(err, "device '%s': no OpenCL device is so named; there %s %d", part,
                         n == 1 ? "is" : "are", n);
}

static int choose(const struct found *found, int n, const char *device, struct ds_error *err)
{
    if (!device)
        return best(found, n, err);
    if (!*device || strspn(device, "0123456789") != strlen(device))
        return named(found, n, device, err);
    const char *end;
    uint64_t number;
    if (ds_whole_begin(device, &end, (uint64_t)n - 1, &number))
        return ds_fail(err, "device %s: there %s %d OpenCL device%s, numbered from 0", device,
                       n == 1 ? "is" : "are", n, n == 1 ? "" : "s");
    return (int)number;
}

/* ---- opening ---- */

/* Joins all texts that a compiled program depends on. */
static void add_identity(uint64_t *hash, const char *text)
{
    *hash = ds_block_checksum(hash, sizeof *hash, text, strlen(text));
}

static int learn(struct ds_opencl *cl, const struct found *f, struct ds_error *err)
{
    char text[512];
    describe(f, &cl->device);
    cl->identity = 0;
    add_identity(&cl->identity, cl->device.name);
    add_identity(&cl->identity, cl->device.driver);
    device_text(f->id, CL_DEVICE_VENDOR, text, sizeof text);
    add_identity(&cl->identity, text);
    if (clGetPlatformInfo(f->platform, CL_PLATFORM_VERSION, sizeof text - 1, text, NULL) == 0)
        add_identity(&cl->identity, text);
    device_text(f->id, CL_DEVICE_VERSION, text, sizeof text);
    add_identity(&cl->identity, text);
    size_t number = strcspn(text, " "); /* "OpenCL 3.0 and what the vendor adds" */
    number += text[number] == ' ';
    snprintf(cl->version, sizeof cl->version, "%.*s", (int)(number + strcspn(text + number, " ")),
             text);
    CL_TRY(clGetDeviceInfo(f->id, CL_DEVICE_MAX_COMPUTE_UNITS, sizeof cl->compute_units,
                           &cl->compute_units, NULL));
    CL_TRY(clGetDeviceInfo(f->id, CL_DEVICE_MAX_WORK_GROUP_SIZE, sizeof cl->group_limit,
                           &cl->group_limit, NULL));
    CL_TRY(clGetDeviceInfo(f->id, CL_DEVICE_MAX_MEM_ALLOC_SIZE, sizeof cl->buffer_limit,
                           &cl->buffer_limit, NULL));
    return 0;
}

int ds_opencl_open(struct ds_opencl *cl, const char *device, struct ds_error *err)
{
    struct found found[MOST_DEVICES];
    cl_int status;
    *cl = (struct ds_opencl){0};
    int n = find_devices(found, err), at = n < 0 ? -1 : choose(found, n, device, err);
    if (at < 0 || learn(cl, &found[at], err))
        return -1;
    cl->id = found[at].id;
    cl->context = clCreateContext(NULL, 1, &cl->id, NULL, NULL, &status);
    if (status)
        return ds_fail(err, "OpenCL: %s: %s", cl->device.name, ds_opencl_status(status));
    cl->queue = clCreateCommandQueue(cl->context, cl->id, CL_QUEUE_PROFILING_ENABLE, &status);
    if (status)
        return ds_fail(err, "OpenCL: %s: %s", cl->device.name, ds_opencl_status(status));
    return 0;
}

#include "engines/engine.h"

#include <stddef.h>

#ifdef DS_ENGINE_opencl
extern const struct ds_engine ds_engine_opencl;
#endif

/* A file of its own, so that a tool for this class is linked with its engines alone. */
const struct ds_engine *const ds_gpu_engines[] = {
#ifdef DS_ENGINE_opencl
    &ds_engine_opencl,
#endif
    NULL,
};

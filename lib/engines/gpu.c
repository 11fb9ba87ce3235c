#include "engines/built.h"

/* A file of its own, so that a tool for this class is linked with its engines alone. */
const struct ds_engine *const ds_gpu_engines[] = {OPENCL NULL};

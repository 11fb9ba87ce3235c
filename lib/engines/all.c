#include "engines/built.h"

/* For programs that try every engine. */
const struct ds_engine *const ds_all_engines[] = {ONEDNN XNNPACK OPENCL NULL};

#include "engines/engine.h"

#include <stddef.h>

#ifdef DS_ENGINE_onednn
extern const struct ds_engine ds_engine_onednn;
#endif
#ifdef DS_ENGINE_xnnpack
extern const struct ds_engine ds_engine_xnnpack;
#endif
#ifdef DS_ENGINE_opencl
extern const struct ds_engine ds_engine_opencl;
#endif

/* For programs that try every engine. */
const struct ds_engine *const ds_all_engines[] = {
#ifdef DS_ENGINE_onednn
    &ds_engine_onednn,
#endif
#ifdef DS_ENGINE_xnnpack
    &ds_engine_xnnpack,
#endif
#ifdef DS_ENGINE_opencl
    &ds_engine_opencl,
#endif
    NULL,
};

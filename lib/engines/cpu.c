#include "engines/engine.h"

#include <stddef.h>

#ifdef DS_ENGINE_onednn
extern const struct ds_engine ds_engine_onednn;
#endif
#ifdef DS_ENGINE_xnnpack
extern const struct ds_engine ds_engine_xnnpack;
#endif

/* A file of its own, so that a tool for this class is linked with its engines alone. */
const struct ds_engine *const ds_cpu_engines[] = {
#ifdef DS_ENGINE_onednn
    &ds_engine_onednn,
#endif
#ifdef DS_ENGINE_xnnpack
    &ds_engine_xnnpack,
#endif
    NULL,
};

#include "engines/engine.h"

#include <string.h>

#ifdef DS_ENGINE_onednn
extern const struct ds_engine ds_engine_onednn;
#endif
#ifdef DS_ENGINE_xnnpack
extern const struct ds_engine ds_engine_xnnpack;
#endif
#ifdef DS_ENGINE_opencl
extern const struct ds_engine ds_engine_opencl;
#endif

/* Those found when dstools was built; the first of a class is its default. */
static const struct ds_engine *const engines[] = {
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

static bool is_of(const struct ds_engine *engine, const char *class)
{
    return !class || strcmp(engine->class, class) == 0;
}

const struct ds_engine *ds_engine_find(const char *class, const char *name)
{
    for (int i = 0; engines[i]; i++)
        if (is_of(engines[i], class) && (!name || strcmp(engines[i]->name, name) == 0))
            return engines[i];
    return NULL;
}

const char *ds_engine_names(const char *class)
{
    static char names[128];
    names[0] = 0;
    for (int i = 0; engines[i]; i++) {
        if (!is_of(engines[i], class))
            continue;
        strcat(names, names[0] ? ", " : "");
        strcat(names, engines[i]->name);
    }
    return names[0] ? names : "none";
}

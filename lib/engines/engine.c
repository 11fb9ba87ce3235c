#include "engines/engine.h"

#include <string.h>

const struct ds_engine *ds_engine_find(const struct ds_engine *const *engines, const char *name)
{
    for (int i = 0; engines[i]; i++)
        if (!name || strcmp(engines[i]->name, name) == 0)
            return engines[i];
    return NULL;
}

int ds_engine_only_f32(const char *engine, const struct ds_engine_options *options,
                       struct ds_error *err)
{
    if (options->dtype == DS_DTYPE_F32)
        return 0;
    return ds_fail(err, "%s: no %s: it computes in f32 only; onednn has bf16 and int8", engine,
                   ds_dtype_name(options->dtype));
}

const char *ds_engine_names(const struct ds_engine *const *engines)
{
    static char names[128];
    names[0] = 0;
    for (int i = 0; engines[i]; i++) {
        strcat(names, names[0] ? ", " : "");
        strcat(names, engines[i]->name);
    }
    return names[0] ? names : "none";
}

#include "engine.h"

#include <string.h>

#ifdef DS_ENGINE_onednn
extern const struct ds_engine ds_engine_onednn;
#endif
#ifdef DS_ENGINE_xnnpack
extern const struct ds_engine ds_engine_xnnpack;
#endif

/* Those found when dstools was built; the first is the default. */
static const struct ds_engine *const engines[] = {
#ifdef DS_ENGINE_onednn
    &ds_engine_onednn,
#endif
#ifdef DS_ENGINE_xnnpack
    &ds_engine_xnnpack,
#endif
    NULL,
};

const struct ds_engine *ds_engine_find(const char *name)
{
    for (int i = 0; engines[i]; i++)
        if (!name || strcmp(engines[i]->name, name) == 0)
            return engines[i];
    return NULL;
}

const char *ds_engine_names(void)
{
    static char names[128];
    names[0] = 0;
    for (int i = 0; engines[i]; i++) {
        strcat(names, i ? ", " : "");
        strcat(names, engines[i]->name);
    }
    return names[0] ? names : "none";
}

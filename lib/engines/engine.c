#include "engines/engine.h"

#include <string.h>

const struct ds_engine *ds_engine_find(const struct ds_engine *const *engines, const char *name)
{
    for (int i = 0; engines[i]; i++)
        if (!name || strcmp(engines[i]->name, name) == 0)
            return engines[i];
    return NULL;
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

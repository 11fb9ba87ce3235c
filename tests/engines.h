/* Which engines a test can run on. */
#ifndef ENGINES_H
#define ENGINES_H

#include "engines/engine.h"

#include <stdlib.h>

/* The device that tests run on, of engines that have several: also a processor will do. */
#define TEST_DEVICE "0"

/* Whether the engine is built in and has a device; else what it lacks. */
static bool engine_there(const char *name, const char **lack)
{
    const struct ds_engine *e = ds_engine_find(ds_all_engines, name);
    struct ds_error err;
    int n = 1;
    *lack = e ? "finds no device" : "is not built in";
    if (e && e->devices)
        free(e->devices(&n, &err));
    return e && n > 0;
}

#endif

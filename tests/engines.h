/* Which engines a test can run on. */
#ifndef ENGINES_H
#define ENGINES_H

#include "engines/engine.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* The device that tests run on, of engines that have several: also a processor will do. */
#define TEST_DEVICE "0"

/*
 * The engine's devices, counted in a process of their own: PoCL aborts where /sys is not mounted,
 * which must not end the test. -1: it did.
 */
static int count_devices(const struct ds_engine *e)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        struct ds_error err;
        int n = 0;
        free(e->devices(&n, &err));
        _exit(n > 100 ? 100 : n);
    }
    return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Whether the engine is built in and has a device; else what it lacks. */
static bool engine_there(const char *name, const char **lack)
{
    const struct ds_engine *e = ds_engine_find(ds_all_engines, name);
    int n = e && e->devices ? count_devices(e) : 1;
    *lack = !e ? "is not built in" : n < 0 ? "has a driver that aborts" : "finds no device";
    return e && n > 0;
}

#endif

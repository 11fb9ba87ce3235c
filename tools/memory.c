#include "memory.h"

#include "base/grow.h"
#include "message.h"

void *cli_must(void *p)
{
    if (!p)
        cli_die(CLI_FAILED, "out of memory");
    return p;
}

void *cli_alloc(size_t n, size_t size)
{
    struct ds_error err;
    return cli_must(ds_alloc(n, size, &err));
}

void cli_grow(void *array, size_t *room, size_t n, size_t size)
{
    struct ds_error err;
    if (ds_grow(array, room, n, size, &err))
        cli_die(CLI_FAILED, "%s", err.text);
}

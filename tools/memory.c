#include "memory.h"

#include "base/grow.h"
#include "message.h"
#include <limits.h>
#include <malloc.h>

void cli_no_memory(void)
{
    cli_die(CLI_FAILED, "out of memory");
}

void *cli_must(void *p)
{
    if (!p)
        cli_no_memory();
    return p;
}

void *cli_alloc(size_t n, size_t size)
{
    return cli_must(ds_alloc(n, size, NULL));
}

void cli_grow(void *array, size_t *room, size_t n, size_t size)
{
    if (ds_grow(array, room, n, size, NULL))
        cli_no_memory();
}

void cli_keep_memory(void)
{
    mallopt(M_MMAP_MAX, 0);
    mallopt(M_TRIM_THRESHOLD, INT_MAX);
}

#include "base/grow.h"

#include <stdlib.h>
#include <string.h>

#define LEAST_ROOM 8

int ds_no_memory(struct ds_error *err)
{
    return err ? ds_fail(err, "out of memory") : -1;
}

void *ds_alloc(size_t n, size_t size, struct ds_error *err)
{
    void *p = calloc(n ? n : 1, size);
    if (!p)
        ds_no_memory(err);
    return p;
}

void *ds_copy(const void *data, size_t size, struct ds_error *err)
{
    void *p = ds_alloc(size, 1, err);
    return p && size ? memcpy(p, data, size) : p;
}

char *ds_copy_text(const char *text, size_t n, struct ds_error *err)
{
    char *copy = ds_alloc(n + 1, 1, err);
    if (copy && n)
        memcpy(copy, text, n);
    return copy;
}

char *ds_copy_string(const char *text, struct ds_error *err)
{
    return ds_copy_text(text, strlen(text), err);
}

int ds_resize(void *array, size_t n, size_t size, struct ds_error *err)
{
    void *old;
    memcpy(&old, array, sizeof old); /* any type of pointer */
    void *more = reallocarray(old, n, size);
    if (!more)
        return ds_no_memory(err);
    memcpy(array, &more, sizeof more);
    return 0;
}

int ds_grow(void *array, size_t *room, size_t n, size_t size, struct ds_error *err)
{
    size_t wanted = *room ? *room : LEAST_ROOM;
    if (n <= *room)
        return 0;
    if (wanted <= (size_t)-1 / 2 / size)
        wanted *= *room ? 2 : 1;
    if (wanted < n)
        wanted = n;
    if (ds_resize(array, wanted, size, err))
        return -1;
    *room = wanted;
    return 0;
}

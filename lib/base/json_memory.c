#include "base/json_memory.h"

#include "base/grow.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static _Alignas(16) unsigned char reserve[(size_t)1 << 22];
static size_t used;
static bool lacked;

static void *allocate(size_t n)
{
    void *made = malloc(n);
    if (made || n == 0)
        return made;
    lacked = true;
    n = (n + 15) / 16 * 16;
    if (n > sizeof reserve - used)
        return NULL;
    used += n;
    return reserve + used - n;
}

static void release(void *p)
{
    uintptr_t at = (uintptr_t)p, first = (uintptr_t)reserve;
    if (at < first || at >= first + sizeof reserve)
        free(p);
}

__attribute__((constructor)) static void set_up(void)
{
    json_set_alloc_funcs(allocate, release);
}

bool ds_json_lacked_memory(void)
{
    return lacked;
}

char *ds_json_dump(const json_t *json, size_t flags, struct ds_error *err)
{
    char *text = json_dumps(json, flags);
    char *copy = text && !lacked ? ds_copy(text, strlen(text) + 1, err) : NULL;
    if (!copy)
        ds_no_memory(err);
    release(text);
    return copy;
}

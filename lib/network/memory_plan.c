#include "network/memory_plan.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define NOWHERE UINT64_MAX

static bool always_used(const struct ds_buffer *b)
{
    return b->first == 0 && b->last == DS_BUFFER_KEPT;
}

/* The order in which buffers are placed. */
static int compare(const void *a, const void *b)
{
    const struct ds_buffer *x = a, *y = b;
    int by_number = (x->number > y->number) - (x->number < y->number);
    if (always_used(x) || always_used(y))
        return always_used(x) && always_used(y) ? by_number : always_used(y) - always_used(x);
    if (x->size != y->size)
        return x->size < y->size ? 1 : -1;
    return x->first != y->first ? x->first - y->first : by_number;
}

static bool meet(const struct ds_buffer *a, const struct ds_buffer *b)
{
    return a->first <= b->last && b->first <= a->last;
}

/* Where a buffer fits among those placed already, which stand in the order of their offsets. */
static uint64_t find_place(const struct ds_buffer *placed, int n, const struct ds_buffer *b,
                           uint64_t align)
{
    uint64_t best = NOWHERE, tightest = NOWHERE, end = 0;
    for (int i = 0; i < n; i++) {
        const struct ds_buffer *p = &placed[i];
        if (!meet(p, b))
            continue;
        uint64_t at = (end + align - 1) / align * align;
        if (at + b->size <= p->offset && p->offset - at < tightest) {
            best = at;
            tightest = p->offset - end; /* with what alignment wastes, as TensorFlow Lite has it */
        }
        if (p->offset + p->size > end)
            end = p->offset + p->size;
    }
    return best != NOWHERE ? best : (end + align - 1) / align * align;
}

uint64_t ds_memory_plan(struct ds_buffer *buffer, int n, uint64_t align)
{
    uint64_t arena = 0;
    if (n > 0)
        qsort(buffer, (size_t)n, sizeof *buffer, compare);
    for (int i = 0; i < n; i++) {
        struct ds_buffer b = buffer[i];
        b.offset = find_place(buffer, i, &b, align);
        if (b.offset + b.size > arena)
            arena = b.offset + b.size;
        int at = i;
        while (at > 0 && buffer[at - 1].offset > b.offset)
            at--;
        memmove(&buffer[at + 1], &buffer[at], (size_t)(i - at) * sizeof *buffer);
        buffer[at] = b;
    }
    return arena;
}

uint64_t ds_memory_least(const struct ds_buffer *buffer, int n)
{
    uint64_t least = 0;
    for (int i = 0; i < n; i++) { /* the most are in use when one of them is written */
        uint64_t bytes = 0;
        for (int j = 0; j < n; j++)
            if (buffer[j].first <= buffer[i].first && buffer[i].first <= buffer[j].last)
                bytes += buffer[j].size;
        least = bytes > least ? bytes : least;
    }
    return least;
}

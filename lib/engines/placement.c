#include "engines/placement.h"

#include "base/grow.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)
#define LINE ((size_t)64)

int ds_arena_reserve(struct ds_arena *arena, size_t size, struct ds_error *err)
{
    if (size <= arena->size)
        return 0;
    size = (size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    char *data = aligned_alloc(HUGE_PAGE, size);
    if (!data)
        return ds_fail(err, "out of memory: %zu bytes for activations", size);
    madvise(data, size, MADV_HUGEPAGE); /* steadier timing; no harm where it is refused */
    memset(data, 0, size);
    free(arena->data);
    arena->data = data;
    arena->size = size;
    arena->moves++;
    return 0;
}

void ds_arena_free(struct ds_arena *arena)
{
    free(arena->data);
    *arena = (struct ds_arena){0};
}

size_t ds_arena_floats(const struct ds_net *net, int tensor, int batch)
{
    const struct ds_tensor *t = &net->tensor[tensor];
    return (size_t)batch * (size_t)t->c * (size_t)t->h * (size_t)t->w;
}

static size_t element_size(const size_t *element, int t)
{
    return element ? element[t] : sizeof(float);
}

static size_t tensor_size(const struct ds_net *net, const size_t *element, int t, int batch,
                          size_t slack)
{
    size_t size = element_size(element, t) * ds_arena_floats(net, t, batch) + slack;
    return (size + LINE - 1) / LINE * LINE;
}

static bool same_size(const struct ds_net *net, const size_t *element, int t, int other)
{
    struct ds_tensor a = net->tensor[t], b = net->tensor[other];
    return a.c == b.c && a.h == b.h && a.w == b.w &&
           element_size(element, t) == element_size(element, other);
}

/* The lowest place where `size` bytes fit between the tensors alive. */
static size_t find_place(const struct ds_net *net, const bool *alive, const size_t *offset,
                         const size_t *sizes, size_t size)
{
    size_t at = 0;
    for (int t = 0; t < net->ntensors; t++) {
        if (!alive[t] || offset[t] >= at + size || offset[t] + sizes[t] <= at)
            continue;
        at = offset[t] + sizes[t];
        t = -1; /* start again above that tensor */
    }
    return at;
}

int ds_arena_plan(const struct ds_net *net, const size_t *element, int batch, size_t slack,
                  bool sum_in_place, size_t *offset, size_t *size, struct ds_error *err)
{
    size_t n = (size_t)net->ntensors;
    int *last = ds_alloc(n, sizeof *last, NULL); /* layer that reads it last */
    size_t *sizes = ds_alloc(n, sizeof *sizes, NULL);
    bool *alive = ds_alloc(n, sizeof *alive, NULL);
    if (!last || !sizes || !alive) {
        free(last);
        free(sizes);
        free(alive);
        return ds_no_memory(err);
    }
    for (int t = 0; t < net->ntensors; t++)
        sizes[t] = tensor_size(net, element, t, batch, slack);
    for (int i = 0; i < net->nlayers; i++) {
        last[net->layer[i].in] = i;
        if (net->layer[i].in2 >= 0)
            last[net->layer[i].in2] = i;
    }
    last[net->input] = last[net->output] = net->nlayers;

    alive[net->input] = true;
    offset[net->input] = 0;
    *size = sizes[net->input];
    for (int i = 0; i < net->nlayers; i++) {
        const struct ds_layer *l = &net->layer[i];
        bool in_place = sum_in_place && l->in2 >= 0 && last[l->in2] == i &&
                        same_size(net, element, l->in2, l->out);
        offset[l->out] =
            in_place ? offset[l->in2] : find_place(net, alive, offset, sizes, sizes[l->out]);
        alive[l->out] = true;
        if (offset[l->out] + sizes[l->out] > *size)
            *size = offset[l->out] + sizes[l->out];
        for (int t = 0; t < net->ntensors; t++)
            alive[t] = alive[t] && (last[t] > i || t == l->out);
    }
    free(last);
    free(sizes);
    free(alive);
    return 0;
}

/*
 * Where the tensors of a network lie in one block of memory that all models of a session share.
 * Internal to the engines.
 */
#ifndef DS_ENGINES_PLACEMENT_H
#define DS_ENGINES_PLACEMENT_H

#include "network/network.h"

/* A block of memory that only grows, aligned to huge pages; zero-initialise. */
struct ds_arena {
    char *data;
    size_t size;
    unsigned moves; /* how often `data` changed: models compare it with when they were bound */
};

/* Elements of a tensor of `batch` images. */
size_t ds_arena_floats(const struct ds_net *net, int tensor, int batch);

/* Makes the arena at least `size` bytes large. */
int ds_arena_reserve(struct ds_arena *arena, size_t size, struct ds_error *err);
void ds_arena_free(struct ds_arena *arena);

/*
 * Gives every tensor of the net an offset in bytes (offset[ntensors]; elements of element[ntensors]
 * bytes, NULL: floats; `batch` images, `slack` spare bytes behind each) and the size in all.
 * Tensors that are never alive together share memory; the input stays as it is. With
 * `sum_in_place`, where in2 of a layer is of the output's shape and element size and not read
 * again, the output takes its place.
 */
int ds_arena_plan(const struct ds_net *net, const size_t *element, int batch, size_t slack,
                  bool sum_in_place, size_t *offset, size_t *size, struct ds_error *err);

#endif

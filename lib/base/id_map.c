#include "base/id_map.h"

#include <stdlib.h>

/* Where the id is, or the free place where it would go. Ids are hashes already. */
static size_t place(const struct ds_id_map *set, uint64_t id)
{
    size_t i = (size_t)(id * 0x9E3779B97F4A7C15u >> 20) & (set->room - 1);
    while (set->id[i] && set->id[i] != id)
        i = (i + 1) & (set->room - 1);
    return i;
}

static int grow(struct ds_id_map *set)
{
    struct ds_id_map more = *set;
    more.room = set->room ? 2 * set->room : 1024;
    more.id = calloc(more.room, sizeof *more.id);
    more.number = malloc(more.room * sizeof *more.number);
    if (!more.id || !more.number) {
        free(more.id);
        free(more.number);
        return -1;
    }
    for (size_t i = 0; i < set->room; i++)
        if (set->id[i]) {
            size_t at = place(&more, set->id[i]);
            more.id[at] = set->id[i];
            more.number[at] = set->number[i];
        }
    free(set->id);
    free(set->number);
    *set = more;
    return 0;
}

int ds_id_map_add(struct ds_id_map *set, uint64_t id, uint32_t number)
{
    if (id == 0) {
        bool is_new = !set->has_zero;
        if (is_new)
            set->zero_number = number;
        set->has_zero = true;
        return is_new;
    }
    if (set->count * 2 >= set->room && grow(set))
        return -1;
    size_t i = place(set, id);
    if (set->id[i])
        return 0;
    set->id[i] = id;
    set->number[i] = number;
    set->count++;
    return 1;
}

int64_t ds_id_map_find(const struct ds_id_map *set, uint64_t id)
{
    if (id == 0)
        return set->has_zero ? (int64_t)set->zero_number : -1;
    if (!set->room)
        return -1;
    size_t i = place(set, id);
    return set->id[i] ? (int64_t)set->number[i] : -1;
}

void ds_id_map_free(struct ds_id_map *set)
{
    free(set->id);
    free(set->number);
    *set = (struct ds_id_map){0};
}

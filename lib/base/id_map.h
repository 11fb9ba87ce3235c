/* A map from 64-bit ids to numbers: a hash table with open addressing. */
#ifndef DS_BASE_ID_MAP_H
#define DS_BASE_ID_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero-initialise; free with ds_id_map_free. */
struct ds_id_map {
    uint64_t *id;
    uint32_t *number;
    size_t count, room;
    bool has_zero; /* id 0 marks a free place, so it is kept apart */
    uint32_t zero_number;
};

/* Adds an id with its number: 1 when it was new, 0 when there (its number stays), -1 no memory. */
int ds_id_map_add(struct ds_id_map *set, uint64_t id, uint32_t number);

/* The number of an id, or -1. */
int64_t ds_id_map_find(const struct ds_id_map *set, uint64_t id);

void ds_id_map_free(struct ds_id_map *set);

#endif

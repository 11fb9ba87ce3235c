/*
 * A map from 64-bit ids to numbers, or, where all numbers are 0, a set of ids: 10 to 13 bytes for
 * each id, and 4 to 7 more for numbers, also while it grows.
 *
 * A hash table with linear probing whose entries stand in the order of their hashes, and which does
 * not wrap around: it grows where it is, by one pass from its end and one from its beginning.
 */
#ifndef DS_BASE_ID_MAP_H
#define DS_BASE_ID_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero-initialise; free with ds_id_map_free. */
struct ds_id_map {
    uint64_t *hash;   /* [places]: of ids; 0 is a free place, as the last always is */
    uint32_t *number; /* alike; NULL while all are 0 */
    size_t count, room,
        places;    /* of `room` places hashes choose one; what is pushed on may go beyond */
    bool has_zero; /* id 0 is kept apart, its hash being 0 */
    uint32_t zero_number;
};

/* Adds an id with its number: 1 when it was new, 0 when there (its number stays), -1 no memory. */
int ds_id_map_add(struct ds_id_map *set, uint64_t id, uint32_t number);

/* The number of an id, or -1. */
int64_t ds_id_map_find(const struct ds_id_map *set, uint64_t id);

void ds_id_map_free(struct ds_id_map *set);

#endif

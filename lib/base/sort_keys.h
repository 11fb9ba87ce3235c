/* Sorting by 64-bit keys. */
#ifndef DS_BASE_SORT_KEYS_H
#define DS_BASE_SORT_KEYS_H

#include <stddef.h>

/*
 * Sorts n items of `size` bytes, a multiple of eight, by the uint64_t that each begins with; items
 * of one key keep their order. `spare` has room for n items.
 */
void ds_sort_keys(void *items, void *spare, size_t n, size_t size);

#endif

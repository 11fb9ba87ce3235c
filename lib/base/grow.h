/*
 * Memory: one way to allocate an array, one way to grow one. Sizes cannot overflow. When there is
 * no more, `err` says so, unless it is NULL.
 */
#ifndef DS_BASE_GROW_H
#define DS_BASE_GROW_H

#include "base/error.h"
#include <stddef.h>

/* "out of memory"; returns -1. */
int ds_no_memory(struct ds_error *err);

/* Zeroed room for n elements of `size` bytes, never NULL for n = 0; NULL when out of memory. */
void *ds_alloc(size_t n, size_t size, struct ds_error *err);

/* A copy of `size` bytes, to be freed; NULL when out of memory. */
void *ds_copy(const void *data, size_t size, struct ds_error *err);

/* A copy of n characters, terminated, or of a string, to be freed; NULL when out of memory. */
char *ds_copy_text(const char *text, size_t n, struct ds_error *err);
char *ds_copy_string(const char *text, struct ds_error *err);

/*
 * Makes an array longer or shorter, to n > 0 elements of `size` bytes; `array` is the address of
 * the pointer. -1 when out of memory; the array is then as it was.
 */
int ds_resize(void *array, size_t n, size_t size, struct ds_error *err);

/*
 * Makes room for n elements of `size` bytes: `array` is the address of the pointer, which realloc
 * may move, and *room how many elements it has room for. It at least doubles, so that appending
 * costs little. -1 when out of memory; the array is then as it was.
 */
int ds_grow(void *array, size_t *room, size_t n, size_t size, struct ds_error *err);

#endif

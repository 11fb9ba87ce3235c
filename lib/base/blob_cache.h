/*
 * A cache on disk, in $XDG_CACHE_HOME/dstools or ~/.cache/dstools, of things that can be made
 * again. No failure is an error: what cannot be read is made again, what cannot be written is not
 * kept.
 */
#ifndef DS_BASE_BLOB_CACHE_H
#define DS_BASE_BLOB_CACHE_H

#include <stddef.h>

/*
 * What was put under `name`, to be freed, and its size; NULL where there is none, or the file is
 * damaged. `name` becomes a file name: letters, digits, '-' and '.'.
 */
void *ds_blob_get(const char *name, size_t *size);

/* Keeps `size` bytes under `name`: written beside and renamed, so that a file is always whole. */
void ds_blob_put(const char *name, const void *data, size_t size);

#endif

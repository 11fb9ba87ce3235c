/* Whole files at once. */
#ifndef DS_BASE_FILE_H
#define DS_BASE_FILE_H

#include "base/error.h"
#include <stddef.h>

/* Writes `path` so that it is never there in part: see base/aside.h. */
int ds_file_write(const char *path, const void *data, size_t size, struct ds_error *err);

/* Reads a whole file; to be freed, NUL-terminated. NULL and the reason in `err`. */
char *ds_file_read(const char *path, size_t *size, struct ds_error *err);

#endif

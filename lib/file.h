/* Whole files at once. */
#ifndef DS_FILE_H
#define DS_FILE_H

#include "error.h"
#include <stddef.h>

/* Writes `path` so that it is never there in part: beside it, then renamed. */
int ds_file_write(const char *path, const void *data, size_t size, struct ds_error *err);

/* The file's text, ended by a 0, to be freed; NULL where there is none or it cannot be read. */
char *ds_file_read(const char *path);

#endif

/*
 * Records as rows of text: an aligned table, or tab-separated values. The columns are those that
 * the first records (at most ROWS_AHEAD) have, unless they are named.
 */
#ifndef DS_ROWS_H
#define DS_ROWS_H

#include "stream/stream.h"
#include <stdio.h>

#define ROWS_AHEAD 1000

struct rows;

/*
 * `aligned`: a table, else tab-separated with numbers in full. `details`: the spread of metrics as
 * columns METRIC:KEY. `columns`: "id,top1,..." or NULL.
 */
struct rows *rows_begin(FILE *out, bool aligned, bool details, const char *columns);

/* Adds a record; dies where it has a metric or key that no column holds (unless named). */
void rows_add(struct rows *rows, const struct ds_record *rec, const char *where);

/* Prints what is held back, and frees. */
void rows_end(struct rows *rows);

#endif

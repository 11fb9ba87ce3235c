/*
 * Records as rows of text: an aligned table, or tab-separated values. The columns are those that
 * the first records (at most RECORDS_AHEAD) have, unless they are named.
 */
#ifndef DS_RECORD_TABLE_H
#define DS_RECORD_TABLE_H

#include "stream/stream.h"
#include <stdio.h>

#define RECORDS_AHEAD 1000

struct record_table;

/*
 * `aligned`: a table, else tab-separated with numbers in full. `details`: the spread of metrics as
 * columns METRIC:KEY. `columns`: "id,top1,..." or NULL.
 */
struct record_table *record_table_begin(FILE *out, bool aligned, bool details, const char *columns);

/* Adds a record; dies where it has a metric or key that no column holds (unless named). */
void record_table_add(struct record_table *table, const struct ds_record *rec, const char *where);

/* Prints what is held back, and frees. */
void record_table_end(struct record_table *table);

#endif

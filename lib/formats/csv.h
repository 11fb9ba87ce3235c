/* Tables of comma-separated values with a line of column names (RFC 4180), read row by row. */
#ifndef DS_FORMATS_CSV_H
#define DS_FORMATS_CSV_H

#include "base/error.h"
#include <stdio.h>

struct ds_csv {
    FILE *file;   /* the caller's */
    int ncolumns; /* of the first line */
    char **column;
    char **field; /* [ncolumns] of the row in hand */
    unsigned long long line;
    char *names, *text; /* the first line, and the row's: what the above point into */
    size_t names_room, text_room, column_room, field_room;
};

/*
 * Reads the names of the columns. Fields may stand in double quotes, a quote in them being two;
 * they may not hold line breaks. -1 and the line in `err`, an error of reading too.
 */
int ds_csv_begin(struct ds_csv *csv, FILE *file, struct ds_error *err);

/*
 * Reads the next row into csv->field: 1; 0 at the end; -1. Empty lines are passed over. A row must
 * have as many fields as there are columns.
 */
int ds_csv_next(struct ds_csv *csv, struct ds_error *err);

/* The column so named, or -1. */
int ds_csv_column(const struct ds_csv *csv, const char *name);

void ds_csv_end(struct ds_csv *csv);

#endif

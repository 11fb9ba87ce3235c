#include "formats/csv.h"

#include "base/grow.h"
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Reads a line that is not empty, without its end: 1; 0 at the end of the file; -1. */
static int read_line(struct ds_csv *csv, char **text, size_t *room, struct ds_error *err)
{
    for (;;) {
        errno = 0;
        ssize_t n = getline(text, room, csv->file);
        if (n < 0 && feof(csv->file) && !ferror(csv->file))
            return 0;
        if (n < 0)
            return ds_fail(err, "%s", strerror(errno));
        csv->line++;
        if (memchr(*text, 0, (size_t)n))
            return ds_fail(err, "line %llu: a zero byte", csv->line);
        (*text)[strcspn(*text, "\r\n")] = 0;
        if (**text)
            return 1;
    }
}

/* Takes the quotes off the field that begins at `text`; returns what is behind it, or NULL. */
static char *unquote(char *text)
{
    char *to = text;
    for (char *at = text + 1; *at; at++) {
        if (*at == '"' && at[1] != '"') {
            *to = 0;
            return at + 1;
        }
        at += *at == '"';
        *to++ = *at;
    }
    return NULL;
}

/* Splits a line into fields, which are cut out of it. */
static int split(const struct ds_csv *csv, char *text, char ***field, size_t *room, int *n,
                 struct ds_error *err)
{
    *n = 0;
    for (char *at = text, *end = text; end; at = end + 1) {
        if (ds_grow(field, room, (size_t)*n + 1, sizeof **field, err))
            return -1;
        (*field)[(*n)++] = at;
        end = *at == '"' ? unquote(at) : at + strcspn(at, ",");
        if (!end || (*end && *end != ','))
            return ds_fail(err, "line %llu: field %d: a quote is not closed, or stands inside",
                           csv->line, *n);
        if (!*end)
            break;
        *end = 0;
    }
    return 0;
}

int ds_csv_begin(struct ds_csv *csv, FILE *file, struct ds_error *err)
{
    *csv = (struct ds_csv){.file = file};
    int rc = read_line(csv, &csv->names, &csv->names_room, err);
    if (rc <= 0)
        return rc < 0 ? -1 : ds_fail(err, "empty: not even column names");
    char *text = csv->names;
    if (strncmp(text, "\xEF\xBB\xBF", 3) == 0) /* a mark that spreadsheets write before UTF-8 */
        text += 3;
    return split(csv, text, &csv->column, &csv->column_room, &csv->ncolumns, err);
}

int ds_csv_next(struct ds_csv *csv, struct ds_error *err)
{
    int n, rc = read_line(csv, &csv->text, &csv->text_room, err);
    if (rc <= 0)
        return rc;
    if (split(csv, csv->text, &csv->field, &csv->field_room, &n, err))
        return -1;
    if (n != csv->ncolumns)
        return ds_fail(err, "line %llu: %d fields, but %d columns", csv->line, n, csv->ncolumns);
    return 1;
}

int ds_csv_column(const struct ds_csv *csv, const char *name)
{
    for (int c = 0; c < csv->ncolumns; c++)
        if (strcmp(csv->column[c], name) == 0)
            return c;
    return -1;
}

void ds_csv_end(struct ds_csv *csv)
{
    free(csv->column);
    free(csv->field);
    free(csv->names);
    free(csv->text);
    *csv = (struct ds_csv){0};
}

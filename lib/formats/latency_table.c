#include "formats/latency_table.h"

#include "base/grow.h"
#include "base/number.h"
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

void ds_latency_table_free(struct ds_latency_table *table)
{
    for (int i = 0; i < table->nentries; i++)
        free(table->entry[i].name);
    free(table->entry);
    *table = (struct ds_latency_table){0};
}

static int add_entry(struct ds_latency_table *table, const char *name, double ms,
                     struct ds_error *err)
{
    if (!isfinite(ms) || ms < 0)
        return ds_fail(err, "%s: %g is no latency", name, ms);
    if (ds_grow(&table->entry, &table->room, (size_t)table->nentries + 1, sizeof *table->entry,
                err))
        return -1;
    table->entry[table->nentries].ms = ms;
    table->entry[table->nentries].file = table->nfiles;
    if (!(table->entry[table->nentries].name = strdup(name)))
        return ds_no_memory(err);
    table->nentries++;
    return 0;
}

/* ---- files ---- */

/* A map of maps, each with a "mean". */
static int read_yaml(struct ds_latency_table *table, FILE *f, struct ds_error *err)
{
    yaml_parser_t parser;
    yaml_event_t e;
    char name[512] = "", key[64] = "";
    int depth = 0, rc = 0, before = table->nentries;
    bool is_key = true, done = false;
    if (!yaml_parser_initialize(&parser))
        return ds_no_memory(err);
    yaml_parser_set_input_file(&parser, f);
    while (!done && rc == 0) {
        if (!yaml_parser_parse(&parser, &e)) {
            rc = ds_fail(err, "not YAML: line %zu: %s", parser.problem_mark.line + 1,
                         parser.problem);
            break;
        }
        const char *text = (const char *)e.data.scalar.value;
        double ms;
        switch (e.type) {
        case YAML_MAPPING_START_EVENT:
            depth++;
            is_key = true;
            break;
        case YAML_MAPPING_END_EVENT:
            depth--;
            is_key = true;
            break;
        case YAML_SCALAR_EVENT:
            if (depth == 1)
                snprintf(name, sizeof name, "%s", text);
            else if (depth == 2 && is_key)
                snprintf(key, sizeof key, "%s", text);
            else if (depth == 2 && strcmp(key, "mean") == 0)
                rc = ds_number(text, -INFINITY, INFINITY, &ms, err)
                         ? ds_fail_in(err, "line %zu", e.start_mark.line + 1)
                         : add_entry(table, name, ms, err);
            is_key = depth == 2 ? !is_key : true;
            break;
        case YAML_STREAM_END_EVENT:
            done = true;
            break;
        default:
            break;
        }
        yaml_event_delete(&e);
    }
    yaml_parser_delete(&parser);
    return rc == 0 && table->nentries == before ? ds_fail(err, "no table: no entry with a mean")
                                                : rc;
}

/* The field of a line, from `line`, cut off at the next comma; NULL past the last. */
static char *field(char **line)
{
    return strsep(line, ",");
}

/* Columns "Kernel Name" and "Average Time (ms)". */
static int read_csv(struct ds_latency_table *table, FILE *f, struct ds_error *err)
{
    char *line = NULL;
    size_t room = 0;
    int row = 0, name_column = -1, time_column = -1, rc = 0;
    while (rc == 0 && getline(&line, &room, f) >= 0) {
        char *at = line, *text, *name = NULL, *time = NULL;
        line[strcspn(line, "\r\n")] = 0;
        row++;
        for (int c = 0; (text = field(&at)); c++) {
            if (row == 1 && strcmp(text, "Kernel Name") == 0)
                name_column = c;
            if (row == 1 && strcmp(text, "Average Time (ms)") == 0)
                time_column = c;
            name = c == name_column ? text : name;
            time = c == time_column ? text : time;
        }
        double ms;
        if (row == 1 && (name_column < 0 || time_column < 0))
            rc = ds_fail(err, "line 1 names no columns 'Kernel Name' and 'Average Time (ms)'");
        else if (row > 1 && name && *name &&
                 (!time || ds_number(time + strspn(time, " "), -INFINITY, INFINITY, &ms, err)))
            rc = ds_fail(err, "line %d: no number under 'Average Time (ms)'", row);
        else if (row > 1 && name && *name)
            rc = add_entry(table, name, ms, err);
    }
    free(line);
    return rc == 0 && table->nentries == 0 ? ds_fail(err, "no rows") : rc;
}

int ds_latency_table_read(struct ds_latency_table *table, const char *path, struct ds_error *err)
{
    size_t n = strlen(path);
    FILE *f = fopen(path, "r");
    if (!f)
        return ds_fail(err, "%s: %s", path, strerror(errno));
    bool csv = n > 4 && strcmp(path + n - 4, ".csv") == 0;
    int rc = csv ? read_csv(table, f, err) : read_yaml(table, f, err);
    fclose(f);
    table->nfiles++;
    return rc ? ds_fail_in(err, "%s", path) : 0;
}

#include "formats/latency_table.h"

#include "base/grow.h"
#include "base/number.h"
#include "formats/csv.h"
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
    bool is_block = strstr(name, "-kernel:") || strstr(name, "-k_");
    if (!isfinite(ms) || ms < 0 || (ms == 0 && is_block)) /* stem and head may be left out, as 0 */
        return ds_fail(err, "%s: %g is no latency", name, ms);
    if (ds_grow(&table->entry, &table->room, (size_t)table->nentries + 1, sizeof *table->entry,
                err))
        return -1;
    table->entry[table->nentries].ms = ms;
    table->entry[table->nentries].file = table->nfiles;
    if (!(table->entry[table->nentries].name = ds_copy_string(name, NULL)))
        return ds_no_memory(err);
    table->nentries++;
    return 0;
}

/* ---- files ---- */

/* Why the parser stopped: the file could not be read, there is no memory, or it is no YAML. */
static int why_not(const yaml_parser_t *parser, FILE *f, struct ds_error *err)
{
    if (ferror(f))
        return ds_fail(err, "%s", strerror(errno));
    if (parser->error == YAML_MEMORY_ERROR)
        return ds_no_memory(err);
    return ds_fail(err, "not YAML: line %zu: %s", parser->problem_mark.line + 1, parser->problem);
}

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
        errno = 0;
        if (!yaml_parser_parse(&parser, &e)) {
            rc = why_not(&parser, f, err);
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
                rc = ds_number(text, -INFINITY, INFINITY, &ms, err) ||
                             add_entry(table, name, ms, err)
                         ? ds_fail_in(err, "line %zu", e.start_mark.line + 1)
                         : 0;
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

/* Columns "Kernel Name" and "Average Time (ms)"; rows without a name are passed over. */
static int read_rows(struct ds_latency_table *table, struct ds_csv *csv, struct ds_error *err)
{
    int name = ds_csv_column(csv, "Kernel Name"), time = ds_csv_column(csv, "Average Time (ms)");
    int rc, before = table->nentries;
    if (name < 0 || time < 0)
        return ds_fail(err, "line %llu names no columns 'Kernel Name' and 'Average Time (ms)'",
                       csv->line);
    while ((rc = ds_csv_next(csv, err)) > 0) {
        double ms;
        const char *text = csv->field[time] + strspn(csv->field[time], " ");
        if (!*csv->field[name])
            continue;
        if (ds_number(text, -INFINITY, INFINITY, &ms, err))
            return ds_fail(err, "line %llu: no number under 'Average Time (ms)'", csv->line);
        if (add_entry(table, csv->field[name], ms, err))
            return ds_fail_in(err, "line %llu", csv->line);
    }
    return rc == 0 && table->nentries == before ? ds_fail(err, "no rows") : rc;
}

static int read_csv(struct ds_latency_table *table, FILE *f, struct ds_error *err)
{
    struct ds_csv csv;
    int rc = ds_csv_begin(&csv, f, err) ? -1 : read_rows(table, &csv, err);
    ds_csv_end(&csv);
    return rc;
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

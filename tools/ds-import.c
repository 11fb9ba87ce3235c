/* Makes a stream, or a device profile, of what other programs write. */
#include "base/grow.h"
#include "base/metric.h"
#include "formats/network_table.h"
#include "formats/ofa.h"
#include "memory.h"
#include "output.h"
#include "profile/table_model.h"
#include "stream/json_read.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST_NAME 100 /* of a metric */

struct importer {
    struct ds_space *space;
    struct ds_writer *out;
    struct ds_record rec;
    struct cli_list rename;
    bool *renamed; /* which of `rename` named a key that was there */
    bool skip;
    uint64_t skipped;
    uint64_t (*read)(struct importer *im, FILE *f, const char *shown); /* a file; how many of it */
    int (*take)(struct importer *im, const json_t *object, struct ds_error *err); /* a line's */
    msgpack_sbuffer packed;                                                       /* json, csv */
};

/* The name a metric gets: as in --rename OLD=NEW, else its own. */
static const char *metric_name(struct importer *im, const char *key)
{
    size_t n = strlen(key);
    for (int i = 0; i < im->rename.n; i++)
        if (strncmp(im->rename.value[i], key, n) == 0 && im->rename.value[i][n] == '=') {
            im->renamed[i] = true;
            return im->rename.value[i] + n + 1;
        }
    return key;
}

/* Whether a name can be a metric's: not a column that tables have anyway, nor unprintable. */
static bool is_metric_name(const char *name)
{
    static const char *const taken[] = {"id", "resolution", "arch", "base", "affix"};
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        if (strcmp(taken[i], name) == 0)
            return false;
    return *name && strlen(name) <= LONGEST_NAME;
}

static int take_metric(struct importer *im, const char *key, const json_t *value,
                       struct ds_error *err)
{
    const char *name = metric_name(im, key);
    if (!json_is_number(value))
        return ds_fail(err, "\"%.*s\" is no number, so it cannot be a metric", LONGEST_NAME, key);
    if (!is_metric_name(name))
        return ds_fail(err, "a metric cannot be called \"%.*s\"; --rename it", LONGEST_NAME, name);
    if (ds_record_metric(&im->rec, name))
        return ds_fail(err, "two keys give the metric \"%s\"; --rename one otherwise", name);
    return ds_record_set(&im->rec, name, json_number_value(value)) ? 0
                                                                   : ds_fail(err, "out of memory");
}

/* OLD=NEW, neither of them empty. */
static bool is_renaming(const char *text)
{
    size_t n = strcspn(text, "=");
    return n > 0 && text[n] && text[n + 1];
}

/* One dictionary to one record. */
static int take_dict(struct importer *im, const json_t *dict, struct ds_error *err)
{
    uint8_t choice[DS_MAX_SITES];
    const char *key;
    json_t *value;
    int rc = ds_ofa_read(im->space, dict, choice, err);
    if (rc > 0 && im->skip) {
        im->skipped++;
        return 0;
    }
    if (rc)
        return -1;
    if (ds_record_arch(&im->rec, im->space, choice, err))
        return -1;
    json_object_foreach((json_t *)dict, key, value)
    {
        if (!ds_ofa_is_key(im->space, key, strlen(key)) && take_metric(im, key, value, err))
            return -1;
    }
    return ds_writer_put(im->out, &im->rec, err);
}

/* One object, as ds-show --json writes it, to one record. */
static int take_record(struct importer *im, const json_t *object, struct ds_error *err)
{
    size_t used;
    msgpack_sbuffer_clear(&im->packed);
    int rc = ds_record_pack_json(im->space, object, &im->packed, err);
    if (rc > 0 && im->skip) {
        im->skipped++;
        return 0;
    }
    if (rc)
        return -1;
    if (ds_record_parse(&im->rec, im->space, im->packed.data, im->packed.size, &used, err))
        return -1;
    return ds_writer_put(im->out, &im->rec, err);
}

static int take_line(struct importer *im, const char *line, size_t n, struct ds_error *err)
{
    json_error_t why;
    if (strspn(line, " \t\r\n") >= n)
        return 0;
    json_t *dict = json_loadb(line, n, JSON_REJECT_DUPLICATES, &why);
    int rc;
    if (!dict)
        return ds_fail(err, "not JSON: column %d: %s", why.column, why.text);
    if (!json_is_object(dict))
        rc = ds_fail(err, "not a JSON object");
    else
        rc = im->take(im, dict, err);
    json_decref(dict);
    return rc;
}

/* Reads lines that are JSON objects; returns how many. */
static uint64_t take_lines(struct importer *im, FILE *f, const char *shown)
{
    struct ds_error err;
    char *line = NULL;
    size_t room = 0;
    uint64_t number = 0;
    errno = 0;
    for (ssize_t n; (n = getline(&line, &room, f)) >= 0;) {
        number++;
        if (take_line(im, line, (size_t)n, &err)) {
            ds_fail_in(&err, "%s: line %llu", shown, (unsigned long long)number);
            cli_fail(im->out, &err);
        }
    }
    if (ferror(f)) {
        ds_fail(&err, "%s: %s", shown, strerror(errno));
        cli_fail(im->out, &err);
    }
    free(line);
    return number;
}

static const char *column_name(void *im, const char *column)
{
    return metric_name(im, column);
}

/* Reads a table of networks; returns how many. */
static uint64_t take_table(struct importer *im, FILE *f, const char *shown)
{
    struct ds_error err;
    struct ds_network_table table;
    json_t *record;
    uint64_t rows = 0;
    int rc = ds_network_table_begin(&table, f, &err) ? -1 : 1;
    while (rc > 0 && (rc = ds_network_table_next(&table, column_name, im, &record, &err)) > 0) {
        rows++;
        if (take_record(im, record, &err))
            rc = ds_fail_in(&err, "line %llu", table.csv.line);
        json_decref(record);
    }
    if (rc < 0) {
        ds_fail_in(&err, "%s", shown);
        cli_fail(im->out, &err);
    }
    ds_network_table_end(&table);
    return rows;
}

static uint64_t take_file(struct importer *im, const char *name)
{
    bool standard = strcmp(name, "-") == 0;
    FILE *f = standard ? stdin : fopen(name, "r");
    if (!f) {
        struct ds_error err;
        ds_fail(&err, "%s: %s", name, strerror(errno));
        cli_fail(im->out, &err);
    }
    uint64_t n = im->read(im, f, standard ? "standard input" : name);
    if (!standard)
        fclose(f);
    return n;
}

/* A stream of lines or rows. */
static void import_records(struct importer *im, struct cli *cli)
{
    struct ds_error err;
    struct ds_made made = cli_made(cli);
    uint64_t lines = 0;
    im->out = cli_writer(cli);
    im->renamed = ds_alloc((size_t)im->rename.n + 1, sizeof *im->renamed, NULL);
    if (!im->renamed)
        cli_no_memory();
    if (ds_record_init(&im->rec, &err) || ds_writer_begin(im->out, im->space, NULL, 0, &made, &err))
        cli_fail(im->out, &err);
    for (int i = 1; i < cli->noperands; i++)
        lines += take_file(im, cli->operand[i]);
    if (cli->noperands == 1)
        lines += take_file(im, "-");
    if (lines == 0) {
        ds_fail(&err, "nothing to read: not one line%s", im->take ? "" : " below the column names");
        cli_fail(im->out, &err);
    }
    if (im->skipped)
        cli_warn("left out %llu of %llu lines, which space %s cannot express",
                 (unsigned long long)im->skipped, (unsigned long long)lines, im->space->name);
    for (int i = 0; i < im->rename.n; i++)
        if (!im->renamed[i])
            cli_warn("--rename %s: no such key was there", im->rename.value[i]);
    cli_close(im->out);
    ds_record_free(&im->rec);
    msgpack_sbuffer_destroy(&im->packed);
    free(im->renamed);
}

/* What options say about a table of latencies, which does not say it itself. */
struct labels {
    const char *name, *device, *class, *description;
};

/* Tables of block latencies to a device profile. */
static void import_lut(const struct importer *im, struct cli *cli, const struct labels *l)
{
    struct ds_error err;
    struct ds_latency_table lut = {0};
    bool rest;
    if (!l->name || !l->device || !l->class || cli->noperands < 2)
        cli_die(CLI_USAGE, "lut wants --name, --device, --class " DS_LATENCY_CLASSES ", and files");
    const char *metric = ds_class_metric(l->class);
    if (!metric || !ds_metric_is_latency(metric))
        cli_die(CLI_USAGE, "--class: must be " DS_LATENCY_CLASSES);
    json_t *files = json_array();
    for (int i = 1; i < cli->noperands; i++) {
        const char *slash = strrchr(cli->operand[i], '/');
        if (ds_latency_table_read(&lut, cli->operand[i], &err))
            cli_die(CLI_FAILED, "%s", err.text);
        json_array_append_new(files, json_string(slash ? slash + 1 : cli->operand[i]));
    }
    json_t *model = ds_table_model(&lut, im->space, &rest, &err);
    if (!model)
        cli_die(CLI_FAILED, "%s", err.text);
    json_t *out = json_pack(
        "{si ss ss ss ss ss ss ss s{ss so si sb} so}", "dstools_profile", 1, "name", l->name,
        "description", l->description ? l->description : "a table of block latencies", "metric",
        metric, "unit", ds_metric_unit(metric), "class", l->class, "device", l->device, "space",
        im->space->name, "provenance", "made_by", "ds-import lut", "files", files, "entries",
        lut.nentries, "stem_and_head", rest, "model", model);
    if (!out)
        cli_die(CLI_FAILED, "a name or description is not UTF-8");
    FILE *f = cli_open_text(cli);
    json_dumpf(out, f, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
    fputc('\n', f);
    cli_close_text(cli, f);
    json_decref(out);
    ds_latency_table_free(&lut);
}

int main(int argc, char **argv)
{
    struct importer im = {0};
    struct labels labels = {0};
    const char *space = NULL;
    const struct cli_option options[] = {
        {"space", 's', CLI_TEXT, &space, "SPACE", "the design space: a shipped name or a file", 0},
        {"rename", 0, CLI_LIST, &im.rename, "OLD=NEW", "call the metric OLD NEW", 0},
        {"name", 0, CLI_TEXT, &labels.name, "NAME", "lut: the profile's name", 0},
        {"device", 0, CLI_TEXT, &labels.device, "TEXT", "lut: what was measured", 0},
        {"class", 0, CLI_TEXT, &labels.class, "C", "lut: cpu, gpu or npu", 0},
        {"description", 0, CLI_TEXT, &labels.description, "TEXT", "lut: for people", 0},
        {"skip", 0, CLI_FLAG, &im.skip, NULL, "leave out what the space cannot express", 0},
        {0},
    };
    struct cli cli = {
        .name = "ds-import",
        .usage = "{ofa | json | csv | lut} --space SPACE [OPTION ...] [FILE ...]",
        .about = "ofa: a stream of Once-for-All's dictionaries, one JSON object a line.\n"
                 "json: a stream of what ds-show --json writes, and a short form of it.\n"
                 "csv: a stream of a table of measured networks, as BlockProfile's.\n"
                 "lut: a device profile of tables of block latencies (YAML, CSV).",
        .options = options,
    };
    struct ds_error err;
    cli_parse(&cli, argc, argv);
    const char *format = cli.noperands ? cli.operand[0] : "";
    bool lut = strcmp(format, "lut") == 0, json = strcmp(format, "json") == 0,
         csv = strcmp(format, "csv") == 0;
    if (!lut && !json && !csv && strcmp(format, "ofa") != 0)
        cli_die(CLI_USAGE, "wants a format first: ofa, json, csv or lut");
    if (json && im.rename.n)
        cli_die(CLI_USAGE, "--rename is for ofa and csv");
    im.read = csv ? take_table : take_lines;
    im.take = csv ? NULL : json ? take_record : take_dict;
    if (!space)
        cli_die(CLI_USAGE, "wants --space SPACE: a shipped name, as ofa-mbv3, or a file");
    for (int i = 0; i < im.rename.n; i++)
        if (!is_renaming(im.rename.value[i]))
            cli_die(CLI_USAGE, "--rename: '%s' is not OLD=NEW", im.rename.value[i]);
    im.space = ds_space_load(space, &err);
    if (!im.space)
        cli_die(CLI_FAILED, "%s", err.text);
    if (lut)
        import_lut(&im, &cli, &labels);
    else
        import_records(&im, &cli);
    ds_space_free(im.space);
    return 0;
}

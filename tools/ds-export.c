/* Writes for other programs: Once-for-All's dictionaries and tables, JSON, TSV, models. */
#include "base/text.h"
#include "export_model.h"
#include "export_table.h"
#include "formats/ofa.h"
#include "formats/onnx.h"
#include "output.h"
#include "record_table.h"
#include "stream/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct exporter {
    FILE *out;
    const struct ds_space *space; /* --space; NULL: that of the record */
    struct model_files *models;
    struct ds_json_text line; /* of JSON */
};

/* A format to write in. */
struct format {
    const char *name;
    void (*put)(struct exporter *ex, const struct ds_record *rec, const struct ds_reader *in);
};

static void put_record(struct exporter *ex, const struct ds_record *rec, const struct ds_reader *in)
{
    struct ds_error err;
    if (ds_record_json(&ex->line, rec, &err))
        cli_die(CLI_FAILED, "%s: %s", ds_reader_where(in), err.text);
    cli_print_json(ex->out, &ex->line);
}

/* The dictionary of an architecture, laid out as the space that was asked for. */
static int put_dict(struct exporter *ex, const struct ds_record *rec, struct ds_error *err)
{
    uint8_t choice[DS_MAX_SITES];
    if (!ex->space)
        return ds_ofa_write(rec->space, rec->choice, &ex->line, err);
    if (ds_arch_translate(rec->space, rec->choice, ex->space, choice, err))
        return -1;
    return ds_ofa_write(ex->space, choice, &ex->line, err);
}

/* Whether metric i would stand in the place of another key of the dictionary. */
static bool is_taken(const struct exporter *ex, const struct ds_record *rec, int i)
{
    const msgpack_object_str *name = &rec->metric[i].name;
    if (ds_ofa_is_key(ex->space ? ex->space : rec->space, name->ptr, name->size))
        return true;
    for (int k = 0; k < i; k++)
        if (rec->metric[k].name.size == name->size &&
            (!name->size || memcmp(rec->metric[k].name.ptr, name->ptr, name->size) == 0))
            return true;
    return false;
}

static void put_ofa(struct exporter *ex, const struct ds_record *rec, const struct ds_reader *in)
{
    struct ds_error err;
    struct ds_json_text *line = &ex->line;
    if (!rec->has_arch)
        cli_need_arch(rec, ds_reader_where(in));
    DS_JSON_PUT(line, "{");
    if (put_dict(ex, rec, &err))
        cli_die(CLI_FAILED, "%s: %s", ds_reader_where(in), err.text);
    for (int i = 0; i < rec->nmetrics; i++) {
        const struct ds_metric *m = &rec->metric[i];
        if (is_taken(ex, rec, i))
            cli_die(CLI_FAILED, "%s: metric \"%.*s\" would stand in the place of another key",
                    ds_reader_where(in), (int)m->name.size, m->name.ptr);
        DS_JSON_PUT(line, ",");
        int bad = ds_json_string(line, m->name.ptr, m->name.size);
        DS_JSON_PUT(line, ":");
        if (bad || ds_json_real(line, m->value))
            cli_die(CLI_FAILED, "%s: metric \"%.*s\" is not a finite number, or no UTF-8",
                    ds_reader_where(in), (int)m->name.size, m->name.ptr);
    }
    DS_JSON_PUT(line, "}");
    cli_print_json(ex->out, line);
}

static void put_model(struct exporter *ex, const struct ds_record *rec, const struct ds_reader *in)
{
    model_files_put(ex->models, rec, ds_reader_where(in));
}

static const struct format formats[] = {
    {"ofa", put_ofa},    {"json", put_record},  {"tsv", NULL}, /* rows */
    {"onnx", put_model}, {"tflite", put_model}, {"lut", NULL}, /* export_table.c */
};

static const struct format *find_format(const struct cli *cli)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (cli->noperands && strcmp(cli->operand[0], formats[i].name) == 0)
            return &formats[i];
    cli_die(CLI_USAGE, "wants a format first: ofa, json, tsv, onnx, tflite or lut");
}

/* The options for models, which are 0 or NULL where not given. */
struct model_given {
    const char *dir, *input;
    uint64_t batch, opset;
    bool int8, round_each;
    struct subnet_options subnets;
};

static struct ds_model_options model_options(const struct model_given *given, uint64_t seed)
{
    struct ds_model_options o = {
        .batch = given->batch ? (int)given->batch : 1,
        .opset = given->opset  ? (int)given->opset
                 : given->int8 ? DS_ONNX_OPSET_INT8
                               : DS_ONNX_OPSET,
        .seed = seed,
        .input = given->input ? given->input : "input",
        .output = "output",
        .round_each = given->round_each,
    };
    if (!o.input[0] || strcmp(o.input, o.output) == 0 || !ds_text_is_utf8(o.input))
        cli_die(CLI_USAGE, "--input: '%s' cannot be the name of the input", o.input);
    return o;
}

static void check_options(const struct format *format, const struct table_given *table,
                          const struct model_given *model)
{
    bool is_table = strcmp(format->name, "lut") == 0, is_model = format->put == put_model;
    if (table->space && format->put != put_ofa && !is_table)
        cli_die(CLI_USAGE, "--space is for ofa and lut");
    if ((table->profile || table->metric) && !is_table)
        cli_die(CLI_USAGE, "--profile and --metric are for lut");
    if (model->dir && !is_model && !is_table)
        cli_die(CLI_USAGE, "--dir is for onnx, tflite and lut");
    if (!is_model && (model->input || model->batch || model->int8))
        cli_die(CLI_USAGE, "--batch, --input and --int8 are for onnx and tflite");
    if (strcmp(format->name, "onnx") != 0 && (model->opset || model->round_each))
        cli_die(CLI_USAGE, "%s is for onnx", model->opset ? "--opset" : "--round-each");
    if (model->round_each && !model->int8)
        cli_die(CLI_USAGE, "--round-each is for --int8");
    if (model->int8 && model->opset && model->opset < DS_ONNX_OPSET_INT8)
        cli_die(CLI_USAGE, "--opset: before %d there are no scales of channels, as --int8 has them",
                DS_ONNX_OPSET_INT8);
    const char *stray = subnet_stray(&model->subnets), *calibrate = model->subnets.calibrate;
    if (model->int8 && model->subnets.supernet && calibrate && strcmp(calibrate, "none") == 0)
        cli_die(CLI_USAGE, "--int8: wants --calibrate DIR, images that tell the ranges of tensors");
    if (!is_model && (stray || model->subnets.supernet))
        cli_die(CLI_USAGE, "%s is for onnx and tflite", stray ? stray : "--supernet");
    if (stray && !model->subnets.supernet)
        cli_die(CLI_USAGE, "%s is for --supernet", stray);
}

int main(int argc, char **argv)
{
    struct table_given table_given = {0};
    struct model_given given = {.subnets = SUBNET_DEFAULTS};
    struct subnets subnets;
    const struct cli_option options[] = {
        {"space", 's', CLI_TEXT, &table_given.space, "SPACE",
         "ofa, lut: the space whose layers the lists have, or whose blocks the table has", 0},
        {"dir", 'd', CLI_TEXT, &given.dir, "DIR",
         "onnx, tflite: a file in DIR for each; lut: for each resolution", 0},
        {"profile", 0, CLI_TEXT, &table_given.profile, "NAME",
         "lut: of this device profile, a shipped name or a file", 0},
        {"metric", 'm', CLI_TEXT, &table_given.metric, "METRIC",
         "lut: the metric whose blocks were measured", 0},
        {"batch", 'b', CLI_COUNT, &given.batch, "N", "onnx, tflite: images at once (1)", 1,
         CLI_MOST_BATCH},
        {"opset", 0, CLI_COUNT, &given.opset, "N", "onnx: 11 (default; --int8: 13), 12 or 13",
         DS_ONNX_OPSET, DS_ONNX_OPSET_MOST},
        {"int8", 0, CLI_FLAG, &given.int8, NULL, "onnx, tflite: the network in int8", 0},
        {"round-each", 0, CLI_FLAG, &given.round_each, NULL,
         "onnx --int8: round between any two operators", 0},
        {"input", 0, CLI_TEXT, &given.input, "NAME", "onnx, tflite: the input's name (input)", 0},
        SUBNET_OPTIONS(given.subnets),
        {0},
    };
    struct cli cli = {
        .name = "ds-export",
        .usage = "{ofa | json | tsv | onnx | tflite | lut} [OPTION ...] [FILE ...]",
        .about =
            "Writes a stream as Once-for-All's dictionaries, JSON, TSV, ONNX or TensorFlow Lite;\n"
            "lut: Once-for-All's tables of block latencies.",
        .options = options,
    };
    struct ds_error err;
    struct ds_record *rec;
    cli_parse(&cli, argc, argv);
    const struct format *format = find_format(&cli);
    check_options(format, &table_given, &given);
    if (strcmp(format->name, "lut") == 0) {
        table_given.dir = given.dir;
        export_tables(&cli, &table_given);
        return 0;
    }
    const struct ds_model_options how = model_options(&given, cli.seed);
    struct ds_space *space = table_given.space ? ds_space_load(table_given.space, &err) : NULL;
    if (table_given.space && !space)
        cli_die(CLI_FAILED, "%s", err.text);
    struct ds_reader *in = cli_reader(cli.operand + 1, cli.noperands - 1);
    FILE *out = cli_open_text(&cli);
    const struct ds_model_format *model = ds_model_format_find(format->name);
    bool trained = given.subnets.supernet;
    if (trained)
        subnets_open(&subnets, &given.subnets, NULL, 1, cli.seed);
    struct exporter ex = {out,
                          space,
                          model ? model_files_begin(out, given.dir, model, &how, given.int8,
                                                    trained ? &subnets : NULL)
                                : NULL,
                          {0}};
    struct record_table *table = format->put ? NULL : record_table_begin(out, false, true, NULL);
    int rc;
    while ((rc = ds_reader_next(in, &rec, &err)) > 0 && !ferror(out)) {
        if (table)
            record_table_add(table, rec, ds_reader_where(in));
        else
            format->put(&ex, rec, in);
    }
    if (table)
        record_table_end(table);
    if (rc < 0) {
        fflush(out);
        cli_die(CLI_FAILED, "%s", err.text);
    }
    free(ex.line.text);
    if (ex.models)
        model_files_end(ex.models);
    if (trained)
        subnets_close(&subnets);
    ds_reader_close(in);
    ds_space_free(space);
    cli_close_text(&cli, out);
    return 0;
}

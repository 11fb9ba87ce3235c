/* Writes a stream for other programs: Once-for-All's dictionaries, JSON, TSV, ONNX models. */
#include "export_onnx.h"
#include "formats/ofa.h"
#include "output.h"
#include "rows.h"
#include "stream/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct exporter {
    FILE *out;
    const struct ds_space *space; /* --space; NULL: that of the record */
    struct onnx_files *onnx;
};

/* A format to write in. */
struct format {
    const char *name;
    void (*put)(const struct exporter *ex, const struct ds_record *rec, const char *where);
};

static void put_record(const struct exporter *ex, const struct ds_record *rec, const char *where)
{
    struct ds_error err;
    cli_print_json(ex->out, ds_record_to_json(rec, &err), where, &err);
}

/* The dictionary of an architecture, laid out as the space that was asked for. */
static json_t *ofa_dict(const struct exporter *ex, const struct ds_record *rec,
                        struct ds_error *err)
{
    uint8_t choice[DS_MAX_SITES];
    if (!ex->space)
        return ds_ofa_write(rec->space, rec->choice, err);
    if (ds_arch_translate(rec->space, rec->choice, ex->space, choice, err))
        return NULL;
    return ds_ofa_write(ex->space, choice, err);
}

static void put_ofa(const struct exporter *ex, const struct ds_record *rec, const char *where)
{
    struct ds_error err;
    cli_need_arch(rec, where);
    json_t *dict = ofa_dict(ex, rec, &err);
    for (int i = 0; dict && i < rec->nmetrics; i++) {
        const struct ds_metric *m = &rec->metric[i];
        if (json_object_getn(dict, m->name.ptr, m->name.size))
            cli_die(CLI_FAILED, "%s: metric \"%.*s\" would stand in the place of another key",
                    where, (int)m->name.size, m->name.ptr);
        if (json_object_setn_new(dict, m->name.ptr, m->name.size, json_real(m->value)))
            cli_die(CLI_FAILED, "%s: metric \"%.*s\" is not a finite number, or no UTF-8", where,
                    (int)m->name.size, m->name.ptr);
    }
    cli_print_json(ex->out, dict, where, &err);
}

static void put_onnx(const struct exporter *ex, const struct ds_record *rec, const char *where)
{
    onnx_files_put(ex->onnx, rec, where);
}

static const struct format formats[] = {
    {"ofa", put_ofa}, {"json", put_record}, {"onnx", put_onnx}, {"tsv", NULL}, /* rows */
};

static const struct format *find_format(const struct cli *cli)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (cli->noperands && strcmp(cli->operand[0], formats[i].name) == 0)
            return &formats[i];
    cli_die(CLI_USAGE, "wants a format first: ofa, json, tsv or onnx");
}

/* The options for models, which are 0 or NULL where not given. */
struct onnx_given {
    const char *dir, *input;
    uint64_t batch, opset;
};

static struct ds_onnx_options onnx_options(const struct onnx_given *given, uint64_t seed)
{
    struct ds_onnx_options o = {
        .batch = given->batch ? cli_small("--batch", given->batch, CLI_MOST_BATCH) : 1,
        .opset = given->opset ? (int)given->opset : DS_ONNX_OPSET,
        .seed = seed,
        .input = given->input ? given->input : "input",
        .output = "output",
    };
    if (given->opset > DS_ONNX_OPSET_MOST)
        cli_die(CLI_USAGE, "--opset: must be %d to %d", DS_ONNX_OPSET, DS_ONNX_OPSET_MOST);
    if (!o.input[0] || strcmp(o.input, o.output) == 0)
        cli_die(CLI_USAGE, "--input: '%s' cannot be the name of the input", o.input);
    return o;
}

static void check_options(const struct format *format, const char *space,
                          const struct onnx_given *onnx)
{
    if (space && format->put != put_ofa)
        cli_die(CLI_USAGE, "--space is for ofa");
    if (format->put != put_onnx && (onnx->dir || onnx->input || onnx->batch || onnx->opset))
        cli_die(CLI_USAGE, "--dir, --batch, --opset and --input are for onnx");
}

int main(int argc, char **argv)
{
    const char *name = NULL;
    struct onnx_given given = {0};
    const struct cli_option options[] = {
        {"space", 's', CLI_TEXT, &name, "SPACE", "ofa: the space whose layers the lists have", 0},
        {"dir", 'd', CLI_TEXT, &given.dir, "DIR", "onnx: a file ID.onnx in DIR for each", 0},
        {"batch", 'b', CLI_COUNT, &given.batch, "N", "onnx: images at once (1)", 1},
        {"opset", 0, CLI_COUNT, &given.opset, "N", "onnx: 11 (default), 12 or 13", DS_ONNX_OPSET},
        {"input", 0, CLI_TEXT, &given.input, "NAME", "onnx: what the input is called (input)", 0},
        {0},
    };
    struct cli cli = {
        .name = "ds-export",
        .usage = "{ofa | json | tsv | onnx} [OPTION ...] [FILE ...]",
        .about = "Writes a stream as Once-for-All's dictionaries, JSON, TSV or ONNX models.",
        .options = options,
    };
    struct ds_error err;
    struct ds_record *rec;
    cli_parse(&cli, argc, argv);
    const struct format *format = find_format(&cli);
    check_options(format, name, &given);
    const struct ds_onnx_options onnx = onnx_options(&given, cli.seed);
    struct ds_space *space = name ? ds_space_load(name, &err) : NULL;
    if (name && !space)
        cli_die(CLI_FAILED, "%s", err.text);
    struct ds_reader *in = cli_reader(cli.operand + 1, cli.noperands - 1);
    FILE *out = cli_open_text(&cli);
    const struct exporter ex = {
        out, space, format->put == put_onnx ? onnx_files_begin(out, given.dir, &onnx) : NULL};
    struct rows *rows = format->put ? NULL : rows_begin(out, false, true, NULL);
    int rc;
    while ((rc = ds_reader_next(in, &rec, &err)) > 0 && !ferror(out)) {
        if (rows)
            rows_add(rows, rec, ds_reader_where(in));
        else
            format->put(&ex, rec, ds_reader_where(in));
    }
    if (rows)
        rows_end(rows);
    if (rc < 0) {
        fflush(out);
        cli_die(CLI_FAILED, "%s", err.text);
    }
    if (ex.onnx)
        onnx_files_end(ex.onnx);
    ds_reader_close(in);
    ds_space_free(space);
    cli_close_text(&cli, out);
    return 0;
}

/* Writes a stream for other programs: Once-for-All's dictionaries, JSON, tab-separated values. */
#include "cli.h"
#include "json_record.h"
#include "ofa.h"
#include "rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A format to write in. */
struct format {
    const char *name;
    void (*put)(FILE *out, const struct ds_record *rec, const char *where);
};

static void put_record(FILE *out, const struct ds_record *rec, const char *where)
{
    struct ds_error err;
    json_print(out, json_record(rec, &err), where, &err);
}

static void put_ofa(FILE *out, const struct ds_record *rec, const char *where)
{
    struct ds_error err;
    if (!rec->has_arch)
        cli_die(CLI_FAILED, "%s: no architecture; is this an aggregated stream?", where);
    json_t *dict = ds_ofa_write(rec->space, rec->choice, &err);
    for (int i = 0; dict && i < rec->nmetrics; i++) {
        char name[256];
        const struct ds_metric *m = &rec->metric[i];
        snprintf(name, sizeof name, "%.*s", (int)m->name.size, m->name.ptr);
        if (json_object_set_new(dict, name, json_real(m->value)))
            cli_die(CLI_FAILED, "%s: metric \"%s\" is not a finite number", where, name);
    }
    json_print(out, dict, where, &err);
}

static const struct format formats[] = {
    {"ofa", put_ofa}, {"json", put_record}, {"tsv", NULL}, /* rows */
};

static const struct format *find_format(const struct cli *cli)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (cli->noperands && strcmp(cli->operand[0], formats[i].name) == 0)
            return &formats[i];
    cli_die(CLI_USAGE, "wants a format first: ofa, json or tsv");
}

int main(int argc, char **argv)
{
    struct cli cli = {
        .name = "ds-export",
        .usage = "{ofa | json | tsv} [OPTION ...] [FILE ...]",
        .about = "Writes a stream as Once-for-All's dictionaries, JSON or tab-separated values.",
    };
    struct ds_error err;
    struct ds_record *rec;
    cli_parse(&cli, argc, argv);
    const struct format *format = find_format(&cli);
    struct ds_reader *in = ds_reader_open(cli.operand + 1, cli.noperands - 1, &err);
    if (!in)
        cli_die(CLI_FAILED, "%s", err.text);
    FILE *out = cli_open_text(&cli);
    struct rows *rows = format->put ? NULL : rows_begin(out, false, true, NULL);
    int rc;
    while ((rc = ds_reader_next(in, &rec, &err)) > 0 && !ferror(out)) {
        if (rows)
            rows_add(rows, rec, ds_reader_where(in));
        else
            format->put(out, rec, ds_reader_where(in));
    }
    if (rows)
        rows_end(rows);
    if (rc < 0) {
        fflush(out);
        cli_die(CLI_FAILED, "%s", err.text);
    }
    ds_reader_close(in);
    cli_close_text(&cli, out);
    return 0;
}

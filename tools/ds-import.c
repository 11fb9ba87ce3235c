/* Makes a stream of what other programs write. */
#include "cli.h"
#include "ofa.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct importer {
    struct ds_space *space;
    struct ds_writer *out;
    struct ds_record rec;
    struct cli_list rename;
    bool skip;
    uint64_t skipped;
};

/* The name a metric gets: as in --rename OLD=NEW, else its own. */
static const char *metric_name(const struct importer *im, const char *key)
{
    size_t n = strlen(key);
    for (int i = 0; i < im->rename.n; i++)
        if (strncmp(im->rename.value[i], key, n) == 0 && im->rename.value[i][n] == '=')
            return im->rename.value[i] + n + 1;
    return key;
}

/* One dictionary to one record. */
static int take_dict(struct importer *im, const json_t *dict, struct ds_error *err)
{
    uint8_t choice[DS_MAX_SITES];
    const char *key;
    json_t *value;
    if (ds_ofa_read(im->space, dict, choice, err)) {
        if (!im->skip)
            return -1;
        im->skipped++;
        return 0;
    }
    if (ds_record_arch(&im->rec, im->space, choice, err))
        return -1;
    json_object_foreach((json_t *)dict, key, value)
    {
        if (ds_ofa_is_key(key))
            continue;
        if (!json_is_number(value))
            return ds_fail(err, "\"%s\" is no number, so it cannot be a metric", key);
        if (!ds_record_set(&im->rec, metric_name(im, key), json_number_value(value)))
            return ds_fail(err, "out of memory");
    }
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
        rc = take_dict(im, dict, err);
    json_decref(dict);
    return rc;
}

static uint64_t take_file(struct importer *im, const char *name)
{
    bool standard = strcmp(name, "-") == 0;
    FILE *f = standard ? stdin : fopen(name, "r");
    const char *shown = standard ? "standard input" : name;
    struct ds_error err;
    char *line = NULL;
    size_t room = 0;
    uint64_t number = 0;
    if (!f) {
        ds_fail(&err, "%s: %s", name, strerror(errno));
        cli_fail(im->out, &err);
    }
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
    if (!standard)
        fclose(f);
    return number;
}

static void import_ofa(struct importer *im, struct cli *cli)
{
    struct ds_error err;
    struct ds_made made = cli_made(cli);
    uint64_t lines = 0;
    im->out = cli_writer(cli);
    if (ds_record_init(&im->rec, &err) || ds_writer_begin(im->out, im->space, NULL, 0, &made, &err))
        cli_fail(im->out, &err);
    for (int i = 1; i < cli->noperands; i++)
        lines += take_file(im, cli->operand[i]);
    if (cli->noperands == 1)
        lines += take_file(im, "-");
    if (lines == 0) {
        ds_fail(&err, "nothing to read: not one line");
        cli_fail(im->out, &err);
    }
    if (im->skipped)
        cli_warn("left out %llu of %llu lines, which space %s cannot express",
                 (unsigned long long)im->skipped, (unsigned long long)lines, im->space->name);
    if (ds_writer_close(im->out, &err))
        cli_die(CLI_FAILED, "%s", err.text);
    ds_record_free(&im->rec);
    free((void *)made.args);
}

int main(int argc, char **argv)
{
    struct importer im = {0};
    const char *space = NULL;
    const struct cli_option options[] = {
        {"space", 's', CLI_TEXT, &space, "SPACE", "the design space: a shipped name or a file", 0},
        {"rename", 0, CLI_LIST, &im.rename, "OLD=NEW", "call the metric OLD NEW", 0},
        {"skip", 0, CLI_FLAG, &im.skip, NULL, "leave out what the space cannot express", 0},
        {0},
    };
    struct cli cli = {
        .name = "ds-import",
        .usage = "ofa --space SPACE [OPTION ...] [FILE ...]",
        .about = "Makes a stream of Once-for-All's dictionaries, one JSON object a line.",
        .options = options,
    };
    struct ds_error err;
    cli_parse(&cli, argc, argv);
    if (!cli.noperands || strcmp(cli.operand[0], "ofa"))
        cli_die(CLI_USAGE, "wants a format first: ofa");
    if (!space)
        cli_die(CLI_USAGE, "wants --space SPACE: a shipped name, as ofa-mbv3, or a file");
    for (int i = 0; i < im.rename.n; i++)
        if (!strchr(im.rename.value[i], '='))
            cli_die(CLI_USAGE, "--rename: '%s' is not OLD=NEW", im.rename.value[i]);
    im.space = ds_space_load(space, &err);
    if (!im.space)
        cli_die(CLI_FAILED, "%s", err.text);
    import_ofa(&im, &cli);
    ds_space_free(im.space);
    free(im.rename.value);
    return 0;
}

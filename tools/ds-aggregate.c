/* Averages measured records over what was affixed in them. */
#include "conditions.h"
#include "output.h"
#include "progress.h"
#include "study/aggregate.h"

#include <stdlib.h>

static void write_groups(struct cli *cli, struct ds_aggregate *a, int ngroups, struct ds_reader *in)
{
    struct ds_error err;
    struct ds_record rec;
    size_t size;
    const void *before = ds_reader_provenance(in, &size);
    struct ds_writer *out = cli_writer(cli);
    struct ds_made made = cli_made(cli);
    made.total = (uint64_t)ngroups;
    if (ds_record_init(&rec, &err) ||
        ds_writer_begin(out, ds_reader_space(in), before, size, &made, &err))
        cli_fail(out, &err);
    for (int g = 0; g < ngroups; g++)
        if (ds_aggregate_group(a, g, &rec, &err) || ds_writer_put(out, &rec, &err))
            cli_fail(out, &err);
    ds_record_free(&rec);
    cli_close(out);
}

int main(int argc, char **argv)
{
    const char *by = NULL;
    bool effect = false, occurring = false;
    const struct cli_option options[] = {
        {"by", 'b', CLI_TEXT, &by, "KEYS",
         "of unit,layer,block,kernel,expand,depth,width,resolution,site,choice", 0},
        {"effect", 'e', CLI_FLAG, &effect, NULL, "changes against each record's base, not means",
         0},
        {"occurring", 0, CLI_FLAG, &occurring, NULL,
         "group by what occurs in each architecture, not what was affixed", 0},
        {0},
    };
    struct cli cli = {
        .name = "ds-aggregate",
        .usage = "--by KEY[,KEY ...] [OPTION ...] [FILE ...]",
        .about = "Averages every metric over groups of records.",
        .options = options,
    };
    struct ds_error err;
    struct ds_record *rec;
    struct progress progress;
    uint64_t grouped = 0, lacking = 0, failed = 0;

    cli_parse(&cli, argc, argv);
    if (!by)
        cli_die(CLI_USAGE, "wants --by KEYS, as --by unit,block");
    if (effect && occurring)
        cli_die(CLI_USAGE, "--effect needs what was affixed; it excludes --occurring");
    struct ds_aggregate *a =
        ds_aggregate_new(by, occurring ? DS_BY_OCCURRING : DS_BY_AFFIX, effect, &err);
    if (!a)
        cli_die(CLI_USAGE, "--by: %s", err.text);
    struct ds_reader *in = cli_reader(cli.operand, cli.noperands);

    progress_begin(&progress, cli.progress, 0);
    int rc;
    while ((rc = ds_reader_next(in, &rec, &err)) > 0) {
        int in_group = ds_aggregate_add(a, rec, &err);
        if (in_group < 0)
            cli_die(CLI_FAILED, "%s: %s", ds_reader_where(in), err.text);
        grouped += in_group > 0;
        lacking += in_group == 0 && (occurring || rec->affix_site >= 0);
        failed += ds_record_has_errors(rec);
        progress.total = ds_reader_total(in);
        progress_add(&progress, 1);
    }
    progress_end(&progress);
    if (rc < 0)
        cli_die(CLI_FAILED, "%s", err.text);
    if (grouped == 0)
        cli_die(CLI_FAILED, "no record has %s%s; %s", by, occurring ? "" : " affixed",
                occurring ? "see --by in the manual" : "run ds-affix first, or give --occurring");
    if (lacking)
        cli_warn("left out %llu records that lack a key of %s", (unsigned long long)lacking, by);
    if (failed)
        cli_warn("%llu records have metrics that could not be measured (ds-show --json: errors); "
                 "these%s are left out",
                 (unsigned long long)failed, effect ? ", and effects on them," : "");
    bool devices;
    const char *mixed = ds_aggregate_mixed(a, &devices);
    conditions_mixed(mixed, devices, "aggregate");
    int ngroups = ds_aggregate_finish(a, &err);
    if (ngroups < 0)
        cli_die(CLI_FAILED, "%s", err.text);
    write_groups(&cli, a, ngroups, in);
    ds_reader_close(in);
    ds_aggregate_free(a);
    return 0;
}

/* Averages measured records over what was affixed in them. */
#include "conditions.h"
#include "output.h"
#include "progress.h"
#include "relative.h"
#include "study/aggregate.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void write_groups(struct cli *cli, struct ds_aggregate *a, int ngroups, bool partial,
                         struct ds_reader *in)
{
    struct ds_error err;
    struct ds_record rec;
    msgpack_sbuffer before;
    msgpack_sbuffer_init(&before);
    struct ds_writer *out = cli_writer(cli);
    struct ds_made made = cli_made(cli);
    made.total = (uint64_t)ngroups;
    if (ds_record_init(&rec, &err) || ds_reader_inputs(in, &before, &err) ||
        ds_writer_begin(out, ds_reader_space(in), before.data, before.size, &made, &err))
        cli_fail(out, &err);
    msgpack_sbuffer_destroy(&before);
    for (int g = 0; g < ngroups; g++)
        if (ds_aggregate_group(a, g, &rec, &err) ||
            (partial && ds_aggregate_partial(a, g, &rec, &err)) || ds_writer_put(out, &rec, &err))
            cli_fail(out, &err);
    ds_record_free(&rec);
    cli_close(out);
}

static enum ds_against find_against(const char *text)
{
    for (int i = 0; ds_against_name[i]; i++)
        if (strcmp(text, ds_against_name[i]) == 0)
            return (enum ds_against)i;
    cli_die(CLI_USAGE, "--against: '%s' is none of base, siblings, mean", text);
}

/* Whether choices at one site may be in different groups, so that there is an effect to tell. */
static bool tells_siblings_apart(const char *by)
{
    static const char *const places[] = {"unit", "layer", "site"};
    for (const char *at = by; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        size_t n = strcspn(at, ",");
        bool is_place = false;
        for (int i = 0; i < 3; i++)
            is_place = is_place || (strlen(places[i]) == n && strncmp(places[i], at, n) == 0);
        if (!is_place)
            return true;
    }
    return false;
}

/* Says what of the effects was left out for want of siblings; dies where nothing is left. */
static void tell_alone(const struct ds_aggregate *a, uint64_t grouped)
{
    uint64_t alone = ds_aggregate_alone(a);
    if (!alone)
        return;
    const char *why =
        "values have no siblings: not all that is affixed at their site to other bases "
        "is there, and measured";
    if (alone >= grouped)
        cli_die(CLI_FAILED, "all %s; run ds-affix with --all, or give --against base", why);
    cli_warn("left out: %" PRIu64 " %s", alone, why);
}

/* What came of the records that were read. */
struct counts {
    uint64_t grouped, lacking, failed;
    uint64_t values; /* of those in groups */
};

static struct counts read_records(struct ds_aggregate *a, struct ds_reader *in, bool merge,
                                  bool occurring, bool show)
{
    struct ds_error err;
    struct ds_record *rec;
    struct progress progress;
    struct counts n = {0};
    int rc;
    progress_begin(&progress, show, 0);
    while ((rc = ds_reader_next(in, &rec, &err)) > 0) {
        relative_apply(rec, in);
        int in_group =
            merge ? ds_aggregate_merge(a, rec, &err) + 1 : ds_aggregate_add(a, rec, &err);
        if (merge ? in_group != 1 : in_group < 0)
            cli_die(CLI_FAILED, "%s: %s", ds_reader_where(in), err.text);
        n.grouped += in_group > 0;
        n.values += in_group > 0 ? (uint64_t)rec->nmetrics : 0;
        n.lacking += in_group == 0 && (occurring || rec->affix_site >= 0);
        n.failed += ds_record_has_errors(rec);
        progress.total = ds_reader_total(in);
        progress_add(&progress, 1);
    }
    progress_end(&progress);
    if (rc < 0)
        cli_die(CLI_FAILED, "%s", err.text);
    return n;
}

int main(int argc, char **argv)
{
    const char *by = NULL, *against = NULL;
    bool effect = false, occurring = false, partial = false, merge = false;
    uint64_t keep = 0;
    const struct cli_option options[] = {
        {"by", 'b', CLI_TEXT, &by, "KEYS",
         "of unit,layer,block,kernel,expand,depth,width,resolution,site,choice", 0},
        {"effect", 'e', CLI_FLAG, &effect, NULL, "differences, not means", 0},
        {"against", 0, CLI_TEXT, &against, "WHAT",
         "--effect: from siblings (unless given), base, or mean", 0},
        {"occurring", 0, CLI_FLAG, &occurring, NULL,
         "group by what occurs in each architecture, not what was affixed", 0},
        {"partial", 0, CLI_FLAG, &partial, NULL, "write what --merge needs along with each group",
         0},
        {"merge", 0, CLI_FLAG, &merge, NULL, "join partial results, as if of all their records", 0},
        RELATIVE_OPTION,
        {"keep", 0, CLI_COUNT, &keep, "N",
         "values and a quarter as many bases kept as they are (1048576)", 1000, 1e9},
        {0},
    };
    struct cli cli = {
        .name = "ds-aggregate",
        .usage = "{--by KEY[,KEY ...] | --merge} [OPTION ...] [FILE ...]",
        .about = "Averages every metric over groups of records.",
        .options = options,
    };
    struct ds_error err;

    cli_parse(&cli, argc, argv);
    if (merge && (by || effect || occurring || keep))
        cli_die(CLI_USAGE, "--merge takes --by, --effect, --occurring and --keep from the parts");
    if (against && !effect)
        cli_die(CLI_USAGE, "--against belongs to --effect");
    if (relative_wanted && (merge || partial))
        cli_die(CLI_USAGE, "--relative: parts would be relative to different records; it excludes "
                           "--partial and --merge");
    if (!by && !merge)
        cli_die(CLI_USAGE, "wants --by KEYS, as --by unit,block");
    if (effect && occurring)
        cli_die(CLI_USAGE, "--effect needs what was affixed; it excludes --occurring");
    enum ds_against what = find_against(against ? against : "siblings");
    if (effect && what == DS_AGAINST_SIBLINGS && !tells_siblings_apart(by))
        cli_die(CLI_USAGE,
                "--effect --by %s: siblings are in one group, their differences add up to "
                "zero; give --against base, or what tells them apart, as block",
                by);
    struct ds_aggregate *a =
        merge ? ds_aggregate_of_partials(&err)
              : ds_aggregate_new(by, occurring ? DS_BY_OCCURRING : DS_BY_AFFIX, effect, what, &err);
    if (!a)
        cli_die(CLI_USAGE, "--by: %s", err.text);
    if (keep)
        ds_aggregate_keep(a, keep);
    struct ds_reader *in = cli_reader(cli.operand, cli.noperands);
    struct counts n = read_records(a, in, merge, occurring, cli.progress);
    if (n.grouped == 0 && merge)
        cli_die(CLI_FAILED, "no partial results");
    if (n.grouped == 0)
        cli_die(CLI_FAILED, "no record has %s%s; %s", by, occurring ? "" : " affixed",
                occurring ? "see --by in the manual" : "run ds-affix first, or give --occurring");
    if (n.lacking)
        cli_warn("left out %llu records that lack a key of %s", (unsigned long long)n.lacking, by);
    if (n.failed)
        cli_warn("%llu records have metrics that could not be measured (ds-show --json: errors); "
                 "these%s are left out",
                 (unsigned long long)n.failed, effect ? ", and effects on them," : "");
    bool devices;
    const char *mixed = ds_aggregate_mixed(a, &devices);
    conditions_mixed(mixed, devices, "aggregate");
    int ngroups = ds_aggregate_finish(a, &err);
    if (ngroups < 0)
        cli_die(CLI_FAILED, "%s", err.text);
    tell_alone(a, n.values);
    write_groups(&cli, a, ngroups, partial, in);
    ds_reader_close(in);
    ds_aggregate_free(a);
    return 0;
}

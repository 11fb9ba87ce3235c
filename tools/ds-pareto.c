/* Passes on the records that no other record beats: a Pareto front, or the best of one metric. */
#include "base/id_map.h"
#include "memory.h"
#include "objective.h"
#include "output.h"
#include "progress.h"
#include "search/pareto.h"
#include "search/selection.h"

#include <stdio.h>

/* --without: the ids of the records of these streams. */
static struct ds_id_map read_ids(const struct cli_list *files)
{
    struct ds_error err;
    struct ds_record *rec;
    struct ds_id_map ids = {0};
    int rc;
    if (!files->n)
        return ids;
    struct ds_reader *in = cli_reader((char *const *)files->value, files->n);
    while ((rc = ds_reader_next(in, &rec, &err)) > 0)
        if (ds_id_map_add(&ids, rec->id, 0) < 0)
            cli_no_memory();
    if (rc < 0)
        cli_die(CLI_FAILED, "--without: %s", err.text);
    ds_reader_close(in);
    return ids;
}

/* What was read. */
struct seen {
    uint64_t records, failed, outside; /* of them: not measured, outside the bounds */
};

static void add(struct ds_selection *s, const struct ds_reader *in, const struct ds_record *rec,
                const double *x)
{
    struct ds_error err;
    if (ds_selection_add(s, in, rec, x, &err))
        cli_die(CLI_FAILED, "%s", err.text);
}

static struct seen read_all(const struct cli *cli, const struct ds_objectives *o,
                            const struct ds_id_map *without, struct ds_reader *in,
                            struct ds_selection *best, struct ds_selection *near)
{
    struct ds_error err;
    struct ds_record *rec;
    struct progress progress;
    struct seen seen = {0};
    double x[DS_MOST_OBJECTIVES];
    int rc;
    progress_begin(&progress, cli->progress, 0);
    while ((rc = ds_reader_next(in, &rec, &err)) > 0) {
        double excess;
        if (ds_id_map_find(without, rec->id) >= 0)
            continue;
        int known = ds_objectives_excess(o, rec, &excess, &err);
        known = known > 0 ? ds_objectives_read(o, rec, x, &err) : known;
        if (known < 0)
            cli_die(CLI_FAILED, "%s: %s", ds_reader_where(in), err.text);
        if (known && excess == 0)
            add(best, in, rec, x);
        else if (known && near)
            add(near, in, rec, &excess);
        seen.records++;
        seen.failed += !known;
        seen.outside += known && excess > 0;
        progress.total = ds_reader_total(in);
        progress_add(&progress, 1);
    }
    progress_end(&progress);
    if (rc < 0)
        cli_die(CLI_FAILED, "%s", err.text);
    return seen;
}

static void print_volume(struct cli *cli, const struct ds_selection *s, const double *reference)
{
    struct ds_error err;
    double volume;
    if (ds_hypervolume(s->x, s->held.n, s->m, reference, &volume, &err))
        cli_die(CLI_FAILED, "%s", err.text);
    FILE *out = cli_open_text(cli);
    fprintf(out, "%.12g\n", volume);
    cli_close_text(cli, out);
}

static void write_selection(struct cli *cli, struct ds_selection *s, struct ds_reader *in)
{
    struct ds_error err;
    struct ds_writer *out = cli_writer(cli);
    struct ds_made made = cli_made(cli);
    if (ds_held_write(&s->held, in, out, &made, &err))
        cli_fail(out, &err);
    cli_close(out);
}

int main(int argc, char **argv)
{
    struct cli_list better = {0}, worse = {0}, max = {0}, min = {0}, without = {0};
    uint64_t top = 0;
    bool nearest = false;
    const char *volume = NULL;
    const struct cli_option options[] = {
        {"better", 'b', CLI_LIST, &better, "METRIC", "the more of it, the better", 0},
        {"worse", 'w', CLI_LIST, &worse, "METRIC", "the more of it, the worse", 0},
        {"max", 0, CLI_LIST, &max, "METRIC=V", "only records of at most V", 0},
        {"min", 0, CLI_LIST, &min, "METRIC=V", "only records of at least V", 0},
        {"top", 0, CLI_COUNT, &top, "K", "the K best of one metric, instead of a front", 1},
        {"nearest", 0, CLI_FLAG, &nearest, NULL,
         "where no record keeps --max and --min, those nearest to them", 0},
        {"without", 0, CLI_LIST, &without, "FILE",
         "as if what is in this stream were not there (again for more)", 0},
        {"hypervolume", 0, CLI_TEXT, &volume, "METRIC=V,...",
         "print the front's hypervolume up to this point instead", 0},
        {0},
    };
    struct cli cli = {
        .name = "ds-pareto",
        .usage = "{--better METRIC | --worse METRIC} ... [OPTION ...] [FILE ...]",
        .about = "Passes on the records that no other beats in every metric named.",
        .options = options,
    };
    struct ds_objectives o;
    struct ds_selection best, near;
    struct ds_error err;
    double reference[DS_MOST_OBJECTIVES];

    cli_parse(&cli, argc, argv);
    objectives_parse(&o, &better, &worse, false);
    objectives_bounds(&o, &max, &min);
    if (top && (o.n > 1 || volume))
        cli_die(CLI_USAGE, "--top is the best of one metric, not of a front");
    if (volume)
        objectives_point(&o, "--hypervolume", volume, reference);
    struct ds_reader *in = cli_reader(cli.operand, cli.noperands);

    ds_selection_init(&best, o.n, top);
    ds_selection_init(&near, 1, top ? top : 1);
    struct ds_id_map left_out = read_ids(&without);
    struct seen seen = read_all(&cli, &o, &left_out, in, &best, nearest ? &near : NULL);
    ds_id_map_free(&left_out);
    cli_warn_failed(seen.failed, NULL);
    if (seen.records && seen.failed == seen.records)
        cli_die(CLI_FAILED, "no record is left");
    bool none = seen.records && seen.outside + seen.failed == seen.records;
    if (none && !nearest && !volume)
        cli_die(CLI_FAILED,
                "none of %llu records keeps --max and --min; --nearest gives those that "
                "come nearest",
                (unsigned long long)seen.outside);
    struct ds_selection *result = none && nearest ? &near : &best;
    if (ds_selection_cull(result, &err))
        cli_die(CLI_FAILED, "%s", err.text);
    if (volume)
        print_volume(&cli, &best, reference);
    else
        write_selection(&cli, result, in);
    ds_selection_free(&best);
    ds_selection_free(&near);
    ds_reader_close(in);
    ds_objectives_free(&o);
    return 0;
}

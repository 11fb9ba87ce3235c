#include "export_table.h"

#include "base/file.h"
#include "base/grow.h"
#include "base/text.h"
#include "conditions.h"
#include "memory.h"
#include "profile/block_table.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FIRST_BLOCK ".unit0.layer0" /* what --per-block adds to the metric's name */
#define TRIALS 1000                 /* networks on which table and profile are compared */

static struct ds_space *load_space(const char *name)
{
    struct ds_error err;
    struct ds_space *space = ds_space_load(name, &err);
    if (!space)
        cli_die(CLI_FAILED, "%s", err.text);
    return space;
}

static struct ds_block_table *new_table(const struct ds_space *space)
{
    struct ds_error err;
    struct ds_block_table *table = ds_block_table_new(space, &err);
    if (!table)
        cli_die(CLI_FAILED, "%s", err.text);
    return table;
}

/* ---- from a profile ---- */

/* Tells how far networks of the table are from what the profile says of them. */
static void compare(struct ds_block_table *table, const struct ds_profile *p,
                    const struct ds_space *space, uint64_t seed)
{
    struct ds_error err;
    uint8_t choice[DS_MAX_SITES];
    double squares = 0, a, b;
    int n = 0;
    for (uint32_t i = 0; i < TRIALS; i++) {
        struct ds_random r;
        ds_random_init(&r, seed, i, DS_DRAW_SAMPLE);
        ds_arch_sample(space, &r, choice);
        if (!ds_block_table_has(table, choice[space->resolution_site]))
            continue;
        if (ds_profile_value(p, choice, &a, &err) || ds_block_table_value(table, choice, &b, &err))
            cli_die(CLI_FAILED, "%s", err.text);
        squares += (b / a - 1) * (b / a - 1);
        n++;
    }
    double rms = n ? sqrt(squares / n) : 0;
    if (rms > 1e-6)
        cli_warn("layers of one shape share an entry: networks of the table differ from those of "
                 "profile %s by %.2g%% (root mean square of %d random ones)",
                 p->name, 100 * rms, n);
}

static struct ds_block_table *fill(const struct table_given *given, struct ds_space **space,
                                   uint64_t seed, char *about, size_t size)
{
    struct ds_error err;
    struct ds_profile *p = ds_profile_load(given->profile, &err);
    if (!p)
        cli_die(CLI_FAILED, "%s", err.text);
    if (strcmp(p->unit, "ms") != 0)
        cli_die(CLI_FAILED, "profile %s gives %s in %s: it is no latency in ms", p->name, p->metric,
                p->unit);
    *space = load_space(given->space ? given->space : p->space);
    struct ds_block_table *table = new_table(*space);
    if (ds_profile_bind(p, *space, &err) || ds_block_table_fill(table, p, &err))
        cli_die(CLI_FAILED, "%s", err.text);
    compare(table, p, *space, seed);
    snprintf(about, size, "profile %s: %s", p->name, p->device);
    ds_profile_free(p);
    return table;
}

/* ---- from measured blocks ---- */

/* The metric whose blocks the record tells of, to be freed; dies where there is none, or several.
 */
static char *find_metric(const struct ds_record *rec, const char *where)
{
    char *found = NULL;
    for (int i = 0; i < rec->nmetrics; i++) {
        msgpack_object_str name = rec->metric[i].name;
        size_t n = strlen(FIRST_BLOCK);
        if (name.size <= n || memcmp(name.ptr + name.size - n, FIRST_BLOCK, n) != 0)
            continue;
        if (found)
            cli_die(CLI_USAGE, "%s: blocks of %s, and of another metric: choose by --metric", where,
                    found);
        if (!(found = ds_copy_text(name.ptr, name.size - n, NULL)))
            cli_no_memory();
    }
    if (!found)
        cli_die(CLI_FAILED,
                "%s: no latency of its blocks, as ds-measure-cpu --per-block gives; or give "
                "--profile",
                where);
    return found;
}

static struct ds_block_table *measure(struct cli *cli, const struct table_given *given,
                                      struct ds_space **space, char *about, size_t size)
{
    struct ds_error err;
    struct ds_record *rec;
    struct conditions conditions = {0};
    struct ds_block_table *table = NULL;
    char *metric = NULL, same[400];
    uint64_t used = 0, failed = 0;
    int rc;
    struct ds_reader *in = cli_reader(cli->operand + 1, cli->noperands - 1);
    while ((rc = ds_reader_next(in, &rec, &err)) > 0) {
        if (ds_record_has_errors(rec)) {
            failed++;
            continue;
        }
        if (!metric && given->metric && !(metric = ds_copy_string(given->metric, NULL)))
            cli_no_memory();
        metric = metric ? metric : find_metric(rec, ds_reader_where(in));
        if (!table) {
            *space = given->space
                         ? load_space(given->space)
                         : ds_space_parse(rec->space->json, strlen(rec->space->json), &err);
            if (!*space)
                cli_die(CLI_FAILED, "%s", err.text);
            table = new_table(*space);
        }
        int added = ds_block_table_add(table, rec, metric, &err);
        if (added < 0)
            cli_die(CLI_FAILED, "%s: %s", ds_reader_where(in), err.text);
        used += (uint64_t)added;
        conditions_add(&conditions, rec, metric);
    }
    if (rc < 0)
        cli_die(CLI_FAILED, "%s", err.text);
    cli_warn_failed(failed, NULL);
    if (!used)
        cli_die(CLI_FAILED, "no measured network to make a table of");
    conditions_end(&conditions, metric, "export");
    snprintf(about, size, "%s of blocks in %llu networks: %s", metric, (unsigned long long)used,
             conditions_text(&conditions, same, sizeof same));
    conditions_free(&conditions);
    ds_reader_close(in);
    free(metric);
    return table;
}

/* ---- what is written ---- */

static void write_table(const struct ds_block_table *table, int resolution, const char *about,
                        FILE *out)
{
    char plain[700];
    fprintf(out, "# %s; ms\n", ds_text_plain_copy(plain, sizeof plain, about));
    ds_block_table_write(table, resolution, out);
}

/* DIR/160_lookup_table.yaml, as Once-for-All's LatencyTable calls its files. */
static void write_file(const struct ds_block_table *table, int resolution, int pixels,
                       const char *dir, const char *about, FILE *out)
{
    struct ds_error err;
    char path[PATH_MAX], *text = NULL;
    size_t size;
    FILE *memory = open_memstream(&text, &size);
    if (!memory)
        cli_no_memory();
    write_table(table, resolution, about, memory);
    if (fclose(memory))
        cli_no_memory();
    if (snprintf(path, sizeof path, "%s/%d_lookup_table.yaml", dir, pixels) >= (int)sizeof path)
        cli_die(CLI_FAILED, "%s: the name is too long", dir);
    if (ds_file_write(path, text, size, &err))
        cli_die(CLI_FAILED, "%s", err.text);
    fprintf(out, "%s\n", path);
    free(text);
}

static void write_tables(const struct ds_block_table *table, const struct ds_space *space,
                         const char *dir, const char *about, FILE *out)
{
    const struct ds_site *site = &space->site[space->resolution_site];
    int n = 0, only = 0;
    for (int r = 0; r < site->nchoices; r++)
        if (ds_block_table_has(table, r)) {
            n++;
            only = r;
        }
    if (n == 0)
        cli_die(CLI_FAILED, "nothing is known of any resolution of space %s", space->name);
    if (!dir && n > 1)
        cli_die(CLI_USAGE,
                "%d resolutions, a table each: give --dir DIR, or by --space a space of "
                "one (ds-prune --resolution)",
                n);
    if (dir && mkdir(dir, 0777) && errno != EEXIST)
        cli_die(CLI_FAILED, "%s: cannot make it: %s", dir, strerror(errno));
    if (!dir)
        write_table(table, only, about, out);
    for (int r = 0; r < site->nchoices && dir; r++)
        if (ds_block_table_has(table, r))
            write_file(table, r, site->value[r], dir, about, out);
}

void export_tables(struct cli *cli, const struct table_given *given)
{
    struct ds_error err;
    struct ds_space *space = NULL;
    char about[700];
    if (given->profile && (given->metric || cli->noperands > 1))
        cli_die(CLI_USAGE, "--profile takes the place of a stream: no --metric, no files");
    struct ds_block_table *table = given->profile
                                       ? fill(given, &space, cli->seed, about, sizeof about)
                                       : measure(cli, given, &space, about, sizeof about);
    if (ds_block_table_check(table, &err))
        cli_die(CLI_FAILED, "%s; ds-affix --all reaches every block", err.text);
    FILE *out = cli_open_text(cli);
    write_tables(table, space, given->dir, about, out);
    cli_close_text(cli, out);
    ds_block_table_free(table);
    ds_space_free(space);
}

/* Joins streams into one, and makes sure that each is whole. */
#include "base/random.h"
#include "memory.h"
#include "output.h"
#include "progress.h"
#include "stream/held.h"

#include <inttypes.h>
#include <stdlib.h>

/* Copies the records, block by block: the number of them. */
static uint64_t copy(struct ds_reader *in, struct ds_writer *out, bool progress_on)
{
    struct ds_error err;
    struct ds_record *rec;
    struct progress progress;
    uint64_t block = 0;
    progress_begin(&progress, progress_on, 0);
    for (;;) {
        int rc = ds_reader_next(in, &rec, &err);
        if (rc < 0)
            cli_fail(out, &err);
        if (ds_reader_block(in) != block && (rc > 0 || block == 0)) {
            size_t size;
            const void *provenance = ds_reader_provenance(in, &size);
            if (ds_writer_begin(out, ds_reader_space(in), provenance, size, NULL, &err))
                cli_fail(out, &err);
            block = ds_reader_block(in);
        }
        if (rc == 0)
            break;
        if (ds_writer_put(out, rec, &err))
            cli_fail(out, &err);
        progress.total = ds_reader_total(in);
        progress_add(&progress, 1);
    }
    progress_end(&progress);
    return progress.done;
}

/* --shuffle: all records, in random order, with what was made of them and how. */
static uint64_t shuffle(const struct cli *cli, struct ds_reader *in, struct ds_writer *out)
{
    struct ds_error err;
    struct ds_record *rec;
    struct ds_held held = {0};
    struct ds_random r;
    struct ds_made made = cli_made(cli);
    int rc;
    while ((rc = ds_reader_next(in, &rec, &err)) > 0)
        if (held.n == UINT32_MAX || ds_held_add(&held, in, rec, &err))
            cli_no_memory();
    if (rc < 0)
        cli_fail(out, &err);
    if (ds_held_join(&held, in, &err))
        cli_no_memory();
    uint64_t n = held.n;
    uint32_t *order = cli_alloc(n + 1, sizeof *order);
    struct ds_held_record *sorted = cli_alloc(n + 1, sizeof *sorted);
    for (uint32_t i = 0; i < n; i++) {
        order[i] = i;
        sorted[i] = held.at[i];
    }
    ds_random_init(&r, cli->seed, 0, DS_DRAW_ORDER);
    ds_random_shuffle(&r, order, (uint32_t)n);
    for (uint32_t i = 0; i < n; i++)
        held.at[i] = sorted[order[i]];
    /* records of several spaces are in blocks that take turns: no head knows how many there are */
    bool one_space = true;
    for (uint64_t i = 1; i < n; i++)
        one_space = one_space && held.at[i].origin == held.at[0].origin;
    made.total = one_space ? n : 0;
    if (ds_held_write(&held, in, out, &made, &err))
        cli_fail(out, &err);
    free(order);
    free(sorted);
    ds_held_free(&held);
    return n;
}

int main(int argc, char **argv)
{
    uint64_t count = UINT64_MAX;
    bool complete = false, shuffled = false;
    const struct cli_option options[] = {
        {"count", 'n', CLI_COUNT, &count, "N", "fail unless there are N records", 0},
        {"complete", 0, CLI_FLAG, &complete, NULL,
         "fail unless there are as many as the tools were to write", 0},
        {"shuffle", 0, CLI_FLAG, &shuffled, NULL, "in random order, by --seed", 0},
        {0},
    };
    struct cli cli = {
        .name = "ds-cat",
        .usage = "[OPTION ...] [FILE ...]",
        .about = "Joins streams into one, and makes sure that each is whole.",
        .options = options,
    };
    cli_parse(&cli, argc, argv);
    struct ds_writer *out = cli_writer(&cli);
    struct ds_reader *in = cli_reader(cli.operand, cli.noperands);
    uint64_t n = shuffled ? shuffle(&cli, in, out) : copy(in, out, cli.progress);
    if (count != UINT64_MAX && n != count)
        cli_die(CLI_FAILED, "%" PRIu64 " records, where there should be %" PRIu64, n, count);
    uint64_t total = ds_reader_total(in);
    if (complete && total && n != total)
        cli_die(CLI_FAILED, "%" PRIu64 " records, where the tools before were to write %" PRIu64, n,
                total);
    cli_close(out);
    ds_reader_close(in);
    return 0;
}

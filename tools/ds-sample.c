/* Draws random architectures of a design space. */
#include "base/id_map.h"
#include "base/number.h"
#include "limit.h"
#include "memory.h"
#include "output.h"
#include "progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Attempts at one record before giving up: what is asked for may not exist at all. */
#define MOST_ATTEMPTS 1000000u

struct shard {
    uint64_t first, end; /* records of the whole that are written */
};

/* "K/N" of n records: the K-th of N parts as equal as can be. */
static struct shard parse_shard(const char *text, uint64_t n)
{
    if (!text)
        return (struct shard){0, n};
    const char *slash = strchr(text, '/');
    if (!slash || slash - text > 20)
        cli_die(CLI_USAGE, "--shard: '%s' is not K/N", text);
    char first[24];
    snprintf(first, sizeof first, "%.*s", (int)(slash - text), text);
    uint64_t k = cli_count("--shard", first, 1, UINT64_MAX),
             parts = cli_count("--shard", slash + 1, 1, UINT64_MAX);
    if (k > parts)
        cli_die(CLI_USAGE, "--shard: '%s' is not K/N with 1 <= K <= N", text);
    return (struct shard){(uint64_t)((unsigned __int128)n * (k - 1) / parts),
                          (uint64_t)((unsigned __int128)n * k / parts)};
}

/* Fails early where a space is known to hold fewer than n architectures. */
static void check_size(const struct ds_space *space, uint64_t n)
{
    struct ds_error err;
    char *size = ds_space_size(space);
    if (!size)
        cli_no_memory();
    uint64_t whole;
    if (ds_whole(size, 0, UINT64_MAX, &whole, &err) == 0 && whole < n)
        cli_die(CLI_FAILED, "space %s holds only %s architectures: cannot draw %llu unique ones",
                space->name, size, (unsigned long long)n);
    free(size);
}

/* Draws record i: attempt after attempt until it keeps the limits and, if asked, is new. */
static void draw(struct ds_record *rec, const struct ds_space *space, uint64_t seed, uint64_t i,
                 struct limits *limits, struct ds_id_map *seen)
{
    struct ds_error err;
    uint8_t choice[DS_MAX_SITES];
    for (uint32_t attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
        struct ds_random r;
        ds_random_init(&r, seed, i, DS_DRAW_SAMPLE + attempt);
        ds_arch_sample(space, &r, choice);
        if (!limits_hold(limits, choice))
            continue;
        int is_new = seen ? ds_id_map_add(seen, ds_arch_id(space, choice), 0) : 1;
        if (is_new < 0)
            cli_no_memory();
        if (!is_new)
            continue;
        if (ds_record_arch(rec, space, choice, &err))
            cli_die(CLI_FAILED, "%s", err.text);
        return;
    }
    cli_die(CLI_FAILED,
            "record %llu: nothing%s%s in %u draws; ask for fewer records or looser limits",
            (unsigned long long)i + 1, seen ? " new" : "", limits->n ? " within the limits" : "",
            MOST_ATTEMPTS);
}

int main(int argc, char **argv)
{
    uint64_t n = UINT64_MAX; /* not given */
    const char *shard_text = NULL;
    bool unique = false;
    struct cli_list max = {0}, min = {0};
    const struct cli_option options[] = {
        {"number", 'n', CLI_COUNT, &n, "N", "how many architectures", 0},
        {"shard", 0, CLI_TEXT, &shard_text, "K/N", "write only the K-th of N parts of the whole",
         0},
        {"unique", 'u', CLI_FLAG, &unique, NULL, "no architecture twice", 0},
        {"max", 0, CLI_LIST, &max, "METRIC=V", "only those of at most V macs, params or peakmem",
         0},
        {"min", 0, CLI_LIST, &min, "METRIC=V", "only those of at least V", 0},
        {0},
    };
    struct cli cli = {
        .name = "ds-sample",
        .usage = "SPACE -n N [OPTION ...]",
        .about = "Draws architectures of a design space, uniformly over each site's choices.",
        .options = options,
    };
    struct ds_error err;
    cli_parse(&cli, argc, argv);
    if (cli.noperands != 1)
        cli_die(CLI_USAGE, "wants one SPACE: a shipped name, as ofa-mbv3, or a file");
    if (n == UINT64_MAX)
        cli_die(CLI_USAGE, "wants -n N: how many architectures");
    struct shard shard = parse_shard(shard_text, n);

    struct ds_space *space = ds_space_load(cli.operand[0], &err);
    if (!space)
        cli_die(CLI_FAILED, "%s", err.text);
    struct limits limits;
    limits_begin(&limits, space, &max, &min);
    struct ds_id_map seen = {0};
    if (unique)
        check_size(space, n);

    struct ds_writer *w = cli_writer(&cli);
    struct ds_made made = cli_made(&cli);
    made.total = shard.end - shard.first;
    struct ds_record rec;
    if (ds_record_init(&rec, &err) || ds_writer_begin(w, space, NULL, 0, &made, &err))
        cli_fail(w, &err);

    /* --unique must know what the parts before this one drew */
    struct progress progress;
    progress_begin(&progress, cli.progress, shard.end - shard.first);
    for (uint64_t i = unique ? 0 : shard.first; i < shard.end; i++) {
        draw(&rec, space, cli.seed, i, &limits, unique ? &seen : NULL);
        if (i < shard.first)
            continue;
        if (ds_writer_put(w, &rec, &err))
            cli_fail(w, &err);
        progress_add(&progress, 1);
    }
    progress_end(&progress);
    cli_close(w);
    ds_record_free(&rec);
    limits_end(&limits);
    ds_id_map_free(&seen);
    ds_space_free(space);
    return 0;
}

/* Passes on the records that no other record beats: a Pareto front, or the best of one metric. */
#include "base/stats.h"
#include "memory.h"
#include "objective.h"
#include "output.h"
#include "progress.h"
#include "search/pareto.h"
#include "stream/held.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK 65536   /* records held beyond those selected before the next selection */
#define CHAMPIONS 16u /* of the front, that newcomers must get past first */

/* The best of the records so far, and newcomers not yet compared with them. */
struct selection {
    struct ds_held held;
    int m;
    size_t top; /* how many of the best; 0: the front */
    double *x;  /* [held.n][m], less being better */
    size_t room;
    size_t next_cull; /* when there are so many */
    double *champion; /* [nchampions][m] */
    size_t nchampions;
    double limit; /* `top`: what is worse cannot be among the best */
};

static void select_begin(struct selection *s, int m, size_t top)
{
    *s = (struct selection){.m = m, .top = top, .next_cull = CHUNK, .limit = INFINITY};
}

/* The best `top`, and what ties with the last of them. */
static void keep_top(struct selection *s, bool *keep)
{
    size_t n = s->held.n;
    double *sorted = cli_alloc(n, sizeof *sorted);
    memcpy(sorted, s->x, n * sizeof *sorted);
    ds_sort(sorted, n);
    s->limit = n > s->top ? sorted[s->top - 1] : INFINITY;
    for (size_t i = 0; i < n; i++)
        keep[i] = s->x[i] <= s->limit;
    free(sorted);
}

/* Takes champions from all along the front. */
static void choose_champions(struct selection *s)
{
    size_t n = s->held.n, m = (size_t)s->m;
    s->nchampions = n < CHAMPIONS ? n : CHAMPIONS;
    free(s->champion);
    s->champion = cli_alloc(s->nchampions * m, sizeof *s->champion);
    for (size_t i = 0; i < s->nchampions; i++)
        memcpy(s->champion + i * m, s->x + i * n / s->nchampions * m, m * sizeof *s->x);
}

static void select_cull(struct selection *s)
{
    struct ds_error err;
    size_t n = s->held.n, m = (size_t)s->m, left = 0;
    bool *keep = cli_alloc(n, sizeof *keep);
    if (s->top)
        keep_top(s, keep);
    else if (ds_pareto_front(s->x, n, s->m, keep, &err))
        cli_die(CLI_FAILED, "%s", err.text);
    ds_held_keep(&s->held, keep);
    for (size_t i = 0; i < n; i++)
        if (keep[i])
            memmove(s->x + left++ * m, s->x + i * m, m * sizeof *s->x);
    free(keep);
    choose_champions(s);
    s->next_cull = 2 * s->held.n + CHUNK;
}

/* Whether it is worth looking at; the champion that beats it goes first next time. */
static bool may_stay(struct selection *s, const double *x)
{
    if (s->top)
        return x[0] <= s->limit;
    size_t m = (size_t)s->m;
    for (size_t i = 0; i < s->nchampions; i++) {
        double *c = s->champion + i * m, t;
        if (!ds_pareto_dominates(c, x, s->m))
            continue;
        for (size_t k = 0; k < m && i; k++) {
            t = c[k];
            c[k] = s->champion[k];
            s->champion[k] = t;
        }
        return false;
    }
    return true;
}

static void select_add(struct selection *s, const struct ds_reader *in, const struct ds_record *rec,
                       const double *x)
{
    if (!may_stay(s, x))
        return;
    struct ds_error err;
    size_t m = (size_t)s->m;
    cli_grow(&s->x, &s->room, s->held.n + 1, m * sizeof *s->x);
    memcpy(s->x + s->held.n * m, x, m * sizeof *x);
    if (ds_held_add(&s->held, in, rec, &err))
        cli_die(CLI_FAILED, "%s", err.text);
    if (s->held.n >= s->next_cull)
        select_cull(s);
}

static void select_end(struct selection *s)
{
    ds_held_free(&s->held);
    free(s->x);
    free(s->champion);
}

/* What was read. */
struct seen {
    uint64_t records, failed, outside; /* of them: not measured, outside the bounds */
};

static struct seen read_all(const struct cli *cli, const struct objectives *o, struct ds_reader *in,
                            struct selection *best, struct selection *near)
{
    struct ds_error err;
    struct ds_record *rec;
    struct progress progress;
    struct seen seen = {0};
    double x[MOST_OBJECTIVES];
    int rc;
    progress_begin(&progress, cli->progress, 0);
    while ((rc = ds_reader_next(in, &rec, &err)) > 0) {
        double excess;
        int known = objectives_excess(o, rec, &excess, &err);
        known = known > 0 ? objectives_read(o, rec, x, &err) : known;
        if (known < 0)
            cli_die(CLI_FAILED, "%s: %s", ds_reader_where(in), err.text);
        if (known && excess == 0)
            select_add(best, in, rec, x);
        else if (known && near)
            select_add(near, in, rec, &excess);
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

static void print_volume(struct cli *cli, const struct selection *s, const double *reference)
{
    struct ds_error err;
    double volume;
    if (ds_hypervolume(s->x, s->held.n, s->m, reference, &volume, &err))
        cli_die(CLI_FAILED, "%s", err.text);
    FILE *out = cli_open_text(cli);
    fprintf(out, "%.12g\n", volume);
    cli_close_text(cli, out);
}

static void write_selection(struct cli *cli, struct selection *s, struct ds_reader *in)
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
    struct cli_list better = {0}, worse = {0}, max = {0}, min = {0};
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
    struct objectives o;
    struct selection best, near;
    double reference[MOST_OBJECTIVES];

    cli_parse(&cli, argc, argv);
    objectives_parse(&o, &better, &worse, false);
    objectives_bounds(&o, &max, &min);
    if (top && (o.n > 1 || volume))
        cli_die(CLI_USAGE, "--top is the best of one metric, not of a front");
    if (volume)
        objectives_point(&o, "--hypervolume", volume, reference);
    struct ds_reader *in = cli_reader(cli.operand, cli.noperands);

    select_begin(&best, o.n, top);
    select_begin(&near, 1, top ? top : 1);
    struct seen seen = read_all(&cli, &o, in, &best, nearest ? &near : NULL);
    cli_warn_failed(seen.failed, NULL);
    if (seen.records && seen.failed == seen.records)
        cli_die(CLI_FAILED, "no record is left");
    bool none = seen.records && seen.outside + seen.failed == seen.records;
    if (none && !nearest && !volume)
        cli_die(CLI_FAILED,
                "none of %llu records keeps --max and --min; --nearest gives those that "
                "come nearest",
                (unsigned long long)seen.outside);
    struct selection *result = none && nearest ? &near : &best;
    select_cull(result);
    if (volume)
        print_volume(&cli, &best, reference);
    else
        write_selection(&cli, result, in);
    select_end(&best);
    select_end(&near);
    ds_reader_close(in);
    objectives_free(&o);
    return 0;
}

/* Makes new architectures of evaluated ones, as a search does. */
#include "base/id_map.h"
#include "base/number.h"
#include "limit.h"
#include "memory.h"
#include "output.h"
#include "progress.h"
#include "search/mutate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_ATTEMPTS 10000u /* at one child */
#define OWN_ATTEMPTS 100u    /* of these, with the parent whose turn it is; then with any */
#define STEP_ATTEMPTS 1000u  /* after so many attempts a child is mutated once more */

/* Architectures to make others of, in the space of the children. */
struct parents {
    uint8_t *choice; /* [n][nsites] */
    uint64_t *id;
    uint32_t *turn; /* [n]: in which order they have their turn */
    size_t n, choice_room, id_room, turn_room, skipped;
    uint64_t round; /* that `turn` is of; rounds count from 0 */
};

struct making {
    const struct ds_space *space;
    struct parents parents;
    struct ds_id_map known; /* ids of parents, --seen and children */
    size_t known_here;      /* of them, in the space */
    struct limits limits;
    double rate, crossover;
    uint64_t seed;
};

static bool note(struct making *m, uint64_t id)
{
    int is_new = ds_id_map_add(&m->known, id, 0);
    if (is_new < 0)
        cli_no_memory();
    return is_new;
}

static void add_parent(struct parents *p, const uint8_t *choice, size_t nsites, uint64_t id)
{
    cli_grow(&p->choice, &p->choice_room, p->n + 1, nsites);
    cli_grow(&p->id, &p->id_room, p->n + 1, sizeof *p->id);
    cli_grow(&p->turn, &p->turn_room, p->n + 1, sizeof *p->turn);
    memcpy(p->choice + p->n * nsites, choice, nsites);
    p->id[p->n++] = id;
}

/* Reads architectures: as parents, or only as known. */
static void read_known(struct making *m, char *const *names, int nnames, bool as_parents, bool skip)
{
    struct ds_error err;
    struct ds_record *rec;
    uint8_t choice[DS_MAX_SITES];
    struct ds_reader *in = cli_reader(names, nnames);
    int rc;
    while ((rc = ds_reader_next(in, &rec, &err)) > 0) {
        cli_need_arch(rec, ds_reader_where(in));
        bool is_here = ds_arch_translate(rec->space, rec->choice, m->space, choice, &err) == 0;
        if (as_parents && !is_here && !skip)
            cli_die(CLI_FAILED, "%s: %s; --skip leaves such parents out", ds_reader_where(in),
                    err.text);
        m->parents.skipped += as_parents && !is_here;
        if (!note(m, rec->id))
            continue;
        m->known_here += is_here;
        if (as_parents && is_here)
            add_parent(&m->parents, choice, (size_t)m->space->nsites, rec->id);
    }
    if (rc < 0)
        cli_die(CLI_FAILED, "%s", err.text);
    ds_reader_close(in);
}

/* The parent of child i: in every round each parent has one turn, in a new random order. */
static size_t whose_turn(struct making *m, uint64_t i)
{
    struct parents *p = &m->parents;
    struct ds_random r;
    uint64_t round = i / p->n;
    if (round != p->round) {
        for (size_t k = 0; k < p->n; k++)
            p->turn[k] = (uint32_t)k;
        ds_random_init(&r, m->seed, round, DS_DRAW_TURNS);
        ds_random_shuffle(&r, p->turn, (uint32_t)p->n);
        p->round = round;
    }
    return p->turn[i % p->n];
}

/* An id under a key of a record. */
static msgpack_object_kv id_entry(const char *key, uint64_t id)
{
    return (msgpack_object_kv){
        .key = {.type = MSGPACK_OBJECT_STR, .via.str = {.size = (uint32_t)strlen(key), .ptr = key}},
        .val = {.type = MSGPACK_OBJECT_POSITIVE_INTEGER, .via.u64 = id},
    };
}

/* Writes a child's parent into its record, and its mate unless that is NULL. */
static void name_parents(struct ds_record *rec, uint64_t parent, const uint64_t *mate)
{
    static msgpack_object_kv entry[2];
    entry[0] = id_entry("parent", parent);
    if (mate)
        entry[1] = id_entry("mate", *mate);
    rec->extra = (msgpack_object_map){.size = mate ? 2 : 1, .ptr = entry};
}

/* Makes child i into `rec`: 1, 0 when no attempt brought a new one, -1 when none can. */
static int make_child(struct making *m, uint64_t i, struct ds_record *rec)
{
    struct ds_error err;
    const struct parents *p = &m->parents;
    size_t nsites = (size_t)m->space->nsites;
    uint8_t choice[DS_MAX_SITES];
    for (uint32_t attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
        struct ds_random r;
        ds_random_init(&r, m->seed, i, DS_DRAW_CHILD + attempt);
        size_t parent =
            attempt < OWN_ATTEMPTS ? whose_turn(m, i) : ds_random_below(&r, (uint32_t)p->n);
        size_t mate = parent;
        memcpy(choice, p->choice + parent * nsites, nsites);
        if (p->n > 1 && m->crossover > 0 && ds_random_unit(&r) < m->crossover) {
            mate = (parent + 1 + ds_random_below(&r, (uint32_t)p->n - 1)) % p->n;
            ds_cross(m->space, choice, p->choice + mate * nsites, &r);
        } else {
            for (uint32_t step = 0; step <= attempt / STEP_ATTEMPTS; step++)
                if (ds_mutate(m->space, choice, m->rate, &r))
                    return -1;
        }
        if (!limits_hold(&m->limits, choice) || !note(m, ds_arch_id(m->space, choice)))
            continue;
        if (ds_record_arch(rec, m->space, choice, &err))
            cli_die(CLI_FAILED, "%s", err.text);
        name_parents(rec, p->id[parent], mate != parent ? &p->id[mate] : NULL);
        m->known_here++;
        return 1;
    }
    return 0;
}

/* Says why there are only `made` of n children: the end, or a warning where that may be. */
static void give_up(const struct making *m, int why, uint64_t made, uint64_t n, bool may_end)
{
    struct ds_error err;
    char *size = ds_space_size(m->space);
    if (!size)
        cli_no_memory();
    char wrote[80];
    snprintf(wrote, sizeof wrote, "wrote %llu of %llu children", (unsigned long long)made,
             (unsigned long long)n);
    if (why < 0)
        cli_die(CLI_FAILED,
                "%s: space %s leaves nothing to mutate (one choice at every site, or "
                "mutate_weight 0 wherever there are more)",
                wrote, m->space->name);
    uint64_t whole;
    bool all_known = ds_whole(size, 0, UINT64_MAX, &whole, &err) == 0 && whole == m->known_here;
    if (all_known && may_end) {
        cli_warn("%s: all %s architectures of space %s are known", wrote, size, m->space->name);
        free(size);
        return;
    }
    if (all_known)
        cli_die(CLI_FAILED, "%s: all %s architectures of space %s are known", wrote, size,
                m->space->name);
    cli_die(CLI_FAILED,
            "%s: nothing new%s in %u attempts; %zu of the %s architectures of space %s are known: "
            "give more parents%s",
            wrote, m->limits.n ? " within the limits" : "", MOST_ATTEMPTS, m->known_here, size,
            m->space->name, m->limits.n ? " or looser limits" : "");
}

/* Writes n children from number `first` on; returns 1 or why there are fewer. */
static int make_children(struct making *m, struct ds_writer *w, uint64_t first, uint64_t n,
                         bool show, uint64_t *made)
{
    struct ds_error err;
    struct ds_record rec;
    struct progress progress;
    int rc = 1;
    if (ds_record_init(&rec, &err))
        cli_fail(w, &err);
    progress_begin(&progress, show, n);
    for (*made = 0; *made < n && (rc = make_child(m, first + *made, &rec)) > 0; ++*made) {
        if (ds_writer_put(w, &rec, &err))
            cli_fail(w, &err);
        progress_add(&progress, 1);
    }
    progress_end(&progress);
    ds_record_free(&rec);
    return rc;
}

int main(int argc, char **argv)
{
    struct making m = {.rate = 0.5, .parents = {.round = UINT64_MAX}};
    uint64_t n = UINT64_MAX, first = 0, made;
    struct cli_list seen = {0}, max = {0}, min = {0};
    bool skip = false, exhaust = false;
    const struct cli_option options[] = {
        {"number", 'n', CLI_COUNT, &n, "N", "how many children", 0, CLI_MOST_RECORDS},
        {"seen", 0, CLI_LIST, &seen, "FILE", "no child that is in this stream (again for more)", 0},
        {"rate", 0, CLI_NUMBER, &m.rate, "P",
         "times a unit's mutate_weight: chance that it is mutated (0.5)", 0, 1},
        {"crossover", 0, CLI_NUMBER, &m.crossover, "P",
         "chance that a child is crossed of two parents, not mutated (0)", 0, 1},
        {"first", 0, CLI_COUNT, &first, "I", "number the children from I on: other draws (0)", 0,
         1e15},
        {"skip", 0, CLI_FLAG, &skip, NULL, "leave out parents that SPACE lacks", 0},
        {"exhaust", 0, CLI_FLAG, &exhaust, NULL,
         "fewer children are no failure when all of the space is known", 0},
        {"max", 0, CLI_LIST, &max, "METRIC=V", "only those of at most V macs, params or peakmem",
         0},
        {"min", 0, CLI_LIST, &min, "METRIC=V", "only those of at least V", 0},
        {0},
    };
    struct cli cli = {
        .name = "ds-mutate",
        .usage = "SPACE -n N [OPTION ...] [FILE ...]",
        .about = "Reads architectures and writes N new ones, made by changing or crossing them.",
        .options = options,
    };
    struct ds_error err;
    cli_parse(&cli, argc, argv);
    if (cli.noperands < 1)
        cli_die(CLI_USAGE, "wants a SPACE: a shipped name, as ofa-mbv3, or a file");
    if (n == UINT64_MAX)
        cli_die(CLI_USAGE, "wants -n N: how many children");
    struct ds_space *space = ds_space_load(cli.operand[0], &err);
    if (!space)
        cli_die(CLI_FAILED, "%s", err.text);
    m.space = space;
    m.seed = cli.seed;
    limits_begin(&m.limits, space, &max, &min);

    read_known(&m, cli.operand + 1, cli.noperands - 1, true, skip);
    if (m.parents.skipped)
        cli_warn("left out %zu parents that space %s lacks", m.parents.skipped, space->name);
    if (seen.n)
        read_known(&m, (char *const *)seen.value, seen.n, false, false);
    if (m.parents.n == 0 && n)
        cli_die(CLI_FAILED, "no parents%s",
                m.parents.skipped ? " are left" : ": the stream is empty");

    struct ds_writer *w = cli_writer(&cli);
    struct ds_made by = cli_made(&cli);
    by.total = n;
    if (ds_writer_begin(w, space, NULL, 0, &by, &err))
        cli_fail(w, &err);
    int rc = make_children(&m, w, first, n, cli.progress, &made);
    cli_close(w);
    if (made < n)
        give_up(&m, rc, made, n, exhaust);
    free(m.parents.choice);
    free(m.parents.id);
    free(m.parents.turn);
    ds_id_map_free(&m.known);
    limits_end(&m.limits);
    ds_space_free(space);
    return 0;
}

#include "cli.h"
#include "base/grow.h"
#include "base/number.h"

#include "input.h"
#include "memory.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_LONG 256 /* values of options without a letter */
#define MOST_NAME 32   /* characters of an option with its dashes */

/* ---- numbers ---- */

double cli_number(const char *what, const char *text, double least, double most)
{
    struct ds_error err;
    double v;
    if (ds_number(text, least, most, &v, &err))
        cli_die(CLI_USAGE, "%s: %s", what, err.text);
    return v;
}

uint64_t cli_count(const char *what, const char *text, uint64_t least, uint64_t most)
{
    struct ds_error err;
    uint64_t v;
    if (ds_whole(text, least, most, &v, &err))
        cli_die(CLI_USAGE, "%s: %s", what, err.text);
    return v;
}

/* ---- options ---- */

/* What every tool has; `target` is set in cli_parse. */
enum {
    COMMON_OUTPUT,
    COMMON_COMPRESS,
    COMMON_QUIET,
    COMMON_PROGRESS,
    COMMON_PIECE,
    COMMON_SEED,
    NCOMMON
};
static struct cli_option common[NCOMMON + 3] = {
    {"output", 'o', CLI_TEXT, NULL, "FILE", "write to FILE instead of standard output", 0},
    {"compress", 'z', CLI_FLAG, NULL, NULL, "compress the stream (zstd)", 0},
    {"quiet", 'q', CLI_FLAG, NULL, NULL, "no warnings, no progress", 0},
    {"progress", 0, CLI_FLAG, NULL, NULL, "show progress even when stderr is no terminal", 0},
    {"piece", 0, CLI_FLAG, NULL, NULL, "the input is a piece of a stream, cut by GNU Parallel", 0},
    {"seed", 0, CLI_COUNT, NULL, "S", "seed of all that is random (1)", 0},
    {"help", 'h', CLI_FLAG, NULL, NULL, "print this and end", 0},
    {"version", 0, CLI_FLAG, NULL, NULL, "print the version and end", 0},
};

static int count_options(const struct cli_option *o)
{
    int n = 0;
    while (o && o[n].name)
        n++;
    return n;
}

static const struct cli_option *option_at(const struct cli *c, int i)
{
    int own = count_options(c->options);
    return i < own ? &c->options[i] : &common[i - own];
}

static void print_help(const struct cli *c, int n)
{
    printf("usage: %s %s\n%s\n\n", c->name, c->usage, c->about);
    for (int i = 0; i < n; i++) {
        const struct cli_option *o = option_at(c, i);
        char left[64];
        int at = o->letter ? snprintf(left, sizeof left, "-%c, ", o->letter)
                           : snprintf(left, sizeof left, "    ");
        snprintf(left + at, sizeof left - (size_t)at, "--%s%s%s", o->name, o->arg ? " " : "",
                 o->arg ? o->arg : "");
        printf("  %-28s %s\n", left, o->help);
    }
    printf("\nManual: man %s\n", c->name);
    exit(fflush(stdout) ? CLI_FAILED : 0);
}

/* What options need lives as long as the tool. */
static void *kept[40];
static int nkept;
static int argument_count; /* of the command line: no list can be longer */

static void free_kept(void)
{
    while (nkept)
        free(kept[--nkept]);
}

static void *allocate_kept(size_t n, size_t size)
{
    void *made = ds_alloc(n, size, NULL);
    if (!made || nkept == sizeof kept / sizeof *kept)
        cli_no_memory();
    return kept[nkept++] = made;
}

/* The first value of a list makes room for all there can be. */
static void append(struct cli_list *list, const char *value)
{
    if (!list->value)
        list->value = allocate_kept((size_t)argument_count, sizeof *list->value);
    list->value[list->n++] = value;
}

static void set_option(const struct cli_option *o, const char *value)
{
    char what[64];
    snprintf(what, sizeof what, "--%s", o->name);
    switch (o->type) {
    case CLI_FLAG:
        *(bool *)o->target = true;
        break;
    case CLI_COUNT:
        *(uint64_t *)o->target =
            cli_count(what, value, (uint64_t)o->min, o->max > 0 ? (uint64_t)o->max : UINT64_MAX);
        break;
    case CLI_NUMBER:
        *(double *)o->target = cli_number(what, value, o->min, o->max > 0 ? o->max : INFINITY);
        break;
    case CLI_TEXT:
        *(const char **)o->target = value;
        break;
    case CLI_LIST:
        append(o->target, value);
        break;
    }
}

static void note_operands(struct cli *c)
{
    static char end_of_options[] = "--";
    for (int i = 0; i < c->noperands; i++)
        if (c->operand[i][0] == '-' && c->operand[i][1]) {
            c->args[c->nargs++] = end_of_options;
            break;
        }
    for (int i = 0; i < c->noperands; i++)
        c->args[c->nargs++] = c->operand[i];
}

/*
 * Whether an option changes nothing in the records: only where they go, their compression, or what
 * is printed.
 */
static bool is_outward(const struct cli_option *o)
{
    return o >= common && o < common + COMMON_SEED;
}

static void take_option(struct cli *c, int i, char *spelled, int n, char *value)
{
    const struct cli_option *o = option_at(c, i);
    if (strcmp(o->name, "help") == 0)
        print_help(c, n);
    if (strcmp(o->name, "version") == 0) {
        printf("%s (dstools) %s\n", c->name, DS_VERSION);
        exit(fflush(stdout) ? CLI_FAILED : 0);
    }
    set_option(o, value);
    if (is_outward(o))
        return;
    c->args[c->nargs++] = spelled; /* the long name, however it was given */
    if (o->type != CLI_FLAG)
        c->args[c->nargs++] = value;
}

/*
 * A standard descriptor that is closed would be given to the next file opened, and messages would
 * land in it. What takes its place fails like a closed one.
 */
static void hold_standard_fds(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 &&
            open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
            _exit(CLI_FAILED);
}

/* Explains what getopt_long refused, and ends the tool. */
_Noreturn static void refuse_option(int v, char **argv)
{
    const char *given = argv[optind - 1];
    if (v == ':')
        cli_die(CLI_USAGE, "%s wants an argument: see --help", given);
    if (optopt >= FIRST_LONG)
        cli_die(CLI_USAGE, "'%s': this option takes no argument: see --help", given);
    if (optopt)
        cli_die(CLI_USAGE, "no option -%c: see --help", optopt);
    cli_die(CLI_USAGE, "'%s' is no option, or not written out enough: see --help", given);
}

void cli_parse(struct cli *c, int argc, char **argv)
{
    hold_standard_fds();
    cli_name_tool(c->name);
    argument_count = argc;
    size_t letters_given = 0;
    for (int i = 0; i < argc; i++)
        letters_given += strlen(argv[i]);
    c->args = allocate_kept(letters_given + (size_t)argc + 1, sizeof *c->args);
    c->seed = 1;
    signal(SIGPIPE, SIG_IGN);
    atexit(free_kept);
    common[COMMON_OUTPUT].target = &c->output;
    common[COMMON_COMPRESS].target = &c->compress;
    common[COMMON_QUIET].target = &c->quiet;
    common[COMMON_PROGRESS].target = &c->progress;
    common[COMMON_PIECE].target = &c->piece;
    common[COMMON_SEED].target = &c->seed;

    int n = count_options(c->options) + count_options(common);
    static struct option *table; /* static: --help ends within the loop */
    static char *letters;
    table = ds_alloc((size_t)n + 1, sizeof *table, NULL);
    letters = ds_alloc((size_t)n + 1, 3, NULL);
    if (!table || !letters)
        cli_no_memory();
    char(*spelled)[MOST_NAME] = allocate_kept((size_t)n, sizeof *spelled);
    char *at = letters;
    *at++ = ':'; /* tells a missing argument from an unknown option */
    for (int i = 0; i < n; i++) {
        const struct cli_option *o = option_at(c, i);
        table[i] = (struct option){.name = o->name, .has_arg = o->type != CLI_FLAG};
        table[i].val = FIRST_LONG + i;
        snprintf(spelled[i], MOST_NAME, "--%s", o->name);
        if (o->letter) {
            *at++ = o->letter;
            if (o->type != CLI_FLAG)
                *at++ = ':';
        }
    }

    opterr = 0;
    for (int v; (v = getopt_long(argc, argv, letters, table, NULL)) != -1;) {
        if (v == '?' || v == ':')
            refuse_option(v, argv);
        for (int i = 0; i < n; i++)
            if (v == FIRST_LONG + i || v == option_at(c, i)->letter) {
                take_option(c, i, spelled[i], n, optarg);
                break;
            }
    }
    free(table);
    free(letters);
    c->operand = argv + optind;
    c->noperands = argc - optind;
    note_operands(c);
    if (c->quiet)
        cli_be_quiet();
    if (c->piece)
        cli_accept_piece();
    c->progress = !c->quiet && (c->progress || isatty(STDERR_FILENO));
}

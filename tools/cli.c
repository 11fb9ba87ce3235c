#include "cli.h"
#include "progress.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST_LONG 256 /* values of options without a letter */

static struct cli *the;

/* The stream being written, and where to; NULL: none. */
static struct ds_writer *writer;
static int writer_fd;

/* ---- messages ---- */

/* In one write, so that the messages of tools in a pipeline do not mix. */
static void say(const char *format, va_list args)
{
    char text[2048];
    vsnprintf(text, sizeof text, format, args);
    fflush(stdout);
    progress_break();
    fprintf(stderr, "%s: %s\n", the ? the->name : "dstools", text);
}

void cli_die(int status, const char *format, ...)
{
    struct ds_error second;
    va_list args;
    if (writer)
        ds_writer_flush(writer, &second); /* what came before the fault is passed on */
    va_start(args, format);
    say(format, args);
    va_end(args);
    exit(status);
}

void cli_warn(const char *format, ...)
{
    if (the->quiet)
        return;
    va_list args;
    va_start(args, format);
    say(format, args);
    va_end(args);
}

void cli_fail(struct ds_writer *w, const struct ds_error *err)
{
    if (w && ds_writer_broken(w))
        exit(0);
    cli_die(CLI_FAILED, "%s", err->text);
}

int cli_small(const char *option, uint64_t value, int most)
{
    if (value > (uint64_t)most)
        cli_die(CLI_USAGE, "%s: must be %d or less", option, most);
    return (int)value;
}

/* ---- numbers ---- */

double cli_number(const char *what, const char *text)
{
    char *end;
    errno = 0;
    double v = strtod(text, &end);
    if (end == text || *end || errno || !isfinite(v))
        cli_die(CLI_USAGE, "%s: '%s' is not a number", what, text);
    return v;
}

uint64_t cli_count(const char *what, const char *text)
{
    char *end;
    errno = 0;
    unsigned long long v = strtoull(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end || errno)
        cli_die(CLI_USAGE, "%s: '%s' is not a whole number", what, text);
    return v;
}

/* ---- options ---- */

/* What every tool has; `target` is set in cli_parse. */
enum { COMMON_OUTPUT, COMMON_COMPRESS, COMMON_QUIET, COMMON_PROGRESS, COMMON_SEED, NCOMMON };
static struct cli_option common[NCOMMON + 3] = {
    {"output", 'o', CLI_TEXT, NULL, "FILE", "write to FILE instead of standard output", 0},
    {"compress", 'z', CLI_FLAG, NULL, NULL, "compress the stream (zstd)", 0},
    {"quiet", 'q', CLI_FLAG, NULL, NULL, "no warnings, no progress", 0},
    {"progress", 0, CLI_FLAG, NULL, NULL, "show progress even when stderr is no terminal", 0},
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

/* Lists of values live as long as the tool. */
static const char **lists[32];
static int nlists;

static void free_lists(void)
{
    while (nlists)
        free(lists[--nlists]);
}

/* The first value of a list makes room for all there can be. */
static void append(struct cli_list *list, const char *value)
{
    if (!list->value) {
        list->value = calloc((size_t)the->argc, sizeof *list->value);
        if (!list->value || nlists == sizeof lists / sizeof *lists)
            cli_die(CLI_FAILED, "out of memory");
        lists[nlists++] = list->value;
    }
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
        *(uint64_t *)o->target = cli_count(what, value);
        if ((double)*(uint64_t *)o->target < o->min)
            cli_die(CLI_USAGE, "%s: must be %g or more", what, o->min);
        break;
    case CLI_NUMBER:
        *(double *)o->target = cli_number(what, value);
        if (*(double *)o->target < o->min)
            cli_die(CLI_USAGE, "%s: must be %g or more", what, o->min);
        break;
    case CLI_TEXT:
        *(const char **)o->target = value;
        break;
    case CLI_LIST:
        append(o->target, value);
        break;
    }
}

static void take_option(struct cli *c, const struct cli_option *o, int n, const char *value)
{
    if (strcmp(o->name, "help") == 0)
        print_help(c, n);
    if (strcmp(o->name, "version") == 0) {
        printf("%s (dstools) %s\n", c->name, DS_VERSION);
        exit(fflush(stdout) ? CLI_FAILED : 0);
    }
    set_option(o, value);
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

/* Dies of what getopt_long refused. */
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
    the = c;
    c->argc = argc;
    c->argv = argv;
    c->seed = 1;
    signal(SIGPIPE, SIG_IGN);
    atexit(free_lists);
    common[COMMON_OUTPUT].target = &c->output;
    common[COMMON_COMPRESS].target = &c->compress;
    common[COMMON_QUIET].target = &c->quiet;
    common[COMMON_PROGRESS].target = &c->progress;
    common[COMMON_SEED].target = &c->seed;

    int n = count_options(c->options) + count_options(common);
    static struct option *table; /* static: --help ends within the loop */
    static char *letters;
    table = calloc((size_t)n + 1, sizeof *table);
    letters = calloc((size_t)n + 1, 3);
    if (!table || !letters)
        cli_die(CLI_FAILED, "out of memory");
    char *at = letters;
    *at++ = ':'; /* tells a missing argument from an unknown option */
    for (int i = 0; i < n; i++) {
        const struct cli_option *o = option_at(c, i);
        table[i] = (struct option){.name = o->name, .has_arg = o->type != CLI_FLAG};
        table[i].val = FIRST_LONG + i;
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
                take_option(c, option_at(c, i), n, optarg);
                break;
            }
    }
    free(table);
    free(letters);
    c->operand = argv + optind;
    c->noperands = argc - optind;
    c->progress = !c->quiet && (c->progress || isatty(STDERR_FILENO));
}

/* ---- standard output ---- */

/* Whether the file at `path` is the one open as `fd`. */
static bool is_same_file(const char *path, int fd)
{
    struct stat a, b;
    return stat(path, &a) == 0 && fstat(fd, &b) == 0 && S_ISREG(b.st_mode) &&
           a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static int open_output(const struct cli *c)
{
    if (!c->output)
        return STDOUT_FILENO;
    int fd = open(c->output, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0)
        cli_die(CLI_FAILED, "%s: %s", c->output, strerror(errno));
    for (int i = 0; i < c->noperands; i++)
        if (is_same_file(c->operand[i], fd))
            cli_die(CLI_USAGE, "%s: is read, so it cannot be written too", c->output);
    if (ftruncate(fd, 0) && errno != EINVAL) /* EINVAL: a pipe or a device */
        cli_die(CLI_FAILED, "%s: %s", c->output, strerror(errno));
    return fd;
}

struct ds_writer *cli_writer(struct cli *c)
{
    struct ds_error err;
    int fd = open_output(c);
    if (isatty(fd))
        cli_die(CLI_USAGE, "will not write a binary stream to a terminal: pipe it on, as to "
                           "ds-show, or give -o FILE");
    struct ds_writer *w = ds_writer_open(fd, c->compress, &err);
    if (!w)
        cli_die(CLI_FAILED, "%s", err.text);
    writer = w;
    writer_fd = fd;
    return w;
}

void cli_close(struct ds_writer *w)
{
    struct ds_error err;
    writer = NULL;
    if (ds_writer_close(w, &err))
        cli_die(CLI_FAILED, "%s", err.text);
    if (close(writer_fd))
        cli_die(CLI_FAILED, "cannot write: %s", strerror(errno));
}

FILE *cli_open_text(struct cli *c)
{
    FILE *f = c->output ? fdopen(open_output(c), "w") : stdout;
    if (!f)
        cli_die(CLI_FAILED, "%s: %s", c->output, strerror(errno));
    return f;
}

/* Whether a pipe has nobody left who reads it. */
static bool is_broken(FILE *f)
{
    struct pollfd p = {.fd = fileno(f)};
    return poll(&p, 1, 0) > 0 && (p.revents & POLLERR);
}

void cli_close_text(struct cli *c, FILE *f)
{
    bool broken = is_broken(f);
    errno = 0;
    bool bad = ferror(f); /* of an earlier write, whose errno is gone */
    bad = fclose(f) || bad;
    if (bad && !broken && errno != EPIPE)
        cli_die(CLI_FAILED, "%s: cannot write: %s", c->output ? c->output : "standard output",
                errno ? strerror(errno) : "some of it was lost");
}

/* ---- provenance and filters ---- */

/* Whether argument i changes nothing of the result: where to, how compressed, how told. */
static bool is_outward(char **argv, int i, int *takes)
{
    static const char *const plain[] = {"-z", "-q", "--compress", "--quiet", "--progress"};
    *takes = 1;
    for (size_t k = 0; k < sizeof plain / sizeof *plain; k++)
        if (strcmp(argv[i], plain[k]) == 0)
            return true;
    if (strcmp(argv[i], "-o") == 0 || strcmp(argv[i], "--output") == 0) {
        *takes = 2;
        return true;
    }
    return strncmp(argv[i], "--output=", 9) == 0 || strncmp(argv[i], "-o", 2) == 0;
}

struct ds_made cli_made(const struct cli *c)
{
    char **args = calloc((size_t)c->argc + 1, sizeof *args);
    int n = 0;
    if (!args)
        cli_die(CLI_FAILED, "out of memory");
    for (int i = 1, takes = 1; i < c->argc; i += takes)
        if (!is_outward(c->argv, i, &takes))
            args[n++] = c->argv[i];
    return (struct ds_made){.tool = c->name, .args = args, .nargs = n};
}

void cli_filter(struct cli *c, struct ds_filter *f)
{
    struct ds_error err;
    *f = (struct ds_filter){.out = cli_writer(c), .made = cli_made(c)};
    f->in = ds_reader_open(c->operand, c->noperands, &err);
    if (!f->in)
        cli_die(CLI_FAILED, "%s", err.text);
}

int cli_filter_close(struct ds_filter *f)
{
    cli_close(f->out);
    ds_reader_close(f->in);
    free((void *)f->made.args);
    return 0;
}

#include "output.h"
#include "memory.h"

#include "base/aside.h"
#include "base/json_memory.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct ds_aside file; /* of -o, being written */
static bool is_stream;       /* what is written, rather than text */
static char *interrupted;    /* what is said when a signal ends the tool meanwhile */

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};

/*
 * What is written to -o FILE when the tool fails: of a stream, what came before the fault is kept
 * beside FILE, as a pipe would have had it; a part of a text is of no use.
 */
static void let_go(void)
{
    struct stat st;
    if (!file.target)
        return;
    if (!is_stream || !file.part || fstat(file.fd, &st) || st.st_size == 0) {
        ds_aside_drop(&file);
        return;
    }
    cli_say("what came before is in %s", file.part);
    ds_aside_leave(&file);
}

/* The same, in a signal handler, where few functions may be called. */
static void let_go_on_signal(int signal_number)
{
    struct stat st;
    if (file.part && (!is_stream || fstat(file.fd, &st) || st.st_size == 0))
        unlink(file.part);
    else if (file.part && write(STDERR_FILENO, interrupted, strlen(interrupted)) < 0)
        errno = 0; /* there is nobody to tell */
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static void catch_signals(const struct cli *c)
{
    struct sigaction before, catch = {.sa_handler = let_go_on_signal, .sa_flags = SA_RESTART};
    if (asprintf(&interrupted, "%s: interrupted: what came before is in %s\n", c->name, file.part) <
        0)
        cli_no_memory();
    sigemptyset(&catch.sa_mask);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        if (sigaction(signals[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL)
            sigaction(signals[i], &catch, NULL);
}

/* Where a stream or a text goes; a descriptor. */
static int open_output(const struct cli *c, bool stream)
{
    struct ds_error err;
    if (!c->output)
        return STDOUT_FILENO;
    if (ds_aside_open(&file, c->output, &err))
        cli_die(CLI_FAILED, "%s", err.text);
    is_stream = stream;
    atexit(let_go);
    if (file.part)
        catch_signals(c);
    return file.fd;
}

/* Makes what was written the file. */
static void finish_output(void)
{
    struct ds_error err;
    if (file.target && ds_aside_finish(&file, &err))
        cli_die(CLI_FAILED, "%s", err.text);
    free(interrupted);
    interrupted = NULL;
}

struct ds_writer *cli_writer(struct cli *c)
{
    struct ds_error err;
    int fd = open_output(c, true);
    if (isatty(fd))
        cli_die(CLI_USAGE, "will not write a binary stream to a terminal: pipe it on, as to "
                           "ds-show, or give -o FILE");
    struct ds_writer *w = ds_writer_open(fd, c->compress, &err);
    if (!w)
        cli_die(CLI_FAILED, "%s", err.text);
    cli_pass_on(w);
    return w;
}

/* What was made of JSON without enough memory is not to be taken for a result. */
static void check_memory(void)
{
    if (ds_json_lacked_memory())
        cli_no_memory();
}

void cli_close(struct ds_writer *w)
{
    struct ds_error err;
    check_memory();
    cli_pass_on(NULL);
    if (ds_writer_close(w, &err))
        cli_die(CLI_FAILED, "%s", err.text);
    if (file.target)
        finish_output();
    else if (close(STDOUT_FILENO))
        cli_die(CLI_FAILED, "cannot write: %s", strerror(errno));
}

FILE *cli_open_text(struct cli *c)
{
    int fd = open_output(c, false);
    if (fd == STDOUT_FILENO)
        return stdout;
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    FILE *f = copy < 0 ? NULL : fdopen(copy, "w");
    if (!f)
        cli_die(CLI_FAILED, "%s: %s", c->output, strerror(errno));
    return f;
}

static int lost; /* errno of the first line of JSON that could not be written */

/* Whether the reader of a pipe has closed it. */
static bool is_broken(FILE *f)
{
    struct pollfd p = {.fd = fileno(f)};
    return poll(&p, 1, 0) > 0 && (p.revents & POLLERR);
}

void cli_close_text(struct cli *c, FILE *f)
{
    check_memory();
    bool broken = is_broken(f);
    errno = 0;
    bool bad = ferror(f); /* of an earlier write, whose errno may be gone */
    bad = fclose(f) || bad;
    int why = errno ? errno : lost;
    if (bad && !broken && why != EPIPE)
        cli_die(CLI_FAILED, "%s: cannot write: %s", c->output ? c->output : "standard output",
                why ? strerror(why) : "some of it was lost");
    finish_output();
}

void cli_print_json(FILE *out, struct ds_json_text *line)
{
    struct ds_error err;
    DS_JSON_PUT(line, "\n");
    if (ds_json_check(line, &err))
        cli_no_memory();
    if (fwrite(line->text, 1, line->size, out) < line->size && !lost)
        lost = errno;
    line->size = 0;
}

/* ---- provenance and filters ---- */

struct ds_made cli_made(const struct cli *c)
{
    return (struct ds_made){.tool = c->name, .args = c->args, .nargs = c->nargs};
}

void cli_filter(struct cli *c, struct ds_filter *f)
{
    *f = (struct ds_filter){.out = cli_writer(c), .made = cli_made(c)};
    f->in = cli_reader(c->operand, c->noperands);
}

void cli_need_arch(const struct ds_record *rec, const char *where)
{
    struct ds_error err;
    if (ds_record_need_arch(rec, &err))
        cli_die(CLI_FAILED, "%s: %s", where, err.text);
}

int cli_filter_close(struct ds_filter *f)
{
    cli_close(f->out);
    ds_reader_close(f->in);
    return 0;
}

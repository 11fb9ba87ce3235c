#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int writer_fd; /* where the stream goes */

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
    cli_pass_on(w);
    writer_fd = fd;
    return w;
}

void cli_close(struct ds_writer *w)
{
    struct ds_error err;
    cli_pass_on(NULL);
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

void cli_print_json(FILE *out, json_t *json, const char *where, const struct ds_error *err)
{
    if (!json)
        cli_die(CLI_FAILED, "%s: %s", where, err->text);
    json_dumpf(json, out, JSON_COMPACT);
    fputc('\n', out);
    json_decref(json);
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

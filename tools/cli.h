/* What every tool does alike: options, help, messages, exit status, standard output. */
#ifndef DS_CLI_H
#define DS_CLI_H

#include "stream/filter.h"

enum cli_type {
    CLI_FLAG,   /* bool */
    CLI_COUNT,  /* uint64_t, a whole number */
    CLI_NUMBER, /* double */
    CLI_TEXT,   /* const char * */
    CLI_LIST    /* struct cli_list: may be given again; not to be freed */
};

struct cli_list {
    const char **value;
    int n;
};

struct cli_option {
    const char *name; /* long, without dashes */
    char letter;      /* short, or 0 */
    enum cli_type type;
    void *target;
    const char *arg;  /* what help calls the argument; NULL for a flag */
    const char *help; /* one line */
    double min;       /* COUNT, NUMBER: least value allowed */
};

struct cli {
    const char *name;                 /* "ds-sample" */
    const char *usage;                /* "SPACE -n N [OPTION ...]": after the name */
    const char *about;                /* one line */
    const struct cli_option *options; /* of this tool, ended by a NULL name */

    /* set by cli_parse */
    const char *output; /* -o FILE; NULL: standard output */
    bool compress;      /* -z */
    bool quiet;         /* -q */
    bool progress;      /* --progress, or stderr is a terminal and not -q */
    uint64_t seed;      /* --seed, 1 unless given */
    char **operand;
    int noperands;
    int argc; /* as given, for the provenance */
    char **argv;
};

enum { CLI_FAILED = 1, CLI_USAGE = 2 };
enum { CLI_MOST_BATCH = 4096 }; /* of --batch: images at once */

/*
 * Parses options (getopt_long; the common ones too); prints help or version and exits, or exits 2
 * on bad usage. Ignores SIGPIPE. Remembers `c` for the messages.
 */
void cli_parse(struct cli *c, int argc, char **argv);

/*
 * "ds-NAME: message" on stderr; then exit. Records handed to cli_writer's stream before are
 * passed on.
 */
_Noreturn void cli_die(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "ds-NAME: message" on stderr, unless -q. */
void cli_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Ends the tool after a failed write or read: quietly with 0 when the reader of our pipe is gone,
 * else as cli_die with the message and 1.
 */
_Noreturn void cli_fail(struct ds_writer *w, const struct ds_error *err);

/* The number, as an int; dies of one above `most`. */
int cli_small(const char *option, uint64_t value, int most);

/*
 * Opens -o FILE or standard output for a stream; dies (2) rather than write binary to a terminal.
 */
struct ds_writer *cli_writer(struct cli *c);

/* Writes what is left and closes it; dies when that fails. */
void cli_close(struct ds_writer *w);

/* Opens -o FILE or standard output for text; dies when it cannot. Close with cli_close_text. */
FILE *cli_open_text(struct cli *c);
void cli_close_text(struct cli *c, FILE *f);

/* What goes into the provenance: the tool and its arguments, without -o, -z, -q, --progress. */
struct ds_made cli_made(const struct cli *c);

/* A filter from the operands to the output. */
void cli_filter(struct cli *c, struct ds_filter *f);

/* Closes both ends and returns the exit status. */
int cli_filter_close(struct ds_filter *f);

/* Text to number, all of it, or die (2) naming `what`. */
double cli_number(const char *what, const char *text);
uint64_t cli_count(const char *what, const char *text);

#endif

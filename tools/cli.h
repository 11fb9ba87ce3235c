/* What every tool does alike: options and help; messages and output by their headers below. */
#ifndef DS_CLI_H
#define DS_CLI_H

#include "message.h"

#include <stdbool.h>
#include <stdint.h>

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
    double max;       /* the same: greatest; 0: any */
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
    bool piece;         /* --piece */
    uint64_t seed;      /* --seed, 1 unless given */
    char **operand;
    int noperands;
    char **args; /* [nargs] what of the above goes into the provenance */
    int nargs;
};

/* Bounds of options that several tools have. */
enum { CLI_MOST_BATCH = 4096, CLI_MOST_RECORDS = 1000000000 };

/*
 * Parses options (getopt_long; the common ones too); prints help or version and exits, or exits 2
 * on bad usage. Ignores SIGPIPE. Names the tool for the messages.
 */
void cli_parse(struct cli *c, int argc, char **argv);

/* Text to number, all of it and from least to most, or die (2) naming `what`. */
double cli_number(const char *what, const char *text, double least, double most);
uint64_t cli_count(const char *what, const char *text, uint64_t least, uint64_t most);

#endif

/* What a tool writes: a stream or text, to standard output or -o FILE. */
#ifndef DS_OUTPUT_H
#define DS_OUTPUT_H

#include "cli.h"
#include "stream/filter.h"

#include <stdio.h>

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

#endif

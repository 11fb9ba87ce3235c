/* What a tool writes: a stream or text, to standard output or -o FILE. */
#ifndef DS_OUTPUT_H
#define DS_OUTPUT_H

#include "base/json_text.h"
#include "cli.h"
#include "input.h"
#include "stream/filter.h"

#include <stdio.h>

/*
 * -o FILE is written aside (base/aside.h) and takes its place when the tool is done; until then it
 * may be what is read. Of a stream, what came before a fault is left beside it.
 */

/*
 * Opens -o FILE or standard output for a stream; dies (2) rather than write binary to a terminal.
 */
struct ds_writer *cli_writer(struct cli *c);

/* Writes what is left and closes it; dies when that fails. */
void cli_close(struct ds_writer *w);

/* Opens -o FILE or standard output for text; dies when it cannot. Close with cli_close_text. */
FILE *cli_open_text(struct cli *c);
void cli_close_text(struct cli *c, FILE *f);

/* Prints what is written of JSON as one line, and empties it for the next. */
void cli_print_json(FILE *out, struct ds_json_text *line);

/*
 * What goes into the provenance: the tool and its arguments, without those that change nothing of
 * the result: -o, -z, -q, --progress, --piece.
 */
struct ds_made cli_made(const struct cli *c);

/* A filter from the operands to the output. */
void cli_filter(struct cli *c, struct ds_filter *f);

/* Ends the tool where the record, read at `where`, has no architecture. */
void cli_need_arch(const struct ds_record *rec, const char *where);

/* Closes both ends and returns the exit status. */
int cli_filter_close(struct ds_filter *f);

#endif

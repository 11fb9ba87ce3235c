/* What a tool says to people, and how it ends. */
#ifndef DS_MESSAGE_H
#define DS_MESSAGE_H

#include "stream/stream.h"

enum { CLI_FAILED = 1, CLI_USAGE = 2 }; /* exit statuses */

/* The name that messages begin with. */
void cli_name_tool(const char *name);

/* No more warnings. */
void cli_be_quiet(void);

/* The stream whose records are passed on before the tool dies; NULL: none. */
void cli_pass_on(struct ds_writer *w);

/*
 * "ds-NAME: message" on stderr; then exit. Records handed to the stream of cli_pass_on
 * before are passed on.
 */
_Noreturn void cli_die(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "ds-NAME: message" on stderr. */
void cli_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same, unless -q. */
void cli_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Warns that so many records (of `file`, unless that is NULL) were passed over, because a metric
 * that is needed could not be measured. Nothing when n is 0.
 */
void cli_warn_failed(uint64_t n, const char *file);

/*
 * Ends the tool after a failed write or read: quietly with 0 when the reader of our pipe is gone,
 * else as cli_die with the message and 1.
 */
_Noreturn void cli_fail(struct ds_writer *w, const struct ds_error *err);

#endif

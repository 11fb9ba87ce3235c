/*
 * Asking a program that stays: started once, it reads a line for every question and writes a line
 * for every answer, until its input ends. In a process group of its own, as by exec.h.
 */
#ifndef DS_BASE_SERVE_H
#define DS_BASE_SERVE_H

#include "base/exec.h"

struct ds_server;

/* Nothing is started before the first question. `job` must stay; NULL: out of memory. */
struct ds_server *ds_server_new(const struct ds_exec_job *job, struct ds_error *err);

/*
 * Sends a line (`size` bytes, the last a newline) and waits for one, of job.timeout seconds at
 * most, starting the program where it does not run. The answer without its newline, ended by a 0,
 * to be freed, and its size.
 *
 * Else NULL and what happened: it could not be started, ended without an answer, took too long,
 * said too much, or something that nothing was asked for. It is then ended, as what it says next
 * might be taken for another answer, and the next question starts it anew. One that had answered
 * before and ends well instead of answering is started and asked once more.
 */
char *ds_server_ask(struct ds_server *server, const char *line, size_t size, size_t *answered,
                    struct ds_error *err);

/* Ends it, where its answers cannot be trusted; the next question starts it anew. */
void ds_server_stop(struct ds_server *server);

/* Closes its input and waits two seconds for its end, then ends it. */
void ds_server_free(struct ds_server *server);

#endif

/*
 * A child process in a group of its own, with pipes to its standard streams, and how it is followed
 * to an answer or its end: what exec.h and serve.h are made of. Internal to the room.
 */
#ifndef DS_BASE_CHILD_H
#define DS_BASE_CHILD_H

#include "base/exec.h"
#include <limits.h>
#include <sys/types.h>

#define CHILD_TAIL 400 /* bytes of standard error that are kept */

enum child_verdict {
    CHILD_RUNNING,
    CHILD_ANSWERED, /* a line, of children that are asked for lines */
    CHILD_EXITED,
    CHILD_TIMED_OUT,
    CHILD_TOO_LONG,
    CHILD_INTERRUPTED,
    CHILD_NO_MEMORY,
};

struct child {
    pid_t pid;
    int in, out, err; /* our ends of its pipes; -1 when closed */
    int self;         /* tells when it ends; -1: this system cannot */
    char *text;       /* its standard output so far, to be freed by the user */
    size_t size, room, most;
    char tail[CHILD_TAIL]; /* the end of its standard error */
    size_t tail_size;
};

/* The path of a program, looked up in PATH unless it has a '/'; -1: there is none. (exec.c) */
int ds_exec_find(const char *program, char path[PATH_MAX]);

/* Starts it; its standard input is empty unless `input`. */
int ds_child_start(const struct ds_exec_job *job, bool input, struct child *c,
                   struct ds_error *err);

/* Reads what it said since; *more tells whether there was any. */
enum child_verdict ds_child_read(struct child *c, bool *more);

/*
 * Follows it until it ended, its time is up, it says too much or, with `line`, has answered one:
 * sends it `line` meanwhile, of n bytes; where it does not read them all, only its answer counts.
 */
enum child_verdict ds_child_follow(struct child *c, const char *line, size_t n, double timeout);

/* Ends its standard input. */
void ds_child_close_input(struct child *c);

/* Whether it has ended; it stays a zombie, so that its group keeps its number. */
bool ds_child_has_ended(const struct child *c);

/*
 * Ends it: where the verdict is another than that it exited by asking its group first; then kills
 * what it left behind, and closes the pipes. `text` stays. Returns its status as of waitpid.
 */
int ds_child_end(struct child *c, enum child_verdict v);

/* 0 where it exited with status 0; else -1 and what happened, with its last line of errors. */
int ds_child_judge(struct child *c, enum child_verdict v, int status, const struct ds_exec_job *job,
                   struct ds_error *err);

#endif

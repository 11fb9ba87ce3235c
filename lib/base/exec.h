/*
 * Running another program for its answer: no shell, standard input empty, in a process group of its
 * own, which is ended as a whole.
 */
#ifndef DS_BASE_EXEC_H
#define DS_BASE_EXEC_H

#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>

struct ds_exec_job {
    char *const *argv; /* NULL-ended; argv[0] is looked up in PATH unless it has a '/' */
    char *const *env;  /* NULL-ended "NAME=value", before those of this process */
    double timeout;    /* seconds */
    size_t most;       /* bytes of an answer */
};

/* Whether a program can be found and may be run; -1 and why not. */
int ds_exec_check(const char *program, struct ds_error *err);

/*
 * Runs it to its end. When it exits with 0: its standard output, ended by a 0, to be freed, and its
 * size. Else NULL and what happened: could not be started, exit status, signal, time-out, too long
 * an answer; with the last line of its standard error. When it ends, what it left running in its
 * group is killed. When an interrupt that is held back (base/interrupt.h) came meanwhile, it is
 * ended too.
 */
char *ds_exec(const struct ds_exec_job *job, size_t *size, struct ds_error *err);

#endif

/*
 * A process that outlives this one, whatever ends it (kill -9, too), to clean up after it: it ends
 * the program that was running (base/exec.h, base/serve.h) and removes the temporary directory. For
 * the whole process: one at a time.
 */
#ifndef DS_BASE_GUARDIAN_H
#define DS_BASE_GUARDIAN_H

#include "base/error.h"
#include <sys/types.h>

/*
 * Starts it; with `parent`, it makes a directory dstools-XXXXXX there, which goes with all files in
 * it when the guardian ends.
 */
int ds_guardian_start(const char *parent, struct ds_error *err);

/* Its directory. */
const char *ds_guardian_directory(void);

/*
 * Which process group is to be ended if this process ends now; 0: none. Without a guardian nothing
 * happens. May be called between fork and exec.
 */
void ds_guardian_watch(pid_t group);

/* Has it clean up, and waits for that. */
void ds_guardian_end(void);

#endif

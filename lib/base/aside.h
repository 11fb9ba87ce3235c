/*
 * A file that is never there in part: it is written beside its place, as NAME.part.XXXXXX, and
 * renamed when it is complete and on the disk. Until then what was there stays as it was, and may
 * be read.
 */
#ifndef DS_BASE_ASIDE_H
#define DS_BASE_ASIDE_H

#include "base/error.h"

/* Zero-initialise. */
struct ds_aside {
    int fd;       /* to write to */
    char *target; /* where the file will stand: symbolic links are followed; NULL: not open */
    char *part;   /* where it is written; NULL: the target is no plain file, and written directly */
};

/*
 * Begins the file: refused where it could not be written in place either. A new one gets the mode
 * that the umask leaves of 0666, one that is replaced keeps its mode and, where that is allowed,
 * its owner; other hard links keep the old content. Pipes, devices, /dev/stdout and /dev/fd/N are
 * written directly.
 */
int ds_aside_open(struct ds_aside *a, const char *path, struct ds_error *err);

/* Makes it the file. After a failure it is still open, to be dropped or kept. */
int ds_aside_finish(struct ds_aside *a, struct ds_error *err);

/* Closes it and removes the part. */
void ds_aside_drop(struct ds_aside *a);

/* Closes it and leaves the part under its name. */
void ds_aside_leave(struct ds_aside *a);

#endif

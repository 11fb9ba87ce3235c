#include "base/aside.h"

#include "base/grow.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_LINKS = 40, MOST_TRIES = 100 };

static int fail(const char *path, struct ds_error *err)
{
    return ds_fail(err, "%s: %s", path, strerror(errno));
}

/* The open descriptor that a path is a name of; -1: none. */
static int descriptor(const char *path)
{
    int fd = -1, end = 0;
    if (strcmp(path, "/dev/stdout") == 0)
        return STDOUT_FILENO;
    if (strcmp(path, "/dev/stderr") == 0)
        return STDERR_FILENO;
    if ((sscanf(path, "/dev/fd/%d%n", &fd, &end) == 1 ||
         sscanf(path, "/proc/self/fd/%d%n", &fd, &end) == 1) &&
        path[end] == 0)
        return fd;
    return -1;
}

/* The path behind symbolic links, of a file that may not be there yet; to be freed. */
static char *follow(const char *path, int links, struct ds_error *err)
{
    char to[PATH_MAX], next[PATH_MAX];
    ssize_t n = readlink(path, to, sizeof to - 1);
    if (n < 0) {
        char *copy = ds_copy_string(path, NULL);
        if (!copy)
            ds_no_memory(err);
        return copy;
    }
    to[n] = 0;
    const char *slash = to[0] == '/' ? NULL : strrchr(path, '/');
    int dir = slash ? (int)(slash - path) + 1 : 0;
    if (links == 0 || snprintf(next, sizeof next, "%.*s%s", dir, path, to) >= (int)sizeof next) {
        errno = links == 0 ? ELOOP : ENAMETOOLONG;
        fail(path, err);
        return NULL;
    }
    return follow(next, links - 1, err);
}

/* Makes a file of a name of its own, as mkstemp does, but with the mode that the umask asks for. */
static int make_part(char *part, size_t at)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    for (int i = 0; i < MOST_TRIES; i++) {
        unsigned char random[6];
        if (getrandom(random, sizeof random, 0) != sizeof random)
            return -1;
        for (size_t k = 0; k < sizeof random; k++)
            part[at + k] = letters[random[k] % (sizeof letters - 1)];
        int fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0 || errno != EEXIST)
            return fd;
    }
    return -1;
}

/* Begins the part beside the target; `old` is what is there, NULL: nothing. */
static int begin_part(struct ds_aside *a, const struct stat *old, struct ds_error *err)
{
    static const char suffix[] = ".part.XXXXXX";
    size_t n = strlen(a->target);
    if (old && faccessat(AT_FDCWD, a->target, W_OK, AT_EACCESS))
        return fail(a->target, err);
    if (!(a->part = ds_alloc(n + sizeof suffix, 1, NULL)))
        return ds_no_memory(err);
    memcpy(a->part, a->target, n);
    memcpy(a->part + n, suffix, sizeof suffix);
    a->fd = make_part(a->part, n + strlen(".part."));
    if (a->fd < 0) {
        int why = errno;
        free(a->part);
        a->part = NULL;
        return ds_fail(err, "%s: %s%s", a->target, old ? "cannot make a file beside it: " : "",
                       strerror(why));
    }
    if (old) {
        /* the owner first, since changing it clears bits of the mode */
        int kept = fchown(a->fd, old->st_uid, old->st_gid);
        if (fchmod(a->fd, old->st_mode & (kept == 0 ? 07777 : 0777)))
            return fail(a->target, err);
    }
    return 0;
}

int ds_aside_open(struct ds_aside *a, const char *path, struct ds_error *err)
{
    struct stat old;
    int rc, own = descriptor(path);
    *a = (struct ds_aside){.fd = -1, .target = follow(path, MOST_LINKS, err)};
    if (!a->target)
        return -1;
    errno = ENOENT;
    bool there = stat(path, &old) == 0;
    if (own >= 0 || (there && !S_ISREG(old.st_mode))) {
        a->fd = own >= 0 ? fcntl(own, F_DUPFD_CLOEXEC, 0) : open(path, O_WRONLY | O_CLOEXEC);
        rc = a->fd < 0 ? fail(path, err) : 0;
    } else if (*path == 0) {
        rc = fail(path, err);
    } else {
        rc = begin_part(a, there ? &old : NULL, err);
    }
    if (rc)
        ds_aside_drop(a);
    return rc;
}

/* Lets go of all but the files. */
static void forget(struct ds_aside *a)
{
    if (a->fd >= 0)
        close(a->fd);
    free(a->part);
    free(a->target);
    *a = (struct ds_aside){.fd = -1};
}

/* Some file systems have no fsync. */
static int to_disk(int fd)
{
    return fsync(fd) && errno != EINVAL && errno != ENOTSUP ? -1 : 0;
}

int ds_aside_finish(struct ds_aside *a, struct ds_error *err)
{
    int bad = a->part && to_disk(a->fd) ? errno : 0;
    if (close(a->fd) && !bad)
        bad = errno;
    a->fd = -1;
    if (!bad && a->part && rename(a->part, a->target))
        bad = errno;
    if (bad)
        return ds_fail(err, "%s: cannot write: %s", a->target, strerror(bad));
    forget(a);
    return 0;
}

void ds_aside_drop(struct ds_aside *a)
{
    if (a->part)
        unlink(a->part);
    forget(a);
}

void ds_aside_leave(struct ds_aside *a)
{
    forget(a);
}

/*
 * Makes the N-th call of a function fail, from where a tool begins to read its options:
 *   FAULT=read:3 LD_PRELOAD=shim.so ds-show x.dss
 * FAULT_TOLD names a file that is made when the call came, so that whoever counts on knows when a
 * run has fewer; FAULT_TRACE=1 shows where from it came. Kinds: read, write, open (with fopen),
 * close, rename, fsync, malloc (with calloc and realloc). stdio reads and writes by calls of its
 * own, which are not seen here.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);

static char kind[16], told[4096];
static long left;
static bool on;

__attribute__((constructor)) static void begin(void)
{
    const char *fault = getenv("FAULT"), *file = getenv("FAULT_TOLD");
    if (fault)
        sscanf(fault, "%15[^:]:%ld", kind, &left);
    if (file)
        snprintf(told, sizeof told, "%s", file);
    unsetenv("LD_PRELOAD"); /* not for its children */
}

/* Whether this call is the one. */
static bool fails(const char *what, int why)
{
    if (!on || strcmp(kind, what) != 0 || __atomic_sub_fetch(&left, 1, __ATOMIC_SEQ_CST) != 0)
        return false;
    long fd = syscall(SYS_openat, AT_FDCWD, told, O_CREAT | O_WRONLY, 0666);
    if (fd >= 0)
        syscall(SYS_close, fd);
    if (getenv("FAULT_TRACE")) {
        void *calls[32];
        on = false; /* it may allocate */
        backtrace_symbols_fd(calls, backtrace(calls, 32), 2);
        on = true;
    }
    errno = why;
    return true;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

int getopt_long(int argc, char *const *argv, const char *letters, const struct option *table,
                int *index)
{
    int v = REAL(getopt_long)(argc, argv, letters, table, index);
    on = true;
    return v;
}

void *malloc(size_t n)
{
    return fails("malloc", ENOMEM) ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
    return fails("malloc", ENOMEM) ? NULL : __libc_calloc(n, size);
}

void *realloc(void *old, size_t n)
{
    return fails("malloc", ENOMEM) ? NULL : __libc_realloc(old, n);
}

ssize_t read(int fd, void *to, size_t n)
{
    return fails("read", EIO) ? -1 : syscall(SYS_read, fd, to, n);
}

ssize_t write(int fd, const void *from, size_t n)
{
    return fails("write", ENOSPC) ? -1 : syscall(SYS_write, fd, from, n);
}

static int open_mode(const char *path, int flags, mode_t mode)
{
    return fails("open", EMFILE) ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int open(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
    va_end(args);
    return open_mode(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
    va_end(args);
    return open_mode(path, flags, mode);
}

FILE *fopen(const char *path, const char *mode)
{
    return fails("open", EMFILE) ? NULL : REAL(fopen)(path, mode);
}

FILE *fopen64(const char *path, const char *mode)
{
    return fails("open", EMFILE) ? NULL : REAL(fopen)(path, mode);
}

/* As where the disk tells only now that it is full. */
int close(int fd)
{
    bool bad = fails("close", EIO);
    int rc = (int)syscall(SYS_close, fd);
    if (!bad)
        return rc;
    errno = EIO;
    return -1;
}

int rename(const char *from, const char *to)
{
    return fails("rename", EIO) ? -1 : (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int fsync(int fd)
{
    return fails("fsync", EIO) ? -1 : (int)syscall(SYS_fsync, fd);
}

#include "base/guardian.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NAME "/dstools-XXXXXX"
enum { UNIQUE = 6, GRACE_MS = 2000, SLICE_MS = 10, FROM_TOOL = STDERR_FILENO + 1 };

static char directory[PATH_MAX]; /* "": none */
static pid_t guardian;           /* 0: none */
static int to_guardian = -1;     /* it ends when all copies of this are closed */

/* What it says of the directory that it made. */
struct news {
    int error;
    char unique[UNIQUE];
};

/* ---- the guardian itself ---- */

static void wait_ms(int ms)
{
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000L}, NULL);
}

static void end_group(pid_t group)
{
    kill(-group, SIGTERM);
    for (int ms = 0; ms < GRACE_MS && kill(-group, 0) == 0; ms += SLICE_MS)
        wait_ms(SLICE_MS);
    kill(-group, SIGKILL);
}

static void remove_directory(void)
{
    DIR *d = opendir(directory);
    for (struct dirent *e; d && (e = readdir(d));)
        unlinkat(dirfd(d), e->d_name, 0);
    if (d)
        closedir(d);
    rmdir(directory);
}

/* Keeps nothing open, as locks and pipes of the tool are to end with it, and lets nobody end it. */
static void retire(int from_tool)
{
    static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
        signal(ignored[i], SIG_IGN);
    setsid();
    prctl(PR_SET_NAME, "ds-guardian");
    int null = open("/dev/null", O_RDWR);
    for (int fd = 0; fd <= STDERR_FILENO; fd++)
        dup2(null, fd);
    dup2(from_tool, FROM_TOOL);
    closefrom(FROM_TOOL + 1);
}

static _Noreturn void guard(int from_tool, int to_tool)
{
    pid_t group = 0, told;
    struct news news = {0};
    if (*directory && !mkdtemp(directory))
        news.error = errno;
    if (*directory)
        memcpy(news.unique, directory + strlen(directory) - UNIQUE, UNIQUE);
    bool heard = write(to_tool, &news, sizeof news) == (ssize_t)sizeof news;
    if (news.error)
        _exit(0);
    retire(from_tool);
    while (heard) {
        ssize_t n = read(FROM_TOOL, &told, sizeof told); /* whole: writes are of few bytes */
        if (n < 0 && errno == EINTR)
            continue;
        if (n != (ssize_t)sizeof told)
            break;
        group = told;
    }
    if (group > 0)
        end_group(group);
    if (*directory)
        remove_directory();
    _exit(0);
}

/* ---- the tool's side ---- */

static void close_pipe(int pipe[2])
{
    for (int i = 0; i < 2; i++)
        if (pipe[i] >= 0)
            close(pipe[i]);
}

/* Hears what became of the directory; an errno. */
static int hear(int from_guardian)
{
    struct news news;
    ssize_t n;
    do
        n = read(from_guardian, &news, sizeof news);
    while (n < 0 && errno == EINTR);
    if (n != (ssize_t)sizeof news)
        return n < 0 ? errno : ECHILD;
    if (*directory)
        memcpy(directory + strlen(directory) - UNIQUE, news.unique, UNIQUE);
    return news.error;
}

int ds_guardian_start(const char *parent, struct ds_error *err)
{
    int down[2] = {-1, -1}, up[2] = {-1, -1}, bad = 0;
    if (snprintf(directory, sizeof directory, "%s%s", parent ? parent : "", parent ? NAME : "") >=
        (int)sizeof directory)
        bad = ENAMETOOLONG;
    else if (pipe2(down, O_CLOEXEC) || pipe2(up, O_CLOEXEC) || (guardian = fork()) < 0)
        bad = errno;
    if (!bad && guardian == 0) {
        close(down[1]);
        guard(down[0], up[1]);
    }
    if (!bad) {
        close(up[1]);
        up[1] = -1;
        to_guardian = down[1];
        down[1] = -1;
        bad = hear(up[0]);
    }
    close_pipe(up);
    close_pipe(down);
    if (!bad)
        return 0;
    bool started = guardian > 0;
    guardian = started ? guardian : 0;
    ds_guardian_end();
    if (started && parent)
        return ds_fail(err, "%s: cannot make a file there (TMPDIR): %s", parent, strerror(bad));
    return ds_fail(err, "cannot start a process: %s", strerror(bad));
}

const char *ds_guardian_directory(void)
{
    return directory;
}

void ds_guardian_watch(pid_t group)
{
    ssize_t n = to_guardian < 0 ? 0 : write(to_guardian, &group, sizeof group);
    (void)n; /* one that was killed cannot help */
}

void ds_guardian_end(void)
{
    if (to_guardian >= 0)
        close(to_guardian);
    to_guardian = -1;
    while (guardian > 0 && waitpid(guardian, NULL, 0) < 0 && errno == EINTR)
        ;
    guardian = 0;
}

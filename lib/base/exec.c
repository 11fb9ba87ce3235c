#include "base/exec.h"

#include "base/clock.h"
#include "base/interrupt.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define GRACE_MS 2000 /* between SIGTERM and SIGKILL */
#define SLICE_MS 10   /* how often to look after a child that no descriptor tells of */
#define CHUNK 65536
#define TAIL 400       /* bytes of standard error that are kept */
#define MOST_CHUNKS 32 /* read after it ended: what a pipe can hold, and some */

extern char **environ;

enum verdict { RUNNING, EXITED, TIMED_OUT, TOO_LONG, INTERRUPTED, NO_MEMORY };

struct child {
    pid_t pid;
    int out, err; /* our ends of its pipes; -1 when closed */
    int self;     /* tells when it ends; -1: this system cannot */
    char *text;   /* its standard output so far */
    size_t size, room, most;
    char tail[TAIL]; /* the end of its standard error */
    size_t tail_size;
};

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* ---- starting it ---- */

int ds_exec_check(const char *program, struct ds_error *err)
{
    char path[4096];
    struct stat st;
    const char *at = strchr(program, '/') ? NULL : getenv("PATH");
    if (!at) {
        if (stat(program, &st))
            return ds_fail(err, "%s: %s", program, strerror(errno));
        if (!S_ISREG(st.st_mode) || access(program, X_OK))
            return ds_fail(err, "%s: is no program that may be run", program);
        return 0;
    }
    for (const char *end; *program && *at; at = *end ? end + 1 : end) {
        end = strchrnul(at, ':');
        int n = snprintf(path, sizeof path, "%.*s/%s", (int)(end - at), at, program);
        if (n < (int)sizeof path && stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
            access(path, X_OK) == 0)
            return 0;
    }
    return ds_fail(err, "%s: no such program in PATH; write ./%s for one that is here", program,
                   program);
}

static bool same_name(const char *a, const char *b)
{
    size_t n = strcspn(a, "=");
    return strncmp(a, b, n) == 0 && b[n] == '=';
}

/* The environment with the job's variables, in place of any of these names; to be freed. */
static char **environment(char *const *more)
{
    size_t n = 0, m = 0, kept = 0;
    while (environ[n])
        n++;
    while (more[m])
        m++;
    char **all = calloc(n + m + 1, sizeof *all);
    if (!all)
        return NULL;
    for (size_t i = 0; i < m; i++)
        all[kept++] = more[i];
    for (size_t i = 0; i < n; i++) {
        bool replaced = false;
        for (size_t k = 0; k < m; k++)
            replaced = replaced || same_name(more[k], environ[i]);
        if (!replaced)
            all[kept++] = environ[i];
    }
    return all;
}

/* Spawns it with its ends of the pipes; an errno. */
static int spawn(const struct ds_exec_job *job, char **env, int out, int err, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t mask, defaults;
    sigemptyset(&defaults);
    ds_interrupt_signals(&defaults);
    sigaddset(&defaults, SIGPIPE); /* which our tools ignore */
    sigemptyset(&mask);
    int bad = posix_spawn_file_actions_init(&actions);
    if (bad)
        return bad;
    bad = posix_spawnattr_init(&attributes);
    if (!bad) {
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF |
                                                  POSIX_SPAWN_SETSIGMASK);
        posix_spawnattr_setpgroup(&attributes, 0);
        posix_spawnattr_setsigdefault(&attributes, &defaults);
        posix_spawnattr_setsigmask(&attributes, &mask);
        bad = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        if (!bad)
            bad = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
        if (!bad)
            bad = posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO);
        if (!bad)
            bad = posix_spawnp(pid, job->argv[0], &actions, &attributes, job->argv, env);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return bad;
}

static int start(const struct ds_exec_job *job, struct child *c, struct ds_error *err)
{
    int out[2] = {-1, -1}, error[2] = {-1, -1}, bad = 0;
    char **env = environment(job->env);
    if (!env || pipe2(out, O_CLOEXEC) || pipe2(error, O_CLOEXEC) ||
        fcntl(out[0], F_SETFL, O_NONBLOCK) || fcntl(error[0], F_SETFL, O_NONBLOCK))
        bad = errno;
    if (!bad)
        bad = spawn(job, env, out[1], error[1], &c->pid);
    free(env);
    close_fd(&out[1]);
    close_fd(&error[1]);
    if (bad) {
        close_fd(&out[0]);
        close_fd(&error[0]);
        return ds_fail(err, "cannot be started: %s%s", strerror(bad),
                       bad == ENOEXEC ? "; has the script a #! line?" : "");
    }
    c->out = out[0];
    c->err = error[0];
    c->self = (int)syscall(SYS_pidfd_open, c->pid, 0);
    return 0;
}

/* ---- what it says ---- */

/* Reads a chunk: 1, or 0 when there is none now or at all, closing the end of a closed pipe. */
static int read_chunk(int *fd, char *chunk, size_t *got)
{
    ssize_t n = *fd < 0 ? 0 : read(*fd, chunk, CHUNK);
    *got = n > 0 ? (size_t)n : 0;
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        close_fd(fd);
    return n > 0;
}

static enum verdict keep(struct child *c, const char *chunk, size_t n)
{
    if (n > c->most - c->size)
        return TOO_LONG;
    if (c->size + n + 1 > c->room) {
        size_t room = 2 * (c->size + n + 1);
        char *more = realloc(c->text, room);
        if (!more)
            return NO_MEMORY;
        c->text = more;
        c->room = room;
    }
    memcpy(c->text + c->size, chunk, n);
    c->size += n;
    return RUNNING;
}

static void keep_tail(struct child *c, const char *chunk, size_t n)
{
    if (n > TAIL) {
        chunk += n - TAIL;
        n = TAIL;
    }
    size_t old = c->tail_size + n > TAIL ? TAIL - n : c->tail_size;
    memmove(c->tail, c->tail + c->tail_size - old, old);
    memcpy(c->tail + old, chunk, n);
    c->tail_size = old + n;
}

/* A chunk of each pipe; *more tells whether there was any. */
static enum verdict hear(struct child *c, bool *more)
{
    char chunk[CHUNK];
    size_t n;
    enum verdict v = RUNNING;
    *more = false;
    if (read_chunk(&c->out, chunk, &n)) {
        v = keep(c, chunk, n);
        *more = true;
    }
    if (read_chunk(&c->err, chunk, &n)) {
        keep_tail(c, chunk, n);
        *more = true;
    }
    return v;
}

static enum verdict hear_the_rest(struct child *c)
{
    bool more = true;
    enum verdict v = RUNNING;
    for (int i = 0; more && v == RUNNING && i < MOST_CHUNKS; i++)
        v = hear(c, &more);
    return v == RUNNING ? EXITED : v;
}

/* ---- its end ---- */

/* Whether it has ended; it stays a zombie, so that its group keeps its number. */
static bool has_ended(const struct child *c)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid;
}

/* Waits for something to happen, until `deadline` at most. */
static void wait_for_news(const struct child *c, double deadline)
{
    struct pollfd fds[] = {{.fd = c->out, .events = POLLIN},
                           {.fd = c->err, .events = POLLIN},
                           {.fd = c->self, .events = POLLIN},
                           {.fd = ds_interrupt_fd(), .events = POLLIN}};
    double left = deadline - ds_now_ms(),
           most = c->self < 0 || ds_interrupt_fd() < 0 ? SLICE_MS : 60e3;
    left = left < 0 ? 0 : left > most ? most : left;
    poll(fds, 4, (int)left + 1);
}

/* Follows it until it ended, or its time is up, or it says too much. */
static enum verdict follow(struct child *c, double timeout)
{
    double deadline = ds_now_ms() + timeout * 1000;
    for (;;) {
        bool more;
        enum verdict v = hear(c, &more);
        if (v != RUNNING)
            return v;
        if (has_ended(c))
            return hear_the_rest(c);
        if (ds_interrupted())
            return INTERRUPTED;
        if (ds_now_ms() >= deadline)
            return TIMED_OUT;
        wait_for_news(c, deadline);
    }
}

/* Asks the group to end, then ends it. */
static void end_group(struct child *c)
{
    double deadline = ds_now_ms() + GRACE_MS;
    kill(-c->pid, SIGTERM);
    while (!has_ended(c) && ds_now_ms() < deadline) {
        bool more; /* what it still says is let go */
        c->size = 0;
        hear(c, &more);
        struct pollfd self = {.fd = c->self, .events = POLLIN};
        poll(&self, 1, SLICE_MS);
    }
}

/* The last line of standard error that says something, as plain ASCII; "" when there is none. */
static const char *last_line(struct child *c, char out[TAIL + 3])
{
    size_t end = c->tail_size, begin;
    while (end && (unsigned char)c->tail[end - 1] <= ' ')
        end--;
    for (begin = end; begin && c->tail[begin - 1] != '\n';)
        begin--;
    char *to = out;
    if (end > begin) {
        *to++ = ':';
        *to++ = ' ';
    }
    for (size_t i = begin; i < end; i++)
        *to++ = c->tail[i] >= ' ' && c->tail[i] < 127 ? c->tail[i] : '?';
    *to = 0;
    return out;
}

static int judge(struct child *c, enum verdict v, int status, const struct ds_exec_job *job,
                 struct ds_error *err)
{
    char line[TAIL + 3];
    last_line(c, line);
    switch (v) {
    case RUNNING:
    case EXITED:
        break;
    case TIMED_OUT:
        return ds_fail(err, "took more than %g s%s", job->timeout, line);
    case TOO_LONG:
        return ds_fail(err, "answered more than %zu bytes%s", job->most, line);
    case INTERRUPTED:
        return ds_fail(err, "interrupted");
    case NO_MEMORY:
        return ds_fail(err, "out of memory");
    }
    if (WIFSIGNALED(status))
        return ds_fail(err, "killed by signal %d (%s)%s", WTERMSIG(status),
                       strsignal(WTERMSIG(status)), line);
    if (WEXITSTATUS(status))
        return ds_fail(err, "exit status %d%s", WEXITSTATUS(status), line);
    return 0;
}

char *ds_exec(const struct ds_exec_job *job, size_t *size, struct ds_error *err)
{
    struct child c = {.out = -1, .err = -1, .self = -1, .most = job->most};
    int status = 0;
    if (start(job, &c, err))
        return NULL;
    enum verdict v = follow(&c, job->timeout);
    if (v != EXITED)
        end_group(&c);
    kill(-c.pid, SIGKILL); /* and what it left behind */
    while (waitpid(c.pid, &status, 0) < 0 && errno == EINTR)
        ;
    close_fd(&c.out);
    close_fd(&c.err);
    close_fd(&c.self);
    char *text = NULL;
    if (judge(&c, v, status, job, err) == 0) {
        text = realloc(c.text, c.size + 1);
        if (!text)
            ds_fail(err, "out of memory");
    }
    if (!text) {
        free(c.text);
        return NULL;
    }
    text[c.size] = 0;
    *size = c.size;
    return text;
}

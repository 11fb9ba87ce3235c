/* A child process with pipes to its standard streams: see child.h. */
#include "base/child.h"

#include "base/clock.h"
#include "base/grow.h"
#include "base/guardian.h"
#include "base/interrupt.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define GRACE_MS 2000 /* between SIGTERM and SIGKILL */
#define SLICE_MS 10   /* how often to look after a child that no descriptor tells of */
#define CHUNK 65536
#define MOST_CHUNKS 32 /* read after it ended: what a pipe can hold, and some */

extern char **environ;

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* ---- starting it ---- */

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
    char **all = ds_alloc(n + m + 1, sizeof *all, NULL);
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

/* In the child: a descriptor under another number, to stay open. */
static int place(int fd, int as)
{
    return fd == as ? fcntl(fd, F_SETFD, 0) : dup2(fd, as);
}

/*
 * In the child: becomes the program. The guardian hears of the group before there is anything that
 * could outlive the tool. Ends with the reason on `told` where it cannot.
 */
static _Noreturn void become(const char *path, char *const *argv, char **env, int in, int out,
                             int err, int told)
{
    sigset_t signals;
    sigemptyset(&signals);
    ds_interrupt_signals(&signals);
    sigaddset(&signals, SIGPIPE); /* which our tools ignore */
    setpgid(0, 0);
    ds_guardian_watch(getpid());
    for (int s = 1; s < NSIG; s++)
        if (sigismember(&signals, s) == 1)
            signal(s, SIG_DFL);
    sigemptyset(&signals);
    sigprocmask(SIG_SETMASK, &signals, NULL);
    if (in < 0)
        in = open("/dev/null", O_RDONLY);
    if (in >= 0 && place(in, STDIN_FILENO) >= 0 && place(out, STDOUT_FILENO) >= 0 &&
        place(err, STDERR_FILENO) >= 0)
        execve(path, argv, env);
    int why = errno;
    ssize_t n = write(told, &why, sizeof why);
    _exit(n > 0 ? 127 : 126);
}

/* Starts it with its ends of the pipes; an errno. */
static int spawn(const struct ds_exec_job *job, char **env, int in, int out, int err, pid_t *pid)
{
    char path[PATH_MAX];
    int told[2], why = 0;
    if (ds_exec_find(job->argv[0], path))
        return ENOENT;
    if (pipe2(told, O_CLOEXEC))
        return errno;
    *pid = fork();
    if (*pid < 0)
        why = errno;
    if (*pid == 0)
        become(path, job->argv, env, in, out, err, told[1]);
    close(told[1]);
    ssize_t n = 0;
    while (*pid > 0 && (n = read(told[0], &why, sizeof why)) < 0 && errno == EINTR)
        ; /* until it runs: then its copy is closed */
    if (n < 0)
        why = errno;
    close(told[0]);
    if (why && *pid > 0) {
        kill(*pid, SIGKILL);
        while (waitpid(*pid, NULL, 0) < 0 && errno == EINTR)
            ;
        ds_guardian_watch(0);
    }
    return why;
}

static void close_pipe(int pipe[2])
{
    close_fd(&pipe[0]);
    close_fd(&pipe[1]);
}

int ds_child_start(const struct ds_exec_job *job, bool input, struct child *c, struct ds_error *err)
{
    int in[2] = {-1, -1}, out[2] = {-1, -1}, error[2] = {-1, -1}, bad = 0;
    *c = (struct child){.most = job->most, .in = -1, .out = -1, .err = -1, .self = -1};
    char **env = environment(job->env);
    if (!env || (input && (pipe2(in, O_CLOEXEC) || fcntl(in[1], F_SETFL, O_NONBLOCK))) ||
        pipe2(out, O_CLOEXEC) || pipe2(error, O_CLOEXEC) || fcntl(out[0], F_SETFL, O_NONBLOCK) ||
        fcntl(error[0], F_SETFL, O_NONBLOCK))
        bad = errno;
    if (!bad)
        bad = spawn(job, env, in[0], out[1], error[1], &c->pid);
    free(env);
    if (bad) {
        close_pipe(in);
        close_pipe(out);
        close_pipe(error);
        return ds_fail(err, "cannot be started: %s%s", strerror(bad),
                       bad == ENOEXEC ? "; has the script a #! line?" : "");
    }
    close_fd(&in[0]);
    close_fd(&out[1]);
    close_fd(&error[1]);
    c->in = in[1];
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

static enum child_verdict keep(struct child *c, const char *chunk, size_t n)
{
    if (n > c->most - c->size)
        return CHILD_TOO_LONG;
    if (c->size + n + 1 > c->room) {
        size_t room = 2 * (c->size + n + 1);
        if (ds_resize(&c->text, room, 1, NULL))
            return CHILD_NO_MEMORY;
        c->room = room;
    }
    memcpy(c->text + c->size, chunk, n);
    c->size += n;
    return CHILD_RUNNING;
}

static void keep_tail(struct child *c, const char *chunk, size_t n)
{
    if (n > CHILD_TAIL) {
        chunk += n - CHILD_TAIL;
        n = CHILD_TAIL;
    }
    size_t old = c->tail_size + n > CHILD_TAIL ? CHILD_TAIL - n : c->tail_size;
    memmove(c->tail, c->tail + c->tail_size - old, old);
    memcpy(c->tail + old, chunk, n);
    c->tail_size = old + n;
}

enum child_verdict ds_child_read(struct child *c, bool *more)
{
    char chunk[CHUNK];
    size_t n;
    enum child_verdict v = CHILD_RUNNING;
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

static enum child_verdict hear_the_rest(struct child *c)
{
    bool more = true;
    enum child_verdict v = CHILD_RUNNING;
    for (int i = 0; more && v == CHILD_RUNNING && i < MOST_CHUNKS; i++)
        v = ds_child_read(c, &more);
    return v == CHILD_RUNNING ? CHILD_EXITED : v;
}

/* ---- its end ---- */

bool ds_child_has_ended(const struct child *c)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid;
}

/* Waits for something to happen, until `deadline` at most. */
static void wait_for_news(const struct child *c, bool sending, double deadline)
{
    struct pollfd fds[] = {{.fd = c->out, .events = POLLIN},
                           {.fd = c->err, .events = POLLIN},
                           {.fd = c->self, .events = POLLIN},
                           {.fd = ds_interrupt_fd(), .events = POLLIN},
                           {.fd = sending ? c->in : -1, .events = POLLOUT}};
    double left = deadline - ds_now_ms(),
           most = c->self < 0 || ds_interrupt_fd() < 0 ? SLICE_MS : 60e3;
    left = left < 0 ? 0 : left > most ? most : left;
    poll(fds, 5, (int)left + 1);
}

/* Sends what it takes now of the rest; what cannot be sent any more need not be. */
static void send_some(struct child *c, const char **line, size_t *n)
{
    ssize_t sent = *n ? write(c->in, *line, *n) : 0;
    if (sent < 0 && errno != EAGAIN && errno != EINTR)
        *n = 0;
    if (sent <= 0)
        return;
    *line += sent;
    *n -= (size_t)sent;
}

static bool has_line(const struct child *c)
{
    return c->size && memchr(c->text, '\n', c->size);
}

enum child_verdict ds_child_follow(struct child *c, const char *line, size_t n, double timeout)
{
    double deadline = ds_now_ms() + timeout * 1000;
    bool asked = line;
    for (;;) {
        bool more;
        send_some(c, &line, &n);
        enum child_verdict v = ds_child_read(c, &more);
        if (v != CHILD_RUNNING)
            return v;
        if (asked && has_line(c))
            return CHILD_ANSWERED;
        if (ds_child_has_ended(c)) {
            v = hear_the_rest(c);
            return v == CHILD_EXITED && asked && has_line(c) ? CHILD_ANSWERED : v;
        }
        if (ds_interrupted())
            return CHILD_INTERRUPTED;
        if (ds_now_ms() >= deadline)
            return CHILD_TIMED_OUT;
        wait_for_news(c, n > 0, deadline);
    }
}

void ds_child_close_input(struct child *c)
{
    close_fd(&c->in);
}

/* Asks the group to end, then ends it. */
static void end_group(struct child *c)
{
    double deadline = ds_now_ms() + GRACE_MS;
    kill(-c->pid, SIGTERM);
    while (!ds_child_has_ended(c) && ds_now_ms() < deadline) {
        bool more; /* what it still says is let go */
        c->size = 0;
        ds_child_read(c, &more);
        struct pollfd self = {.fd = c->self, .events = POLLIN};
        poll(&self, 1, SLICE_MS);
    }
}

int ds_child_end(struct child *c, enum child_verdict v)
{
    int status = 0;
    if (v != CHILD_EXITED)
        end_group(c);
    kill(-c->pid, SIGKILL); /* and what it left behind */
    while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
        ;
    ds_guardian_watch(0);
    close_fd(&c->in);
    close_fd(&c->out);
    close_fd(&c->err);
    close_fd(&c->self);
    return status;
}

/* The last line of standard error that says something, as plain ASCII; "" when there is none. */
static const char *last_line(struct child *c, char out[CHILD_TAIL + 3])
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

int ds_child_judge(struct child *c, enum child_verdict v, int status, const struct ds_exec_job *job,
                   struct ds_error *err)
{
    char line[CHILD_TAIL + 3];
    last_line(c, line);
    switch (v) {
    case CHILD_RUNNING:
    case CHILD_ANSWERED:
    case CHILD_EXITED:
        break;
    case CHILD_TIMED_OUT:
        return ds_fail(err, "took more than %g s%s", job->timeout, line);
    case CHILD_TOO_LONG:
        return ds_fail(err, "answered more than %zu bytes%s", job->most, line);
    case CHILD_INTERRUPTED:
        return ds_fail(err, "interrupted");
    case CHILD_NO_MEMORY:
        return ds_fail(err, "out of memory");
    }
    if (WIFSIGNALED(status))
        return ds_fail(err, "killed by signal %d (%s)%s", WTERMSIG(status),
                       strsignal(WTERMSIG(status)), line);
    if (WEXITSTATUS(status))
        return ds_fail(err, "exit status %d%s", WEXITSTATUS(status), line);
    return 0;
}

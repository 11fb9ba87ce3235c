/*
 * A clock that jumps: the time of day is a day early, right, or a day late, another from call to
 * call and from process to process. What is measured by the time of day shows it; a clock that only
 * goes on (CLOCK_MONOTONIC) is left alone. LD_PRELOAD=clock.so date
 */
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long jump(void)
{
    static unsigned calls;
    unsigned n = (unsigned)getpid() + __atomic_fetch_add(&calls, 1, __ATOMIC_SEQ_CST);
    return 86400L * ((long)(n % 3) - 1);
}

int clock_gettime(clockid_t clock, struct timespec *t)
{
    int rc = (int)syscall(SYS_clock_gettime, clock, t);
    if (rc == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        t->tv_sec += jump();
    return rc;
}

int gettimeofday(struct timeval *restrict t, void *restrict zone)
{
    struct timespec now;
    int rc = clock_gettime(CLOCK_REALTIME, &now);
    (void)zone;
    *t = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
    return rc;
}

time_t time(time_t *t)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_REALTIME, &now);
    if (t)
        *t = now.tv_sec;
    return now.tv_sec;
}

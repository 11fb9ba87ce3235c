#include "measure/disturbed.h"

#include <sys/resource.h>
#include <time.h>

/* A thread that waits for nobody is off the processor for less than this, by the two clocks. */
#define SHARE_OFF 0.02
#define MS_OFF 0.05

static double thread_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

/* Of one thread those of this one; of several all of the process. */
static long switches(int threads)
{
    struct rusage u;
    getrusage(threads == 1 ? RUSAGE_THREAD : RUSAGE_SELF, &u);
    return u.ru_nivcsw;
}

void ds_disturbance_begin(struct ds_disturbance *d, int threads)
{
    d->switches = switches(threads);
    d->cpu_ms = threads == 1 ? thread_ms() : 0;
}

bool ds_disturbance_end(const struct ds_disturbance *d, int threads, double wall_ms)
{
    if (threads == 1 && wall_ms - (thread_ms() - d->cpu_ms) > SHARE_OFF * wall_ms + MS_OFF)
        return true;
    return switches(threads) > d->switches;
}

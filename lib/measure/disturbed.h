/*
 * Whether others took the processor away during a run: the system's own count of the times that it
 * was taken from us, and the wall time in which a run on one thread was not on a processor at all,
 * also because a hypervisor ran something else. What is asked is never how long the run took, so
 * leaving such runs out does not choose among the others by their time.
 */
#ifndef DS_MEASURE_DISTURBED_H
#define DS_MEASURE_DISTURBED_H

#include <stdbool.h>

struct ds_disturbance {
    long switches; /* involuntary, so far */
    double cpu_ms; /* of this thread, so far */
};

/* Notes where things stand before a run on `threads` threads. */
void ds_disturbance_begin(struct ds_disturbance *d, int threads);

/* After the run, which took so long by the clock on the wall: whether it was disturbed. */
bool ds_disturbance_end(const struct ds_disturbance *d, int threads, double wall_ms);

#endif

/* A progress bar on stderr: done, total where known, rate, time left. */
#ifndef DS_PROGRESS_H
#define DS_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    bool on;
    uint64_t done, total; /* total 0: unknown */
    double begin, shown;  /* seconds */
};

void progress_begin(struct progress *p, bool on, uint64_t total);
void progress_add(struct progress *p, uint64_t n);
void progress_end(struct progress *p);

/* Ends the line of a bar that is shown, so that a message begins on its own. */
void progress_break(void);

#endif

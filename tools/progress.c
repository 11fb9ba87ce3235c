#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#define REDRAW 0.2 /* seconds */
#define BAR 24     /* characters */

static bool drawn; /* the cursor stands behind a bar */

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void draw(struct progress *p, double time)
{
    double seconds = time - p->begin, rate = seconds > 0 ? (double)p->done / seconds : 0;
    p->shown = time;
    drawn = true;
    if (p->total == 0 || p->total < p->done) {
        fprintf(stderr, "\r\033[K%" PRIu64 " records  %.4g/s  %.0f s", p->done, rate, seconds);
        return;
    }
    int filled = (int)(BAR * p->done / p->total);
    double left = rate > 0 ? (double)(p->total - p->done) / rate : 0;
    fprintf(stderr, "\r\033[K[");
    for (int i = 0; i < BAR; i++)
        fputc(i < filled ? '#' : '.', stderr);
    fprintf(stderr, "] %" PRIu64 "/%" PRIu64 "  %.4g/s  %.0f s left", p->done, p->total, rate,
            left);
}

void progress_begin(struct progress *p, bool on, uint64_t total)
{
    *p = (struct progress){.on = on, .total = total, .begin = now()};
}

void progress_add(struct progress *p, uint64_t n)
{
    p->done += n;
    if (!p->on)
        return;
    double time = now();
    if (time - p->shown >= REDRAW)
        draw(p, time);
}

void progress_end(struct progress *p)
{
    if (!p->on)
        return;
    draw(p, now());
    progress_break();
}

void progress_break(void)
{
    if (drawn)
        fputc('\n', stderr);
    drawn = false;
}

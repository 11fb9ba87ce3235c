/*
 * When to look at a measurement, and what interval of the median holds at every look.
 *
 * An interval made for a fixed number of runs covers too rarely when measuring stops as soon as it
 * is narrow. Here the numbers of runs at which one looks are planned, and the intervals are so wide
 * that all of them together hold the median with the level asked for. How many of n independent
 * runs lie below the median is a symmetric random walk whatever their distribution, so the chance
 * that it leaves the bounds is computed exactly; every look may spend the same part of it (Slud and
 * Wei, Two-sample repeated significance tests, 1982, on the sign test), and what it cannot spend is
 * left to the next.
 */
#ifndef DS_MEASURE_LOOKS_H
#define DS_MEASURE_LOOKS_H

#include "base/error.h"

struct ds_looks {
    int n;
    int *at; /* [n]: runs at each look, ascending; the last is the most runs */
    int *
        rank; /* [n]: the interval is from the rank-th least to the rank-th greatest; 0: none yet */
};

/* Plans looks for up to `most` runs; free with ds_looks_free. -1 when out of memory. */
int ds_looks_init(struct ds_looks *looks, int most, double level, struct ds_error *err);
void ds_looks_free(struct ds_looks *looks);

/* The last look that `runs` runs have reached; -1: none. */
int ds_looks_reached(const struct ds_looks *looks, int runs);

#endif

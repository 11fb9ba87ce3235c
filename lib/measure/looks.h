/*
 * When to look at a measurement, and what interval of its centre holds at every look.
 *
 * An interval made for a fixed number of runs covers too rarely when measuring stops as soon as it
 * is narrow. Here the numbers of runs at which one looks are planned, and the intervals are so wide
 * that all of them together hold the centre with the level asked for. Each is that of Wilcoxon's
 * signed ranks (Hodges and Lehmann, Estimates of location based on rank tests, 1963), from one of
 * the sorted means of two runs to another. From look to look that statistic is close to a sum of
 * independent normal steps, so the chance that it leaves any of the bounds is computed from theirs
 * (Armitage, McPherson and Rowe, Repeated significance tests on accumulating data, 1969); every
 * look may spend the same part of it, and what it cannot spend is left to the next.
 */
#ifndef DS_MEASURE_LOOKS_H
#define DS_MEASURE_LOOKS_H

#include "base/error.h"
#include <stdint.h>

struct ds_looks {
    int n;
    int *at;       /* [n]: runs at each look, ascending; the last is the most runs */
    int64_t *rank; /* [n]: the interval is from the rank-th least mean of two runs (of a run with
                      itself, too) to the rank-th greatest; 0: none yet */
};

/* Plans looks for up to `most` runs; free with ds_looks_free. -1 when out of memory. */
int ds_looks_init(struct ds_looks *looks, int most, double level, struct ds_error *err);
void ds_looks_free(struct ds_looks *looks);

/* The last look that `runs` runs have reached; -1: none. */
int ds_looks_reached(const struct ds_looks *looks, int runs);

#endif

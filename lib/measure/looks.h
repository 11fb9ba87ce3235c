/*
 * When to look at a measurement, and the interval of its centre at a look.
 *
 * Measuring ends at the first look at which the interval is narrow enough. Its width then decides
 * when to stop, and not where it lies; so with many runs it holds the centre as often as one made
 * for a fixed number (Chow and Robbins, On the asymptotic theory of fixed-width sequential
 * confidence intervals for the mean, 1965; Sen and Ghosh, On bounded length sequential confidence
 * intervals based on one-sample rank order statistics, 1971). With few runs one that is narrow by
 * chance is too narrow, so looks are some runs apart and the interval is wider than one for a fixed
 * number: by how much is found by simulation (tests/test_coverage.c).
 */
#ifndef DS_MEASURE_LOOKS_H
#define DS_MEASURE_LOOKS_H

#include <stdint.h>

/* The number of runs at which to look next, after `runs`; `most`, the last look, at most. */
int ds_next_look(int runs, int most);

/*
 * The interval of the centre of n runs, which holds with 95% when measuring ends by its width, goes
 * from the rank-th least mean of two runs (of a run with itself, too) to the rank-th greatest. It
 * is that of Wilcoxon's signed ranks (Hodges and Lehmann, Estimates of location based on rank
 * tests, 1963). 0: n are too few.
 */
int64_t ds_look_rank(int n);

#endif

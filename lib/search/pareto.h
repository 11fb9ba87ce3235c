/*
 * Pareto fronts. Points are rows of x[n][m], m objectives each, less being better in all: turn the
 * sign of those where more is better. A point dominates another when it is no worse in any
 * objective and better in one; equal points do not dominate each other.
 */
#ifndef DS_SEARCH_PARETO_H
#define DS_SEARCH_PARETO_H

#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>

/* Whether point a dominates point b. */
bool ds_pareto_dominates(const double *a, const double *b, int m);

/*
 * Sets keep[i] for every point that no other dominates. By sorting and sweeping for m <= 2, else
 * by divide and conquer (Kung, Luccio and Preparata, JACM 1975; as in Jensen, IEEE TEC 2003):
 * O(n log n) for m <= 3, else O(n log^(m-2) n). Values must not be NaN. -1 when out of memory.
 */
int ds_pareto_front(const double *x, size_t n, int m, bool *keep, struct ds_error *err);

/*
 * The volume between the points and the reference point that is dominated by the points; points
 * not better than the reference in every objective add nothing. Exact: a sweep for m = 2, above
 * that the WFG algorithm (While, Bradstreet and Barone, IEEE TEC 2012), which takes one objective
 * less at every step: O(n^2 log n) for m = 3.
 */
int ds_hypervolume(const double *x, size_t n, int m, const double *reference, double *volume,
                   struct ds_error *err);

#endif

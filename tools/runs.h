/*
 * Runs of searches to be compared: operands as LABEL=FILE, the runs of one label (the seeds) being
 * repetitions of the same search. Held are the fronts.
 */
#ifndef DS_RUNS_H
#define DS_RUNS_H

#include "objective.h"

struct run {
    int label;
    const char *file;
    size_t n;
    double *x; /* [n][objectives], less being better, in lexicographic order */
};

struct runs {
    int n, nlabels;
    struct run *at;
    char **label; /* in the order of their first run */
    int *count;   /* [nlabels], runs */
};

/*
 * Reads the fronts of the files; a file without label is its own. Dies on unreadable files,
 * missing metrics, and runs without records. No operands: standard input, labelled "-".
 */
void runs_read(struct runs *runs, const struct objectives *o, char *const *operands, int n);

/*
 * The best (least) value of objective `want` among the points of a run whose objective `axis` is
 * at most `limit`; infinity where there is none.
 */
double run_best(const struct run *run, const struct objectives *o, int want, int axis,
                double limit);

void runs_free(struct runs *runs);

#endif

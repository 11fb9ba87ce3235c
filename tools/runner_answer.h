/* The answer of a program that measures: numbers, one a line, and comments that say how. */
#ifndef DS_RUNNER_ANSWER_H
#define DS_RUNNER_ANSWER_H

#include "runner.h"

struct runner_answer {
    const char *text; /* the whole answer; comments are read from it */
    double *number;   /* [n], to be freed */
    int n;
};

/*
 * Reads an answer of `size` bytes and a 0. Empty lines and lines that begin with '#' are no
 * numbers. -1 and what is wrong with it.
 */
int runner_parse(const struct runner_metric *metric, const char *text, size_t size,
                 struct runner_answer *answer, struct ds_error *err);

/*
 * Sets the metric: the one number, or the median of the runs with its spread; and what the
 * comments `# engine: TEXT`, `# device: TEXT`, `# precision: TEXT`, `# threads: N` say. Sorts the
 * numbers. NULL when out of memory.
 */
struct ds_metric *runner_set(struct ds_record *rec, const struct runner_metric *metric,
                             const struct runner_answer *answer);

#endif

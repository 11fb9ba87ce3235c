/* What a program that measures answers: numbers, one a line, and comments that say how. */
#ifndef DS_MEASURE_ANSWER_H
#define DS_MEASURE_ANSWER_H

#include "stream/record.h"

/* What it is asked for. */
struct ds_question {
    const char *metric; /* "latency.cpu"; must outlive the records that get it */
    const char *unit;   /* "ms" */
    double most;        /* greater numbers are nonsense, as are those below 0 */
    bool is_latency;    /* above 0; several numbers are timed runs */
};

struct ds_answer {
    const char *text; /* the whole answer; comments are read from it */
    double *number;   /* [n], to be freed */
    size_t n, room;
};

/* A latency in ms. */
struct ds_question ds_question_latency(const char *metric);

/*
 * Reads an answer of `size` bytes and a 0. Empty lines and lines that begin with '#' are no
 * numbers. -1 and what is wrong with it.
 */
int ds_answer_parse(const struct ds_question *question, const char *text, size_t size,
                    struct ds_answer *answer, struct ds_error *err);

/*
 * Sets the metric: the one number, or the median of the runs with its spread; and what the
 * comments `# engine: TEXT`, `# device: TEXT`, `# precision: TEXT`, `# threads: N` say. Sorts the
 * numbers. NULL when out of memory.
 */
struct ds_metric *ds_answer_set(struct ds_record *rec, const struct ds_question *question,
                                const struct ds_answer *answer);

#endif

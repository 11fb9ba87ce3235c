/*
 * What a program that measures answers. Either numbers, one a line, and comments that say how; or,
 * beginning with '{', a JSON object with the metric's name and a number, an array of runs, or an
 * object of "value" (as these) and details; and in the same way further metrics.
 */
#ifndef DS_MEASURE_ANSWER_H
#define DS_MEASURE_ANSWER_H

#include "stream/record.h"
#include <jansson.h>

/* What it is asked for. */
struct ds_question {
    const char *metric; /* "latency.cpu"; must outlive the records that get it */
    const char *unit;   /* "ms" */
    double most;        /* greater numbers are nonsense, as are those below 0 */
    bool is_latency;    /* above 0; several numbers are timed runs */
};

struct ds_answer {
    const char *text; /* the whole answer; comments are read from it */
    json_t *object;   /* where it is one */
    double *number;   /* [n] of the metric asked for */
    size_t n, room;
};

/* A latency in ms. */
struct ds_question ds_question_latency(const char *metric);

/*
 * Reads an answer of `size` bytes and a 0, which must outlive it. Empty lines and lines that begin
 * with '#' are no numbers. -1 and what is wrong with it, or the "error" that an object has.
 */
int ds_answer_parse(const struct ds_question *question, const char *text, size_t size,
                    struct ds_answer *answer, struct ds_error *err);

void ds_answer_free(struct ds_answer *answer);

/*
 * Whether an answer is an object with the "id" of what was asked about: who is out of step answers
 * for another.
 */
int ds_answer_is_for(const char *text, uint64_t id, struct ds_error *err);

/*
 * Sets the metric: the one number, or the median of the runs with its spread; and what the
 * comments `# engine: TEXT`, `# device: TEXT`, `# precision: TEXT`, `# threads: N` say, or an
 * object's details; and an object's further metrics. Sorts the numbers. NULL when out of memory.
 */
struct ds_metric *ds_answer_set(struct ds_record *rec, const struct ds_question *question,
                                const struct ds_answer *answer);

#endif

/* Answers that are JSON objects: see answer.h. Internal to the room. */
#ifndef DS_MEASURE_ANSWER_OBJECT_H
#define DS_MEASURE_ANSWER_OBJECT_H

#include "measure/answer.h"

/* Reads answer->text into the object and the numbers; what it made is freed by ds_answer_free. */
int ds_answer_object_parse(const struct ds_question *question, struct ds_answer *answer,
                           struct ds_error *err);

/*
 * Adds the further metrics and all details, the metric itself being set; gives it. NULL when out of
 * memory.
 */
struct ds_metric *ds_answer_object_set(struct ds_record *rec, const struct ds_question *question,
                                       const struct ds_answer *answer);

#endif

/*
 * Answers of programs that measure: those of this run, failures too, and in a directory those of
 * earlier ones.
 */
#ifndef DS_ANSWERS_H
#define DS_ANSWERS_H

#include "base/id_map.h"
#include "measure/answer.h"
#include <stdbool.h>
#include <xxhash.h>

/* What is known of a network: its answer, or why there is none. */
struct answer {
    char *text;
    bool failed;
};

struct answers {
    const struct ds_question *question;
    const char *cache;     /* directory; NULL: none */
    struct ds_id_map keys; /* of the networks that were asked about in this run */
    struct answer *known;  /* [n] */
    size_t n, room;
};

/* Makes the directory of answers, NULL: none. Dies where it cannot be. */
void answers_open(struct answers *a, const struct ds_question *question, const char *cache);
void answers_free(struct answers *a);

/* What is known of this run or, if it is an answer, of an earlier one; NULL: nothing. */
const struct answer *answers_find(struct answers *a, XXH128_hash_t key);

/* Remembers an answer, also for later runs, or a failure. `text` becomes its own. */
const struct answer *answers_add(struct answers *a, XXH128_hash_t key, char *text, bool failed);

#endif

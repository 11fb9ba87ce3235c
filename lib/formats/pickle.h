/*
 * Python's pickles, as far as PyTorch writes them (protocol 2): read into plain values. What a
 * pickle asks to be called is never executed.
 */
#ifndef DS_FORMATS_PICKLE_H
#define DS_FORMATS_PICKLE_H

#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ds_pickle_kind {
    DS_PICKLE_NONE,
    DS_PICKLE_INT, /* and True, False; a long integer of more than 8 bytes: 0 */
    DS_PICKLE_FLOAT,
    DS_PICKLE_TEXT,
    DS_PICKLE_TUPLE,
    DS_PICKLE_LIST,
    DS_PICKLE_DICT,       /* items: key, value, key, value ... in the order they were put in */
    DS_PICKLE_GLOBAL,     /* text: "module name" */
    DS_PICKLE_CALL,       /* items: the global to be called, the tuple of its arguments */
    DS_PICKLE_PERSISTENT, /* item: the identity of something that is kept outside */
    DS_PICKLE_MARK        /* inside reading only */
};

struct ds_pickle {
    enum ds_pickle_kind kind;
    int64_t integer;
    double number;
    char *text; /* holds no zero byte before its end */
    struct ds_pickle **item;
    size_t n, room;
    struct ds_pickle *next; /* of all values, to be freed */
};

/* Pickles that are read from one file, and what keeps their values. */
struct ds_pickle_reader {
    const uint8_t *at, *end;          /* moves on past each pickle */
    bool (*allows)(const char *name); /* whether a pickle may name the global "module name" */
    struct ds_pickle *all;
    size_t count;
};

/*
 * Reads the pickle at `at`. Its value lives until ds_pickle_free. NULL where it is cut off, is of
 * another protocol, names a global that is not allowed, or wants more memory than it can need.
 */
const struct ds_pickle *ds_pickle_read(struct ds_pickle_reader *r, struct ds_error *err);
void ds_pickle_free(struct ds_pickle_reader *r);

/* A dictionary's value of a text key, the last where there are several; else NULL. */
const struct ds_pickle *ds_pickle_get(const struct ds_pickle *dict, const char *key);

#endif

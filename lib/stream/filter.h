/*
 * A filter: one reader, one writer. Most tools read records, change or multiply them, and write
 * them. Output blocks end where input blocks end, so the same input gives the same bytes and
 * nothing waits in a buffer while the input pauses.
 */
#ifndef DS_STREAM_FILTER_H
#define DS_STREAM_FILTER_H

#include "stream/stream.h"

struct ds_filter {
    struct ds_reader *in;
    struct ds_writer *out;
    struct ds_made made;
    uint64_t per_record; /* records it writes for each it reads; 0: not known */
    uint64_t block;
};

/* Begins an output block for the input block being read, as after a change of `per_record`. */
int ds_filter_begin(struct ds_filter *f, struct ds_error *err);

/* ds_reader_next, beginning an output block whenever an input block begins. */
int ds_filter_next(struct ds_filter *f, struct ds_record **rec, struct ds_error *err);

#endif

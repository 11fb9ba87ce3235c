/* Records set aside, to be written later as they came: packed, with their space and provenance. */
#ifndef DS_STREAM_HELD_H
#define DS_STREAM_HELD_H

#include "stream/stream.h"

/* Where records came from: blocks of one space and provenance. */
struct ds_origin {
    const struct ds_space *space;
    void *provenance;
    size_t size;
    uint64_t block; /* the last of the reader's blocks that is of this origin */
    uint64_t total; /* of records, as its provenance says; 0: unknown */
};

struct ds_held_record {
    void *data;
    uint32_t size, origin;
    uint64_t block; /* number of the reader's block that it was in */
};

/* Zero-initialise; the reader whose records it holds must stay open. */
struct ds_held {
    struct ds_held_record *at;
    size_t n, room;
    struct ds_origin *origin;
    size_t norigins, origin_room;
    msgpack_sbuffer packed;
};

/* Adds a record that the reader just gave. -1 when out of memory. */
int ds_held_add(struct ds_held *h, const struct ds_reader *in, const struct ds_record *rec,
                struct ds_error *err);

/* Drops the records i for which keep[i] is false, closing the gaps. */
void ds_held_keep(struct ds_held *h, const bool *keep);

/* Drops all records, but remembers their origins. */
void ds_held_clear(struct ds_held *h);

/* Unpacks record i into `rec`, which is good as long as it is held. */
int ds_held_parse(const struct ds_held *h, size_t i, struct ds_record *rec, struct ds_error *err);

/*
 * Of all that the reader gave until now: the records of a space are of one origin from now on, made
 * of all the inputs, however their order mixes them.
 */
int ds_held_join(struct ds_held *h, const struct ds_reader *in, struct ds_error *err);

/* How many records there are in all where record i came from; 0: unknown. */
uint64_t ds_held_total(const struct ds_held *h, size_t i);

/* Begins an output block for record i: of its space, with its provenance and `made`. */
int ds_held_begin(const struct ds_held *h, size_t i, struct ds_writer *out,
                  const struct ds_made *made, struct ds_error *err);

/*
 * Writes all records in their order, beginning a block whenever the origin changes. When there are
 * none, writes an empty block of the space of `in`.
 */
int ds_held_write(const struct ds_held *h, const struct ds_reader *in, struct ds_writer *out,
                  const struct ds_made *made, struct ds_error *err);

void ds_held_free(struct ds_held *h);

#endif

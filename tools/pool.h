/* Records set aside, to be written later as they came: packed, with their space and provenance. */
#ifndef DS_POOL_H
#define DS_POOL_H

#include "output.h"

/* Where records came from: blocks of one space and provenance. */
struct origin {
    const struct ds_space *space;
    void *provenance;
    size_t size;
    uint64_t block; /* the last of the reader's blocks that is of this origin */
};

struct pooled {
    void *data;
    uint32_t size, origin;
};

/* Zero-initialise; the reader whose records it holds must stay open. */
struct pool {
    struct pooled *at;
    size_t n, room;
    struct origin *origin;
    size_t norigins;
    msgpack_sbuffer packed;
};

/* Adds the record that the reader just gave; dies when out of memory. */
void pool_add(struct pool *p, const struct ds_reader *in, const struct ds_record *rec);

/* Drops the records i for which keep[i] is false, closing the gaps. */
void pool_cull(struct pool *p, const bool *keep);

/*
 * Writes them all in their order, beginning a block whenever the origin changes. An empty pool
 * becomes an empty block of the space of `in`.
 */
void pool_write(struct pool *p, const struct ds_reader *in, struct ds_writer *out,
                const struct ds_made *made);

void pool_free(struct pool *p);

#endif

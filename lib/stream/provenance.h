/*
 * How a stream was made: an entry for each tool, in the order in which they worked on it, as packed
 * in the head of a block (schemas/stream.md).
 */
#ifndef DS_STREAM_PROVENANCE_H
#define DS_STREAM_PROVENANCE_H

#include "stream/stream.h"

struct ds_provenance {
    msgpack_unpacked unpacked;
    uint32_t n; /* entries */
};

/* What one tool says; what is missing or of another type is empty. */
struct ds_provenance_entry {
    msgpack_object_str tool, version;
    msgpack_object_array args; /* elements that are no strings say nothing */
    uint64_t total;
    msgpack_object_map machine;  /* texts */
    msgpack_object_array inputs; /* in place of all this: the provenances of what was read */
    uint64_t more;               /* that many beside them */
};

/* Unpacks a provenance as ds_reader_provenance gives it; -1 when out of memory. */
int ds_provenance_unpack(struct ds_provenance *p, const void *data, size_t size,
                         struct ds_error *err);
void ds_provenance_free(struct ds_provenance *p);

/* Entry i, good as long as the provenance; false where it is no map. */
bool ds_provenance_entry(const struct ds_provenance *p, uint32_t i, struct ds_provenance_entry *e);

/* An entry of an unpacked array of them, as above. */
bool ds_provenance_read(const msgpack_object *entry, struct ds_provenance_entry *e);

/* Packs the provenance so far (NULL: none) with an entry more (NULL: none). */
int ds_provenance_pack(msgpack_packer *pk, const void *before, size_t before_size,
                       const struct ds_made *made, struct ds_error *err);

#endif

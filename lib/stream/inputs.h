/*
 * The provenances of all that a tool read, for one that writes something about all of it: those of
 * several files or parts differ, and none of them alone says how the result was made.
 */
#ifndef DS_STREAM_INPUTS_H
#define DS_STREAM_INPUTS_H

#include "base/error.h"
#include "base/id_map.h"
#include <msgpack.h>

/* As many are kept as they are; of the others only their number. */
enum { DS_MOST_INPUTS = 64 };

/* Zero-initialise; free with ds_inputs_free. */
struct ds_inputs {
    struct ds_id_map seen; /* hashes of all */
    uint64_t n;            /* different ones */
    struct {
        void *data;
        size_t size;
    } kept[DS_MOST_INPUTS]; /* the first of them, each packed as ds_reader_provenance gives it */
};

/* Adds a provenance, unless it is there. -1 when out of memory. */
int ds_inputs_add(struct ds_inputs *inputs, const void *data, size_t size, struct ds_error *err);

/*
 * Packs them as one provenance: a single one as it is; several as one entry {"inputs": [provenance,
 * ...]}, with "more" for the number of those that are not kept. -1 when out of memory.
 */
int ds_inputs_pack(const struct ds_inputs *inputs, msgpack_sbuffer *out, struct ds_error *err);

void ds_inputs_free(struct ds_inputs *inputs);

#endif

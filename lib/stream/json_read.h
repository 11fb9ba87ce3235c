/* A record from JSON: what ds_record_to_json writes, and a short form of it. */
#ifndef DS_STREAM_JSON_READ_H
#define DS_STREAM_JSON_READ_H

#include "stream/record.h"
#include <jansson.h>

/*
 * Appends the record as msgpack, for ds_record_parse. Returns 1 where the space has no such
 * architecture, -1 where the object is no record; the reason in `err`.
 *
 *   {"arch": {"resolution": 224, "units": [{"depth": 2, "width": 32, "blocks": ["a", "b"]}, ...]},
 *    "id": "16 hex digits", "base": ..., "affix": {"site": ..., "choice": ...}, "group": {...},
 *    "metrics": {"top1": 76.5, "latency.cpu": {"value": 3.1, ...}}, ...}
 *
 * All but "arch" may be left out. In "arch" a unit may be the array of its blocks alone, and
 * whatever has but one choice in the space (a resolution, a width, an option) may be left out.
 * Whole numbers are integers, those with a point floating.
 */
int ds_record_pack_json(const struct ds_space *space, const json_t *json, msgpack_sbuffer *out,
                        struct ds_error *err);

#endif

/* A record as a JSON object. */
#ifndef DS_STREAM_JSON_H
#define DS_STREAM_JSON_H

#include "stream/record.h"
#include <jansson.h>

/* The whole record; to be released by json_decref. NULL and the reason in `err`. */
json_t *ds_record_to_json(const struct ds_record *rec, struct ds_error *err);

/* The "arch" of it alone: resolution, options, and of every unit depth, width and blocks. */
json_t *ds_arch_to_json(const struct ds_record *rec);

/*
 * Any msgpack object; whole numbers past 2^63 become strings, bytes hexadecimal. NULL and the
 * reason in `err` where JSON cannot hold it (NaN, infinity, bad UTF-8, keys that are no strings).
 */
json_t *ds_object_to_json(const msgpack_object *object, struct ds_error *err);

#endif

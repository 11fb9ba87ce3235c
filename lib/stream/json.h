/* A record as a JSON object. */
#ifndef DS_STREAM_JSON_H
#define DS_STREAM_JSON_H

#include "base/json_text.h"
#include "stream/record.h"

/*
 * Appends the whole record. -1 and the reason in `err` where JSON cannot hold it; what it has
 * appended then is of no use.
 */
int ds_record_json(struct ds_json_text *out, const struct ds_record *rec, struct ds_error *err);

/* The "arch" of it alone: resolution, options, and of every unit depth, width and blocks. */
void ds_arch_json(struct ds_json_text *out, const struct ds_record *rec);

/*
 * Any msgpack object; whole numbers past 2^63 become strings, bytes hexadecimal. -1 where JSON
 * cannot hold it (NaN, infinity, bad UTF-8, keys that are no strings or stand there twice); of maps
 * and arrays the reason is in `err`.
 */
int ds_object_json(struct ds_json_text *out, const msgpack_object *object, struct ds_error *err);

#endif

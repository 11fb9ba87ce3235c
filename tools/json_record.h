/* A record as a JSON object, for ds-show --json and ds-export json. */
#ifndef DS_JSON_RECORD_H
#define DS_JSON_RECORD_H

#include "stream/record.h"
#include <jansson.h>
#include <stdio.h>

/* The whole record; to be released by json_decref. NULL and the reason in `err`. */
json_t *json_record(const struct ds_record *rec, struct ds_error *err);

/*
 * Any msgpack object; whole numbers past 2^63 become strings, bytes hexadecimal. NULL and the
 * reason in `err` where JSON cannot hold it (NaN, infinity, bad UTF-8, keys that are no strings).
 */
json_t *json_object_of(const msgpack_object *object, struct ds_error *err);

/* Prints a JSON value as one line and releases it; dies naming `where` when it is NULL. */
void json_print(FILE *out, json_t *json, const char *where, const struct ds_error *err);

#endif

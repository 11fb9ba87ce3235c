/* Checking msgpack before it is unpacked. Internal to libds. */
#ifndef DS_STREAM_SPAN_H
#define DS_STREAM_SPAN_H

#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DS_SPAN_DEPTH 16 /* deepest nesting accepted */

enum ds_span_result { DS_SPAN_OK, DS_SPAN_CUT, DS_SPAN_BAD };

/*
 * Walks over one object at data[0..size) without unpacking it, so that hostile lengths never
 * allocate. DS_SPAN_OK: *used is its size. DS_SPAN_CUT: it reaches beyond the data. DS_SPAN_BAD: it
 * is no msgpack, or nested too deep; *used is where, and `err` says what.
 */
enum ds_span_result ds_span(const uint8_t *data, size_t size, size_t *used, struct ds_error *err);

#endif

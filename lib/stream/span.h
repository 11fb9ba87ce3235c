/* Checking msgpack before it is unpacked. Internal to libds. */
#ifndef DS_STREAM_SPAN_H
#define DS_STREAM_SPAN_H

#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DS_MP_DEPTH 16 /* deepest nesting accepted */

enum ds_mp_result { DS_MP_OK, DS_MP_CUT, DS_MP_BAD };

/*
 * Walks over one object at data[0..size) without unpacking it, so that hostile lengths never
 * allocate. DS_MP_OK: *used is its size. DS_MP_CUT: it reaches beyond the data. DS_MP_BAD: it is
 * no msgpack, or nested too deep; *used is where, and `err` says what.
 */
enum ds_mp_result ds_mp_span(const uint8_t *data, size_t size, size_t *used, struct ds_error *err);

#endif

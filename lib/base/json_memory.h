/*
 * Jansson's memory. Jansson 2.14 does not look at every allocation that fails while it reads: it
 * then drops a byte, or writes behind its buffer. So where malloc has no more it gets what it asks
 * for from a small reserve, and that memory was short is remembered, for whoever asked to fail.
 */
#ifndef DS_BASE_JSON_MEMORY_H
#define DS_BASE_JSON_MEMORY_H

#include "base/error.h"
#include <jansson.h>
#include <stdbool.h>

/* Whether Jansson ever lacked memory in this process. */
bool ds_json_lacked_memory(void);

/* json_dumps: text to be freed, or NULL and why (where `err` is not NULL). */
char *ds_json_dump(const json_t *json, size_t flags, struct ds_error *err);

#endif

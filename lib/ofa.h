/*
 * Once-for-All's dictionaries: {"ks": [..], "e": [..], "d": [..], "r": 224}, as its sampling and
 * set_active_subnet use them. "ks" and "e" have one entry for each layer a unit may have, unit by
 * unit, whether active or not; "d" one for each unit. A last unit of one fixed layer (ProxylessNAS)
 * may be left out of "d". A number in place of an array stands for all.
 */
#ifndef DS_OFA_H
#define DS_OFA_H

#include "arch.h"
#include <jansson.h>

/* Whether `key` belongs to the architecture, not to the metrics. */
bool ds_ofa_is_key(const char *key);

/* From a dictionary to a canonical architecture; -1 and the offending key in `err`. */
int ds_ofa_read(const struct ds_space *space, const json_t *dict, uint8_t *choice,
                struct ds_error *err);

/*
 * From an architecture to a dictionary, to be released by json_decref; inactive layers get the
 * first block of their site. NULL where a block has no kernel or expansion.
 */
json_t *ds_ofa_write(const struct ds_space *space, const uint8_t *choice, struct ds_error *err);

#endif

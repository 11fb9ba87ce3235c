/*
 * Once-for-All's dictionaries: {"ks": [..], "e": [..], "d": [..], "r": 224}, as its sampling and
 * set_active_subnet use them. "ks" and "e" have one entry for each layer a unit may have, unit by
 * unit, whether active or not; "d" one for each unit. A last unit of one layer (ProxylessNAS) may
 * be left out of "d", and out of "ks" and "e" where it has but one block. A number in place of an
 * array stands for all, and "image_size" may stand for "r".
 *
 * For a space of OFA-ResNet50's sites (ofa_resnet50.h): {"d": [5], "e": [18], "w": [6], "r": 224}.
 * "d" is 0 or 2 for the stem's residual convolution, absent or present, then for each unit the
 * layers it has over 2, 2, 4 and 2; "w" chooses among three widths each, of the stem's first and
 * last convolution and of the units. Of the two first widths of 24 channels, the first is written.
 */
#ifndef DS_FORMATS_OFA_H
#define DS_FORMATS_OFA_H

#include "base/json_text.h"
#include "space/arch.h"
#include <jansson.h>

/* Whether `key`, of n bytes, belongs to the architecture, not to the metrics. */
bool ds_ofa_is_key(const struct ds_space *space, const char *key, size_t n);

/*
 * From a dictionary to a canonical architecture in choice[nsites]. Returns 0; 1 where the
 * dictionary is one, but says what the space does not have (a resolution, a depth, a block); -1
 * where it is none, or the space is none that these dictionaries can tell apart. `err` names the
 * key in both cases.
 */
int ds_ofa_read(const struct ds_space *space, const json_t *dict, uint8_t *choice,
                struct ds_error *err);

/*
 * From an architecture to the members of a dictionary, appended to `out` without its braces, so
 * that others can follow; inactive layers get the first block of their site. -1 where a dictionary
 * would not tell the architecture: a choice of width or option, blocks without kernel and
 * expansion, or several of the same; nothing is appended then.
 */
int ds_ofa_write(const struct ds_space *space, const uint8_t *choice, struct ds_json_text *out,
                 struct ds_error *err);

#endif

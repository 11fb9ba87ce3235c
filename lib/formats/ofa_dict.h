/* Lists and numbers in Once-for-All's dictionaries. Internal to libds; see ofa.h. */
#ifndef DS_FORMATS_OFA_DICT_H
#define DS_FORMATS_OFA_DICT_H

#include "base/json_text.h"
#include "space/space.h"
#include <jansson.h>

#define DS_OFA_OUTSIDE 1 /* a correct dictionary, but of something that the space lacks */

/* Checks that `key` is a number, or a list of `most` or `least` entries. */
int ds_dict_check(const json_t *dict, const char *key, int most, int least, struct ds_error *err);

/* Entry i of a list, or the number that stands for all. */
int ds_dict_entry(const json_t *dict, const char *key, int i, double *out, struct ds_error *err);

/* Appends `"key":[n numbers]` to an object: 6 rather than 6.0, 0.25 as it is. */
void ds_dict_list(struct ds_json_text *out, const char *key, const double *value, int n);

/* ds_site_choice of a number that may be anything. */
int ds_dict_choice(const struct ds_site *site, double value);

#endif

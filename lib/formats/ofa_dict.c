#include "formats/ofa_dict.h"

#include "base/grow.h"
#include <math.h>

int ds_dict_check(const json_t *dict, const char *key, int most, int least, struct ds_error *err)
{
    const json_t *v = json_object_get(dict, key);
    size_t n = json_array_size(v);
    if (!v)
        return ds_fail(err, "\"%s\" is missing", key);
    if (!json_is_array(v) || n == (size_t)most || n == (size_t)least)
        return 0;
    if (most == least)
        return ds_fail(err, "\"%s\" has %zu numbers; this space has %d", key, n, most);
    return ds_fail(err, "\"%s\" has %zu numbers; this space has %d or %d", key, n, least, most);
}

int ds_dict_entry(const json_t *dict, const char *key, int i, double *out, struct ds_error *err)
{
    const json_t *v = json_object_get(dict, key);
    if (json_is_array(v))
        v = json_array_get(v, (size_t)i);
    if (!json_is_number(v))
        return ds_fail(err, "\"%s\" must be numbers", key);
    *out = json_number_value(v);
    return 0;
}

int ds_dict_choice(const struct ds_site *site, double value)
{
    bool is_int = fabs(value) <= 1e9 && value == rint(value);
    return is_int ? ds_site_choice(site, (int)value) : -1;
}

int ds_dict_append(json_t *list, double v, struct ds_error *err)
{
    bool whole = v == rint(v) && fabs(v) <= 1e9;
    json_t *number = whole ? json_integer((json_int_t)v) : json_real(v);
    return json_array_append_new(list, number) ? ds_no_memory(err) : 0;
}

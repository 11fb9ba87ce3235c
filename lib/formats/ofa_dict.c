#include "formats/ofa_dict.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

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

static bool is_whole(double v)
{
    return fabs(v) <= 1e9 && v == (double)(int64_t)v;
}

/* Appends those of one digit that come first, as most are: "3,5,7,"; returns how many. */
static int put_digits(struct ds_json_text *out, const double *v, int n)
{
    char *to = ds_json_room(out, 2 * (size_t)n);
    int i = 0;
    for (; to && i < n && v[i] >= 0 && v[i] < 10 && is_whole(v[i]); i++) {
        to[2 * i] = (char)('0' + (int)v[i]);
        to[2 * i + 1] = ',';
    }
    if (i)
        out->size += 2 * (size_t)i - (i == n);
    return i;
}

void ds_dict_list(struct ds_json_text *out, const char *key, const double *v, int n)
{
    ds_json_next(out);
    ds_json_string(out, key, strlen(key));
    DS_JSON_PUT(out, ":[");
    for (int i = 0; i < n;) {
        i += put_digits(out, v + i, n - i);
        if (i == n)
            break;
        if (is_whole(v[i]))
            ds_json_whole(out, (int64_t)v[i]);
        else
            ds_json_real(out, v[i]);
        if (++i < n)
            DS_JSON_PUT(out, ",");
    }
    DS_JSON_PUT(out, "]");
}

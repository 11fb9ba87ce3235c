#include "stream/json_read.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { NO_SUCH = 1 }; /* the space has no such architecture */

/* ---- any value ---- */

static int pack_text(msgpack_packer *pk, const char *text, size_t n)
{
    return msgpack_pack_str(pk, n) || msgpack_pack_str_body(pk, text, n);
}

static int pack_key(msgpack_packer *pk, const char *key)
{
    return pack_text(pk, key, strlen(key));
}

static int pack_value(msgpack_packer *pk, const json_t *v)
{
    const char *key;
    json_t *element;
    size_t i;
    int bad;
    switch (json_typeof(v)) {
    case JSON_OBJECT:
        bad = msgpack_pack_map(pk, json_object_size(v));
        json_object_foreach((json_t *)v, key, element) bad =
            bad || pack_key(pk, key) || pack_value(pk, element);
        return bad;
    case JSON_ARRAY:
        bad = msgpack_pack_array(pk, json_array_size(v));
        json_array_foreach(v, i, element) bad = bad || pack_value(pk, element);
        return bad;
    case JSON_STRING:
        return pack_text(pk, json_string_value(v), json_string_length(v));
    case JSON_INTEGER:
        return msgpack_pack_int64(pk, json_integer_value(v));
    case JSON_REAL:
        return msgpack_pack_double(pk, json_real_value(v));
    case JSON_TRUE:
        return msgpack_pack_true(pk);
    case JSON_FALSE:
        return msgpack_pack_false(pk);
    case JSON_NULL:
        break;
    }
    return msgpack_pack_nil(pk);
}

/* ---- architectures ---- */

/* The choice that is written so at a site; what is left out is the only one there is. */
static int read_choice(const struct ds_space *space, int s, const json_t *v, uint8_t *choice,
                       struct ds_error *err)
{
    const struct ds_site *site = &space->site[s];
    int c = 0;
    if (!v && site->nchoices > 1)
        return ds_fail(err, "\"arch\" does not say %s", site->name);
    if (v && site->kind == DS_SITE_BLOCK) {
        int block = json_is_string(v)
                        ? ds_space_block(space, json_string_value(v), json_string_length(v))
                        : -1;
        c = block < 0 ? -1 : ds_site_choice(site, block);
    } else if (v) {
        json_int_t value = json_integer_value(v);
        c = json_is_integer(v) && value == (int)value ? ds_site_choice(site, (int)value) : -1;
    }
    if (c < 0) {
        char *text = json_dumps(v, JSON_ENCODE_ANY);
        ds_fail(err, "space %s has no %.80s at %s", space->name, text ? text : "such choice",
                site->name);
        free(text);
        return NO_SUCH;
    }
    choice[s] = (uint8_t)c;
    return 0;
}

/* Refuses keys but those that were read. */
static int check_keys(const json_t *object, size_t read, const char *where, struct ds_error *err)
{
    return json_object_size(object) == read ? 0 : ds_fail(err, "%s has a key of no site", where);
}

static int read_unit(const struct ds_space *space, int u, const json_t *v, uint8_t *choice,
                     struct ds_error *err)
{
    const struct ds_unit *unit = &space->unit[u];
    const json_t *blocks = json_is_array(v) ? v : json_object_get(v, "blocks");
    const json_t *depth = json_object_get(v, "depth"), *width = json_object_get(v, "width");
    size_t n = json_array_size(blocks);
    char where[40];
    snprintf(where, sizeof where, "unit %d of \"arch\"", u);
    if (!json_is_array(blocks))
        return ds_fail(err, "%s has no array of blocks", where);
    if (depth && (!json_is_integer(depth) || json_integer_value(depth) != (json_int_t)n))
        return ds_fail(err, "%s has another depth than blocks", where);
    if (json_is_object(v) && check_keys(v, 1u + !!depth + !!width, where, err))
        return -1;
    int c =
        n <= (size_t)unit->max_depth ? ds_site_choice(&space->site[unit->depth_site], (int)n) : -1;
    if (c < 0) {
        ds_fail(err, "space %s has no depth %zu in unit %d", space->name, n, u);
        return NO_SUCH;
    }
    choice[unit->depth_site] = (uint8_t)c;
    int rc = read_choice(space, unit->width_site, width, choice, err);
    for (size_t l = 0; l < n && rc == 0; l++)
        rc = read_choice(space, unit->layer_site + (int)l, json_array_get(blocks, l), choice, err);
    return rc;
}

static int read_arch(const struct ds_space *space, const json_t *arch, uint8_t *choice,
                     struct ds_error *err)
{
    const json_t *units = json_object_get(arch, "units");
    size_t keys = 1;
    int rc = 0;
    if (!json_is_object(arch) || !json_is_array(units))
        return ds_fail(err, "\"arch\" must be an object with \"units\"");
    memset(choice, DS_INACTIVE, (size_t)space->nsites);
    for (int s = 0; s < space->nsites && rc == 0; s++) {
        enum ds_site_kind kind = space->site[s].kind;
        if (kind != DS_SITE_RESOLUTION && kind != DS_SITE_OPTION)
            continue;
        const json_t *v = json_object_get(arch, space->site[s].name);
        keys += v != NULL;
        rc = read_choice(space, s, v, choice, err);
    }
    if (rc == 0)
        rc = check_keys(arch, keys, "\"arch\"", err);
    if (rc == 0 && json_array_size(units) != (size_t)space->nunits) {
        ds_fail(err, "\"arch\" has %zu units, space %s %d", json_array_size(units), space->name,
                space->nunits);
        return NO_SUCH;
    }
    for (int u = 0; u < space->nunits && rc == 0; u++)
        rc = read_unit(space, u, json_array_get(units, (size_t)u), choice, err);
    return rc;
}

/* ---- the record ---- */

static int pack_arch(msgpack_packer *pk, const struct ds_space *space, const json_t *v,
                     struct ds_error *err)
{
    uint8_t choice[DS_MAX_SITES];
    int rc = read_arch(space, v, choice, err);
    if (rc)
        return rc;
    return msgpack_pack_bin(pk, (size_t)space->nsites) ||
                   msgpack_pack_bin_body(pk, choice, (size_t)space->nsites)
               ? ds_fail(err, "out of memory")
               : 0;
}

static int pack_affix(msgpack_packer *pk, const struct ds_space *space, const json_t *v,
                      struct ds_error *err)
{
    const json_t *name = json_object_get(v, "site"), *value = json_object_get(v, "choice");
    uint8_t choice[DS_MAX_SITES];
    int s = json_is_string(name)
                ? ds_space_site(space, json_string_value(name), json_string_length(name))
                : -1;
    if (s < 0 || !value)
        return ds_fail(err, "\"affix\" must be {\"site\": ..., \"choice\": ...} of space %s",
                       space->name);
    int rc = read_choice(space, s, value, choice, err);
    if (rc)
        return rc;
    return msgpack_pack_array(pk, 2) || msgpack_pack_int(pk, s) || msgpack_pack_int(pk, choice[s])
               ? ds_fail(err, "out of memory")
               : 0;
}

static int pack_id(msgpack_packer *pk, const char *key, const json_t *v, struct ds_error *err)
{
    const char *text = json_string_value(v);
    char *end = NULL;
    size_t digits = text ? strspn(text, "0123456789abcdefABCDEF") : 0;
    if (digits != 16 || text[digits])
        return ds_fail(err, "\"%s\" must be a text of 16 hexadecimal digits", key);
    uint64_t id = strtoull(text, &end, 16);
    return msgpack_pack_uint64(pk, id) ? ds_fail(err, "out of memory") : 0;
}

static bool is_id(const char *key)
{
    static const char *const ids[] = {"id", "base", "parent", "mate"};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        if (strcmp(ids[i], key) == 0)
            return true;
    return false;
}

int ds_record_pack_json(const struct ds_space *space, const json_t *json, msgpack_sbuffer *out,
                        struct ds_error *err)
{
    msgpack_packer pk;
    const char *key;
    json_t *v;
    int rc = 0;
    if (!json_is_object(json))
        return ds_fail(err, "not a JSON object");
    if (!json_object_get(json, "arch") && !json_object_get(json, "group"))
        return ds_fail(err, "neither \"arch\" nor \"group\"");
    msgpack_packer_init(&pk, out, msgpack_sbuffer_write);
    rc = msgpack_pack_map(&pk, json_object_size(json));
    json_object_foreach((json_t *)json, key, v)
    {
        if (rc)
            break;
        rc = pack_key(&pk, key);
        if (strcmp(key, "arch") == 0)
            rc = rc ? rc : pack_arch(&pk, space, v, err);
        else if (strcmp(key, "affix") == 0)
            rc = rc ? rc : pack_affix(&pk, space, v, err);
        else if (is_id(key))
            rc = rc ? rc : pack_id(&pk, key, v, err);
        else
            rc = rc ? rc : pack_value(&pk, v);
    }
    return rc;
}

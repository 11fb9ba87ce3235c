#include "stream/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNSAID "what JSON cannot: NaN, infinity, bad UTF-8 or a key that is no string"

static json_t *id_text(uint64_t id)
{
    char text[17];
    snprintf(text, sizeof text, "%016" PRIx64, id);
    return json_string(text);
}

static json_t *map_json(msgpack_object_map map, struct ds_error *err);

/* Bytes in hexadecimal: JSON has no type for them. */
static json_t *hex(const char *data, size_t size)
{
    json_t *text = NULL;
    char *out = malloc(2 * size + 1);
    for (size_t i = 0; out && i < size; i++)
        sprintf(out + 2 * i, "%02x", (unsigned char)data[i]);
    if (out)
        text = json_stringn(out, 2 * size);
    free(out);
    return text;
}

/*
 * A whole number: as a string where it is too large for jansson's integers, so that no digit is
 * lost.
 */
static json_t *whole_number(uint64_t v)
{
    char text[24];
    if (v <= INT64_MAX)
        return json_integer((json_int_t)v);
    snprintf(text, sizeof text, "%" PRIu64, v);
    return json_string(text);
}

static json_t *array_json(msgpack_object_array array, struct ds_error *err);

json_t *ds_object_to_json(const msgpack_object *o, struct ds_error *err)
{
    switch (o->type) {
    case MSGPACK_OBJECT_BOOLEAN:
        return json_boolean(o->via.boolean);
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
        return whole_number(o->via.u64);
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        return json_integer(o->via.i64);
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
        return json_real(o->via.f64); /* NULL for infinities and NaN */
    case MSGPACK_OBJECT_STR:
        return json_stringn(o->via.str.ptr, o->via.str.size);
    case MSGPACK_OBJECT_BIN:
        return hex(o->via.bin.ptr, o->via.bin.size);
    case MSGPACK_OBJECT_EXT:
        return hex(o->via.ext.ptr, o->via.ext.size);
    case MSGPACK_OBJECT_MAP:
        return map_json(o->via.map, err);
    case MSGPACK_OBJECT_ARRAY:
        return array_json(o->via.array, err);
    case MSGPACK_OBJECT_NIL:
        break;
    }
    return json_null();
}

static json_t *array_json(msgpack_object_array array, struct ds_error *err)
{
    json_t *out = json_array();
    for (uint32_t i = 0; i < array.size; i++)
        if (json_array_append_new(out, ds_object_to_json(&array.ptr[i], err))) {
            ds_fail(err, "an array holds " UNSAID);
            json_decref(out);
            return NULL;
        }
    return out;
}

/*
 * Puts `value`, which it owns from then on, under a new key. NULL (a value that JSON cannot hold)
 * is an error.
 */
static int add_key(json_t *out, msgpack_object_str key, json_t *value, struct ds_error *err)
{
    if (json_object_getn(out, key.ptr, key.size)) {
        json_decref(value);
        return ds_fail(err, "\"%.*s\" stands there twice", (int)key.size, key.ptr);
    }
    if (json_object_setn_new(out, key.ptr, key.size, value))
        return ds_fail(err, "\"%.*s\" holds " UNSAID, (int)key.size, key.ptr);
    return 0;
}

static int add_map(json_t *out, msgpack_object_map map, struct ds_error *err)
{
    for (uint32_t i = 0; i < map.size; i++) {
        const msgpack_object_kv *kv = &map.ptr[i];
        if (kv->key.type != MSGPACK_OBJECT_STR)
            return ds_fail(err, "a key that is no string");
        json_t *value =
            ds_record_is_id(kv) ? id_text(kv->val.via.u64) : ds_object_to_json(&kv->val, err);
        if (add_key(out, kv->key.via.str, value, err))
            return -1;
    }
    return 0;
}

static json_t *map_json(msgpack_object_map map, struct ds_error *err)
{
    json_t *out = json_object();
    if (add_map(out, map, err) == 0)
        return out;
    json_decref(out);
    return NULL;
}

/* A choice as JSON: a number, or a block's name. */
static json_t *choice_json(const struct ds_space *space, int site, int choice)
{
    const struct ds_site *s = &space->site[site];
    if (s->kind == DS_SITE_BLOCK)
        return json_string(space->block[s->value[choice]].name);
    return json_integer(s->value[choice]);
}

static json_t *unit_json(const struct ds_record *rec, int u)
{
    const struct ds_space *space = rec->space;
    json_t *unit = json_object(), *blocks = json_array();
    int depth = ds_arch_depth(space, rec->choice, u);
    json_object_set_new(unit, "depth", json_integer(depth));
    json_object_set_new(unit, "width", json_integer(ds_arch_width(space, rec->choice, u)));
    for (int l = 0; l < depth; l++) {
        int site = space->unit[u].layer_site + l;
        json_array_append_new(blocks, choice_json(space, site, rec->choice[site]));
    }
    json_object_set_new(unit, "blocks", blocks);
    return unit;
}

json_t *ds_arch_to_json(const struct ds_record *rec)
{
    const struct ds_space *space = rec->space;
    json_t *arch = json_object(), *units = json_array();
    for (int s = 0; s < space->nsites; s++)
        if (space->site[s].kind == DS_SITE_RESOLUTION || space->site[s].kind == DS_SITE_OPTION)
            json_object_set_new(arch, space->site[s].name, choice_json(space, s, rec->choice[s]));
    for (int u = 0; u < space->nunits; u++)
        json_array_append_new(units, unit_json(rec, u));
    json_object_set_new(arch, "units", units);
    return arch;
}

static json_t *affix_json(const struct ds_record *rec)
{
    const struct ds_site *site = &rec->space->site[rec->affix_site];
    json_t *affix = json_object();
    json_object_set_new(affix, "site", json_string(site->name));
    json_object_set_new(affix, "choice",
                        choice_json(rec->space, rec->affix_site, rec->affix_choice));
    return affix;
}

static json_t *metrics_json(const struct ds_record *rec, struct ds_error *err)
{
    json_t *metrics = json_object();
    for (int i = 0; i < rec->nmetrics; i++) {
        const struct ds_metric *m = &rec->metric[i];
        json_t *value = m->detail.size ? map_json(m->detail, err) : json_real(m->value);
        if (add_key(metrics, m->name, value, err)) {
            json_decref(metrics);
            ds_fail_in(err, "\"metrics\"");
            return NULL;
        }
    }
    return metrics;
}

json_t *ds_record_to_json(const struct ds_record *rec, struct ds_error *err)
{
    json_t *out = json_object(), *metrics = metrics_json(rec, err);
    if (!metrics || add_map(out, rec->extra, err)) {
        json_decref(out);
        json_decref(metrics);
        return NULL;
    }
    if (rec->has_arch) {
        json_object_set_new(out, "id", id_text(rec->id));
        json_object_set_new(out, "arch", ds_arch_to_json(rec));
    }
    if (rec->has_base)
        json_object_set_new(out, "base", id_text(rec->base));
    if (rec->affix_site >= 0)
        json_object_set_new(out, "affix", affix_json(rec));
    if (rec->group.size) {
        json_t *group = map_json(rec->group, err);
        if (!group) {
            json_decref(out);
            json_decref(metrics);
            return NULL;
        }
        json_object_set_new(out, "group", group);
    }
    json_object_set_new(out, "metrics", metrics);
    return out;
}

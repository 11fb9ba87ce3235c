#include "stream/json.h"

#include "base/grow.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNSAID "what JSON cannot: NaN, infinity, bad UTF-8 or a key that is no string"
enum { FEW = 32 }; /* keys that are compared each with all others */

static int put_map(struct ds_json_text *out, msgpack_object_map map, struct ds_error *err);
static int put_array(struct ds_json_text *out, msgpack_object_array array, struct ds_error *err);

/* Bytes in hexadecimal: JSON has no type for them. */
static void put_bytes(struct ds_json_text *out, const char *data, size_t size)
{
    char text[3];
    DS_JSON_PUT(out, "\"");
    for (size_t i = 0; i < size; i++) {
        sprintf(text, "%02x", (unsigned char)data[i]);
        ds_json_put(out, text, 2);
    }
    DS_JSON_PUT(out, "\"");
}

/* A whole number: as a string where it is too large for most readers, so that no digit is lost. */
static void put_whole(struct ds_json_text *out, uint64_t v)
{
    char text[24];
    if (v <= INT64_MAX)
        ds_json_whole(out, (int64_t)v);
    else
        ds_json_put(out, text, (size_t)snprintf(text, sizeof text, "\"%" PRIu64 "\"", v));
}

int ds_object_json(struct ds_json_text *out, const msgpack_object *o, struct ds_error *err)
{
    switch (o->type) {
    case MSGPACK_OBJECT_BOOLEAN:
        o->via.boolean ? DS_JSON_PUT(out, "true") : DS_JSON_PUT(out, "false");
        return 0;
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
        put_whole(out, o->via.u64);
        return 0;
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        ds_json_whole(out, o->via.i64);
        return 0;
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
        return ds_json_real(out, o->via.f64);
    case MSGPACK_OBJECT_STR:
        return ds_json_string(out, o->via.str.ptr, o->via.str.size);
    case MSGPACK_OBJECT_BIN:
        put_bytes(out, o->via.bin.ptr, o->via.bin.size);
        return 0;
    case MSGPACK_OBJECT_EXT:
        put_bytes(out, o->via.ext.ptr, o->via.ext.size);
        return 0;
    case MSGPACK_OBJECT_MAP:
        return put_map(out, o->via.map, err);
    case MSGPACK_OBJECT_ARRAY:
        return put_array(out, o->via.array, err);
    case MSGPACK_OBJECT_NIL:
        break;
    }
    DS_JSON_PUT(out, "null");
    return 0;
}

static int put_array(struct ds_json_text *out, msgpack_object_array array, struct ds_error *err)
{
    DS_JSON_PUT(out, "[");
    for (uint32_t i = 0; i < array.size; i++) {
        ds_json_next(out);
        if (ds_object_json(out, &array.ptr[i], err))
            return ds_fail(err, "an array holds " UNSAID);
    }
    DS_JSON_PUT(out, "]");
    return 0;
}

/* ---- keys: none may stand there twice ---- */

struct key {
    const msgpack_object_str *text;
    uint32_t at;
};

/* An empty string may have no address. */
static int compare_bytes(const msgpack_object_str *a, const msgpack_object_str *b)
{
    return a->size ? memcmp(a->ptr, b->ptr, a->size) : 0;
}

static int by_text(const void *a, const void *b)
{
    const struct key *x = a, *y = b;
    uint32_t n = x->text->size, m = y->text->size;
    int order = n != m ? (n < m ? -1 : 1) : compare_bytes(x->text, y->text);
    return order ? order : x->at < y->at ? -1 : x->at > y->at;
}

static bool same_key(const msgpack_object_str *a, const msgpack_object_str *b)
{
    return a->size == b->size && compare_bytes(a, b) == 0;
}

/* Room for n keys: `few`, or to be freed; NULL where there is none. */
static struct key *room_for_keys(struct key few[FEW], size_t n, struct ds_json_text *out)
{
    struct key *key = n > FEW ? ds_alloc(n, sizeof *key, NULL) : few;
    out->lacked = out->lacked || !key;
    return key;
}

/* The first of n keys that stood there before; n where none did. Frees them where they are many. */
static uint32_t first_again(struct key few[FEW], struct key *key, uint32_t n)
{
    uint32_t first = n;
    if (!key)
        return n;
    if (key == few) {
        for (uint32_t i = 1; i < n; i++)
            for (uint32_t k = 0; k < i; k++)
                if (same_key(key[i].text, key[k].text))
                    return i;
        return n;
    }
    qsort(key, n, sizeof *key, by_text); /* as they may be very many */
    for (uint32_t i = 1; i < n; i++)
        if (same_key(key[i].text, key[i - 1].text) && key[i].at < first)
            first = key[i].at;
    free(key);
    return first;
}

/* The first key of a map that stood there before; those behind one that is no string do not count.
 */
static uint32_t first_twice(msgpack_object_map map, struct ds_json_text *out)
{
    uint32_t n = 0;
    struct key few[FEW];
    while (n < map.size && map.ptr[n].key.type == MSGPACK_OBJECT_STR)
        n++;
    struct key *key = room_for_keys(few, n, out);
    for (uint32_t i = 0; key && i < n; i++)
        key[i] = (struct key){&map.ptr[i].key.via.str, i};
    uint32_t first = first_again(few, key, n);
    return first < n ? first : map.size;
}

static uint32_t first_metric_twice(const struct ds_record *rec, struct ds_json_text *out)
{
    struct key few[FEW], *key = room_for_keys(few, (size_t)rec->nmetrics, out);
    for (int i = 0; key && i < rec->nmetrics; i++)
        key[i] = (struct key){&rec->metric[i].name, (uint32_t)i};
    return first_again(few, key, (uint32_t)rec->nmetrics);
}

/* `"key":`, after which its value follows; -1 where it is no UTF-8. */
static int put_key(struct ds_json_text *out, const msgpack_object_str *key)
{
    ds_json_next(out);
    if (ds_json_string(out, key->ptr, key->size))
        return -1;
    DS_JSON_PUT(out, ":");
    return 0;
}

static int twice(const msgpack_object_str *key, struct ds_error *err)
{
    return ds_fail(err, "\"%.*s\" stands there twice", (int)key->size, key->ptr);
}

static int unsaid(const msgpack_object_str *key, struct ds_error *err)
{
    return ds_fail(err, "\"%.*s\" holds " UNSAID, (int)key->size, key->ptr);
}

/* The members of an object. */
static int put_members(struct ds_json_text *out, msgpack_object_map map, struct ds_error *err)
{
    uint32_t again = first_twice(map, out);
    for (uint32_t i = 0; i < map.size; i++) {
        const msgpack_object_kv *kv = &map.ptr[i];
        if (kv->key.type != MSGPACK_OBJECT_STR)
            return ds_fail(err, "a key that is no string");
        if (i == again)
            return twice(&kv->key.via.str, err);
        if (put_key(out, &kv->key.via.str))
            return unsaid(&kv->key.via.str, err);
        if (ds_record_is_id(kv))
            ds_json_id(out, kv->val.via.u64);
        else if (ds_object_json(out, &kv->val, err))
            return unsaid(&kv->key.via.str, err);
    }
    return 0;
}

static int put_map(struct ds_json_text *out, msgpack_object_map map, struct ds_error *err)
{
    DS_JSON_PUT(out, "{");
    if (put_members(out, map, err))
        return -1;
    DS_JSON_PUT(out, "}");
    return 0;
}

/* ---- architectures ---- */

/* Text of our own spaces, which is UTF-8. */
static void put_name(struct ds_json_text *out, const char *name)
{
    ds_json_string(out, name, strlen(name));
}

/* A choice: a number, or a block's name. */
static void put_choice(struct ds_json_text *out, const struct ds_space *space, int site, int choice)
{
    const struct ds_site *s = &space->site[site];
    if (s->kind == DS_SITE_BLOCK)
        put_name(out, space->block[s->value[choice]].name);
    else
        ds_json_whole(out, s->value[choice]);
}

static void put_unit(struct ds_json_text *out, const struct ds_record *rec, int u)
{
    const struct ds_space *space = rec->space;
    int depth = ds_arch_depth(space, rec->choice, u);
    DS_JSON_PUT(out, "{\"depth\":");
    ds_json_whole(out, depth);
    DS_JSON_PUT(out, ",\"width\":");
    ds_json_whole(out, ds_arch_width(space, rec->choice, u));
    DS_JSON_PUT(out, ",\"blocks\":[");
    for (int l = 0; l < depth; l++) {
        int site = space->unit[u].layer_site + l;
        ds_json_next(out);
        put_choice(out, space, site, rec->choice[site]);
    }
    DS_JSON_PUT(out, "]}");
}

void ds_arch_json(struct ds_json_text *out, const struct ds_record *rec)
{
    const struct ds_space *space = rec->space;
    DS_JSON_PUT(out, "{");
    for (int s = 0; s < space->nsites; s++) {
        if (space->site[s].kind != DS_SITE_RESOLUTION && space->site[s].kind != DS_SITE_OPTION)
            continue;
        ds_json_next(out);
        put_name(out, space->site[s].name);
        DS_JSON_PUT(out, ":");
        put_choice(out, space, s, rec->choice[s]);
    }
    ds_json_next(out);
    DS_JSON_PUT(out, "\"units\":[");
    for (int u = 0; u < space->nunits; u++) {
        ds_json_next(out);
        put_unit(out, rec, u);
    }
    DS_JSON_PUT(out, "]}");
}

static void put_affix(struct ds_json_text *out, const struct ds_record *rec)
{
    ds_json_next(out);
    DS_JSON_PUT(out, "\"affix\":{\"site\":");
    put_name(out, rec->space->site[rec->affix_site].name);
    DS_JSON_PUT(out, ",\"choice\":");
    put_choice(out, rec->space, rec->affix_site, rec->affix_choice);
    DS_JSON_PUT(out, "}");
}

/* ---- records ---- */

static int put_metrics(struct ds_json_text *out, const struct ds_record *rec, struct ds_error *err)
{
    ds_json_next(out);
    DS_JSON_PUT(out, "\"metrics\":{");
    int again = (int)first_metric_twice(rec, out);
    for (int i = 0; i < rec->nmetrics; i++) {
        const struct ds_metric *m = &rec->metric[i];
        if (i == again)
            return twice(&m->name, err);
        if (put_key(out, &m->name) ||
            (m->detail.size ? put_map(out, m->detail, err) : ds_json_real(out, m->value)))
            return unsaid(&m->name, err);
    }
    DS_JSON_PUT(out, "}");
    return 0;
}

int ds_record_json(struct ds_json_text *out, const struct ds_record *rec, struct ds_error *err)
{
    DS_JSON_PUT(out, "{");
    if (put_members(out, rec->extra, err))
        return -1;
    if (rec->has_arch) {
        ds_json_next(out);
        DS_JSON_PUT(out, "\"id\":");
        ds_json_id(out, rec->id);
        DS_JSON_PUT(out, ",\"arch\":");
        ds_arch_json(out, rec);
    }
    if (rec->has_base) {
        ds_json_next(out);
        DS_JSON_PUT(out, "\"base\":");
        ds_json_id(out, rec->base);
    }
    if (rec->affix_site >= 0)
        put_affix(out, rec);
    if (rec->group.size) {
        ds_json_next(out);
        DS_JSON_PUT(out, "\"group\":");
        if (put_map(out, rec->group, err))
            return -1;
    }
    if (put_metrics(out, rec, err))
        return ds_fail_in(err, "\"metrics\"");
    DS_JSON_PUT(out, "}");
    return ds_json_check(out, err);
}

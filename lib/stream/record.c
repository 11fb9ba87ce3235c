#include "stream/record.h"

#include "base/grow.h"
#include "base/metric.h"
#include "stream/span.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ZONE_CHUNK 8192
#define MOST_RECORD ((size_t)1 << 24) /* bytes; unpacked it may take 24 times as many */

int ds_record_init(struct ds_record *rec, struct ds_error *err)
{
    *rec = (struct ds_record){.affix_site = -1};
    rec->zone = msgpack_zone_new(ZONE_CHUNK);
    return rec->zone ? 0 : ds_no_memory(err);
}

void ds_record_free(struct ds_record *rec)
{
    if (rec->zone)
        msgpack_zone_free(rec->zone);
    free(rec->metric);
    *rec = (struct ds_record){.affix_site = -1};
}

static void clear(struct ds_record *rec, const struct ds_space *space)
{
    msgpack_zone_clear(rec->zone);
    rec->space = space;
    rec->has_arch = rec->has_base = false;
    rec->id = rec->base = 0;
    rec->affix_site = -1;
    rec->affix_choice = 0;
    rec->nmetrics = 0;
    rec->group.size = rec->extra.size = 0;
}

int ds_record_arch(struct ds_record *rec, const struct ds_space *space, const uint8_t *choice,
                   struct ds_error *err)
{
    clear(rec, space);
    memcpy(rec->choice, choice, (size_t)space->nsites);
    if (ds_arch_canon(space, rec->choice, err))
        return -1;
    rec->has_arch = true;
    rec->id = ds_arch_id(space, rec->choice);
    return 0;
}

void ds_record_group(struct ds_record *rec, const struct ds_space *space)
{
    clear(rec, space);
}

/* ---- maps that grow in the record's zone ---- */

static bool is_key(const msgpack_object_kv *kv, const char *key, size_t n)
{
    return kv->key.type == MSGPACK_OBJECT_STR && kv->key.via.str.size == n &&
           memcmp(kv->key.via.str.ptr, key, n) == 0;
}

const msgpack_object *ds_map_get(msgpack_object_map map, const char *key)
{
    size_t n = strlen(key);
    for (uint32_t i = 0; i < map.size; i++)
        if (is_key(&map.ptr[i], key, n))
            return &map.ptr[i].val;
    return NULL;
}

static int map_put(msgpack_zone *zone, msgpack_object_map *map, const char *key,
                   msgpack_object value)
{
    size_t n = strlen(key);
    for (uint32_t i = 0; i < map->size; i++)
        if (is_key(&map->ptr[i], key, n)) {
            map->ptr[i].val = value;
            return 0;
        }
    msgpack_object_kv *kv = msgpack_zone_malloc(zone, (map->size + 1) * sizeof(msgpack_object_kv));
    if (!kv)
        return -1;
    if (map->size)
        memcpy(kv, map->ptr, map->size * sizeof *kv);
    kv[map->size].key =
        (msgpack_object){.type = MSGPACK_OBJECT_STR, .via.str = {.size = (uint32_t)n, .ptr = key}};
    kv[map->size].val = value;
    map->ptr = kv;
    map->size++;
    return 0;
}

static msgpack_object number_object(double v)
{
    return (msgpack_object){.type = MSGPACK_OBJECT_FLOAT64, .via.f64 = v};
}

static int string_object(msgpack_zone *zone, const char *value, msgpack_object *out)
{
    size_t n = strlen(value);
    char *copy = msgpack_zone_malloc(zone, n + 1);
    if (!copy)
        return -1;
    memcpy(copy, value, n + 1);
    *out =
        (msgpack_object){.type = MSGPACK_OBJECT_STR, .via.str = {.size = (uint32_t)n, .ptr = copy}};
    return 0;
}

static msgpack_object int_object(int64_t value)
{
    if (value >= 0)
        return (msgpack_object){.type = MSGPACK_OBJECT_POSITIVE_INTEGER,
                                .via.u64 = (uint64_t)value};
    return (msgpack_object){.type = MSGPACK_OBJECT_NEGATIVE_INTEGER, .via.i64 = value};
}

int ds_record_group_num(struct ds_record *rec, const char *key, double value, struct ds_error *err)
{
    bool is_whole = value == rint(value) && fabs(value) < 9e15;
    msgpack_object v = is_whole ? int_object((int64_t)value) : number_object(value);
    return map_put(rec->zone, &rec->group, key, v) ? ds_no_memory(err) : 0;
}

int ds_record_group_str(struct ds_record *rec, const char *key, const char *value,
                        struct ds_error *err)
{
    msgpack_object v;
    if (string_object(rec->zone, value, &v) || map_put(rec->zone, &rec->group, key, v))
        return ds_no_memory(err);
    return 0;
}

/* ---- metrics ---- */

int ds_record_need_arch(const struct ds_record *rec, struct ds_error *err)
{
    return rec->has_arch ? 0 : ds_fail(err, "no architecture; is this an aggregated stream?");
}

bool ds_metric_is_part(msgpack_object_str name, const char *metric, size_t n)
{
    return name.size > n && name.ptr[n] == '.' && memcmp(name.ptr, metric, n) == 0;
}

/* Drops what a metric was made up of. */
static void drop_parts(struct ds_record *rec, const char *metric)
{
    size_t n = strlen(metric);
    int kept = 0;
    for (int i = 0; i < rec->nmetrics; i++)
        if (!ds_metric_is_part(rec->metric[i].name, metric, n))
            rec->metric[kept++] = rec->metric[i];
    rec->nmetrics = kept;
}

int ds_record_claim(struct ds_record *rec, const char *metric, bool replace, struct ds_error *err)
{
    if (replace)
        drop_parts(rec, metric);
    return !replace && ds_record_metric(rec, metric)
               ? ds_fail(err, "it has %s already: --replace puts another in its place%s", metric,
                         ds_metric_is_latency(metric) ? ", --as latency.NAME one beside it" : "")
               : 0;
}

struct ds_metric *ds_record_metric(const struct ds_record *rec, const char *name)
{
    size_t n = strlen(name);
    for (int i = 0; i < rec->nmetrics; i++)
        if (rec->metric[i].name.size == n && memcmp(rec->metric[i].name.ptr, name, n) == 0)
            return &rec->metric[i];
    return NULL;
}

static struct ds_metric *new_metric(struct ds_record *rec)
{
    if (ds_grow(&rec->metric, &rec->metric_room, (size_t)rec->nmetrics + 1, sizeof *rec->metric,
                NULL))
        return NULL;
    return &rec->metric[rec->nmetrics++];
}

/* ---- what could not be measured ---- */

/* Takes a key out of a map. */
static void map_drop(msgpack_object_map *map, const char *key)
{
    size_t n = strlen(key);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < map->size; i++)
        if (!is_key(&map->ptr[i], key, n))
            map->ptr[kept++] = map->ptr[i];
    map->size = kept;
}

/* The map of errors, empty where there is none or it is no map. */
static msgpack_object_map errors_of(const struct ds_record *rec)
{
    const msgpack_object *errors = ds_map_get(rec->extra, "errors");
    if (errors && errors->type == MSGPACK_OBJECT_MAP)
        return errors->via.map;
    return (msgpack_object_map){0, NULL};
}

/* Puts the map in its place; an empty one is left out. */
static int put_errors(struct ds_record *rec, msgpack_object_map errors)
{
    msgpack_object v = {.type = MSGPACK_OBJECT_MAP, .via.map = errors};
    if (errors.size)
        return map_put(rec->zone, &rec->extra, "errors", v);
    map_drop(&rec->extra, "errors");
    return 0;
}

int ds_record_set_error(struct ds_record *rec, const char *name, const char *why)
{
    struct ds_metric *m = ds_record_metric(rec, name);
    msgpack_object_map errors = errors_of(rec);
    msgpack_object text;
    if (m)
        memmove(m, m + 1, (size_t)(rec->metric + --rec->nmetrics - m) * sizeof *m);
    return string_object(rec->zone, why, &text) || map_put(rec->zone, &errors, name, text) ||
                   put_errors(rec, errors)
               ? -1
               : 0;
}

bool ds_record_has_errors(const struct ds_record *rec)
{
    return errors_of(rec).size > 0;
}

int ds_record_value(const struct ds_record *rec, const char *name, double *value,
                    struct ds_error *err)
{
    const struct ds_metric *m = ds_record_metric(rec, name);
    if (!m && ds_map_get(errors_of(rec), name))
        return 0;
    if (!m || !isfinite(m->value))
        return ds_fail(err, m ? "metric %s is not a finite number" : "no metric %s", name);
    *value = m->value;
    return 1;
}

bool ds_record_is_id(const msgpack_object_kv *kv)
{
    return kv->val.type == MSGPACK_OBJECT_POSITIVE_INTEGER &&
           (is_key(kv, "parent", 6) || is_key(kv, "mate", 4));
}

struct ds_metric *ds_record_set(struct ds_record *rec, const char *name, double value)
{
    struct ds_metric *m = ds_record_metric(rec, name);
    msgpack_object_map errors = errors_of(rec);
    if (ds_map_get(errors, name)) {
        map_drop(&errors, name);
        if (put_errors(rec, errors))
            return NULL;
    }
    if (!m && !(m = new_metric(rec)))
        return NULL;
    m->name = (msgpack_object_str){.size = (uint32_t)strlen(name), .ptr = name};
    m->value = value;
    m->detail.size = 0;
    return m;
}

static int detail(struct ds_record *rec, struct ds_metric *m, const char *key, msgpack_object v)
{
    if (m->detail.size == 0 && map_put(rec->zone, &m->detail, "value", number_object(m->value)))
        return -1;
    return map_put(rec->zone, &m->detail, key, v);
}

int ds_metric_num(struct ds_record *rec, struct ds_metric *m, const char *key, double value)
{
    return detail(rec, m, key, number_object(value));
}

int ds_metric_int(struct ds_record *rec, struct ds_metric *m, const char *key, int64_t value)
{
    return detail(rec, m, key, int_object(value));
}

int ds_metric_str(struct ds_record *rec, struct ds_metric *m, const char *key, const char *value)
{
    msgpack_object v;
    return string_object(rec->zone, value, &v) ? -1 : detail(rec, m, key, v);
}

int ds_metric_bool(struct ds_record *rec, struct ds_metric *m, const char *key, bool value)
{
    return detail(rec, m, key,
                  (msgpack_object){.type = MSGPACK_OBJECT_BOOLEAN, .via.boolean = value});
}

/* ---- parsing ---- */

int ds_object_number(const msgpack_object *o, double *value)
{
    switch (o->type) {
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
        *value = (double)o->via.u64;
        return 0;
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        *value = (double)o->via.i64;
        return 0;
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
        *value = o->via.f64;
        return 0;
    default:
        return -1;
    }
}

static int parse_id(const char *key, const msgpack_object *v, uint64_t *id, struct ds_error *err)
{
    if (v->type != MSGPACK_OBJECT_POSITIVE_INTEGER)
        return ds_fail(err, "\"%s\" must be a whole number", key);
    *id = v->via.u64;
    return 0;
}

static int parse_arch(struct ds_record *rec, const msgpack_object *v, struct ds_error *err)
{
    int nsites = rec->space->nsites;
    if (v->type != MSGPACK_OBJECT_BIN || v->via.bin.size != (uint32_t)nsites)
        return ds_fail(err, "\"arch\" must be %d bytes, one for each site of space %s", nsites,
                       rec->space->name);
    memcpy(rec->choice, v->via.bin.ptr, (size_t)nsites);
    rec->has_arch = true;
    return ds_arch_canon(rec->space, rec->choice, err);
}

static int parse_affix(struct ds_record *rec, const msgpack_object *v, struct ds_error *err)
{
    const msgpack_object *e = v->via.array.ptr;
    if (v->type != MSGPACK_OBJECT_ARRAY || v->via.array.size != 2 ||
        e[0].type != MSGPACK_OBJECT_POSITIVE_INTEGER ||
        e[1].type != MSGPACK_OBJECT_POSITIVE_INTEGER ||
        e[0].via.u64 >= (uint64_t)rec->space->nsites ||
        e[1].via.u64 >= (uint64_t)rec->space->site[e[0].via.u64].nchoices)
        return ds_fail(err, "\"affix\" must be [site, choice] of space %s", rec->space->name);
    rec->affix_site = (int)e[0].via.u64;
    rec->affix_choice = (int)e[1].via.u64;
    return 0;
}

static int parse_metric(struct ds_record *rec, const msgpack_object_kv *kv, struct ds_error *err)
{
    if (kv->key.type != MSGPACK_OBJECT_STR)
        return ds_fail(err, "the name of a metric must be a string");
    struct ds_metric m = {.name = kv->key.via.str, .detail = {0}};
    const msgpack_object *value = &kv->val;
    if (value->type == MSGPACK_OBJECT_MAP) {
        m.detail = value->via.map;
        value = ds_map_get(m.detail, "value");
    }
    if (!value || ds_object_number(value, &m.value))
        return ds_fail(err, "metric \"%.*s\" has no number", (int)m.name.size, m.name.ptr);
    struct ds_metric *to = new_metric(rec);
    if (!to)
        return ds_no_memory(err);
    *to = m;
    return 0;
}

static int parse_metrics(struct ds_record *rec, const msgpack_object *v, struct ds_error *err)
{
    if (v->type != MSGPACK_OBJECT_MAP)
        return ds_fail(err, "\"metrics\" must be a map");
    for (uint32_t i = 0; i < v->via.map.size; i++)
        if (parse_metric(rec, &v->via.map.ptr[i], err))
            return -1;
    return 0;
}

static int parse_field(struct ds_record *rec, const msgpack_object_kv *kv, uint64_t *id,
                       bool *has_id, uint32_t fields, struct ds_error *err)
{
    if (is_key(kv, "id", 2)) {
        *has_id = true;
        return parse_id("id", &kv->val, id, err);
    }
    if (is_key(kv, "arch", 4))
        return parse_arch(rec, &kv->val, err);
    if (is_key(kv, "metrics", 7))
        return parse_metrics(rec, &kv->val, err);
    if (is_key(kv, "base", 4)) {
        rec->has_base = true;
        return parse_id("base", &kv->val, &rec->base, err);
    }
    if (is_key(kv, "affix", 5))
        return parse_affix(rec, &kv->val, err);
    if (is_key(kv, "group", 5)) {
        if (kv->val.type != MSGPACK_OBJECT_MAP)
            return ds_fail(err, "\"group\" must be a map");
        rec->group = kv->val.via.map;
        return 0;
    }
    if (!rec->extra.size && !(rec->extra.ptr = msgpack_zone_malloc(rec->zone, fields * sizeof *kv)))
        return ds_no_memory(err);
    rec->extra.ptr[rec->extra.size++] = *kv;
    return 0;
}

int ds_record_parse(struct ds_record *rec, const struct ds_space *space, const void *data,
                    size_t size, size_t *used, struct ds_error *err)
{
    clear(rec, space);
    enum ds_span_result r = ds_span(data, size, used, err);
    if (r == DS_SPAN_CUT)
        return ds_fail(err, "a record reaches beyond its block");
    if (r == DS_SPAN_BAD)
        return -1;
    if (*used > MOST_RECORD)
        return ds_fail(err, "a record of more than %zu bytes", MOST_RECORD);

    size_t at = 0;
    msgpack_object object;
    if (msgpack_unpack(data, *used, &at, rec->zone, &object) != MSGPACK_UNPACK_SUCCESS)
        return ds_no_memory(err);
    if (object.type != MSGPACK_OBJECT_MAP)
        return ds_fail(err, "a record must be a map");

    uint64_t id = 0;
    bool has_id = false;
    for (uint32_t i = 0; i < object.via.map.size; i++)
        if (parse_field(rec, &object.via.map.ptr[i], &id, &has_id, object.via.map.size, err))
            return -1;
    if (has_id && !rec->has_arch)
        return ds_fail(err, "\"id\" without \"arch\"");
    if (rec->has_arch) {
        rec->id = ds_arch_id(space, rec->choice);
        if (has_id && id != rec->id)
            return ds_fail(err, "\"id\" is %016" PRIx64 ", but the architecture's is %016" PRIx64,
                           id, rec->id);
    }
    return 0;
}

/* ---- packing ---- */

static int pack_str(msgpack_packer *pk, const char *s, size_t n)
{
    return msgpack_pack_str(pk, n) || msgpack_pack_str_body(pk, s, n);
}

static int pack_map(msgpack_packer *pk, msgpack_object_map map)
{
    return msgpack_pack_object(pk, (msgpack_object){.type = MSGPACK_OBJECT_MAP, .via.map = map});
}

static int pack_metrics(const struct ds_record *rec, msgpack_packer *pk)
{
    int bad = pack_str(pk, "metrics", 7) || msgpack_pack_map(pk, (size_t)rec->nmetrics);
    for (int i = 0; i < rec->nmetrics && !bad; i++) {
        const struct ds_metric *m = &rec->metric[i];
        bad = pack_str(pk, m->name.ptr, m->name.size) ||
              (m->detail.size ? pack_map(pk, m->detail) : msgpack_pack_double(pk, m->value));
    }
    return bad;
}

static int pack_arch(const struct ds_record *rec, msgpack_packer *pk)
{
    size_t n = (size_t)rec->space->nsites;
    return pack_str(pk, "id", 2) || msgpack_pack_uint64(pk, rec->id) || pack_str(pk, "arch", 4) ||
           msgpack_pack_bin(pk, n) || msgpack_pack_bin_body(pk, rec->choice, n);
}

static int pack_affix(const struct ds_record *rec, msgpack_packer *pk)
{
    return pack_str(pk, "affix", 5) || msgpack_pack_array(pk, 2) ||
           msgpack_pack_int(pk, rec->affix_site) || msgpack_pack_int(pk, rec->affix_choice);
}

int ds_record_pack(const struct ds_record *rec, msgpack_sbuffer *out, struct ds_error *err)
{
    msgpack_packer pk;
    msgpack_packer_init(&pk, out, msgpack_sbuffer_write);
    size_t fields = 2 * (size_t)rec->has_arch + (size_t)rec->has_base + (rec->affix_site >= 0) +
                    (rec->group.size > 0) + (rec->nmetrics > 0) + rec->extra.size;
    int bad =
        msgpack_pack_map(&pk, fields) || (rec->has_arch && pack_arch(rec, &pk)) ||
        (rec->has_base && (pack_str(&pk, "base", 4) || msgpack_pack_uint64(&pk, rec->base))) ||
        (rec->affix_site >= 0 && pack_affix(rec, &pk)) ||
        (rec->group.size && (pack_str(&pk, "group", 5) || pack_map(&pk, rec->group))) ||
        (rec->nmetrics && pack_metrics(rec, &pk));
    for (uint32_t i = 0; i < rec->extra.size && !bad; i++)
        bad = msgpack_pack_object(&pk, rec->extra.ptr[i].key) ||
              msgpack_pack_object(&pk, rec->extra.ptr[i].val);
    return bad ? ds_no_memory(err) : 0;
}

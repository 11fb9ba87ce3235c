#include "study/aggregate_parts.h"

#include "base/grow.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PARTIAL "partial"
#define PARTIAL_VERSION 1

/* What is true of the whole part goes with its first group. */
static void pack_part(const struct ds_aggregate *a, struct ds_bytes *out)
{
    ds_bytes_uint(out, (uint64_t)a->nmetrics);
    for (int m = 0; m < a->nmetrics; m++) {
        ds_bytes_data(out, a->metric[m].name, strlen(a->metric[m].name));
        ds_value_conditions_pack(&a->metric[m].conditions, out);
    }
    ds_bytes_uint(out, a->mixture.of_devices);
    ds_bytes_data(out, a->mixture.text, strlen(a->mixture.text));
}

int ds_aggregate_partial(struct ds_aggregate *a, int g, struct ds_record *rec, struct ds_error *err)
{
    static msgpack_object_kv entry;
    struct ds_bytes *out = &a->partial;
    const struct group *group = &a->group[g];
    uint64_t n = 0;
    for (int m = 0; m < group->nmetrics; m++)
        n += group->metric[m] != NULL;
    out->n = 0;
    ds_bytes_uint(out, PARTIAL_VERSION);
    ds_bytes_data(out, a->key_names, strlen(a->key_names));
    ds_bytes_uint(out, a->by);
    ds_bytes_uint(out, a->effect ? 1 + (unsigned)a->against : 0);
    ds_bytes_uint(out, a->keep);
    ds_bytes_uint(out, (uint64_t)a->ngroups);
    ds_bytes_uint(out, (uint64_t)g);
    for (int i = 0; i < a->keys.n; i++)
        ds_bytes_double(out, group->key[i]);
    ds_bytes_uint(out, n);
    for (int m = 0; m < group->nmetrics; m++) {
        if (!group->metric[m])
            continue;
        ds_bytes_data(out, a->metric[m].name, strlen(a->metric[m].name));
        if (ds_tally_pack(group->metric[m], out, err))
            return -1;
    }
    if (g == 0)
        pack_part(a, out);
    if (out->failed)
        return ds_no_memory(err);
    if (out->n > UINT32_MAX)
        return ds_fail(err, "a partial result of more than 4 GB: give --keep a lesser number");
    entry.key = (msgpack_object){.type = MSGPACK_OBJECT_STR,
                                 .via.str = {.size = sizeof PARTIAL - 1, .ptr = PARTIAL}};
    entry.val =
        (msgpack_object){.type = MSGPACK_OBJECT_BIN,
                         .via.bin = {.size = (uint32_t)out->n, .ptr = (const char *)out->at}};
    rec->extra = (msgpack_object_map){.size = 1, .ptr = &entry};
    return 0;
}

/* Reads how the part was made: as the first, or else it must agree. */
static int join_options(struct ds_aggregate *a, struct ds_bytes_in *in, struct ds_error *err)
{
    size_t size;
    const char *keys = ds_bytes_get_data(in, &size);
    uint64_t by = ds_bytes_get_uint(in), effect = ds_bytes_get_uint(in);
    uint64_t keep = ds_bytes_get_uint(in);
    if (in->bad || by > DS_BY_OCCURRING || effect > 1 + DS_AGAINST_MEAN || size > 100 ||
        keep > UINT64_MAX / 64)
        return ds_fail(err, "damaged: no keys");
    if (!a->key_names) {
        if (ds_aggregate_set_keys(a, keys, size, err))
            return -1;
        a->by = (enum ds_group_by)by;
        a->effect = effect > 0;
        a->against = effect ? (enum ds_against)(effect - 1) : DS_AGAINST_BASE;
        ds_aggregate_keep(a, keep);
    }
    if (strlen(a->key_names) != size || memcmp(a->key_names, keys, size) != 0 || a->by != by ||
        (a->effect ? 1 + a->against : 0) != effect || a->keep != keep)
        return ds_fail(
            err, "made by other options than the part before it: --by %.*s%s%s --keep %" PRIu64,
            (int)size, keys,
            effect ? " --effect --against "
            : by   ? " --occurring"
                   : "",
            effect ? ds_against_name[effect - 1] : "", keep);
    return 0;
}

static int join_part(struct ds_aggregate *a, struct ds_bytes_in *in)
{
    size_t size;
    uint64_t n = ds_bytes_get_uint(in);
    for (uint64_t i = 0; i < n && !in->bad; i++) {
        const char *name = ds_bytes_get_data(in, &size);
        int m = ds_aggregate_find_metric(a, name, size);
        if (m < 0 ||
            ds_value_conditions_join(&a->metric[m].conditions, a->metric[m].name, in, &a->mixture))
            return -1;
    }
    bool of_devices = ds_bytes_get_uint(in);
    const char *text = ds_bytes_get_data(in, &size);
    if (size && !in->bad && (!a->mixture.text[0] || (of_devices && !a->mixture.of_devices))) {
        snprintf(a->mixture.text, sizeof a->mixture.text, "%.*s", (int)size, text);
        a->mixture.of_devices = of_devices;
    }
    return 0;
}

static int join_group(struct ds_aggregate *a, struct ds_bytes_in *in, struct ds_error *err)
{
    double key[DS_MOST_GROUP_KEYS] = {0};
    uint64_t groups = ds_bytes_get_uint(in), number = ds_bytes_get_uint(in);
    for (int i = 0; i < a->keys.n; i++)
        key[i] = ds_bytes_get_double(in);
    uint64_t n = ds_bytes_get_uint(in);
    if (in->bad || groups > INT32_MAX || number >= groups ||
        !ds_group_keys_fit(&a->keys, a->space, key))
        return ds_fail(err, "damaged: no such group");
    int g = ds_aggregate_find_group(a, key);
    if (g < 0)
        return ds_no_memory(err);
    for (uint64_t i = 0; i < n && !in->bad; i++) {
        size_t size;
        const char *name = ds_bytes_get_data(in, &size);
        int m = in->bad ? -1 : ds_aggregate_find_metric(a, name, size);
        struct ds_tally *t = m < 0 ? NULL : ds_aggregate_tally(a, &a->group[g], m);
        if (!t)
            return in->bad ? ds_fail(err, "damaged: cut off") : ds_no_memory(err);
        if (ds_tally_join(&a->tallies, t, in, err))
            return -1;
    }
    if (number == 0 && join_part(a, in))
        return ds_no_memory(err);
    if (in->bad || in->at != in->end)
        return ds_fail(err, "damaged: cut off, or more than it says");
    a->parts_groups += number == 0 ? groups : 0;
    a->merged_groups++;
    return 0;
}

int ds_aggregate_merge(struct ds_aggregate *a, const struct ds_record *rec, struct ds_error *err)
{
    const msgpack_object *o = ds_map_get(rec->extra, PARTIAL);
    if (!o || o->type != MSGPACK_OBJECT_BIN)
        return ds_fail(err, "no partial result, as ds-aggregate --partial writes it");
    struct ds_bytes_in in = {.at = (const unsigned char *)o->via.bin.ptr};
    in.end = in.at + o->via.bin.size;
    if (ds_aggregate_begin_space(a, rec->space, err))
        return -1;
    uint64_t version = ds_bytes_get_uint(&in);
    if (version != PARTIAL_VERSION)
        return ds_fail(err, "a partial result of version %" PRIu64 "; this dstools knows %d",
                       version, PARTIAL_VERSION);
    return join_options(a, &in, err) || join_group(a, &in, err) ? -1 : 0;
}

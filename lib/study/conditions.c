#include "study/conditions.h"

#include "base/grow.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_text(msgpack_object_str s, const char *text)
{
    return strlen(text) == s.size && memcmp(text, s.ptr, s.size) == 0;
}

/*
 * The text of a detail that is a condition; false for details that are part of the result, as its
 * interval.
 */
static bool is_condition(const msgpack_object_kv *kv, char *text, size_t size)
{
    static const char *const counts[] = {"threads", "batch", "warmup", "images"};
    if (kv->key.type != MSGPACK_OBJECT_STR)
        return false;
    if (kv->val.type == MSGPACK_OBJECT_STR) {
        snprintf(text, size, "%.*s", (int)kv->val.via.str.size, kv->val.via.str.ptr);
        return true;
    }
    if (kv->val.type != MSGPACK_OBJECT_POSITIVE_INTEGER)
        return false;
    snprintf(text, size, "%" PRIu64, kv->val.via.u64);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        if (is_text(kv->key.via.str, counts[i]))
            return true;
    return false;
}

/* Keeps the first sentence, but one about devices before one about their settings. */
__attribute__((format(printf, 3, 4))) static void note_mixture(struct ds_mixture *mixture,
                                                               const struct ds_value_condition *c,
                                                               const char *format, ...)
{
    va_list args;
    if (mixture->text[0] && (mixture->of_devices || c->is_count))
        return;
    va_start(args, format);
    vsnprintf(mixture->text, sizeof mixture->text, format, args);
    va_end(args);
    mixture->of_devices = !c->is_count;
}

/* Adds a condition that values name, unless there are too many. */
static int add_condition(struct ds_value_conditions *v, const char *metric,
                         const struct ds_value_condition *as, msgpack_object_str key,
                         struct ds_mixture *mixture)
{
    int k = 0;
    while (k < v->n && !is_text(key, v->condition[k].key))
        k++;
    if (k == DS_MOST_CONDITIONS)
        return 0;
    struct ds_value_condition *c = &v->condition[k];
    if (k == v->n) {
        *c = (struct ds_value_condition){.is_count = as->is_count, .count = as->count};
        c->key = ds_copy_text(key.ptr, key.size, NULL);
        c->text = ds_copy_text(as->text, strlen(as->text), NULL);
        v->n++;
        if (!c->key || !c->text)
            return -1;
    }
    if (strcmp(c->text, as->text) == 0)
        c->times += as->times;
    else
        note_mixture(mixture, c, "%s mixes values of %s '%s' and '%s'", metric, c->key, c->text,
                     as->text);
    return 0;
}

int ds_value_conditions_add(struct ds_value_conditions *v, const char *metric,
                            msgpack_object_map detail, struct ds_mixture *mixture)
{
    char text[200];
    v->times++;
    for (uint32_t i = 0; i < detail.size; i++) {
        const msgpack_object_kv *kv = &detail.ptr[i];
        if (!is_condition(kv, text, sizeof text))
            continue;
        struct ds_value_condition one = {.text = text, .times = 1};
        one.is_count = kv->val.type != MSGPACK_OBJECT_STR && kv->val.via.u64 <= INT64_MAX;
        one.count = one.is_count ? (int64_t)kv->val.via.u64 : 0;
        if (add_condition(v, metric, &one, kv->key.via.str, mixture))
            return -1;
    }
    return 0;
}

void ds_value_conditions_pack(const struct ds_value_conditions *v, struct ds_bytes *out)
{
    ds_bytes_uint(out, v->times);
    ds_bytes_uint(out, (uint64_t)v->n);
    for (int k = 0; k < v->n; k++) {
        const struct ds_value_condition *c = &v->condition[k];
        ds_bytes_data(out, c->key, strlen(c->key));
        ds_bytes_data(out, c->text, strlen(c->text));
        ds_bytes_uint(out, c->is_count);
        ds_bytes_int(out, c->count);
        ds_bytes_uint(out, c->times);
    }
}

int ds_value_conditions_join(struct ds_value_conditions *v, const char *metric,
                             struct ds_bytes_in *in, struct ds_mixture *mixture)
{
    v->times += ds_bytes_get_uint(in);
    uint64_t n = ds_bytes_get_uint(in);
    for (uint64_t k = 0; k < n && !in->bad; k++) {
        size_t key_size, size;
        char text[200];
        const char *key = ds_bytes_get_data(in, &key_size), *at = ds_bytes_get_data(in, &size);
        snprintf(text, sizeof text, "%.*s", (int)(size < sizeof text ? size : sizeof text), at);
        struct ds_value_condition one = {.text = text};
        one.is_count = ds_bytes_get_uint(in);
        one.count = ds_bytes_get_int(in);
        one.times = ds_bytes_get_uint(in);
        in->bad = in->bad || k == DS_MOST_CONDITIONS || one.count < 0 || key_size > 65535;
        if (!in->bad &&
            add_condition(v, metric, &one, (msgpack_object_str){(uint32_t)key_size, key}, mixture))
            return -1;
    }
    return 0;
}

/* Whether all values were measured under it. */
static bool is_common(const struct ds_value_conditions *v, const struct ds_value_condition *c)
{
    return c->times == v->times;
}

void ds_value_conditions_compare(const struct ds_value_conditions *v, const char *metric,
                                 struct ds_mixture *mixture)
{
    for (int k = 0; k < v->n; k++)
        if (!is_common(v, &v->condition[k]))
            note_mixture(mixture, &v->condition[k], "%s: only some of its values say their %s",
                         metric, v->condition[k].key);
}

int ds_value_conditions_describe(const struct ds_value_conditions *v, struct ds_record *rec,
                                 struct ds_metric *metric)
{
    int bad = 0;
    for (int k = 0; k < v->n && !bad; k++) {
        const struct ds_value_condition *c = &v->condition[k];
        if (is_common(v, c))
            bad = c->is_count ? ds_metric_int(rec, metric, c->key, c->count)
                              : ds_metric_str(rec, metric, c->key, c->text);
    }
    return bad;
}

void ds_value_conditions_free(struct ds_value_conditions *v)
{
    for (int k = 0; k < v->n; k++) {
        free(v->condition[k].key);
        free(v->condition[k].text);
    }
}

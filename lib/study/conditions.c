#include "study/conditions.h"

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

int ds_value_conditions_add(struct ds_value_conditions *v, const char *metric,
                            msgpack_object_map detail, struct ds_mixture *mixture)
{
    char text[200];
    v->times++;
    for (uint32_t i = 0; i < detail.size; i++) {
        const msgpack_object_kv *kv = &detail.ptr[i];
        if (!is_condition(kv, text, sizeof text))
            continue;
        int k = 0;
        while (k < v->n && !is_text(kv->key.via.str, v->condition[k].key))
            k++;
        if (k == DS_MOST_CONDITIONS)
            continue;
        struct ds_value_condition *c = &v->condition[k];
        if (k == v->n) {
            c->key = strndup(kv->key.via.str.ptr, kv->key.via.str.size);
            c->text = strdup(text);
            c->is_count = kv->val.type != MSGPACK_OBJECT_STR && kv->val.via.u64 <= INT64_MAX;
            c->count = c->is_count ? (int64_t)kv->val.via.u64 : 0;
            v->n++;
            if (!c->key || !c->text)
                return -1;
        }
        if (strcmp(c->text, text) == 0)
            c->times++;
        else
            note_mixture(mixture, c, "%s mixes values of %s '%s' and '%s'", metric, c->key, c->text,
                         text);
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

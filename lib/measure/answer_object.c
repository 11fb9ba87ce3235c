#include "measure/answer_object.h"

#include "base/grow.h"
#include "base/metric.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST_NAME 100

/* Keys of the answer itself, which are no metrics. */
static bool is_own(const char *key)
{
    return strcmp(key, "id") == 0 || strcmp(key, "error") == 0;
}

/* The number or numbers of a metric: itself, or its "value". */
static const json_t *value_of(const json_t *metric)
{
    return json_is_object(metric) ? json_object_get(metric, "value") : metric;
}

static int add_number(const struct ds_question *question, const json_t *value, struct ds_answer *a,
                      struct ds_error *err)
{
    double number = json_number_value(value);
    if (!json_is_number(value))
        return ds_fail(err, "its answer: \"%s\" is no number of %s", question->metric,
                       question->unit);
    if (number < 0 || (question->is_latency && number == 0) || number > question->most)
        return ds_fail(err, "its answer: %.17g is no %s of %s", number, question->unit,
                       question->metric);
    if (ds_grow(&a->number, &a->room, a->n + 1, sizeof *a->number, err))
        return -1;
    a->number[a->n++] = number;
    return 0;
}

static int read_metric(const struct ds_question *question, struct ds_answer *a,
                       struct ds_error *err)
{
    const json_t *metric = json_object_get(a->object, question->metric), *value, *run;
    size_t i;
    if (!metric)
        return ds_fail(err, "its answer has no \"%s\"", question->metric);
    value = value_of(metric);
    if (!json_is_array(value))
        return add_number(question, value, a, err);
    json_array_foreach(value, i, run)
    {
        if (add_number(question, run, a, err))
            return -1;
    }
    if (a->n != 1 && !question->is_latency)
        return ds_fail(err, "its answer: \"%s\" is %zu numbers, but one was wanted",
                       question->metric, a->n);
    return a->n ? 0 : ds_fail(err, "its answer: \"%s\" is no numbers", question->metric);
}

static int check_name(const char *name, struct ds_error *err)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < n; i++)
        if (name[i] <= ' ' || name[i] > '~')
            return ds_fail(err, "its answer: a metric's name has blanks or other than ASCII");
    if (n == 0 || n > LONGEST_NAME)
        return ds_fail(err, "its answer: a metric's name of %zu bytes", n);
    return 0;
}

/* What else it says must be metrics: what is not understood is not passed over. */
static int check_others(const struct ds_question *question, const struct ds_answer *a,
                        struct ds_error *err)
{
    const char *name;
    json_t *metric;
    json_object_foreach(a->object, name, metric)
    {
        if (is_own(name) || strcmp(name, question->metric) == 0)
            continue;
        if (check_name(name, err))
            return -1;
        if (!json_is_number(value_of(metric)))
            return ds_fail(err, "its answer: \"%s\" is no number", name);
        if (ds_metric_is_latency(name) && json_number_value(value_of(metric)) <= 0)
            return ds_fail(err, "its answer: \"%s\" is not above 0", name);
    }
    return 0;
}

/* What it says of its own failure, in one line of ASCII. */
static int own_error(const json_t *error, struct ds_error *err)
{
    char text[400];
    const char *said = json_is_string(error) ? json_string_value(error) : "no text";
    size_t n = 0;
    for (; *said && n + 1 < sizeof text; said++)
        text[n++] = *said >= ' ' && *said < 127 ? *said : '?';
    text[n] = 0;
    return ds_fail(err, "says: %s", text);
}

int ds_answer_object_parse(const struct ds_question *question, struct ds_answer *a,
                           struct ds_error *err)
{
    json_error_t wrong;
    a->object = json_loads(a->text, JSON_REJECT_DUPLICATES, &wrong);
    if (!a->object)
        return ds_fail(err, "its answer is no JSON: %s", wrong.text);
    const json_t *error = json_object_get(a->object, "error");
    if (error)
        return own_error(error, err);
    return read_metric(question, a, err) || check_others(question, a, err) ? -1 : 0;
}

int ds_answer_is_for(const char *text, uint64_t id, struct ds_error *err)
{
    char wanted[17];
    json_error_t wrong;
    json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, &wrong);
    const char *said = json_string_value(json_object_get(object, "id"));
    int rc = 0;
    snprintf(wanted, sizeof wanted, "%016" PRIx64, id);
    if (!json_is_object(object))
        rc = ds_fail(err, "its answer is no JSON object: %.60s", object ? text : wrong.text);
    else if (!said)
        rc = ds_fail(err, "its answer has no \"id\", which must be that of the question");
    else if (strcmp(said, wanted))
        rc = ds_fail(err, "answered for %.40s, asked about %s", said, wanted);
    json_decref(object);
    return rc;
}

/* ---- onto the record ---- */

/* Names and keys must live as long as the record. */
static const char *keep(struct ds_record *rec, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = msgpack_zone_malloc(rec->zone, size);
    return copy ? memcpy(copy, text, size) : NULL;
}

static int set_detail(struct ds_record *rec, struct ds_metric *m, const char *key,
                      const json_t *value)
{
    const char *kept = keep(rec, key);
    if (!kept)
        return -1;
    if (json_is_integer(value))
        return ds_metric_int(rec, m, kept, json_integer_value(value));
    if (json_is_real(value))
        return ds_metric_num(rec, m, kept, json_real_value(value));
    if (json_is_boolean(value))
        return ds_metric_bool(rec, m, kept, json_is_true(value));
    if (json_is_string(value))
        return ds_metric_str(rec, m, kept, json_string_value(value));
    return 0; /* arrays and objects have no place in a metric */
}

static int set_details(struct ds_record *rec, struct ds_metric *m, const json_t *metric)
{
    const char *key;
    json_t *value;
    if (json_is_object(metric))
        json_object_foreach((json_t *)metric, key, value)
        {
            if (strcmp(key, "value") && set_detail(rec, m, key, value))
                return -1;
        }
    return 0;
}

struct ds_metric *ds_answer_object_set(struct ds_record *rec, const struct ds_question *question,
                                       const struct ds_answer *a)
{
    const char *name;
    json_t *metric;
    json_object_foreach(a->object, name, metric)
    {
        if (is_own(name) || strcmp(name, question->metric) == 0)
            continue;
        const char *kept = keep(rec, name);
        struct ds_metric *m =
            kept ? ds_record_set(rec, kept, json_number_value(value_of(metric))) : NULL;
        if (!m || set_details(rec, m, metric))
            return NULL;
    }
    struct ds_metric *m = ds_record_metric(rec, question->metric);
    return set_details(rec, m, json_object_get(a->object, question->metric)) ? NULL : m;
}

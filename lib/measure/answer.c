#include "measure/answer.h"

#include "base/grow.h"
#include "base/metric.h"
#include "base/number.h"
#include "measure/answer_object.h"
#include "measure/latency.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST_DETAIL 200

/* The line from `at`, without blanks around it; gives where the next one begins. */
static const char *next_line(const char *at, const char **line, size_t *size)
{
    size_t n = strcspn(at, "\n");
    *line = at + strspn(at, " \t\r");
    const char *end = at + n;
    while (end > *line && strchr(" \t\r", end[-1]))
        end--;
    *size = end > *line ? (size_t)(end - *line) : 0;
    return at[n] ? at + n + 1 : at + n;
}

/* The whole line as a decimal number. */
static int parse_number(const char *line, size_t size, double *value)
{
    const char *end;
    return ds_number_begin(line, &end, value) || end != line + size ? -1 : 0;
}

static int refuse(const char *line, size_t size, int number, const char *what, struct ds_error *err)
{
    char shown[48];
    size_t n = size < sizeof shown ? size : sizeof shown - 1;
    for (size_t i = 0; i < n; i++)
        shown[i] = line[i] >= ' ' && line[i] < 127 ? line[i] : '?';
    shown[n] = 0;
    return ds_fail(err, "its answer, line %d: '%s%s' %s", number, shown, n < size ? "..." : "",
                   what);
}

static int add_number(const struct ds_question *question, const char *line, size_t size, int at,
                      struct ds_answer *a, struct ds_error *err)
{
    double value;
    char what[80];
    if (parse_number(line, size, &value)) {
        snprintf(what, sizeof what, "is not a number of %s", question->unit);
        return refuse(line, size, at, what, err);
    }
    if (value < 0 || (question->is_latency && value == 0) || value > question->most) {
        snprintf(what, sizeof what, "is no %s of %s", question->unit, question->metric);
        return refuse(line, size, at, what, err);
    }
    if (a->n && !question->is_latency)
        return refuse(line, size, at, "is a second number, but one was wanted", err);
    if (ds_grow(&a->number, &a->room, a->n + 1, sizeof *a->number, err))
        return -1;
    a->number[a->n++] = value;
    return 0;
}

struct ds_question ds_question_latency(const char *metric)
{
    return (struct ds_question){metric, ds_metric_unit(metric), 1e9, true};
}

static int parse_lines(const struct ds_question *question, struct ds_answer *a,
                       struct ds_error *err)
{
    int number = 1;
    for (const char *at = a->text; *at; number++) {
        const char *line;
        size_t n;
        at = next_line(at, &line, &n);
        if (n && line[0] != '#' && add_number(question, line, n, number, a, err))
            return -1;
    }
    return a->n ? 0 : ds_fail(err, "answered no number of %s", question->unit);
}

int ds_answer_parse(const struct ds_question *question, const char *text, size_t size,
                    struct ds_answer *answer, struct ds_error *err)
{
    *answer = (struct ds_answer){.text = text};
    if (strlen(text) != size)
        return ds_fail(err, "its answer is no text: it has zero bytes");
    bool object = text[strspn(text, " \t\r\n")] == '{';
    int rc =
        object ? ds_answer_object_parse(question, answer, err) : parse_lines(question, answer, err);
    if (rc)
        ds_answer_free(answer);
    return rc;
}

void ds_answer_free(struct ds_answer *answer)
{
    free(answer->number);
    json_decref(answer->object);
    *answer = (struct ds_answer){0};
}

/* The comment `# KEY: VALUE` of this key; false where there is none. */
static bool find_comment(const char *text, const char *key, char out[LONGEST_DETAIL])
{
    size_t k = strlen(key);
    for (const char *at = text; *at;) {
        const char *line;
        size_t n;
        at = next_line(at, &line, &n);
        if (!n || line[0] != '#')
            continue;
        size_t skip = 1 + strspn(line + 1, " ");
        if (skip + k >= n || strncmp(line + skip, key, k) != 0 || line[skip + k] != ':')
            continue;
        skip += k + 1;
        skip += strspn(line + skip, " ");
        size_t size = 0;
        for (; skip < n && size + 1 < LONGEST_DETAIL; skip++)
            out[size++] = line[skip] >= ' ' && line[skip] < 127 ? line[skip] : '?';
        out[size] = 0;
        return size > 0;
    }
    return false;
}

static int describe(struct ds_record *rec, struct ds_metric *m, const char *text)
{
    static const char *const keys[] = {"engine", "device", "precision", "threads"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        char value[LONGEST_DETAIL];
        if (!find_comment(text, keys[i], value))
            continue;
        struct ds_error err;
        uint64_t count;
        bool is_count =
            strcmp(keys[i], "threads") == 0 && ds_whole(value, 0, INT64_MAX, &count, &err) == 0;
        if (is_count ? ds_metric_int(rec, m, keys[i], (int64_t)count)
                     : ds_metric_str(rec, m, keys[i], value))
            return -1;
    }
    return 0;
}

struct ds_metric *ds_answer_set(struct ds_record *rec, const struct ds_question *question,
                                const struct ds_answer *answer)
{
    struct ds_metric *m;
    if (question->is_latency) {
        struct ds_latency l = ds_runs_latency(answer->number, answer->n);
        m = ds_latency_set(rec, question->metric, &l, answer->n);
    } else {
        m = ds_record_set(rec, question->metric, answer->number[0]);
    }
    if (m && answer->object)
        return ds_answer_object_set(rec, question, answer);
    return m && describe(rec, m, answer->text) == 0 ? m : NULL;
}

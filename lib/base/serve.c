#include "base/serve.h"

#include "base/child.h"
#include "base/grow.h"
#include <stdlib.h>
#include <string.h>

#define END_SECONDS 2 /* seconds that it may take to end when its input does */

struct ds_server {
    const struct ds_exec_job *job;
    struct child child;
    bool runs, has_answered;
};

struct ds_server *ds_server_new(const struct ds_exec_job *job, struct ds_error *err)
{
    struct ds_server *s = ds_alloc(1, sizeof *s, err);
    if (s)
        s->job = job;
    return s;
}

static int stop(struct ds_server *s, enum child_verdict v)
{
    int status = ds_child_end(&s->child, v);
    free(s->child.text);
    s->child.text = NULL;
    s->runs = false;
    return status;
}

/* Whether it said something since the last answer, which would be taken for the next. */
static bool said_more(struct ds_server *s)
{
    bool more = true;
    while (more && ds_child_read(&s->child, &more) == CHILD_RUNNING && !s->child.size)
        ;
    return s->child.size > 0;
}

/* Has it running and silent. One that ended meanwhile, having answered, is started again. */
static int make_ready(struct ds_server *s, struct ds_error *err)
{
    if (s->runs && said_more(s)) {
        stop(s, CHILD_TOO_LONG);
        return ds_fail(err, "said more than a line for the last question");
    }
    if (s->runs && ds_child_has_ended(&s->child))
        stop(s, CHILD_EXITED);
    if (s->runs) {
        s->child.tail_size = 0; /* what it complained about before is not about this */
        return 0;
    }
    if (ds_child_start(s->job, true, &s->child, err))
        return -1;
    s->runs = true;
    s->has_answered = false;
    return 0;
}

/* The line in child.text as a copy; none may follow it. */
static char *take_line(struct ds_server *s, size_t *size, struct ds_error *err)
{
    struct child *c = &s->child;
    char *end = memchr(c->text, '\n', c->size);
    size_t n = (size_t)(end - c->text);
    if (n + 1 < c->size) {
        stop(s, CHILD_TOO_LONG);
        ds_fail(err, "answered more than one line");
        return NULL;
    }
    *end = 0;
    char *line = ds_copy(c->text, n + 1, err);
    c->size = 0;
    *size = n;
    return line;
}

/* One try; *again tells whether it may only have been on its way out. */
static char *ask_once(struct ds_server *s, const char *line, size_t size, size_t *answered,
                      bool *again, struct ds_error *err)
{
    *again = false;
    if (make_ready(s, err))
        return NULL;
    enum child_verdict v = ds_child_follow(&s->child, line, size, s->job->timeout);
    if (v == CHILD_ANSWERED) {
        s->has_answered = true;
        return take_line(s, answered, err);
    }
    int status = stop(s, v);
    if (ds_child_judge(&s->child, v, status, s->job, err) == 0) {
        ds_fail(err, "ended without an answer");
        *again = s->has_answered;
    } else if (v == CHILD_TIMED_OUT) {
        ds_fail_in(err, "no line of answer");
    }
    return NULL;
}

char *ds_server_ask(struct ds_server *s, const char *line, size_t size, size_t *answered,
                    struct ds_error *err)
{
    bool again;
    char *text = ask_once(s, line, size, answered, &again, err);
    return again ? ask_once(s, line, size, answered, &again, err) : text;
}

void ds_server_stop(struct ds_server *s)
{
    if (s->runs)
        stop(s, CHILD_TOO_LONG);
}

void ds_server_free(struct ds_server *s)
{
    if (s && s->runs) {
        ds_child_close_input(&s->child);
        stop(s, ds_child_follow(&s->child, NULL, 0, END_SECONDS));
    }
    free(s);
}

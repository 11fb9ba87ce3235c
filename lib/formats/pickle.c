#include "formats/pickle.h"

#include "base/grow.h"
#include <stdlib.h>
#include <string.h>

#define MOST_VALUES (1u << 22) /* a supernet of 500 tensors has some 10,000 */
#define MOST_STACK (1u << 20)

/* A stack of values, or the memo: values by number. */
struct values {
    struct ds_pickle **at;
    size_t n, room;
};

struct machine {
    struct ds_pickle_reader *r;
    struct values stack, memo;
    struct ds_error *err;
    bool failed;
    bool done; /* the pickle has ended */
};

/* ---- values ---- */

/* Stops the machine. What is wrong first is what is said. */
static void fail(struct machine *m, const char *why)
{
    if (!m->failed)
        ds_fail(m->err, "%s", why);
    m->failed = true;
}

static struct ds_pickle *make(struct machine *m, enum ds_pickle_kind kind)
{
    struct ds_pickle *v = m->r->count < MOST_VALUES ? ds_alloc(1, sizeof *v, NULL) : NULL;
    if (!v) {
        fail(m, m->r->count < MOST_VALUES ? "out of memory" : "a pickle of too many values");
        return NULL;
    }
    v->kind = kind;
    v->next = m->r->all;
    m->r->all = v;
    m->r->count++;
    return v;
}

void ds_pickle_free(struct ds_pickle_reader *r)
{
    while (r->all) {
        struct ds_pickle *v = r->all;
        r->all = v->next;
        free(v->text);
        free(v->item);
        free(v);
    }
    r->count = 0;
}

/* Makes room for `n` pointers; false, and the machine has failed, when there is no memory. */
static bool reserve(struct machine *m, void *array, size_t *room, size_t n)
{
    if (m->failed || ds_grow(array, room, n, sizeof(void *), m->err))
        m->failed = true;
    return !m->failed;
}

static void append(struct machine *m, struct ds_pickle *to, struct ds_pickle *item)
{
    if (!to || !item)
        return;
    if (reserve(m, &to->item, &to->room, to->n + 1))
        to->item[to->n++] = item;
}

static void push(struct machine *m, struct ds_pickle *v)
{
    if (!v)
        return;
    if (m->stack.n == MOST_STACK)
        fail(m, "a pickle's stack too deep");
    else if (reserve(m, &m->stack.at, &m->stack.room, m->stack.n + 1))
        m->stack.at[m->stack.n++] = v;
}

/* NULL, and the machine has failed, where there is none. */
static struct ds_pickle *pop(struct machine *m)
{
    if (m->stack.n == 0) {
        fail(m, "a pickle's stack is empty");
        return NULL;
    }
    return m->stack.at[--m->stack.n];
}

static struct ds_pickle *top(struct machine *m)
{
    if (m->stack.n == 0)
        fail(m, "a pickle's stack is empty");
    return m->stack.n ? m->stack.at[m->stack.n - 1] : NULL;
}

/* ---- bytes ---- */

/* The next n bytes, or NULL. */
static const uint8_t *read_bytes(struct machine *m, size_t n)
{
    struct ds_pickle_reader *r = m->r;
    if ((size_t)(r->end - r->at) < n) {
        fail(m, "the file ends within a pickle");
        return NULL;
    }
    r->at += n;
    return r->at - n;
}

/* An unsigned little-endian number of n bytes, 8 at most. */
static uint64_t little(struct machine *m, size_t n)
{
    const uint8_t *p = read_bytes(m, n);
    uint64_t v = 0;
    for (size_t i = n; p && i-- > 0;)
        v = v << 8 | p[i];
    return v;
}

static void push_int(struct machine *m, int64_t v)
{
    struct ds_pickle *value = make(m, DS_PICKLE_INT);
    if (value)
        value->integer = v;
    push(m, value);
}

/* Two's complement, of any length; what is longer than 8 bytes is of no use here. */
static void push_long(struct machine *m, size_t n)
{
    const uint8_t *p = read_bytes(m, n);
    uint64_t v = 0;
    for (size_t i = n; p && n <= 8 && i-- > 0;)
        v = v << 8 | p[i];
    if (p && n > 0 && n < 8 && p[n - 1] & 0x80)
        v |= ~(uint64_t)0 << 8 * n;
    push_int(m, (int64_t)v);
}

/* Big-endian, unlike everything else. */
static void push_float(struct machine *m)
{
    const uint8_t *p = read_bytes(m, 8);
    struct ds_pickle *value = make(m, DS_PICKLE_FLOAT);
    uint64_t bits = 0;
    for (int i = 0; p && i < 8; i++)
        bits = bits << 8 | p[i];
    if (value)
        memcpy(&value->number, &bits, sizeof bits);
    push(m, value);
}

static char *copy_text(struct machine *m, const uint8_t *from, size_t size)
{
    if (memchr(from, 0, size)) {
        fail(m, "a zero byte in a pickle's text");
        return NULL;
    }
    char *text = ds_copy_text((const char *)from, size, NULL);
    if (!text)
        fail(m, "out of memory");
    return text;
}

static void push_text(struct machine *m, size_t size)
{
    const uint8_t *p = read_bytes(m, size);
    struct ds_pickle *value = p ? make(m, DS_PICKLE_TEXT) : NULL;
    if (value && (value->text = copy_text(m, p, size)))
        push(m, value);
}

/* "module\nname\n" */
static void push_global(struct machine *m)
{
    const uint8_t *begin = m->r->at, *p;
    for (int lines = 0; lines < 2; lines += *p == '\n')
        if (!(p = read_bytes(m, 1)))
            return;
    struct ds_pickle *value = make(m, DS_PICKLE_GLOBAL);
    if (!value || !(value->text = copy_text(m, begin, (size_t)(m->r->at - begin - 1))))
        return;
    *strchr(value->text, '\n') = ' ';
    if (!m->r->allows(value->text)) {
        if (!m->failed)
            ds_fail(m->err, "the file asks for Python's '%.100s', which no tensor needs: refused",
                    value->text);
        m->failed = true;
    }
    push(m, value);
}

/* ---- operations ---- */

/* What stands above the last mark becomes the items of a value; the mark goes. */
static void gather(struct machine *m, struct ds_pickle *to)
{
    size_t mark = m->stack.n;
    while (mark > 0 && m->stack.at[mark - 1]->kind != DS_PICKLE_MARK)
        mark--;
    if (mark == 0) {
        fail(m, "a pickle's mark is missing");
        return;
    }
    for (size_t i = mark; i < m->stack.n; i++)
        append(m, to, m->stack.at[i]);
    m->stack.n = mark - 1;
}

/* TUPLE, and TUPLE1..3 of the last n */
static void push_tuple(struct machine *m, size_t n)
{
    struct ds_pickle *t = make(m, DS_PICKLE_TUPLE), *item[3];
    for (size_t i = n; i-- > 0;)
        item[i] = pop(m);
    for (size_t i = 0; i < n; i++)
        append(m, t, item[i]);
    push(m, t);
}

static void push_marked_tuple(struct machine *m)
{
    struct ds_pickle *t = make(m, DS_PICKLE_TUPLE);
    gather(m, t);
    push(m, t);
}

/* The items above the mark go into the list or dictionary below it. */
static void extend(struct machine *m, enum ds_pickle_kind kind)
{
    struct ds_pickle *items = make(m, DS_PICKLE_LIST);
    gather(m, items);
    struct ds_pickle *to = m->failed ? NULL : top(m);
    if (!to)
        return;
    if (to->kind != kind || (kind == DS_PICKLE_DICT && items->n % 2))
        fail(m, "items of a pickle that belong to nothing");
    for (size_t i = 0; !m->failed && i < items->n; i++)
        append(m, to, items->item[i]);
}

/* One item (APPEND), or a key and its value (SETITEM). */
static void put(struct machine *m, enum ds_pickle_kind kind)
{
    struct ds_pickle *value = pop(m), *key = kind == DS_PICKLE_DICT ? pop(m) : NULL,
                     *to = m->failed ? NULL : top(m);
    if (!to)
        return;
    if (to->kind != kind)
        fail(m, "items of a pickle that belong to nothing");
    append(m, to, key);
    append(m, to, value);
}

/* A call is kept as one, but an empty OrderedDict is a dictionary. */
static void reduce(struct machine *m)
{
    struct ds_pickle *args = pop(m), *f = pop(m);
    if (m->failed)
        return;
    if (f->kind != DS_PICKLE_GLOBAL || args->kind != DS_PICKLE_TUPLE) {
        fail(m, "a pickle calls what is no function");
    } else if (strcmp(f->text, "collections OrderedDict") == 0 && args->n == 0) {
        push(m, make(m, DS_PICKLE_DICT));
    } else {
        struct ds_pickle *call = make(m, DS_PICKLE_CALL);
        append(m, call, f);
        append(m, call, args);
        push(m, call);
    }
}

static void persistent(struct machine *m)
{
    struct ds_pickle *id = pop(m), *value = make(m, DS_PICKLE_PERSISTENT);
    append(m, value, id);
    push(m, value);
}

/* Numbers of the memo are counted from 0: one far beyond the values there are is no number of
 * Python's. */
static void memo_put(struct machine *m, uint64_t i)
{
    struct ds_pickle *v = top(m);
    if (!v)
        return;
    if (i > m->r->count) {
        fail(m, "a pickle's memo out of range");
        return;
    }
    if (!reserve(m, &m->memo.at, &m->memo.room, (size_t)i + 1))
        return;
    for (; m->memo.n <= i; m->memo.n++)
        m->memo.at[m->memo.n] = NULL;
    m->memo.at[i] = v;
}

static void memo_get(struct machine *m, uint64_t i)
{
    if (i >= m->memo.n || !m->memo.at[i])
        fail(m, "a pickle's memo out of range");
    else
        push(m, m->memo.at[i]);
}

static void push_number(struct machine *m, uint8_t op)
{
    switch (op) {
    case 'K':
        push_int(m, (int64_t)little(m, 1));
        break;
    case 'M':
        push_int(m, (int64_t)little(m, 2));
        break;
    case 'J':
        push_int(m, (int32_t)little(m, 4));
        break;
    case 0x8A:
        push_long(m, (size_t)little(m, 1));
        break;
    case 'G':
        push_float(m);
        break;
    }
}

/* Names as in Python's pickletools. */
static void execute(struct machine *m, uint8_t op)
{
    switch (op) {
    case 0x80: /* PROTO */
        if (little(m, 1) > 3)
            fail(m, "a pickle of a later protocol than PyTorch writes");
        break;
    case '.': /* STOP */
        m->done = true;
        break;
    case '}': /* EMPTY_DICT, EMPTY_LIST, EMPTY_TUPLE, MARK, NONE */
        push(m, make(m, DS_PICKLE_DICT));
        break;
    case ']':
        push(m, make(m, DS_PICKLE_LIST));
        break;
    case ')':
        push(m, make(m, DS_PICKLE_TUPLE));
        break;
    case '(':
        push(m, make(m, DS_PICKLE_MARK));
        break;
    case 'N':
        push(m, make(m, DS_PICKLE_NONE));
        break;
    case 0x88: /* NEWTRUE, NEWFALSE */
    case 0x89:
        push_int(m, op == 0x88);
        break;
    case 'K': /* BININT1, BININT2, BININT, LONG1, BINFLOAT */
    case 'M':
    case 'J':
    case 0x8A:
    case 'G':
        push_number(m, op);
        break;
    case 'X': /* BINUNICODE */
        push_text(m, (size_t)little(m, 4));
        break;
    case 'c': /* GLOBAL */
        push_global(m);
        break;
    case 0x85: /* TUPLE1..3, TUPLE */
    case 0x86:
    case 0x87:
        push_tuple(m, op - 0x84u);
        break;
    case 't':
        push_marked_tuple(m);
        break;
    case 'a': /* APPEND, APPENDS, SETITEM, SETITEMS */
        put(m, DS_PICKLE_LIST);
        break;
    case 'e':
        extend(m, DS_PICKLE_LIST);
        break;
    case 's':
        put(m, DS_PICKLE_DICT);
        break;
    case 'u':
        extend(m, DS_PICKLE_DICT);
        break;
    case 'b': /* BUILD: attributes beside the items of a dictionary, not needed */
        pop(m);
        break;
    case 'R': /* REDUCE */
        reduce(m);
        break;
    case 'Q': /* BINPERSID */
        persistent(m);
        break;
    case 'q': /* BINPUT, LONG_BINPUT, BINGET, LONG_BINGET */
        memo_put(m, little(m, 1));
        break;
    case 'r':
        memo_put(m, little(m, 4));
        break;
    case 'h':
        memo_get(m, little(m, 1));
        break;
    case 'j':
        memo_get(m, little(m, 4));
        break;
    default:
        fail(m, "a pickle of another kind than PyTorch writes");
    }
}

const struct ds_pickle *ds_pickle_read(struct ds_pickle_reader *r, struct ds_error *err)
{
    struct machine m = {.r = r, .err = err};
    struct ds_pickle *value = NULL;
    while (!m.failed && !m.done) {
        uint8_t op = (uint8_t)little(&m, 1);
        if (!m.failed)
            execute(&m, op);
    }
    if (!m.failed)
        value = pop(&m);
    free(m.stack.at);
    free(m.memo.at);
    return m.failed ? NULL : value;
}

const struct ds_pickle *ds_pickle_get(const struct ds_pickle *dict, const char *key)
{
    for (size_t i = dict->kind == DS_PICKLE_DICT ? dict->n : 0; i >= 2; i -= 2) {
        const struct ds_pickle *k = dict->item[i - 2];
        if (k->kind == DS_PICKLE_TEXT && strcmp(k->text, key) == 0)
            return dict->item[i - 1];
    }
    return NULL;
}

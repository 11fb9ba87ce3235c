#include "formats/pytorch.h"

#include "base/file.h"
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/*
 * The pickle machine, as far as state dicts need it. Values are few and small, so they are never
 * freed one by one: all nodes hang on a list that goes at the end.
 */
enum kind { NOTHING, INT, TEXT, TUPLE, DICT, LIST, GLOBAL, STORAGE, TENSOR, MARKER };

struct node {
    enum kind kind;
    int64_t integer;
    char *text; /* TEXT; GLOBAL: "module name"; STORAGE: its key */
    struct node **item;
    size_t n;
    struct node *next;
};

struct machine {
    const uint8_t *at, *end;
    struct node *stack[512];
    size_t depth;
    struct node *memo[1024];
    struct node *all;
    const char *wrong;
};

static struct node *make(struct machine *m, enum kind kind)
{
    struct node *n = calloc(1, sizeof *n);
    if (!n) {
        m->wrong = "out of memory";
        return NULL;
    }
    n->kind = kind;
    n->next = m->all;
    m->all = n;
    return n;
}

static void free_nodes(struct machine *m)
{
    while (m->all) {
        struct node *n = m->all;
        m->all = n->next;
        free(n->text);
        free(n->item);
        free(n);
    }
}

static void push(struct machine *m, struct node *n)
{
    if (m->depth == sizeof m->stack / sizeof *m->stack)
        m->wrong = "a stack too deep";
    else if (n)
        m->stack[m->depth++] = n;
}

static struct node *pop(struct machine *m)
{
    static struct node none;
    if (m->depth == 0) {
        m->wrong = "an empty stack";
        return &none;
    }
    return m->stack[--m->depth];
}

static void append(struct machine *m, struct node *to, struct node *item)
{
    struct node **more = realloc(to->item, (to->n + 1) * sizeof *more);
    if (!more) {
        m->wrong = "out of memory";
        return;
    }
    to->item = more;
    to->item[to->n++] = item;
}

static const uint8_t *take(struct machine *m, size_t n)
{
    static const uint8_t zeros[8];
    if ((size_t)(m->end - m->at) < n) {
        m->wrong = "the end of the file";
        return zeros;
    }
    m->at += n;
    return m->at - n;
}

static uint64_t little(struct machine *m, size_t n)
{
    const uint8_t *p = take(m, n);
    uint64_t v = 0;
    for (size_t i = n; i-- > 0;)
        v = v << 8 | p[i];
    return v;
}

static void push_int(struct machine *m, int64_t v)
{
    struct node *n = make(m, INT);
    if (n)
        n->integer = v;
    push(m, n);
}

static void push_text(struct machine *m, size_t size)
{
    if ((size_t)(m->end - m->at) < size) {
        m->wrong = "the end of the file";
        return;
    }
    struct node *n = make(m, TEXT);
    if (n)
        n->text = strndup((const char *)take(m, size), size);
    push(m, n);
}

/* "module\nname\n" */
static void push_global(struct machine *m)
{
    const uint8_t *begin = m->at;
    for (int lines = 0; lines < 2 && !m->wrong;)
        lines += *take(m, 1) == '\n';
    if (m->wrong)
        return;
    struct node *n = make(m, GLOBAL);
    if (n && (n->text = strndup((const char *)begin, (size_t)(m->at - begin - 1))))
        *strchr(n->text, '\n') = ' ';
    push(m, n);
}

/* What stands above the last marker becomes the items of a node. */
static void gather(struct machine *m, struct node *to)
{
    size_t mark = m->depth;
    while (mark > 0 && m->stack[mark - 1]->kind != MARKER)
        mark--;
    if (mark == 0 || !to) {
        m->wrong = "a missing marker";
        return;
    }
    for (size_t i = mark; i < m->depth; i++)
        append(m, to, m->stack[i]);
    m->depth = mark - 1;
}

/* TUPLE1..3 */
static void push_tuple(struct machine *m, size_t n)
{
    struct node *t = make(m, TUPLE), *item[3];
    for (size_t i = n; i-- > 0;)
        item[i] = pop(m);
    for (size_t i = 0; i < n && t; i++)
        append(m, t, item[i]);
    push(m, t);
}

/* Items above the marker go into what is below it. */
static void extend(struct machine *m)
{
    struct node *items = make(m, LIST);
    gather(m, items);
    if (m->wrong || m->depth == 0)
        return;
    struct node *to = m->stack[m->depth - 1];
    for (size_t i = 0; i < items->n; i++)
        append(m, to, items->item[i]);
}

/* ("storage", FloatStorage, key, location, count, view): what a tensor's numbers are in. */
static void persistent(struct machine *m)
{
    struct node *id = pop(m), *n = make(m, STORAGE);
    if (id->kind != TUPLE || id->n < 5 || id->item[1]->kind != GLOBAL ||
        id->item[2]->kind != TEXT || id->item[4]->kind != INT) {
        m->wrong = "an unknown storage";
        return;
    }
    if (strcmp(id->item[1]->text, "torch FloatStorage")) {
        m->wrong = "tensors that are not float32";
        return;
    }
    if (n) {
        n->text = strdup(id->item[2]->text);
        n->integer = id->item[4]->integer;
    }
    push(m, n);
}

/* Only the two calls that state dicts make are known; none is executed. */
static void reduce(struct machine *m)
{
    struct node *args = pop(m), *f = pop(m);
    bool known = f->kind == GLOBAL && args->kind == TUPLE;
    if (known && strcmp(f->text, "collections OrderedDict") == 0) {
        push(m, make(m, DICT));
    } else if (known && strcmp(f->text, "torch._utils _rebuild_tensor_v2") == 0 && args->n >= 4) {
        struct node *t = make(m, TENSOR);
        for (size_t i = 0; i < 4 && t; i++)
            append(m, t, args->item[i]);
        push(m, t);
    } else {
        m->wrong = "something other than tensors";
    }
}

static void memo_put(struct machine *m, uint64_t i)
{
    if (i >= sizeof m->memo / sizeof *m->memo || m->depth == 0)
        m->wrong = "a memo out of range";
    else
        m->memo[i] = m->stack[m->depth - 1];
}

static void memo_get(struct machine *m, uint64_t i)
{
    if (i >= sizeof m->memo / sizeof *m->memo || !m->memo[i])
        m->wrong = "a memo out of range";
    else
        push(m, m->memo[i]);
}

static void set_item(struct machine *m)
{
    struct node *value = pop(m), *key = pop(m);
    if (m->wrong || m->depth == 0)
        return;
    append(m, m->stack[m->depth - 1], key);
    append(m, m->stack[m->depth - 1], value);
}

/* Runs one pickle; its value, or NULL. */
static struct node *unpickle(struct machine *m)
{
    m->depth = 0;
    memset(m->memo, 0, sizeof m->memo);
    while (!m->wrong) {
        uint8_t op = *take(m, 1);
        if (m->wrong)
            break;
        switch (op) {
        case 0x80: /* PROTO */
            take(m, 1);
            break;
        case '.': /* STOP */
            return pop(m);
        case '}':
            push(m, make(m, DICT));
            break;
        case ']':
            push(m, make(m, LIST));
            break;
        case ')':
            push(m, make(m, TUPLE));
            break;
        case '(':
            push(m, make(m, MARKER));
            break;
        case 'N': /* None */
            push(m, make(m, NOTHING));
            break;
        case 0x88: /* True, False */
        case 0x89:
            push_int(m, op == 0x88);
            break;
        case 'K':
            push_int(m, (int64_t)little(m, 1));
            break;
        case 'M':
            push_int(m, (int64_t)little(m, 2));
            break;
        case 'J':
            push_int(m, (int32_t)little(m, 4));
            break;
        case 0x8A: { /* LONG1: the magic number of the file, whose value does not matter */
            size_t n = (size_t)little(m, 1);
            take(m, n < 256 ? n : 255);
            push_int(m, -1);
            break;
        }
        case 'X':
            push_text(m, (size_t)little(m, 4));
            break;
        case 'c':
            push_global(m);
            break;
        case 0x85:
        case 0x86:
        case 0x87:
            push_tuple(m, op - 0x84u);
            break;
        case 't': {
            struct node *t = make(m, TUPLE);
            gather(m, t);
            push(m, t);
            break;
        }
        case 'e': /* APPENDS, SETITEMS */
        case 'u':
            extend(m);
            break;
        case 's':
            set_item(m);
            break;
        case 'b': /* BUILD: attributes of the dict, not needed */
            pop(m);
            break;
        case 'R':
            reduce(m);
            break;
        case 'Q':
            persistent(m);
            break;
        case 'q':
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
            m->wrong = "a pickle of another kind";
        }
    }
    return NULL;
}

/* ---- tensors ---- */

void ds_pytorch_free(struct ds_pytorch *pth)
{
    if (!pth)
        return;
    for (int i = 0; i < pth->ntensors; i++) {
        free(pth->tensor[i].name);
        free(pth->tensor[i].data);
    }
    free(pth->tensor);
    free(pth);
}

const struct ds_tensor_f32 *ds_pytorch_find(const struct ds_pytorch *pth, const char *name)
{
    for (int i = 0; i < pth->ntensors; i++)
        if (strcmp(pth->tensor[i].name, name) == 0)
            return &pth->tensor[i];
    return NULL;
}

/* A contiguous tensor's shape and place in its storage; false where it is something else. */
static bool read_shape(const struct node *t, struct ds_tensor_f32 *out, size_t *count)
{
    const struct node *size = t->item[2], *stride = t->item[3];
    *count = 1;
    if (t->item[0]->kind != STORAGE || t->item[1]->kind != INT || size->kind != TUPLE ||
        stride->kind != TUPLE || size->n > DS_PTH_DIMS || size->n != stride->n)
        return false;
    out->ndims = (int)size->n;
    for (size_t i = size->n; i-- > 0;) {
        int64_t n = size->item[i]->integer;
        if (size->item[i]->kind != INT || n < 1 || n > 1 << 24 ||
            (n > 1 && stride->item[i]->integer != (int64_t)*count))
            return false;
        out->dim[i] = (size_t)n;
        *count *= (size_t)n;
        if (*count > (size_t)1 << 28)
            return false;
    }
    return t->item[1]->integer >= 0 &&
           (uint64_t)t->item[1]->integer + *count <= (uint64_t)t->item[0]->integer;
}

/* Where the numbers of a storage begin: storages follow the pickles in the order of their keys. */
static const uint8_t *find_storage(const struct machine *m, const struct node *keys,
                                   const char *key, int64_t count)
{
    const uint8_t *at = m->at;
    for (size_t i = 0; i < keys->n; i++) {
        uint64_t n = 0;
        if (m->end - at < 8)
            return NULL;
        for (int b = 7; b >= 0; b--)
            n = n << 8 | at[b];
        at += 8;
        if (n > (uint64_t)(m->end - at) / 4)
            return NULL;
        if (keys->item[i]->kind == TEXT && strcmp(keys->item[i]->text, key) == 0)
            return (int64_t)n == count ? at : NULL;
        at += 4 * n;
    }
    return NULL;
}

static int add_tensor(struct ds_pytorch *pth, const struct machine *m, const struct node *keys,
                      const char *name, const struct node *t, struct ds_error *err)
{
    struct ds_tensor_f32 *out = &pth->tensor[pth->ntensors];
    size_t count;
    *out = (struct ds_tensor_f32){.name = strdup(name)};
    pth->ntensors++;
    if (!out->name)
        return ds_fail(err, "out of memory");
    if (!read_shape(t, out, &count))
        return ds_fail(err, "tensor %s is not plain", name);
    const uint8_t *at = find_storage(m, keys, t->item[0]->text, t->item[0]->integer);
    if (!at)
        return ds_fail(err, "the numbers of tensor %s are not there: is the file cut off?", name);
    if (!(out->data = malloc(count * sizeof *out->data)))
        return ds_fail(err, "out of memory");
    memcpy(out->data, at + 4 * t->item[1]->integer, count * sizeof *out->data);
    for (size_t i = 0; i < count; i++)
        if (!isfinite(out->data[i]))
            return ds_fail(err, "tensor %s holds a value that is not finite", name);
    return 0;
}

static int add_tensors(struct ds_pytorch *pth, const struct machine *m, const struct node *dict,
                       const struct node *keys, struct ds_error *err)
{
    pth->tensor = calloc(dict->n / 2 + 1, sizeof *pth->tensor);
    if (!pth->tensor)
        return ds_fail(err, "out of memory");
    for (size_t i = 0; i + 1 < dict->n; i += 2) {
        const struct node *key = dict->item[i], *value = dict->item[i + 1];
        if (key->kind != TEXT || value->kind != TENSOR)
            return ds_fail(err, "something other than named tensors");
        if (add_tensor(pth, m, keys, key->text, value, err))
            return -1;
    }
    return pth->ntensors ? 0 : ds_fail(err, "no tensors");
}

struct ds_pytorch *ds_pytorch_load(const char *path, struct ds_error *err)
{
    size_t size;
    char *data = ds_file_read(path, &size, err);
    struct machine *m = calloc(1, sizeof *m);
    struct ds_pytorch *pth = calloc(1, sizeof *pth);
    int rc = -1;
    if (data && m && pth) {
        struct node *part[5] = {NULL}; /* magic, protocol, system, the dict, keys of storages */
        m->at = (const uint8_t *)data;
        m->end = m->at + size;
        for (int i = 0; i < 5 && !m->wrong; i++)
            part[i] = unpickle(m);
        if (size > 2 && memcmp(data, "PK", 2) == 0)
            rc = ds_fail(err, "a zip, as PyTorch 1.6 and later write: save it again with "
                              "_use_new_zipfile_serialization=False");
        else if (m->wrong || part[3]->kind != DICT || part[4]->kind != LIST)
            rc = ds_fail(err, "no state dict of PyTorch: %s",
                         m->wrong ? m->wrong : "no dictionary of tensors");
        else
            rc = add_tensors(pth, m, part[3], part[4], err);
        if (rc)
            ds_fail_in(err, "%s", path);
    } else if (data) {
        ds_fail(err, "out of memory");
    }
    if (m)
        free_nodes(m);
    free(m);
    free(data);
    if (rc == 0)
        return pth;
    ds_pytorch_free(pth);
    return NULL;
}

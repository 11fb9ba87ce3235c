#include "stream/span.h"

/* What the type byte at p says: bytes of head and payload, and how many objects it contains. */
struct span {
    size_t head; /* type byte and length field */
    uint64_t body;
    uint64_t children;
};

static uint64_t big_endian(const uint8_t *p, size_t n)
{
    uint64_t v = 0;
    while (n--)
        v = v << 8 | *p++;
    return v;
}

/* Sizes of the types 0xC0 to 0xDF: bytes of a length field, then fixed bytes after it. */
static const struct {
    uint8_t length, fixed;
    char kind; /* '-' never used, ' ' plain, 'b' bytes, 'a' array, 'm' map */
} types[32] = {
    {0, 0, ' '}, {0, 0, '-'}, {0, 0, ' '}, {0, 0, ' '},               /* nil, -, false, true */
    {1, 0, 'b'}, {2, 0, 'b'}, {4, 0, 'b'},                            /* bin */
    {1, 1, 'b'}, {2, 1, 'b'}, {4, 1, 'b'},                            /* ext */
    {0, 4, ' '}, {0, 8, ' '},                                         /* float */
    {0, 1, ' '}, {0, 2, ' '}, {0, 4, ' '}, {0, 8, ' '},               /* uint */
    {0, 1, ' '}, {0, 2, ' '}, {0, 4, ' '}, {0, 8, ' '},               /* int */
    {0, 2, ' '}, {0, 3, ' '}, {0, 5, ' '}, {0, 9, ' '}, {0, 17, ' '}, /* fixext */
    {1, 0, 'b'}, {2, 0, 'b'}, {4, 0, 'b'},                            /* str */
    {2, 0, 'a'}, {4, 0, 'a'},                                         /* array */
    {2, 0, 'm'}, {4, 0, 'm'},                                         /* map */
};

static enum ds_span_result look(const uint8_t *p, size_t left, struct span *s)
{
    uint8_t t = *p;
    *s = (struct span){.head = 1};
    if (t <= 0x7F || t >= 0xE0)
        return DS_SPAN_OK;
    if (t <= 0x8F)
        s->children = 2 * (uint64_t)(t & 15);
    else if (t <= 0x9F)
        s->children = t & 15;
    else if (t <= 0xBF)
        s->body = t & 31;
    else {
        size_t n = types[t - 0xC0].length;
        s->head = 1 + n;
        if (types[t - 0xC0].kind == '-')
            return DS_SPAN_BAD;
        if (left < s->head)
            return DS_SPAN_CUT;
        uint64_t length = big_endian(p + 1, n);
        char kind = types[t - 0xC0].kind;
        s->body = types[t - 0xC0].fixed + (kind == 'b' ? length : 0);
        s->children = kind == 'a' ? length : kind == 'm' ? 2 * length : 0;
    }
    return DS_SPAN_OK;
}

enum ds_span_result ds_span(const uint8_t *data, size_t size, size_t *used, struct ds_error *err)
{
    uint64_t left[DS_SPAN_DEPTH + 1]; /* objects still to come at each depth */
    int depth = 0;
    size_t at = 0;
    left[0] = 1;
    for (;;) {
        while (left[depth] == 0) {
            if (depth-- == 0) {
                *used = at;
                return DS_SPAN_OK;
            }
        }
        struct span s;
        if (at >= size)
            return DS_SPAN_CUT;
        enum ds_span_result r = look(data + at, size - at, &s);
        if (r == DS_SPAN_BAD) {
            *used = at;
            ds_fail(err, "byte 0x%02X begins no msgpack object", data[at]);
            return r;
        }
        /* each child takes a byte at least */
        if (r == DS_SPAN_CUT || s.body > size - at - s.head || s.children > size - at - s.head)
            return DS_SPAN_CUT;
        left[depth]--;
        at += s.head + (size_t)s.body;
        if (s.children) {
            if (depth == DS_SPAN_DEPTH) {
                *used = at;
                ds_fail(err, "nested deeper than %d", DS_SPAN_DEPTH);
                return DS_SPAN_BAD;
            }
            left[++depth] = s.children;
        }
    }
}

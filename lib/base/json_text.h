/*
 * JSON as text, written piece by piece into a buffer that is used again and again: what Jansson
 * would print (compact), without its objects, and some ten times as fast.
 */
#ifndef DS_BASE_JSON_TEXT_H
#define DS_BASE_JSON_TEXT_H

#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Zero-initialise; free `text`. Setting `size` to a smaller one takes back what came after. */
struct ds_json_text {
    char *text;
    size_t size, room;
    bool ascii;  /* all else in strings as \uXXXX */
    bool lacked; /* memory: what came since is not there */
};

/* Makes room for n more bytes and gives where they go; NULL where there is none. */
char *ds_json_room(struct ds_json_text *t, size_t n);

/* Appends n bytes of JSON as they are; DS_JSON_PUT a literal. */
static inline void ds_json_put(struct ds_json_text *t, const char *json, size_t n)
{
    char *to = n <= t->room - t->size ? t->text + t->size : ds_json_room(t, n);
    if (!to || !n)
        return;
    memcpy(to, json, n);
    t->size += n;
}
#define DS_JSON_PUT(t, literal) ds_json_put(t, literal, sizeof(literal) - 1)

/* A comma, unless an object or array has just begun. */
static inline void ds_json_next(struct ds_json_text *t)
{
    char last = t->size ? t->text[t->size - 1] : '[';
    if (last != '{' && last != '[')
        DS_JSON_PUT(t, ",");
}

/* A string, or what is to be a key with DS_JSON_PUT(t, ":"). -1 where it is no UTF-8. */
int ds_json_string(struct ds_json_text *t, const char *data, size_t n);

/*
 * A number in 17 significant digits, as printf's %.17g but without needless zeros, and with a point
 * or an exponent, so that it is read as a floating one. -1: NaN or an infinity, which JSON has not.
 */
int ds_json_real(struct ds_json_text *t, double value);

void ds_json_whole(struct ds_json_text *t, int64_t value);

/* An id: a string of 16 hexadecimal digits, as not every reader of JSON has 64 bits. */
void ds_json_id(struct ds_json_text *t, uint64_t id);

/* 0, or -1 and "out of memory" where any of it is missing. */
int ds_json_check(const struct ds_json_text *t, struct ds_error *err);

#endif

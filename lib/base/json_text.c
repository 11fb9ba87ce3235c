#include "base/json_text.h"

#include "base/grow.h"
#include "base/number.h"
#include "base/text.h"
#include <stdio.h>
#include <string.h>

#define MOST_NUMBER 32 /* bytes of a number */
#define MOST_ESCAPE 12 /* of an escaped character: two times \uXXXX */

static const char hex[] = "0123456789abcdef", upper_hex[] = "0123456789ABCDEF";

char *ds_json_room(struct ds_json_text *t, size_t n)
{
    if (n > t->room - t->size && ds_grow(&t->text, &t->room, t->size + n, 1, NULL))
        t->lacked = true;
    return t->lacked ? NULL : t->text + t->size;
}

/* ---- strings ---- */

/* Whether a byte stands for itself in a string. */
static bool is_plain(unsigned char c)
{
    return c >= ' ' && c < 0x80 && c != '"' && c != '\\';
}

/*
 * The same of eight bytes at once: whether the highest bit is set in none, nor would be in a borrow
 * from below ' ', or from one where it is a quote or backslash.
 */
static bool are_plain(const char *data)
{
    const uint64_t ones = 0x0101010101010101u, high = 0x80 * ones;
    uint64_t x, quote, slash;
    memcpy(&x, data, sizeof x);
    quote = x ^ ('"' * ones);
    slash = x ^ ('\\' * ones);
    return !((x | (x - ' ' * ones) | (quote - ones) | (slash - ones)) & high);
}

/* How many plain bytes come first. */
static size_t plain_length(const char *data, size_t n)
{
    size_t at = 0;
    while (at + 8 <= n && are_plain(data + at))
        at += 8;
    while (at < n && is_plain((unsigned char)data[at]))
        at++;
    return at;
}

static char *put_code(char *to, uint32_t code)
{
    *to++ = '\\';
    *to++ = 'u';
    for (int shift = 12; shift >= 0; shift -= 4)
        *to++ = upper_hex[code >> shift & 15];
    return to;
}

static char *escape(char *to, uint32_t code)
{
    static const char letters[] = "\"\"\\\\\bb\ff\nn\rr\tt"; /* what, and its letter */
    for (const char *at = letters; *at; at += 2)
        if ((uint32_t)*at == code) {
            *to++ = '\\';
            *to++ = at[1];
            return to;
        }
    if (code < 0x10000)
        return put_code(to, code);
    code -= 0x10000; /* a pair of surrogates */
    to = put_code(to, 0xD800 | code >> 10);
    return put_code(to, 0xDC00 | (code & 0x3FF));
}

/* The character at data[0..n): its length; 0 where it is no UTF-8. */
static size_t put_character(struct ds_json_text *t, const char *data, size_t n)
{
    uint32_t code;
    size_t used = ds_text_character(data, n, &code);
    if (used == 0 || (code >= 0x80 && !t->ascii)) {
        ds_json_put(t, data, used);
        return used;
    }
    char *to = ds_json_room(t, MOST_ESCAPE);
    if (to)
        t->size += (size_t)(escape(to, code) - to);
    return used;
}

int ds_json_string(struct ds_json_text *t, const char *data, size_t n)
{
    DS_JSON_PUT(t, "\"");
    for (size_t at = 0, used; at < n; at += used) {
        used = plain_length(data + at, n - at);
        if (used)
            ds_json_put(t, data + at, used);
        else if (!(used = put_character(t, data + at, n - at)))
            return -1;
    }
    DS_JSON_PUT(t, "\"");
    return 0;
}

void ds_json_id(struct ds_json_text *t, uint64_t id)
{
    char text[18] = {'"', [17] = '"'};
    for (int i = 16; i > 0; i--, id >>= 4)
        text[i] = hex[id & 15];
    ds_json_put(t, text, sizeof text);
}

/* ---- numbers ---- */

void ds_json_whole(struct ds_json_text *t, int64_t value)
{
    char text[MOST_NUMBER], *at = text + sizeof text;
    uint64_t left = value < 0 ? -(uint64_t)value : (uint64_t)value;
    if (left == (uint64_t)value && left < 10) { /* most are */
        char digit = (char)('0' + left);
        ds_json_put(t, &digit, 1);
        return;
    }
    do
        *--at = (char)('0' + left % 10);
    while (left /= 10);
    if (value < 0)
        *--at = '-';
    ds_json_put(t, at, (size_t)(text + sizeof text - at));
}

/* digit[0].digit[1]... times ten to the power, as "1.5e-7". */
static char *put_power(char *to, const char *digit, int n, int power)
{
    *to++ = digit[0];
    if (n > 1) {
        *to++ = '.';
        to = mempcpy(to, digit + 1, (size_t)n - 1);
    }
    return to + sprintf(to, "e%d", power);
}

/* The same as "150.0", "1.5", "0.0015". */
static char *put_plain(char *to, const char *digit, int n, int power)
{
    int whole = power < 0 ? 0 : power + 1, shown = n < whole ? n : whole;
    to = mempcpy(to, digit, (size_t)shown);
    for (int i = shown; i < whole; i++)
        *to++ = '0';
    if (whole == 0)
        *to++ = '0';
    *to++ = '.';
    for (int i = power; i < -1; i++)
        *to++ = '0';
    to = mempcpy(to, digit + shown, (size_t)(n - shown));
    if (n == shown)
        *to++ = '0';
    return to;
}

int ds_json_real(struct ds_json_text *t, double value)
{
    char digit[DS_NUMBER_DIGITS];
    int power, n = DS_NUMBER_DIGITS;
    char *to = ds_json_room(t, MOST_NUMBER);
    bool negative;
    if (ds_number_digits(value, &negative, digit, &power))
        return -1;
    if (!to)
        return 0;
    if (negative)
        *to++ = '-';
    while (n > 1 && digit[n - 1] == '0')
        n--;
    bool plain = power >= -4 && power < DS_NUMBER_DIGITS; /* as %.17g has it */
    to = plain ? put_plain(to, digit, n, power) : put_power(to, digit, n, power);
    t->size = (size_t)(to - t->text);
    return 0;
}

int ds_json_check(const struct ds_json_text *t, struct ds_error *err)
{
    return t->lacked ? ds_no_memory(err) : 0;
}

#include "base/number.h"

#include <ctype.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_DIGITS 15 /* every double of so few reads back as itself */
#define MOST_DIGITS 17  /* so many suffice for any */

/* Puts this thread into the C locale, where the point is a point; gives what it was in. */
static locale_t enter_c_locale(locale_t *c)
{
    *c = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
    return *c ? uselocale(*c) : (locale_t)0;
}

static void leave_c_locale(locale_t c, locale_t before)
{
    if (!c)
        return;
    uselocale(before);
    freelocale(c);
}

static const char *skip_digits(const char *at)
{
    while (isdigit((unsigned char)*at))
        at++;
    return at;
}

/* Where the number that begins at `text` ends; `text` itself when none does. */
static const char *end_of_number(const char *text)
{
    const char *at = text + (*text == '-' || *text == '+');
    const char *point = skip_digits(at), *end = point;
    if (*point == '.')
        end = skip_digits(point + 1);
    if (end - at - (*point == '.') < 1)
        return text;
    if (*end == 'e' || *end == 'E') {
        const char *power = end + 1 + (end[1] == '-' || end[1] == '+');
        end = isdigit((unsigned char)*power) ? skip_digits(power) : end;
    }
    return end;
}

int ds_number_begin(const char *text, const char **end, double *out)
{
    locale_t c;
    char *read;
    *end = end_of_number(text);
    if (*end == text)
        return -1;
    locale_t before = enter_c_locale(&c);
    double value = strtod(text, &read);
    leave_c_locale(c, before);
    if (read != *end || !isfinite(value)) /* "0x10": strtod would read on */
        return -1;
    *out = value;
    return 0;
}

int ds_whole_begin(const char *text, const char **end, uint64_t most, uint64_t *out)
{
    uint64_t value = 0;
    const char *at = text;
    for (; isdigit((unsigned char)*at); at++) {
        unsigned digit = (unsigned)(*at - '0');
        if (value > UINT64_MAX / 10 || 10 * value > UINT64_MAX - digit)
            return -1;
        value = 10 * value + digit;
    }
    *end = at;
    if (at == text || value > most)
        return -1;
    *out = value;
    return 0;
}

int ds_number(const char *text, double least, double most, double *out, struct ds_error *err)
{
    const char *end;
    double value;
    if (ds_number_begin(text, &end, &value) || *end)
        return ds_fail(err, "'%s' is not a number", text);
    if (value < least)
        return ds_fail(err, "must be %.15g or more", least);
    if (value > most)
        return ds_fail(err, "must be %.15g or less", most);
    *out = value;
    return 0;
}

int ds_whole(const char *text, uint64_t least, uint64_t most, uint64_t *out, struct ds_error *err)
{
    const char *end;
    uint64_t value = UINT64_MAX;
    if (!*text || text[strspn(text, "0123456789")])
        return ds_fail(err, "'%s' is not a whole number", text);
    if (ds_whole_begin(text, &end, most, &value))
        return ds_fail(err, "must be %llu or less", (unsigned long long)most);
    if (value < least)
        return ds_fail(err, "must be %llu or more", (unsigned long long)least);
    *out = value;
    return 0;
}

int ds_number_print(char *out, size_t size, int digits, double value)
{
    locale_t c;
    locale_t before = enter_c_locale(&c);
    int least = digits ? digits : LEAST_DIGITS, most = digits ? digits : MOST_DIGITS, n = 0;
    for (int i = least; i <= most; i++) {
        n = snprintf(out, size, "%.*g", i, value);
        if (strtod(out, NULL) == value)
            break;
    }
    leave_c_locale(c, before);
    return n;
}

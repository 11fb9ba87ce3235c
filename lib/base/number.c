#include "base/number.h"

#include <ctype.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_DIGITS 15 /* every double of so few reads back as itself */
#define MOST_DIGITS DS_NUMBER_DIGITS

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

/* ---- digits ---- */

/* By printf: any number that is not 0. */
static void slow_digits(double x, char digit[DS_NUMBER_DIGITS], int *power)
{
    char text[48];
    int n = 0;
    const char *at = text;
    snprintf(text, sizeof text, "%.*e", DS_NUMBER_DIGITS - 1, x);
    for (; *at != 'e'; at++) /* the locale's point may be of several bytes */
        if (isdigit((unsigned char)*at) && n < DS_NUMBER_DIGITS)
            digit[n++] = *at;
    *power = atoi(at + 1);
}

#ifdef __SIZEOF_INT128__

static const uint64_t power_of_5[] = {
    1u,
    5u,
    25u,
    125u,
    625u,
    3125u,
    15625u,
    78125u,
    390625u,
    1953125u,
    9765625u,
    48828125u,
    244140625u,
    1220703125u,
    6103515625u,
    30517578125u,
    152587890625u,
    762939453125u,
    3814697265625u,
    19073486328125u,
    95367431640625u,
    476837158203125u,
    2384185791015625u,
    11920928955078125u,
    59604644775390625u,
    298023223876953125u,
    1490116119384765625u,
    7450580596923828125u,
};
enum { MOST_POWER = sizeof power_of_5 / sizeof *power_of_5 - 1 };

/*
 * m * 2^e * 10^s, rounded: exactly, as m * 5^s has at most 116 bits. `e + s` is at least -120, and
 * the result below 2^63.
 */
static uint64_t scaled(uint64_t m, int e, int s)
{
    unsigned __int128 product = (unsigned __int128)m * power_of_5[s];
    int shift = -(e + s);
    if (shift <= 0)
        return (uint64_t)(product << -shift);
    uint64_t whole = (uint64_t)(product >> shift);
    unsigned __int128 rest = product - ((unsigned __int128)whole << shift);
    unsigned __int128 half = (unsigned __int128)1 << (shift - 1);
    return whole + (rest > half || (rest == half && whole % 2));
}

/* The last eight digits of a number. */
static void put_eight(char *to, uint32_t d)
{
    for (int i = 7; i >= 0; i--, d /= 10)
        to[i] = (char)('0' + d % 10);
}

/* The digits of a positive number; false where it is too large or small for this way. */
static bool fast_digits(double x, char digit[DS_NUMBER_DIGITS], int *power)
{
    enum { FRACTION = 52, BIAS = 1023, LAST = DS_NUMBER_DIGITS - 1 };
    static const uint64_t ten_to_17 = 100000000000000000u, ten_to_8 = 100000000u;
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    uint64_t m = (bits & (((uint64_t)1 << FRACTION) - 1)) | (uint64_t)1 << FRACTION;
    int e = (int)(bits >> FRACTION) - BIAS; /* x is m * 2^(e - 52); subnormals are out of range */
    int p = e * 78913 >> 18;                /* floor(e * log10(2)): the power, or one less */
    if (p < LAST - MOST_POWER || p >= LAST)
        return false;
    uint64_t d = scaled(m, e - FRACTION, LAST - p);
    if (d >= ten_to_17)
        d = scaled(m, e - FRACTION, LAST - ++p);
    digit[0] = (char)('0' + d / (ten_to_8 * ten_to_8));
    put_eight(digit + 1, (uint32_t)(d / ten_to_8 % ten_to_8));
    put_eight(digit + 9, (uint32_t)(d % ten_to_8));
    *power = p;
    return true;
}

#else

static bool fast_digits(double x, char digit[DS_NUMBER_DIGITS], int *power)
{
    (void)x;
    (void)digit;
    (void)power;
    return false;
}

#endif

int ds_number_digits(double value, bool *negative, char digit[DS_NUMBER_DIGITS], int *power)
{
    double x = fabs(value);
    *negative = signbit(value);
    *power = 0;
    if (!isfinite(value))
        return -1;
    if (x == 0)
        memset(digit, '0', DS_NUMBER_DIGITS);
    else if (!fast_digits(x, digit, power))
        slow_digits(x, digit, power);
    return 0;
}

#include "base/exact_sum.h"

#include "base/grow.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MASK 0xFFFFFFFF
#define MOST_ADDED ((uint64_t)1 << 29) /* so many times 32 bits fit in a digit */
#define LEAST_DIGIT (-70)              /* squares of doubles: 2^-2148 .. 2^2048, and room above */
#define MOST_DIGITS 140

/* |x| = mantissa * 2^exponent */
static uint64_t split(double x, int *exponent)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    int e = (int)(bits >> 52 & 2047);
    *exponent = (e ? e : 1) - 1075;
    return (bits & (((uint64_t)1 << 52) - 1)) | (uint64_t)(e != 0) << 52;
}

struct ds_exact_term ds_exact_term(double a, double b)
{
    int ea, eb;
    unsigned __int128 m = (unsigned __int128)split(a, &ea) * split(b, &eb);
    int e = ea + eb + 32 * 100, shift = e % 32; /* e >= 0 */
    struct ds_exact_term t = {.first = e / 32 - 100};
    unsigned __int128 low = m << shift, high = shift ? m >> (128 - shift) : 0;
    int64_t sign = signbit(a) ? -1 : 1;
    sign = signbit(b) ? -sign : sign;
    int from = 0;
    int64_t digit[5];
    for (int i = 0; i < 5; i++) {
        digit[i] = (int64_t)((i < 4 ? low >> 32 * i : high) & MASK);
        t.n = digit[i] ? i + 1 : t.n;
    }
    while (from < t.n && !digit[from])
        from++;
    for (int i = from; i < t.n; i++)
        t.digit[i - from] = sign * digit[i];
    t.n -= from;
    t.first += from;
    return t;
}

/* Makes room for digits first .. end - 1. */
static int reach(struct ds_exact_sum *s, int first, int end)
{
    int old_end = s->first + s->n;
    if (s->n && first >= s->first && end <= old_end)
        return 0;
    if (s->n) {
        first = first < s->first ? first : s->first;
        end = end > old_end ? end : old_end;
    }
    int64_t *more = ds_alloc((size_t)(end - first), sizeof *more, NULL);
    if (!more)
        return -1;
    if (s->n)
        memcpy(more + (s->first - first), s->digit, (size_t)s->n * sizeof *more);
    free(s->digit);
    s->digit = more;
    s->first = first;
    s->n = end - first;
    return 0;
}

/* Brings all digits but the highest, which bears the sign, into 0 .. 2^32 - 1. */
static int take_carries(struct ds_exact_sum *s)
{
    s->added = 0;
    for (int i = 0; i < s->n; i++) {
        int64_t high = s->digit[i] >> 32;
        if (i + 1 == s->n && s->digit[i] <= INT32_MAX && s->digit[i] >= INT32_MIN)
            break;
        if (i + 1 == s->n && reach(s, s->first, s->first + s->n + 1))
            return -1;
        s->digit[i] &= MASK;
        s->digit[i + 1] += high;
    }
    return 0;
}

int ds_exact_sum_add(struct ds_exact_sum *s, const struct ds_exact_term *term, uint64_t times)
{
    if (term->n && reach(s, term->first, term->first + term->n))
        return -1;
    while (times && term->n) {
        uint64_t now = times < MOST_ADDED ? times : MOST_ADDED;
        if (s->added + now > 2 * MOST_ADDED && take_carries(s))
            return -1;
        int64_t *digit = s->digit + (term->first - s->first);
        for (int i = 0; i < term->n; i++)
            digit[i] += term->digit[i] * (int64_t)now;
        s->added += now;
        times -= now;
    }
    return 0;
}

int ds_exact_sum_join(struct ds_exact_sum *s, struct ds_exact_sum *other)
{
    if (take_carries(s) || take_carries(other))
        return -1;
    if (other->n && reach(s, other->first, other->first + other->n))
        return -1;
    for (int i = 0; i < other->n; i++)
        s->digit[other->first - s->first + i] += other->digit[i];
    return take_carries(s);
}

double ds_exact_sum_value(struct ds_exact_sum *s)
{
    uint64_t digit[MOST_DIGITS + 4] = {0}; /* three zeros, then |s| */
    if (take_carries(s))
        return NAN;
    bool negative = s->n && s->digit[s->n - 1] < 0;
    int64_t carry = 0;
    for (int i = 0; i < s->n; i++) {
        int64_t d = (negative ? -s->digit[i] : s->digit[i]) + carry;
        carry = d >> 32;
        digit[i + 3] = (uint64_t)d & MASK;
    }
    int top = s->n + 2;
    while (top > 2 && !digit[top])
        top--;
    if (top == 2)
        return 0;
    /* the highest 64 bits, the last of which says whether anything follows: (double) rounds */
    unsigned __int128 high =
        (unsigned __int128)digit[top] << 64 | digit[top - 1] << 32 | digit[top - 2];
    int more = 0;
    for (uint64_t d = digit[top]; d; d >>= 1)
        more++;
    bool rest = (high & (((unsigned __int128)1 << more) - 1)) != 0;
    for (int i = top - 3; i > 2; i--)
        rest = rest || digit[i];
    double value = (double)((uint64_t)(high >> more) | rest);
    value = ldexp(value, 32 * (s->first + top - 3 - 2) + more);
    return negative ? -value : value;
}

static int copy(struct ds_exact_sum *to, const struct ds_exact_sum *from)
{
    *to = *from;
    to->digit = ds_copy(from->digit, (size_t)from->n * sizeof *to->digit, NULL);
    return to->digit ? 0 : -1;
}

static int add_product(struct ds_exact_sum *s, double a, double b, uint64_t times)
{
    struct ds_exact_term t = ds_exact_term(a, b);
    return ds_exact_sum_add(s, &t, times);
}

int ds_exact_moments(struct ds_exact_sum *sum, struct ds_exact_sum *squares, uint64_t n,
                     double *mean, double *deviations)
{
    struct ds_exact_sum rest, all = {0};
    double m = ds_exact_sum_value(sum) / (double)n;
    int bad = copy(&rest, sum) || isnan(m) || add_product(&rest, -m, 1, n);
    m += bad ? 0 : ds_exact_sum_value(&rest) / (double)n;
    ds_exact_sum_free(&rest);
    bad = bad || isnan(m);
    /* sum of (x - m)^2 = squares - 2 m sum + n m^2, the sum in parts of 53 bits */
    bad = bad || copy(&rest, sum);
    bad = bad || copy(&all, squares);
    for (int part = 0; part < 4 && !bad; part++) {
        double x = ds_exact_sum_value(&rest);
        bad = isnan(x) || add_product(&all, -2 * m, x, 1) || add_product(&rest, -1, x, 1);
    }
    bad = bad || add_product(&all, m, m, n);
    *mean = m;
    *deviations = bad ? NAN : ds_exact_sum_value(&all);
    bad = bad || isnan(*deviations);
    ds_exact_sum_free(&rest);
    ds_exact_sum_free(&all);
    return bad ? -1 : 0;
}

int ds_exact_sum_pack(struct ds_exact_sum *s, struct ds_bytes *out)
{
    if (take_carries(s))
        return -1;
    int from = 0, end = s->n;
    while (from < end && !s->digit[from])
        from++;
    while (end > from && !s->digit[end - 1])
        end--;
    /* a highest digit of -1 over one that has its upper bit set is that one, negative */
    while (end - from > 1 && s->digit[end - 1] == -1 && s->digit[end - 2] > INT32_MAX) {
        s->digit[end - 2] -= (int64_t)1 << 32;
        s->digit[--end] = 0;
    }
    ds_bytes_int(out, from < end ? s->first + from : 0);
    ds_bytes_uint(out, (uint64_t)(end - from));
    for (int i = from; i < end; i++)
        ds_bytes_int(out, s->digit[i]);
    return 0;
}

int ds_exact_sum_unpack(struct ds_exact_sum *s, struct ds_bytes_in *in)
{
    int64_t first = ds_bytes_get_int(in);
    uint64_t n = ds_bytes_get_uint(in);
    if (first < LEAST_DIGIT || n > MOST_DIGITS / 2 || first + (int64_t)n > MOST_DIGITS / 2)
        in->bad = true;
    if (in->bad || !n)
        return 0;
    if (reach(s, (int)first, (int)first + (int)n))
        return -1;
    for (uint64_t i = 0; i < n; i++) {
        int64_t digit = ds_bytes_get_int(in);
        in->bad = in->bad || digit > MASK || digit < INT32_MIN;
        s->digit[i] = in->bad ? 0 : digit;
    }
    return 0;
}

void ds_exact_sum_free(struct ds_exact_sum *s)
{
    free(s->digit);
    *s = (struct ds_exact_sum){0};
}

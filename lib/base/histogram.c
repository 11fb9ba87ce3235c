#include "base/histogram.h"

#include "base/grow.h"
#include "base/sort_keys.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SIGN ((uint64_t)1 << 63)

/* The place of a double among all doubles, from -inf up: a number of the same order. */
static uint64_t place_of(double x)
{
    uint64_t bits;
    x = x == 0 ? 0 : x; /* -0 is 0 */
    memcpy(&bits, &x, sizeof bits);
    return bits & SIGN ? ~bits : bits | SIGN;
}

static double at_place(uint64_t place)
{
    uint64_t bits = place & SIGN ? place & ~SIGN : ~place;
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static void widen(struct ds_histogram *h, double min, double max)
{
    h->min = h->n ? fmin(h->min, min) : min;
    h->max = h->n ? fmax(h->max, max) : max;
}

static int set_room(struct ds_histogram *h, size_t room)
{
    if (ds_resize(&h->bin, room, sizeof *h->bin, NULL))
        return -1;
    h->room = room;
    return 0;
}

/* Appends a bin, in whatever order. */
static int append(struct ds_histogram *h, uint64_t key, uint64_t times)
{
    if (h->n == h->room) {
        if (ds_histogram_tidy(h))
            return -1;
        if (2 * h->n >= h->room && set_room(h, 2 * h->n + 8))
            return -1;
    }
    h->bin[h->n++] = (struct ds_bin){key, times};
    return 0;
}

int ds_histogram_add(struct ds_histogram *h, double x, uint64_t times)
{
    widen(h, x, x);
    return append(h, place_of(x) >> h->shift, times);
}

int ds_histogram_join(struct ds_histogram *h, struct ds_histogram *other)
{
    int shift = h->shift > other->shift ? h->shift : other->shift;
    if (ds_histogram_tidy(h) || ds_histogram_tidy(other))
        return -1;
    ds_histogram_coarsen(h, shift);
    ds_histogram_coarsen(other, shift);
    if (other->n)
        widen(h, other->min, other->max);
    for (size_t i = 0; i < other->n; i++)
        if (append(h, other->bin[i].key, other->bin[i].n))
            return -1;
    return ds_histogram_tidy(h);
}

/* Joins the sorted bins at `late` with the tidy ones, from the back, where they stood. */
static void join_sorted(struct ds_histogram *h, const struct ds_bin *late, size_t n)
{
    struct ds_bin *bin = h->bin;
    size_t i = h->tidy, out = h->n;
    while (n) {
        struct ds_bin next = i && bin[i - 1].key > late[n - 1].key ? bin[--i] : late[--n];
        if (out < h->n && bin[out].key == next.key)
            bin[out].n += next.n;
        else
            bin[--out] = next;
    }
    if (i && out < h->n && bin[i - 1].key == bin[out].key)
        bin[out].n += bin[--i].n;
    memmove(bin + i, bin + out, (h->n - out) * sizeof *bin);
    h->n = h->tidy = i + h->n - out;
}

int ds_histogram_tidy(struct ds_histogram *h)
{
    size_t n = h->n - h->tidy;
    if (!n)
        return 0;
    struct ds_bin *late = ds_alloc(n, sizeof *late, NULL);
    if (!late)
        return -1;
    ds_sort_keys(h->bin + h->tidy, late, n, sizeof *late);
    memcpy(late, h->bin + h->tidy, n * sizeof *late);
    join_sorted(h, late, n);
    free(late);
    return 0;
}

void ds_histogram_trim(struct ds_histogram *h)
{
    size_t room = h->n + h->n / 4 + 8;
    if (room < h->room)
        set_room(h, room); /* or else it stays */
}

void ds_histogram_coarsen(struct ds_histogram *h, int shift)
{
    size_t out = 0;
    int more = shift - h->shift;
    if (more <= 0)
        return;
    for (size_t i = 0; i < h->n; i++) {
        uint64_t key = h->bin[i].key >> more;
        if (out && h->bin[out - 1].key == key)
            h->bin[out - 1].n += h->bin[i].n;
        else
            h->bin[out++] = (struct ds_bin){key, h->bin[i].n};
    }
    h->shift = shift;
    h->n = h->tidy = out;
}

/* The value that stands for those of a bin. */
static double middle(const struct ds_histogram *h, const struct ds_bin *bin)
{
    uint64_t low = bin->key << h->shift, high = low | (((uint64_t)1 << h->shift) - 1);
    double a = fmax(at_place(low), h->min), b = fmin(at_place(high), h->max);
    return a + (b - a) / 2;
}

double ds_histogram_quantile(const struct ds_histogram *h, double p)
{
    uint64_t n = 0, before = 0;
    for (size_t i = 0; i < h->n; i++)
        n += h->bin[i].n;
    double at = p * (double)(n - 1);
    uint64_t rank = (uint64_t)at;
    if (rank + 1 >= n)
        return h->max;
    if (p <= 0)
        return h->min;
    size_t i = 0;
    while (before + h->bin[i].n <= rank)
        before += h->bin[i++].n;
    double x = middle(h, &h->bin[i]);
    double next = rank + 1 < before + h->bin[i].n ? x : middle(h, &h->bin[i + 1]);
    return x + (at - (double)rank) * (next - x);
}

double ds_histogram_error(int shift)
{
    return shift ? ldexp(1, shift - 53) : 0;
}

void ds_histogram_pack(const struct ds_histogram *h, struct ds_bytes *out)
{
    uint64_t last = 0;
    ds_bytes_uint(out, (uint64_t)h->shift);
    ds_bytes_double(out, h->min);
    ds_bytes_double(out, h->max);
    ds_bytes_uint(out, h->n);
    for (size_t i = 0; i < h->n; i++) {
        ds_bytes_uint(out, h->bin[i].key - last);
        ds_bytes_uint(out, h->bin[i].n);
        last = h->bin[i].key;
    }
}

int ds_histogram_unpack(struct ds_histogram *h, struct ds_bytes_in *in)
{
    uint64_t shift = ds_bytes_get_uint(in);
    double min = ds_bytes_get_double(in), max = ds_bytes_get_double(in);
    uint64_t n = ds_bytes_get_uint(in), key = 0, all = 0;
    in->bad =
        in->bad || shift > DS_HISTOGRAM_MOST_SHIFT || !isfinite(min) || !isfinite(max) || min > max;
    h->shift = in->bad ? 0 : (int)shift;
    for (uint64_t i = 0; i < n && !in->bad; i++) {
        uint64_t more = ds_bytes_get_uint(in), times = ds_bytes_get_uint(in);
        in->bad = in->bad || (i && !more) || more > (UINT64_MAX >> h->shift) - key || !times ||
                  __builtin_add_overflow(all, times, &all);
        key += more;
        if (!in->bad && append(h, key, times))
            return -1;
    }
    if (ds_histogram_tidy(h))
        return -1;
    h->min = min;
    h->max = max;
    /* all that is in it lies between them */
    in->bad = in->bad || (h->n && (place_of(min) >> h->shift != h->bin[0].key ||
                                   place_of(max) >> h->shift != h->bin[h->n - 1].key));
    return 0;
}

void ds_histogram_free(struct ds_histogram *h)
{
    free(h->bin);
    *h = (struct ds_histogram){0};
}

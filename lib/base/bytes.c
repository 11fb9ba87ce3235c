#include "base/bytes.h"

#include "base/grow.h"
#include <string.h>

static unsigned char *more(struct ds_bytes *b, size_t n)
{
    if (b->failed || ds_grow(&b->at, &b->room, b->n + n, 1, NULL)) {
        b->failed = true;
        return NULL;
    }
    return b->at + b->n;
}

void ds_bytes_uint(struct ds_bytes *b, uint64_t x)
{
    unsigned char *at = more(b, 10);
    if (!at)
        return;
    for (; x > 127; x >>= 7)
        *at++ = (unsigned char)(x | 128);
    *at++ = (unsigned char)x;
    b->n = (size_t)(at - b->at);
}

void ds_bytes_int(struct ds_bytes *b, int64_t x)
{
    ds_bytes_uint(b, (uint64_t)x << 1 ^ (x < 0 ? UINT64_MAX : 0));
}

void ds_bytes_double(struct ds_bytes *b, double x)
{
    uint64_t bits;
    unsigned char *at = more(b, 8);
    memcpy(&bits, &x, sizeof bits);
    for (int i = 0; at && i < 8; i++)
        at[i] = (unsigned char)(bits >> 8 * i);
    b->n += at ? 8 : 0;
}

void ds_bytes_data(struct ds_bytes *b, const void *data, size_t n)
{
    ds_bytes_uint(b, n);
    unsigned char *at = more(b, n);
    if (at && n)
        memcpy(at, data, n);
    b->n += at ? n : 0;
}

uint64_t ds_bytes_get_uint(struct ds_bytes_in *b)
{
    uint64_t x = 0;
    for (int shift = 0; shift < 64 && b->at < b->end; shift += 7) {
        unsigned char byte = *b->at++;
        x |= (uint64_t)(byte & 127) << shift;
        if (byte < 128)
            return x;
    }
    b->bad = true;
    return 0;
}

int64_t ds_bytes_get_int(struct ds_bytes_in *b)
{
    uint64_t x = ds_bytes_get_uint(b);
    return (int64_t)(x >> 1 ^ (x & 1 ? UINT64_MAX : 0));
}

double ds_bytes_get_double(struct ds_bytes_in *b)
{
    uint64_t bits = 0;
    double x;
    if (b->end - b->at < 8) {
        b->bad = true;
        return 0;
    }
    for (int i = 0; i < 8; i++)
        bits |= (uint64_t)*b->at++ << 8 * i;
    memcpy(&x, &bits, sizeof x);
    return x;
}

const char *ds_bytes_get_data(struct ds_bytes_in *b, size_t *n)
{
    uint64_t size = ds_bytes_get_uint(b);
    const char *at = (const char *)b->at;
    if (b->bad || size > (uint64_t)(b->end - b->at)) {
        b->bad = true;
        *n = 0;
        return "";
    }
    b->at += size;
    *n = (size_t)size;
    return at;
}

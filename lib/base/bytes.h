/*
 * Numbers as few bytes: seven bits a byte, the lowest first, the eighth bit says that more follow
 * (LEB128); signed ones with the sign as lowest bit.
 */
#ifndef DS_BASE_BYTES_H
#define DS_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes being written. Zero-initialise; free `at`. */
struct ds_bytes {
    unsigned char *at;
    size_t n, room;
    bool failed; /* out of memory, once */
};
void ds_bytes_uint(struct ds_bytes *b, uint64_t x);
void ds_bytes_int(struct ds_bytes *b, int64_t x);
void ds_bytes_double(struct ds_bytes *b, double x);
void ds_bytes_data(struct ds_bytes *b, const void *data, size_t n); /* its length, and it */

/* Bytes being read. What is beyond their end, or too large, is bad, and read as 0. */
struct ds_bytes_in {
    const unsigned char *at, *end;
    bool bad;
};
uint64_t ds_bytes_get_uint(struct ds_bytes_in *b);
int64_t ds_bytes_get_int(struct ds_bytes_in *b);
double ds_bytes_get_double(struct ds_bytes_in *b);
const char *ds_bytes_get_data(struct ds_bytes_in *b, size_t *n); /* "" where bad; not terminated */

#endif

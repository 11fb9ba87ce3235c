#include "base/sort_keys.h"

#include <stdint.h>
#include <string.h>

#define FEW 48 /* fewer are sorted by insertion */
#define MOST_WORDS 8

static void sort_few(uint64_t *items, size_t n, size_t words)
{
    uint64_t hold[MOST_WORDS];
    for (size_t i = 1; i < n; i++) {
        uint64_t *at = items + i * words, *to = at;
        while (to > items && *(to - words) > *at)
            to -= words;
        if (to == at)
            continue;
        memcpy(hold, at, words * sizeof *hold);
        memmove(to + words, to, (size_t)((char *)at - (char *)to));
        memcpy(to, hold, words * sizeof *hold);
    }
}

/* One pass of the sort by a byte of the key, whose values `count` counts. */
static inline void scatter(const uint64_t *from, uint64_t *to, size_t n, size_t words, int byte,
                           const size_t count[256])
{
    size_t start[256], sum = 0;
    for (int v = 0; v < 256; v++) {
        start[v] = sum;
        sum += count[v];
    }
    for (size_t i = 0; i < n; i++, from += words) {
        uint64_t *at = to + words * start[*from >> 8 * byte & 255]++;
        for (size_t w = 0; w < words; w++)
            at[w] = from[w];
    }
}

void ds_sort_keys(void *items, void *spare, size_t n, size_t size)
{
    static const size_t zero[8][256];
    size_t count[8][256], words = size / sizeof(uint64_t);
    uint64_t *from = items, *to = spare;
    if (n < FEW) {
        sort_few(items, n, words);
        return;
    }
    memcpy(count, zero, sizeof count);
    for (size_t i = 0; i < n; i++)
        for (int byte = 0; byte < 8; byte++)
            count[byte][from[i * words] >> 8 * byte & 255]++;
    for (int byte = 0; byte < 8; byte++) {
        if (count[byte][*from >> 8 * byte & 255] == n)
            continue; /* alike in all keys */
        if (words == 2)
            scatter(from, to, n, 2, byte, count[byte]);
        else
            scatter(from, to, n, words, byte, count[byte]);
        uint64_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != items)
        memcpy(items, from, n * size);
}

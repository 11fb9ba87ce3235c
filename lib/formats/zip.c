#include "formats/zip.h"

#include "base/grow.h"
#include <stdlib.h>
#include <string.h>

/* Sizes of the records, without the names that follow them (PKWARE, APPNOTE.TXT, 4.3). */
enum { LOCAL = 30, CENTRAL = 46, END = 22, MOST_COMMENT = 0xFFFF };

static uint32_t little(const uint8_t *p, int bytes)
{
    uint32_t v = 0;
    for (int i = bytes; i-- > 0;)
        v = v << 8 | p[i];
    return v;
}

bool ds_zip_is(const void *data, size_t size)
{
    return size >= 4 && memcmp(data, "PK\003\004", 4) == 0;
}

/* The end record: the last thing but for a comment. */
static const uint8_t *find_end(const uint8_t *data, size_t size)
{
    for (size_t back = END; back <= size && back <= END + MOST_COMMENT; back++)
        if (memcmp(data + size - back, "PK\005\006", 4) == 0)
            return data + size - back;
    return NULL;
}

static int by_name(const void *a, const void *b)
{
    const struct ds_zip_member *x = a, *y = b;
    size_t n = x->name_length < y->name_length ? x->name_length : y->name_length;
    int order = memcmp(x->name, y->name, n);
    return order ? order : (x->name_length > y->name_length) - (x->name_length < y->name_length);
}

/*
 * A member by its entry in the central directory. The header at its data may lack the sizes and the
 * checksum, but only there it says how far behind it the data begins.
 */
static int read_member(struct ds_zip_member *m, const uint8_t *entry, const uint8_t *data,
                       size_t size, struct ds_error *err)
{
    uint64_t offset = little(entry + 42, 4);
    m->name = (const char *)entry + CENTRAL;
    m->name_length = little(entry + 28, 2);
    m->crc = little(entry + 16, 4);
    m->size = little(entry + 20, 4);
    int shown = m->name_length < 100 ? (int)m->name_length : 100;
    if (little(entry + 8, 2) & 1 || little(entry + 10, 2) || little(entry + 24, 4) != m->size)
        return ds_fail(err, "%.*s is compressed or encrypted", shown, m->name);
    if (offset + LOCAL > size || memcmp(data + offset, "PK\003\004", 4))
        return ds_fail(err, "%.*s is not where the zip says", shown, m->name);
    offset += LOCAL + little(data + offset + 26, 2) + little(data + offset + 28, 2);
    if (offset > size || m->size > size - offset)
        return ds_fail(err, "%.*s ends beyond the zip", shown, m->name);
    m->data = data + offset;
    return 0;
}

static int read_members(struct ds_zip *zip, const uint8_t *at, const uint8_t *end,
                        const uint8_t *data, size_t size, struct ds_error *err)
{
    for (size_t i = 0; i < zip->n; i++) {
        size_t left = (size_t)(end - at);
        if (left < CENTRAL || memcmp(at, "PK\001\002", 4))
            return ds_fail(err, "the zip's list of members is damaged");
        size_t length = CENTRAL + little(at + 28, 2) + little(at + 30, 2) + little(at + 32, 2);
        if (left < length)
            return ds_fail(err, "the zip's list of members is cut off");
        if (read_member(&zip->member[i], at, data, size, err))
            return -1;
        at += length;
    }
    qsort(zip->member, zip->n, sizeof *zip->member, by_name);
    for (size_t i = 1; i < zip->n; i++)
        if (by_name(&zip->member[i - 1], &zip->member[i]) == 0)
            return ds_fail(err, "two members of the zip have one name");
    return 0;
}

int ds_zip_open(struct ds_zip *zip, const void *bytes, size_t size, struct ds_error *err)
{
    const uint8_t *data = bytes, *end = find_end(data, size);
    *zip = (struct ds_zip){0};
    if (!end)
        return ds_fail(err, "a zip without its end: is the file cut off?");
    size_t offset = little(end + 16, 4), directory = little(end + 12, 4);
    zip->n = little(end + 10, 2);
    if (zip->n == 0xFFFF || offset == 0xFFFFFFFF)
        return ds_fail(err, "a zip of 4 GB or more, or of 65,535 members: larger than any that "
                            "is read here");
    if (offset > (size_t)(end - data) || directory > (size_t)(end - data) - offset)
        return ds_fail(err, "the zip's list of members is not where it says");
    zip->member = ds_alloc(zip->n + 1, sizeof *zip->member, err);
    if (!zip->member)
        return -1;
    return read_members(zip, data + offset, data + offset + directory, data, size, err);
}

void ds_zip_close(struct ds_zip *zip)
{
    free(zip->member);
    *zip = (struct ds_zip){0};
}

const struct ds_zip_member *ds_zip_find(const struct ds_zip *zip, const char *name)
{
    struct ds_zip_member key = {.name = name, .name_length = strlen(name)};
    return zip->n ? bsearch(&key, zip->member, zip->n, sizeof key, by_name) : NULL;
}

/* CRC-32 as zips and PNGs have it (polynomial 0xEDB88320). */
bool ds_zip_intact(const struct ds_zip_member *m)
{
    uint32_t table[256], crc = ~(uint32_t)0;
    for (uint32_t i = 0; i < 256; i++) {
        table[i] = i;
        for (int bit = 0; bit < 8; bit++)
            table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0xEDB88320 : 0);
    }
    for (size_t i = 0; i < m->size; i++)
        crc = table[(crc ^ m->data[i]) & 0xFF] ^ crc >> 8;
    return ~crc == m->crc;
}

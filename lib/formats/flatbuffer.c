#include "formats/flatbuffer.h"

#include "base/grow.h"
#include <endian.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(__BYTE_ORDER == __LITTLE_ENDIAN, "numbers are written as they are in memory");

/* Appends `size` bytes, zeros where data is NULL. */
static void append(struct ds_flatbuffer *b, const void *data, size_t size)
{
    if (b->failed)
        return;
    b->failed = ds_grow(&b->data, &b->room, b->size + size, 1, NULL) != 0;
    if (b->failed)
        return;
    if (data && size)
        memcpy(b->data + b->size, data, size);
    else
        memset(b->data + b->size, 0, size);
    b->size += size;
}

/* Appends zeros until what stands `after` bytes further on is aligned. */
static void pad(struct ds_flatbuffer *b, size_t after, size_t align)
{
    append(b, NULL, (align - (b->size + after) % align) % align);
}

static void append_u16(struct ds_flatbuffer *b, size_t value)
{
    uint16_t v = (uint16_t)value;
    append(b, &v, sizeof v);
}

static void append_u32(struct ds_flatbuffer *b, size_t value)
{
    uint32_t v = (uint32_t)value;
    append(b, &v, sizeof v);
}

void ds_flatbuffer_begin(struct ds_flatbuffer *b, const char identifier[4])
{
    append_u32(b, 0);
    append(b, identifier, 4);
}

/*
 * Where a field stands in its table: after the reference to the vtable come the fields of four
 * bytes, then those of one. 0 for a field left out, as the vtable has it.
 */
static size_t place(const struct ds_flatbuffer_field *field, int n, int which)
{
    size_t at = 4;
    if (!field[which].size)
        return 0;
    for (int i = 0; i < n; i++)
        if (field[i].size > field[which].size || (field[i].size == field[which].size && i < which))
            at += (size_t)field[i].size;
    return at;
}

size_t ds_flatbuffer_table(struct ds_flatbuffer *b, const struct ds_flatbuffer_field *field, int n)
{
    size_t vtable_size = 4 + 2 * (size_t)n, size = 4;
    for (int i = 0; i < n; i++)
        size += (size_t)field[i].size;
    pad(b, vtable_size, 4);
    append_u16(b, vtable_size);
    append_u16(b, size);
    for (int i = 0; i < n; i++)
        append_u16(b, place(field, n, i));
    size_t table = b->size;
    append_u32(b, vtable_size); /* the vtable stands so many bytes before */
    for (int width = 4; width >= 1; width -= 3)
        for (int i = 0; i < n; i++)
            if (field[i].size == width)
                append(b, &field[i].value, (size_t)width);
    return table;
}

size_t ds_flatbuffer_vector(struct ds_flatbuffer *b, const void *data, size_t count, size_t size,
                            size_t align)
{
    pad(b, 4, align);
    size_t vector = b->size;
    append_u32(b, count);
    append(b, data, count * size);
    return vector;
}

size_t ds_flatbuffer_references(struct ds_flatbuffer *b, size_t count)
{
    return ds_flatbuffer_vector(b, NULL, count, 4, 4);
}

size_t ds_flatbuffer_string(struct ds_flatbuffer *b, const char *text)
{
    size_t string = ds_flatbuffer_vector(b, text, strlen(text), 1, 4);
    append(b, NULL, 1);
    return string;
}

static void refer(struct ds_flatbuffer *b, size_t at, size_t target)
{
    uint32_t distance = (uint32_t)(target - at);
    if (!b->failed)
        memcpy(b->data + at, &distance, sizeof distance);
}

void ds_flatbuffer_root(struct ds_flatbuffer *b, size_t table)
{
    refer(b, 0, table);
}

void ds_flatbuffer_refer(struct ds_flatbuffer *b, size_t table, int field, size_t target)
{
    if (b->failed)
        return;
    int32_t back;
    uint16_t offset;
    memcpy(&back, b->data + table, sizeof back);
    memcpy(&offset, b->data + table - back + 4 + 2 * field, sizeof offset);
    refer(b, table + offset, target);
}

void ds_flatbuffer_refer_element(struct ds_flatbuffer *b, size_t vector, size_t i, size_t target)
{
    refer(b, vector + 4 + 4 * i, target);
}

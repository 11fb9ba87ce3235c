/*
 * Writing FlatBuffers, the container of TensorFlow Lite's models, front to back. A parent is
 * written before its children, with empty references that are filled in when the child is there:
 * the format lets references point forward only. Internal to libds.
 *
 * Format: https://flatbuffers.dev/internals/
 */
#ifndef DS_FORMATS_FLATBUFFER_H
#define DS_FORMATS_FLATBUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero-initialise; free `data`. After a failed allocation `failed` stays set and all is ignored. */
struct ds_flatbuffer {
    uint8_t *data;
    size_t size, room;
    bool failed;
};

/* A field of a table, in the order of the schema. */
struct ds_flatbuffer_field {
    int size; /* bytes: 1, 4; 0: left out, so it has its default */
    uint32_t value;
};

#define DS_FLATBUFFER_BYTE(v) ((struct ds_flatbuffer_field){1, (uint32_t)(v)})
#define DS_FLATBUFFER_INT(v) ((struct ds_flatbuffer_field){4, (uint32_t)(v)})
#define DS_FLATBUFFER_DEFAULT ((struct ds_flatbuffer_field){0, 0})
#define DS_FLATBUFFER_REFERENCE DS_FLATBUFFER_INT(0) /* filled in by ds_flatbuffer_refer */

/* Fields and their number, as the last two arguments of ds_flatbuffer_table. */
#define DS_FLATBUFFER_FIELDS(...)                                                                  \
    (const struct ds_flatbuffer_field[]){__VA_ARGS__},                                             \
        (int)(sizeof((struct ds_flatbuffer_field[]){__VA_ARGS__}) /                                \
              sizeof(struct ds_flatbuffer_field))

/* Begins with an empty reference to the root table and the format's four letters. */
void ds_flatbuffer_begin(struct ds_flatbuffer *b, const char identifier[4]);

/* Appends a table; gives where it stands. */
size_t ds_flatbuffer_table(struct ds_flatbuffer *b, const struct ds_flatbuffer_field *field, int n);

/* Appends a vector whose first element is aligned to `align` (a power of two, at least 4). */
size_t ds_flatbuffer_vector(struct ds_flatbuffer *b, const void *data, size_t count, size_t size,
                            size_t align);

/* Appends a vector of `count` empty references. */
size_t ds_flatbuffer_references(struct ds_flatbuffer *b, size_t count);

size_t ds_flatbuffer_string(struct ds_flatbuffer *b, const char *text);

/* The root table. */
void ds_flatbuffer_root(struct ds_flatbuffer *b, size_t table);

/* Makes a field of a table, or an element of a vector, refer to what stands at `target`. */
void ds_flatbuffer_refer(struct ds_flatbuffer *b, size_t table, int field, size_t target);
void ds_flatbuffer_refer_element(struct ds_flatbuffer *b, size_t vector, size_t i, size_t target);

#endif

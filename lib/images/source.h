/*
 * What a source of images looks like to images.c: a list of entries. Their pixels lie in memory
 * already (IDX, CIFAR) or in a file each (JPEG, PNG). Internal to the room.
 */
#ifndef DS_IMAGES_SOURCE_H
#define DS_IMAGES_SOURCE_H

#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IMAGES_MOST_CLASSES 65536

struct image_entry {
    char *name; /* relative to the source's folder, or absolute; NULL: pixels of `data` */
    size_t at;  /* image `at` of `data` */
    uint16_t label;
};

struct image_source {
    char *folder; /* that names are relative to; NULL: none */
    struct image_entry *entry;
    size_t n, room;
    int classes;

    /* of files of raw pixels */
    uint8_t *data; /* the file */
    size_t size;
    int width, height, channels;
    size_t first, stride; /* image i begins at data + first + i * stride */
    bool planes;          /* channel after channel, else interleaved */
};

/* Each fills an empty source; images_source_free cleans up after success and failure alike. */
int ds_images_from_folder(struct image_source *s, const char *path, struct ds_error *err);
int ds_images_from_list(struct image_source *s, const char *path, char *text, size_t size,
                        struct ds_error *err);
/* These two take over `data`. */
int ds_images_from_idx(struct image_source *s, const char *path, uint8_t *data, size_t size,
                       struct ds_error *err);
int ds_images_from_cifar(struct image_source *s, const char *path, uint8_t *data, size_t size,
                         struct ds_error *err);

/* Appends an image; takes over `name`. */
int ds_images_add(struct image_source *s, char *name, size_t at, unsigned label,
                  struct ds_error *err);

/* Leaves out the images so marked. */
void ds_images_leave_out(struct image_source *s, const uint8_t *left_out);

void ds_images_source_free(struct image_source *s);

/*
 * A whole file, unpacked where it is compressed by gzip; to be freed, NUL-terminated. NULL and the
 * reason in `err`.
 */
char *ds_images_read_gz(const char *path, size_t *size, struct ds_error *err);

/* Keeps `take` of the images, of every class its share, in their order. */
int ds_images_take(struct image_source *s, size_t take, uint64_t seed, struct ds_error *err);

#endif

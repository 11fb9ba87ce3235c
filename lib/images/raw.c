/* Files that hold many small images as raw pixels: IDX and CIFAR's. */
#include "images/source.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_SIDE 65535

static uint32_t number(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/*
 * An IDX file: two zero bytes, the type (8: bytes), the number of dimensions, each dimension in 4
 * bytes, the values. Checks it against its own size, and gives the dimensions.
 */
static int idx_head(const char *path, const uint8_t *data, size_t size, int ndims, uint32_t *dim,
                    struct ds_error *err)
{
    size_t head = 4 + 4 * (size_t)ndims, left = size - head;
    if (size < head || data[0] || data[1] || data[2] != 8 || data[3] != ndims)
        return ds_fail(err, "%s: not an IDX file of bytes in %d dimensions", path, ndims);
    bool whole = true;
    uint64_t values = 1;
    for (int i = 0; i < ndims; i++) {
        dim[i] = number(data + 4 + 4 * i);
        values *= dim[i]; /* each below 2^32, and left at once above a size in memory */
        whole = whole && values <= left;
    }
    if (whole && values == left)
        return 0;
    return ds_fail(err, "%s: its head says more or other bytes than the %zu that follow it", path,
                   left);
}

/* "labels-idx1" in place of "images-idx3" in the file's own name. */
static int label_path(const char *path, char *out, struct ds_error *err)
{
    const char *name = strrchr(path, '/'), *at = strstr(name ? name : path, "images-idx3");
    if (!at)
        return ds_fail(err, "%s: its name needs an 'images-idx3', to find the labels by", path);
    if (snprintf(out, PATH_MAX, "%.*slabels-idx1%s", (int)(at - path), path, at + 11) >= PATH_MAX)
        return ds_fail(err, "%s: the name is too long", path);
    return 0;
}

/* Adds an image for each of n labels of one byte, `step` bytes apart. */
static int add_labels(struct image_source *s, const char *path, const uint8_t *label, size_t n,
                      size_t step, int classes, struct ds_error *err)
{
    for (size_t i = 0; i < n; i++, label += step) {
        if (classes && *label >= classes)
            return ds_fail(err, "%s, image %zu: label %d is out of range, which is 0 to %d", path,
                           i, *label, classes - 1);
        if (ds_images_add(s, NULL, i, *label, err))
            return -1;
        if (s->classes <= *label)
            s->classes = *label + 1;
    }
    if (classes)
        s->classes = classes;
    return 0;
}

static int idx_labels(struct image_source *s, const char *path, uint32_t images,
                      struct ds_error *err)
{
    char labels[PATH_MAX];
    size_t size;
    uint32_t n = 0;
    if (label_path(path, labels, err))
        return -1;
    uint8_t *data = (uint8_t *)ds_images_read_gz(labels, &size, err);
    int rc = data ? idx_head(labels, data, size, 1, &n, err) : -1;
    if (rc == 0 && n != images)
        rc = ds_fail(err, "%s: %u labels, but %u images in %s", labels, n, images, path);
    if (rc == 0)
        rc = add_labels(s, labels, data + 8, n, 1, 0, err);
    free(data);
    return rc;
}

int ds_images_from_idx(struct image_source *s, const char *path, uint8_t *data, size_t size,
                       struct ds_error *err)
{
    uint32_t dim[3] = {0};
    s->data = data;
    s->size = size;
    if (idx_head(path, data, size, 3, dim, err))
        return -1;
    if (dim[1] > MOST_SIDE || dim[2] > MOST_SIDE || (dim[0] && (!dim[1] || !dim[2])))
        return ds_fail(err, "%s: images of %ux%u pixels", path, dim[2], dim[1]);
    s->height = (int)dim[1];
    s->width = (int)dim[2];
    s->channels = 1;
    s->first = 16;
    s->stride = (size_t)dim[1] * dim[2];
    return idx_labels(s, path, dim[0], err);
}

/*
 * CIFAR's binary files: 32x32 pixels as three planes, after a label of one byte (CIFAR-10) or two,
 * a coarse and a fine one (CIFAR-100). Which of them, the size says: that fits both at multiples of
 * 3,073 times 3,074 bytes only.
 */
int ds_images_from_cifar(struct image_source *s, const char *path, uint8_t *data, size_t size,
                         struct ds_error *err)
{
    enum { PIXELS = 3 * 32 * 32 };
    s->data = data;
    s->size = size;
    bool ten = size % (PIXELS + 1) == 0, hundred = size % (PIXELS + 2) == 0;
    if (ten && hundred && size)
        return ds_fail(err, "%s: its size fits CIFAR-10 and CIFAR-100; leave out an image", path);
    if (!ten && !hundred)
        return ds_fail(err, "%s: %zu bytes are no whole number of CIFAR's images", path, size);
    s->height = s->width = 32;
    s->channels = 3;
    s->planes = true;
    s->first = ten ? 1 : 2;
    s->stride = s->first + PIXELS;
    return add_labels(s, path, data + s->first - 1, size / s->stride, s->stride, ten ? 10 : 100,
                      err);
}

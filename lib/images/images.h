/*
 * Labelled images, as networks are evaluated on them: read, resized, cropped and kept in memory in
 * bytes, once for each resolution, as torchvision and Pillow do it, byte for byte.
 *
 * Where they come from (`path`):
 * - a folder with a folder for each class, as ImageNet's validation set: classes are counted from 0
 *   in the order of their names (bytes), images stand by class, then by name; JPEG or PNG, told by
 *   their content; folders in a class's folder are searched, hidden ones are not;
 * - a text file of lines `path label`, paths relative to the file; empty lines and those that begin
 *   with '#' are left out;
 * - an IDX file (MNIST, Fashion-MNIST), its labels in the file whose name has "labels-idx1" in
 *   place of "images-idx3";
 * - a binary file of CIFAR-10 or CIFAR-100 (fine labels);
 * the last three as they are or compressed by gzip.
 */
#ifndef DS_IMAGES_IMAGES_H
#define DS_IMAGES_IMAGES_H

#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Pillow's bound against files that unpack without end; larger images count as broken. */
#define DS_IMAGES_MOST_PIXELS 178956970

struct ds_images_options {
    size_t take;      /* so many, of every class its share; 0: all */
    uint64_t seed;    /* of the choice: each `take` holds the smaller ones of the same seed */
    bool skip_broken; /* leave out what cannot be read or decoded, instead of failing */
    int channels;     /* 1 (grey) or 3 (RGB); 0: as the source has them */
    double crop;      /* share of the shorter side that stays; 0: 0.875 for JPEG and PNG, else 1 */
    size_t memory;    /* most bytes of pixels kept; 0: half of this machine's memory */
    int threads;      /* that decode; 0: 1 */
};

/* The images at one resolution. */
struct ds_image_set {
    int resolution, channels;
    size_t n;
    const uint8_t *pixels;  /* [n][resolution][resolution][channels] */
    const uint16_t *labels; /* [n] */
};

struct ds_images; /* a source that was opened */

/*
 * Lists the images and labels; JPEG and PNG files are not opened yet. NULL and the reason in `err`,
 * which names the file, and the line of a list.
 */
struct ds_images *ds_images_open(const char *path, const struct ds_images_options *options,
                                 struct ds_error *err);
void ds_images_free(struct ds_images *images);

/*
 * All images at a resolution: the shorter side is resized to ceil(resolution / crop), then the
 * middle is cut out. Decodes them when first asked for; where the bound would be passed, the
 * resolutions used longest ago are dropped. The set stays until another resolution is asked for.
 *
 * NULL and the reason in `err` where an image is broken (named; unless skip_broken: those found at
 * the first resolution are left out at all), where none is left, where one resolution alone is
 * above the bound.
 */
const struct ds_image_set *ds_images_at(struct ds_images *images, int resolution,
                                        struct ds_error *err);

/* How many are used; how many were left out as broken so far. */
size_t ds_images_count(const struct ds_images *images);
size_t ds_images_skipped(const struct ds_images *images);

/* 1 + the largest label that the source can have: folders; of a list or IDX, the largest seen. */
int ds_images_classes(const struct ds_images *images);

int ds_images_channels(const struct ds_images *images);

/* What image i is called: a path below the source, or "FILE, image 12". Valid until the next call.
 */
const char *ds_images_name(struct ds_images *images, size_t i);

/*
 * A hash of what decides the pixels and labels, for caches: crop, channels, the labels of the
 * images taken, and their names and sizes (not the content of a file each), or the bytes of an IDX
 * or CIFAR file. It stays what it was after open.
 */
uint64_t ds_images_key(const struct ds_images *images);

/*
 * As torchvision's ToTensor and Normalize, in float32: (byte / 255 - mean[c]) / deviation[c] of n
 * images of size x size pixels, to [n][size][size][channels].
 */
void ds_images_normalise(const uint8_t *pixels, size_t n, int size, int channels, const float *mean,
                         const float *deviation, float *out);

#endif

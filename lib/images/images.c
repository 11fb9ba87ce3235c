#include "images/images.h"

#include "base/file.h"
#include "base/grow.h"
#include "images/decode.h"
#include "images/resize.h"
#include "images/source.h"
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_STATIC_LINKING_ONLY /* a state on the stack */
#include <xxhash.h>

#define MOST_RESOLUTION 8192

/* The pixels at one resolution. */
struct level {
    struct ds_image_set set;
    uint8_t *pixels;
    struct level *next; /* used less recently */
};

struct ds_images {
    struct ds_images_options options;
    struct image_source source;
    char *path;
    uint16_t *labels;     /* of the source's entries */
    struct level *levels; /* the latest used first */
    size_t skipped;
    uint64_t key;
    char name[PATH_MAX + 64]; /* the answer of ds_images_name */
};

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool ends_in(const char *path, const char *end)
{
    size_t n = strlen(path), m = strlen(end);
    return n >= m && strcmp(path + n - m, end) == 0;
}

static int open_file(struct image_source *s, const char *path, struct ds_error *err)
{
    size_t size;
    char *data = ds_images_read_gz(path, &size, err);
    if (!data)
        return -1;
    if (size >= 4 && memcmp(data, "\0\0\x08\x03", 4) == 0)
        return ds_images_from_idx(s, path, (uint8_t *)data, size, err);
    if (ends_in(path, ".bin") || ends_in(path, ".bin.gz"))
        return ds_images_from_cifar(s, path, (uint8_t *)data, size, err);
    int rc = ds_images_from_list(s, path, data, size, err);
    free(data);
    return rc;
}

static int number_labels(struct ds_images *images, struct ds_error *err)
{
    const struct image_source *s = &images->source;
    images->labels = ds_alloc(s->n, sizeof *images->labels, err);
    if (!images->labels)
        return -1;
    for (size_t i = 0; i < s->n; i++)
        images->labels[i] = s->entry[i].label;
    return 0;
}

static void set_defaults(struct ds_images *images)
{
    struct ds_images_options *o = &images->options;
    const struct image_source *s = &images->source;
    if (o->channels == 0)
        o->channels = s->data ? s->channels : 3;
    if (o->crop == 0)
        o->crop = s->data ? 1 : 0.875;
    if (o->memory == 0)
        o->memory = (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE) / 2;
    if (o->threads == 0)
        o->threads = 1;
}

static void path_of(const struct image_source *s, const char *name, char *path, size_t size)
{
    if (*name == '/')
        snprintf(path, size, "%s", name);
    else
        snprintf(path, size, "%s/%s", s->folder, name);
}

/* As said of ds_images_key. */
static uint64_t hash(const struct ds_images *images)
{
    const struct image_source *s = &images->source;
    const struct ds_images_options *o = &images->options;
    XXH3_state_t state;
    XXH3_INITSTATE(&state);
    XXH3_64bits_reset(&state);
    XXH3_64bits_update(&state, &o->channels, sizeof o->channels);
    XXH3_64bits_update(&state, &o->crop, sizeof o->crop);
    XXH3_64bits_update(&state, images->labels, s->n * sizeof *images->labels);
    if (s->data)
        XXH3_64bits_update(&state, s->data, s->size);
    for (size_t i = 0; i < s->n; i++) {
        const struct image_entry *e = &s->entry[i];
        char path[2 * PATH_MAX];
        struct stat st = {0};
        if (e->name) {
            path_of(s, e->name, path, sizeof path);
            stat(path, &st);
            XXH3_64bits_update(&state, e->name, strlen(e->name) + 1);
        }
        uint64_t number = e->name ? (uint64_t)st.st_size : e->at;
        XXH3_64bits_update(&state, &number, sizeof number);
    }
    return XXH3_64bits_digest(&state);
}

struct ds_images *ds_images_open(const char *path, const struct ds_images_options *options,
                                 struct ds_error *err)
{
    struct ds_images *images = ds_alloc(1, sizeof *images, NULL);
    if (!images || !(images->path = ds_copy_string(path, NULL))) {
        free(images);
        ds_no_memory(err);
        return NULL;
    }
    struct image_source *s = &images->source;
    images->options = *options;
    int rc = is_folder(path) ? ds_images_from_folder(s, path, err) : open_file(s, path, err);
    if (rc == 0 && s->n == 0)
        rc = ds_fail(err, "%s: no images", path);
    if (rc == 0 && options->take)
        rc = ds_images_take(s, options->take, options->seed, err) ? ds_fail_in(err, "%s", path) : 0;
    if (rc || number_labels(images, err)) {
        ds_images_free(images);
        return NULL;
    }
    set_defaults(images);
    images->key = hash(images);
    return images;
}

static void free_level(struct level *level)
{
    free(level->pixels);
    free(level);
}

void ds_images_free(struct ds_images *images)
{
    if (!images)
        return;
    for (struct level *l = images->levels, *next; l; l = next) {
        next = l->next;
        free_level(l);
    }
    ds_images_source_free(&images->source);
    free(images->labels);
    free(images->path);
    free(images);
}

/* ---- pixels ---- */

static int raw_pixels(const struct image_source *s, size_t at, struct pixels *out,
                      struct ds_error *err)
{
    if (ds_image_allocate(out, (uint32_t)s->width, (uint32_t)s->height, s->channels, err))
        return -1;
    const uint8_t *from = s->data + s->first + at * s->stride;
    size_t n = (size_t)s->width * (size_t)s->height, c = (size_t)s->channels;
    if (!s->planes)
        memcpy(out->data, from, n * c);
    for (size_t i = 0; s->planes && i < n * c; i++)
        out->data[i % n * c + i / n] = from[i];
    return 0;
}

static int file_pixels(const struct image_source *s, const char *name, struct pixels *out,
                       struct ds_error *err)
{
    char path[2 * PATH_MAX];
    size_t size;
    path_of(s, name, path, sizeof path);
    uint8_t *file = (uint8_t *)ds_file_read(path, &size, err);
    if (!file)
        return -1;
    int rc = ds_image_decode(file, size, out, err);
    free(file);
    return rc ? ds_fail_in(err, "%s", path) : 0;
}

/* Image i as it is at a resolution. */
static int render(const struct ds_images *images, size_t i, int resolution, uint8_t *out,
                  struct ds_error *err)
{
    const struct image_source *s = &images->source;
    const struct image_entry *e = &s->entry[i];
    struct pixels p = {0};
    int rc = e->name ? file_pixels(s, e->name, &p, err) : raw_pixels(s, e->at, &p, err);
    if (rc == 0)
        rc = ds_image_to_channels(&p, images->options.channels, err);
    if (rc == 0)
        rc = ds_image_resize_crop(&p, (int)ceil(resolution / images->options.crop), resolution, out,
                                  err);
    free(p.data);
    return rc;
}

/* What the threads share that decode a resolution: each takes the next image. */
struct decoding {
    const struct ds_images *images;
    int resolution;
    size_t next, size;    /* size: bytes of an image */
    uint8_t *pixels;      /* of all images */
    uint8_t *broken;      /* a flag for each */
    size_t failed, first; /* how many are broken; which is the first */
    struct ds_error why;  /* of the first */
    pthread_mutex_t lock;
};

/* The next image to decode; with `err`, image i having failed. */
static size_t next_image(struct decoding *d, size_t i, const struct ds_error *err)
{
    size_t n = d->images->source.n;
    pthread_mutex_lock(&d->lock);
    if (err) {
        if (d->failed++ == 0 || i < d->first) {
            d->first = i;
            d->why = *err;
        }
        d->broken[i] = 1;
    }
    size_t next = d->failed && !d->images->options.skip_broken ? n : d->next;
    d->next += next < n;
    pthread_mutex_unlock(&d->lock);
    return next;
}

static void *decode_some(void *argument)
{
    struct decoding *d = argument;
    struct ds_error err;
    size_t i = next_image(d, 0, NULL);
    while (i < d->images->source.n) {
        int rc = render(d->images, i, d->resolution, d->pixels + i * d->size, &err);
        i = next_image(d, i, rc ? &err : NULL);
    }
    return NULL;
}

/* All images by as many threads as there can be; this one is one of them. */
static void decode_all(struct decoding *d)
{
    pthread_t thread[64];
    int started = 0, most = d->images->options.threads - 1;
    pthread_mutex_init(&d->lock, NULL);
    while (started < most && started < 64 &&
           pthread_create(&thread[started], NULL, decode_some, d) == 0)
        started++;
    decode_some(d);
    while (started)
        pthread_join(thread[--started], NULL);
    pthread_mutex_destroy(&d->lock);
}

/* Leaves the broken ones out, of the list, the labels and the pixels just made. */
static int leave_out_broken(struct ds_images *images, struct decoding *d, struct ds_error *err)
{
    size_t n = 0;
    if (d->failed == images->source.n)
        return ds_fail(err, "%s: no image that can be decoded; the first: %s", images->path,
                       d->why.text);
    for (size_t i = 0; i < images->source.n; i++) {
        if (d->broken[i])
            continue;
        memmove(d->pixels + n * d->size, d->pixels + i * d->size, d->size);
        images->labels[n++] = images->labels[i];
    }
    ds_images_leave_out(&images->source, d->broken);
    images->skipped += d->failed;
    return 0;
}

static int decode(struct ds_images *images, struct decoding *d, struct ds_error *err)
{
    decode_all(d);
    if (d->failed == 0)
        return 0;
    /* what was fine at one resolution and no longer is at the next is no broken image */
    if (!images->options.skip_broken || images->levels) {
        *err = d->why;
        return -1;
    }
    return leave_out_broken(images, d, err);
}

static struct level *load_level(struct ds_images *images, int resolution, struct ds_error *err)
{
    struct decoding d = {.images = images, .resolution = resolution};
    d.size = (size_t)resolution * (size_t)resolution * (size_t)images->options.channels;
    d.pixels = ds_alloc(images->source.n, d.size, err);
    d.broken = ds_alloc(images->source.n, 1, err);
    struct level *level = ds_alloc(1, sizeof *level, err);
    int rc = d.pixels && d.broken && level ? 0 : -1;
    if (rc == 0)
        rc = decode(images, &d, err);
    free(d.broken);
    if (rc) {
        free(d.pixels);
        free(level);
        return NULL;
    }
    level->pixels = d.pixels;
    level->set = (struct ds_image_set){resolution, images->options.channels, images->source.n,
                                       d.pixels, images->labels};
    return level;
}

/* ---- resolutions in memory ---- */

static double megabytes(size_t bytes)
{
    return (double)bytes / 1e6;
}

static size_t level_bytes(const struct ds_images *images, int resolution)
{
    return images->source.n * (size_t)resolution * (size_t)resolution *
           (size_t)images->options.channels;
}

/* Drops the levels used longest ago until there is room for so many bytes more. */
static void make_room(struct ds_images *images, size_t bytes)
{
    size_t used = bytes;
    struct level **at = &images->levels;
    for (; *at; at = &(*at)->next) {
        used += level_bytes(images, (*at)->set.resolution);
        if (used > images->options.memory)
            break;
    }
    while (*at) {
        struct level *drop = *at;
        *at = drop->next;
        free_level(drop);
    }
}

/* The level of a resolution, taken off the list. */
static struct level *take_level(struct ds_images *images, int resolution)
{
    struct level **at = &images->levels;
    while (*at && (*at)->set.resolution != resolution)
        at = &(*at)->next;
    struct level *found = *at;
    if (found)
        *at = found->next;
    return found;
}

const struct ds_image_set *ds_images_at(struct ds_images *images, int resolution,
                                        struct ds_error *err)
{
    if (resolution < 1 || resolution > MOST_RESOLUTION) {
        ds_fail(err, "a resolution of %d pixels is out of range, which is 1 to %d", resolution,
                MOST_RESOLUTION);
        return NULL;
    }
    struct level *level = take_level(images, resolution);
    if (!level) {
        size_t bytes = level_bytes(images, resolution);
        if (bytes > images->options.memory) {
            ds_fail(err,
                    "%s: %zu images of %dx%d pixels take %.0f MB, and %.0f MB are allowed: take "
                    "fewer, or allow more",
                    images->path, images->source.n, resolution, resolution, megabytes(bytes),
                    megabytes(images->options.memory));
            return NULL;
        }
        make_room(images, bytes);
        level = load_level(images, resolution, err);
    }
    if (!level)
        return NULL;
    level->next = images->levels;
    images->levels = level;
    return &level->set;
}

/* ---- what is known of them ---- */

size_t ds_images_count(const struct ds_images *images)
{
    return images->source.n;
}

size_t ds_images_skipped(const struct ds_images *images)
{
    return images->skipped;
}

int ds_images_classes(const struct ds_images *images)
{
    return images->source.classes;
}

int ds_images_channels(const struct ds_images *images)
{
    return images->options.channels;
}

const char *ds_images_name(struct ds_images *images, size_t i)
{
    const struct image_entry *e = &images->source.entry[i];
    if (e->name)
        return e->name;
    snprintf(images->name, sizeof images->name, "%s, image %zu", images->path, e->at);
    return images->name;
}

uint64_t ds_images_key(const struct ds_images *images)
{
    return images->key;
}

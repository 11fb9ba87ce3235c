/* Images for networks: see subnets.h. */
#include "base/random.h"
#include "memory.h"
#include "subnets.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#define MOST_CHANNELS 16

struct picture_source {
    const struct subnet_options *o;
    const char *option, *path;
    struct ds_images_options wanted;
    struct ds_images *images;
    const struct ds_image_set *set;
    uint32_t *order;  /* [n]; NULL: as they are */
    uint16_t *labels; /* [n], in that order */
    float mean[MOST_CHANNELS], deviation[MOST_CHANNELS];
};

static void open_source(struct picture_source *p)
{
    struct ds_error err;
    ds_images_free(p->images);
    p->set = NULL;
    p->images = ds_images_open(p->path, &p->wanted, &err);
    if (!p->images)
        cli_die(CLI_FAILED, "%s: %s", p->option, err.text);
}

struct picture_source *pictures_open(const struct subnet_options *o, const char *option,
                                     const char *path, uint64_t take, uint64_t seed)
{
    struct picture_source *p = cli_alloc(1, sizeof *p);
    *p = (struct picture_source){.o = o, .option = option, .path = path};
    p->wanted = (struct ds_images_options){.seed = seed,
                                           .skip_broken = o->skip_broken,
                                           .crop = o->crop,
                                           .memory = (size_t)(o->memory * 1e6)};
    p->wanted.take = take;
    open_source(p);
    return p;
}

void pictures_free(struct picture_source *p)
{
    if (!p)
        return;
    ds_images_free(p->images);
    free(p->order);
    free(p->labels);
    free(p);
}

size_t pictures_count(const struct picture_source *p)
{
    return ds_images_count(p->images);
}

int pictures_classes(const struct picture_source *p)
{
    return ds_images_classes(p->images);
}

const char *pictures_name(const struct picture_source *p, size_t i)
{
    return ds_images_name(p->images, i);
}

size_t pictures_skipped(const struct picture_source *p)
{
    return ds_images_skipped(p->images);
}

uint64_t pictures_key(const struct picture_source *p)
{
    const char *mean = p->o->mean ? p->o->mean : "", *std = p->o->deviation ? p->o->deviation : "";
    uint64_t key = ds_images_key(p->images);
    key = XXH3_64bits_withSeed(mean, strlen(mean), key);
    return XXH3_64bits_withSeed(std, strlen(std), key);
}

/* The numbers of --mean or --std, one a channel. */
static void numbers(const char *option, const char *text, int channels, float *out)
{
    const char *at = text;
    for (int i = 0; i < channels; i++) {
        char *end;
        out[i] = strtof(at, &end);
        bool last = i == channels - 1;
        if (end == at || *end != (last ? 0 : ','))
            cli_die(CLI_USAGE, "%s: '%s' is not %d numbers separated by commas, one a channel",
                    option, text, channels);
        at = end + 1;
    }
}

static void set_normal(struct picture_source *p, int channels)
{
    if (channels > MOST_CHANNELS)
        cli_die(CLI_FAILED, "%s: networks of %d channels cannot be given images", p->option,
                channels);
    if (channels != 3 && (!p->o->mean || !p->o->deviation))
        cli_die(CLI_USAGE,
                "--mean and --std: images of %d channel%s need those that the supernet was "
                "trained with",
                channels, channels == 1 ? "" : "s");
    numbers("--mean", p->o->mean ? p->o->mean : "0.485,0.456,0.406", channels, p->mean);
    numbers("--std", p->o->deviation ? p->o->deviation : "0.229,0.224,0.225", channels,
            p->deviation);
    for (int c = 0; c < channels; c++)
        if (!(p->deviation[c] > 0))
            cli_die(CLI_USAGE, "--std: must be above 0");
}

/* Draws the order of all images and puts their labels into it. */
static void set_order(struct picture_source *p, bool shuffled)
{
    size_t n = p->set->n;
    struct ds_random r;
    free(p->order);
    free(p->labels);
    p->order = cli_alloc(n + 1, sizeof *p->order);
    p->labels = cli_alloc(n + 1, sizeof *p->labels);
    ds_random_init(&r, p->wanted.seed, n, DS_DRAW_IMAGES);
    for (size_t i = 0; i < n; i++) {
        size_t j = shuffled ? ds_random_below(&r, (uint32_t)i + 1) : i;
        p->order[i] = p->order[j];
        p->order[j] = (uint32_t)i;
    }
    for (size_t i = 0; i < n; i++)
        p->labels[i] = p->set->labels[p->order[i]];
}

static void fill(void *context, size_t first, size_t n, float *out)
{
    const struct picture_source *p = context;
    const struct ds_image_set *s = p->set;
    size_t each = (size_t)s->resolution * (size_t)s->resolution * (size_t)s->channels;
    for (size_t i = 0; i < n; i++)
        ds_images_normalise(s->pixels + p->order[first + i] * each, 1, s->resolution, s->channels,
                            p->mean, p->deviation, out + i * each);
}

struct ds_image_source pictures_at(struct picture_source *p, int resolution, int channels,
                                   bool shuffled, const uint16_t **labels)
{
    struct ds_error err;
    if (ds_images_channels(p->images) != channels && p->wanted.channels != channels) {
        p->wanted.channels = channels;
        open_source(p);
    }
    set_normal(p, channels);
    const struct ds_image_set *before = p->set;
    p->set = ds_images_at(p->images, resolution, &err);
    if (!p->set)
        cli_die(CLI_FAILED, "%s: %s", p->option, err.text);
    if (p->set->channels != channels)
        cli_die(CLI_FAILED, "%s: %s has images of %d channels, the networks take %d", p->option,
                p->path, p->set->channels, channels);
    if (!before || !p->order)
        set_order(p, shuffled);
    if (labels)
        *labels = p->labels;
    return (struct ds_image_source){p->set->n, p, fill};
}

/*
 * Subnets of a trained supernet, for the tools that run or write them: the options that say which
 * supernet, and how the batch norms of each subnet are calibrated.
 */
#ifndef DS_SUBNETS_H
#define DS_SUBNETS_H

#include "cli.h"
#include "images/images.h"
#include "output.h"
#include "quantize/quantize.h"
#include "supernet/calibrate.h"

struct subnet_options {
    const char *supernet;         /* the checkpoint; NULL: none of these options */
    const char *calibrate;        /* images, or "none" */
    uint64_t images;              /* of them to calibrate with, at most */
    uint64_t batch;               /* of them at once */
    double bn_eps;                /* 0: as the family has it */
    const char *mean, *deviation; /* a number for each channel, separated by commas */
    double crop;                  /* 0: as images.h has it */
    double memory;                /* MB for pixels; 0: half of the machine's */
    bool skip_broken;
};

#define SUBNET_DEFAULTS ((struct subnet_options){.images = 2000, .batch = 32})

/* The options of every tool that has --supernet. */
/* clang-format off */
#define SUBNET_OPTIONS(o) \
    {"supernet", 0, CLI_TEXT, &(o).supernet, "FILE", \
     "weights of subnets of this trained supernet, as PyTorch saves it", 0}, \
    {"calibrate", 0, CLI_TEXT, &(o).calibrate, "DIR|none", \
     "--supernet: batch norm measured on these images, or the file's", 0}, \
    {"calibrate-images", 0, CLI_COUNT, &(o).images, "N", \
     "--calibrate: with N of them, of every class its share (2000)", 1, \
     CLI_MOST_RECORDS}, \
    {"calibrate-batch", 0, CLI_COUNT, &(o).batch, "N", "--calibrate: N at once (32)", 1, \
     CLI_MOST_BATCH}, \
    {"bn-eps", 0, CLI_NUMBER, &(o).bn_eps, "E", \
     "--supernet: what batch norm adds to variances (1e-5; ProxylessNAS 1e-3)", 1e-12}, \
    {"mean", 0, CLI_TEXT, &(o).mean, "M,...", \
     "of the channels, 0 to 1 (ImageNet's: 0.485,0.456,0.406)", 0}, \
    {"std", 0, CLI_TEXT, &(o).deviation, "S,...", \
     "their standard deviations (0.229,0.224,0.225)", 0}, \
    {"crop", 0, CLI_NUMBER, &(o).crop, "SHARE", \
     "of the shorter side that stays (0.875; IDX and CIFAR files: 1)", 0.01}, \
    {"memory", 0, CLI_NUMBER, &(o).memory, "MB", \
     "for the pixels of images (half of the machine's)", 0.001}, \
    {"skip-broken", 0, CLI_FLAG, &(o).skip_broken, NULL, \
     "leave out images that cannot be decoded", 0}
/* clang-format on */

/* --dtype, of the tools that run networks. */
/* clang-format off */
#define DTYPE_OPTION(dtype) \
    {"dtype", 0, CLI_TEXT, &(dtype), "FORMAT", "compute in f32 (default), bf16 or int8", 0}
/* clang-format on */

/* Its value, NULL: not given; dies of one that there is not. */
enum ds_dtype dtype_parse(const char *dtype);

/* Whether an option of a tool's --supernet was given without it: its name, or NULL. */
const char *subnet_stray(const struct subnet_options *options);

/* Images of one source, at the resolution and with the channels of a space's networks. */
struct picture_source;

/*
 * Opens a source, all of it where take is 0; dies where it cannot. `option` is what it was given
 * by, for messages.
 */
struct picture_source *pictures_open(const struct subnet_options *o, const char *option,
                                     const char *path, uint64_t take, uint64_t seed);
void pictures_free(struct picture_source *p);
size_t pictures_count(const struct picture_source *p);
int pictures_classes(const struct picture_source *p);
uint64_t pictures_key(const struct picture_source *p);
const char *pictures_name(const struct picture_source *p, size_t i);
size_t pictures_skipped(const struct picture_source *p);

/*
 * The images for networks of this resolution and number of channels, in the source's order or,
 * `shuffled`, in a random one that depends on their number alone; with their labels. Dies where
 * they cannot be had. Good until the next call.
 */
struct ds_image_source pictures_at(struct picture_source *p, int resolution, int channels,
                                   bool shuffled, const uint16_t **labels);

/* The supernet, an engine that takes images one at a time, and the subnet at hand. */
struct subnets {
    const struct subnet_options *o;
    struct ds_supernet *supernet;
    const struct ds_space *space; /* bound to */
    const struct ds_engine *engine;
    struct ds_session *session;
    struct picture_source *calibration; /* NULL: none */
    char calibrated[100]; /* for the records: "none", "2000 images in batches of 32" */
    struct ds_net net;
    struct ds_subnet subnet;
};

/* Opens all; dies where it cannot. `engine` NULL: the default. */
void subnets_open(struct subnets *s, const struct subnet_options *o, const char *engine,
                  int threads, uint64_t seed);
void subnets_close(struct subnets *s);

/*
 * Makes the supernet that of the space, unless it is; dies with `where` where they do not fit.
 */
void subnets_bind(struct subnets *s, const struct ds_space *space, const char *where);

/*
 * s->net becomes the network of an architecture of the bound space, with the weights of its subnet
 * given, batch norm calibrated and folded. -1 and the reason in `err`.
 */
int subnets_take(struct subnets *s, const uint8_t *choice, struct ds_error *err);

/*
 * The images to calibrate an architecture of the bound space with; none (n = 0) where batch norms
 * are the file's. Good until the next call.
 */
struct ds_image_source subnets_calibration(struct subnets *s, const uint8_t *choice);

/* A hash of all that decides the weights of a subnet, beside its architecture. */
uint64_t subnets_key(const struct subnets *s);

#endif

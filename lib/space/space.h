/*
 * A design space: ordered sites with finite choices, read from a JSON file (schemas/space.md).
 *
 * Sites stand in this order: resolution; the stem's and head's options; then for every unit its
 * depth, its width and one block site for each layer it may have. An architecture is one choice
 * at every site (arch.h).
 */
#ifndef DS_SPACE_SPACE_H
#define DS_SPACE_SPACE_H

#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DS_MAX_SITES 255   /* sites in a space */
#define DS_MAX_CHOICES 128 /* choices at a site */

enum ds_act { DS_ACT_NONE, DS_ACT_RELU, DS_ACT_RELU6, DS_ACT_HSWISH, DS_ACT_HSIGMOID };

enum ds_block_type {
    DS_BLOCK_MBCONV,     /* expand 1x1, depthwise kxk, [squeeze-excite], project 1x1 */
    DS_BLOCK_BOTTLENECK, /* reduce 1x1, kxk, expand 1x1 (ResNet) */
    DS_BLOCK_SKIP        /* identity; where the shape changes, a 1x1 convolution with the stride */
};

struct ds_block {
    char *name; /* "mbconv3_e6_k7" */
    enum ds_block_type type;
    double expand; /* mbconv: times input channels; bottleneck: times output channels */
    int kernel;
    int groups;         /* mbconv: of the 1x1 convolutions; else of the one convolution */
    bool expand_conv;   /* mbconv: the first 1x1 is there even where expand is 1 */
    bool shuffle;       /* mbconv: the groups' channels are shuffled after the first 1x1 */
    bool conv_shortcut; /* bottleneck: a strided 1x1, without average pool before it */
    bool project;     /* bottleneck: a unit's first has a convolution on its shortcut in any case */
    bool no_shortcut; /* mbconv: the input is not added, even where the shape stays */
    int se;           /* squeeze-excite: 1 yes, 0 no, -1 as the unit says */
    int act;          /* enum ds_act, or -1: as the unit says */
};

enum ds_site_kind {
    DS_SITE_RESOLUTION, /* value: pixels */
    DS_SITE_OPTION,     /* stem or head; value: channels, or repetitions */
    DS_SITE_DEPTH,      /* value: layers */
    DS_SITE_WIDTH,      /* value: channels */
    DS_SITE_BLOCK       /* value: index into space->block */
};

struct ds_site {
    enum ds_site_kind kind;
    char *name; /* "resolution", "stem1.repeat", "unit0.depth", "unit0.width", "unit0.layer2" */
    int unit;   /* -1 where none */
    int layer;  /* -1 where none */
    int nchoices;
    int *value;     /* [nchoices], what is chosen; distinct */
    uint64_t *hash; /* [nchoices], of "name=value": what ids are summed from */
};

struct ds_unit {
    int stride; /* of its first layer */
    enum ds_act act;
    bool se;
    int depth_site, width_site;
    int layer_site; /* the block site of layer 0; layer l is at layer_site + l */
    int max_depth;
    int supernet_depth;   /* of the space that this one was pruned from; 0: not said */
    double mutate_weight; /* probability that a search mutates this unit; 1 unless said */
};

enum ds_step_kind {
    DS_STEP_CONV,     /* convolution, batch norm, activation */
    DS_STEP_BLOCK,    /* one fixed block */
    DS_STEP_MAX_POOL, /* kernel, stride, padded by kernel/2 */
    DS_STEP_POOL,     /* global average */
    DS_STEP_LINEAR    /* fully connected, with bias */
};

/* One step of the stem or the head. */
struct ds_step {
    enum ds_step_kind kind;
    int block; /* DS_STEP_BLOCK: index into space->block */
    int kernel, stride;
    enum ds_act act;
    bool se;
    bool bn;         /* batch norm follows */
    bool bias;       /* DS_STEP_CONV: a bias of its own */
    bool residual;   /* x + step(x) */
    int width_site;  /* -1: `width` is fixed */
    int width;       /* channels; 0: as the input's */
    int repeat_site; /* -1: once */
};

struct ds_space {
    char *name;
    char *json; /* the whole space as compact JSON: what streams carry */
    int input_channels;
    int divisor; /* channel counts are rounded to multiples of it */
    int nsites;
    struct ds_site site[DS_MAX_SITES];
    int resolution_site; /* 0 */
    int nunits;
    struct ds_unit *unit;
    int nblocks;
    struct ds_block *block;
    int nstem, nhead;
    struct ds_step *stem, *head;
};

/*
 * Parses and validates the JSON text of a space. On failure returns NULL and names the offending
 * key in `err`, as in `units[2].stride: ...`. Free with ds_space_free.
 */
struct ds_space *ds_space_parse(const char *json, size_t length, struct ds_error *err);

/*
 * Loads a space by the name of a shipped one ("ofa-mbv3", found by ds_shipped_path) or from a file
 * (anything with a '/' or ending in ".json").
 */
struct ds_space *ds_space_load(const char *name, struct ds_error *err);

void ds_space_free(struct ds_space *space);

/*
 * The exact number of distinct architectures, as a decimal string to be freed. Inactive layers do
 * not count. NULL when out of memory.
 */
char *ds_space_size(const struct ds_space *space);

/* Number of the block so named, or -1. */
int ds_space_block(const struct ds_space *space, const char *name, size_t length);

/* Number of the site so named ("unit0.layer2"), or -1. */
int ds_space_site(const struct ds_space *space, const char *name, size_t length);

/* Which choice of the site has this value (see ds_site_kind), or -1. */
int ds_site_choice(const struct ds_site *site, int value);

/* Writes a choice as users see it ("224", "mbconv3_e6_k7") and returns what snprintf does. */
int ds_site_print(const struct ds_space *space, int site, int choice, char *out, size_t size);

/* "relu", "hswish", ...; "none" */
const char *ds_act_name(enum ds_act act);

#endif

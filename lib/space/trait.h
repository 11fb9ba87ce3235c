/*
 * The numbers that describe a choice at a site. Groups (ds-aggregate) and rules (rule.h) are about
 * them.
 */
#ifndef DS_SPACE_TRAIT_H
#define DS_SPACE_TRAIT_H

#include "space/space.h"

enum ds_trait {
    DS_TRAIT_UNIT,
    DS_TRAIT_LAYER,
    DS_TRAIT_KERNEL, /* of a block, as DS_TRAIT_EXPAND */
    DS_TRAIT_EXPAND,
    DS_TRAIT_DEPTH, /* of a depth site, and so on */
    DS_TRAIT_WIDTH,
    DS_TRAIT_RESOLUTION
};

/* What they are called, in that order: the beginning of a list of names. */
#define DS_TRAIT_NAMES "unit", "layer", "kernel", "expand", "depth", "width", "resolution"

/* Gives a trait of choice `choice` at `site`; false where it has none. */
bool ds_trait(const struct ds_space *space, int site, int choice, enum ds_trait trait, double *out);

#endif

#include "space/trait.h"

bool ds_trait(const struct ds_space *space, int site, int choice, enum ds_trait trait, double *out)
{
    const struct ds_site *s = &space->site[site];
    int value = s->value[choice];
    const struct ds_block *b = s->kind == DS_SITE_BLOCK ? &space->block[value] : NULL;
    bool has_shape = b && b->type != DS_BLOCK_SKIP;
    *out = value;
    switch (trait) {
    case DS_TRAIT_UNIT:
        *out = s->unit;
        return s->unit >= 0;
    case DS_TRAIT_LAYER:
        *out = s->layer;
        return s->layer >= 0;
    case DS_TRAIT_KERNEL:
        *out = has_shape ? b->kernel : 0;
        return has_shape;
    case DS_TRAIT_EXPAND:
        *out = has_shape ? b->expand : 0;
        return has_shape;
    case DS_TRAIT_DEPTH:
        return s->kind == DS_SITE_DEPTH;
    case DS_TRAIT_WIDTH:
        return s->kind == DS_SITE_WIDTH;
    case DS_TRAIT_RESOLUTION:
        return s->kind == DS_SITE_RESOLUTION;
    }
    return false;
}

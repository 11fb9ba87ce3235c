/*
 * An architecture: one choice index for every site of its space, a byte each. Layers at or past
 * their unit's depth are inactive and hold DS_INACTIVE, so equal architectures are equal bytes.
 */
#ifndef DS_SPACE_ARCH_H
#define DS_SPACE_ARCH_H

#include "base/random.h"
#include "space/space.h"

#define DS_INACTIVE 0xFF

/*
 * Checks choice[nsites] and marks inactive layers. Where an active site has no valid choice, -1
 * and the site's name in `err`.
 */
int ds_arch_canon(const struct ds_space *space, uint8_t *choice, struct ds_error *err);

/*
 * The id of a canonical architecture: a mixed sum of the hashes of "site=value" over its active
 * sites. It depends on no index, so a pruned space gives an architecture the id it had.
 */
uint64_t ds_arch_id(const struct ds_space *space, const uint8_t *choice);

/*
 * The architecture of full depth with, at every layer, its c-th block (or its last), at choice
 * `resolution` of the resolution; the first of widths and options. With c from 0 to nblocks - 1
 * these are all blocks at all layers.
 */
void ds_arch_deepest(const struct ds_space *space, int resolution, int c, uint8_t *choice);

/* Draws uniformly over each active site's choices into choice[nsites], canonical. */
void ds_arch_sample(const struct ds_space *space, struct ds_random *r, uint8_t *choice);

/*
 * Makes choice `c` at `site` in a canonical architecture. Where the site is a layer's block, the
 * unit is deepened to the least depth that holds the layer (to `layer` layers only when `paper`:
 * the published off-by-one, which leaves late layers inactive). Layers that deepening activates
 * are drawn uniformly; a draw depends on (seed, id of the base, site) alone, so that all else is
 * equal between the blocks tried at one place.
 */
void ds_arch_affix(const struct ds_space *space, uint8_t *choice, int site, int c, bool paper,
                   uint64_t seed);

/* The same architecture in another space; -1 and what is missing when that space lacks it. */
int ds_arch_translate(const struct ds_space *from, const uint8_t *choice, const struct ds_space *to,
                      uint8_t *out, struct ds_error *err);

/* Layers in unit u; width (channels) of unit u; resolution (pixels). */
int ds_arch_depth(const struct ds_space *space, const uint8_t *choice, int u);
int ds_arch_width(const struct ds_space *space, const uint8_t *choice, int u);
int ds_arch_resolution(const struct ds_space *space, const uint8_t *choice);

#endif

/*
 * How a search makes new architectures of those it has: the random mutation of Mills et al.,
 * "Profiling Neural Blocks and Design Spaces for Mobile NAS" (CIKM 2021), and crossover.
 */
#ifndef DS_SEARCH_MUTATE_H
#define DS_SEARCH_MUTATE_H

#include "space/arch.h"

/*
 * Changes a canonical architecture. Every unit is mutated with probability rate times its
 * mutate_weight, at least one being mutated: by one of these, drawn uniformly from those that are
 * possible there,
 *   - a layer more: a block drawn from the layer's, put in at any place, those behind moving up;
 *   - a layer less, anywhere, those behind moving down;
 *   - another block in one layer;
 *   - another width.
 * Where the space's depths leave gaps, layers come and go until the next depth is reached. Layers
 * move only to where their block is allowed. The options of stem and head together (one of them
 * changes) and the resolution are mutated as a unit of weight 1/2 would be.
 *
 * Returns -1 when nothing can be mutated: one choice at every site, or no weights.
 */
int ds_mutate(const struct ds_space *space, uint8_t *choice, double rate, struct ds_random *r);

/*
 * Uniform crossover: every unit as a whole (depth, width, blocks), every option and the resolution
 * come from `mate` with probability 1/2.
 */
void ds_cross(const struct ds_space *space, uint8_t *choice, const uint8_t *mate,
              struct ds_random *r);

#endif

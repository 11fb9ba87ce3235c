/* Random spaces of the same size as a pruned one: what a pruned space has to be better than. */
#ifndef DS_SPACE_LIKE_H
#define DS_SPACE_LIKE_H

#include "space/prune.h"

/*
 * Leaves at every site of `space` as many choices as `like` has there, drawn uniformly; `p` must be
 * a pruning of `space` of which nothing is dropped yet. `like` is a pruned `space`: a choice that
 * `space` lacks is an error. Layers of a unit that choose from the same blocks in both spaces do so
 * here, too; a layer that `like` lacks is drawn as the last that it has. The units' mutation
 * weights are those of `like`: they are settings of a search, not choices. The draw depends on
 * (seed, site) alone. -1 and what does not match in `err`.
 */
int ds_pruning_like(struct ds_pruning *p, const struct ds_space *space, const struct ds_space *like,
                    uint64_t seed, struct ds_error *err);

#endif

/* The least and the greatest costs that any architecture of a space has. */
#ifndef DS_NETWORK_COST_RANGE_H
#define DS_NETWORK_COST_RANGE_H

#include "network/cost.h"

/*
 * Exact, by dynamic programming over the shapes that each module may read. Each bound stands for
 * itself: the architecture with the fewest MACs need not be the one with the fewest parameters.
 * Every module is built with every shape that it may read, so 0 also says that every architecture
 * of the space can be built; -1, with the place and the choice in `err`, that some cannot.
 */
int ds_space_range(const struct ds_space *space, struct ds_cost *least, struct ds_cost *greatest,
                   struct ds_error *err);

#endif

/* A table of block latencies turned into the model of a device profile. */
#ifndef DS_PROFILE_TABLE_MODEL_H
#define DS_PROFILE_TABLE_MODEL_H

#include "formats/latency_table.h"
#include "space/arch.h"
#include <jansson.h>

/*
 * The `model` of a profile: for every resolution that the table has, each block at each place,
 * and the sum of stem and head. A block that the table lacks is an error that names it; a
 * resolution of which it has nothing is left out. `rest` tells whether stem and head are in the
 * table. Networks are sums of entries, so the model is exact for what the table says.
 */
json_t *ds_table_model(const struct ds_latency_table *table, const struct ds_space *space,
                       bool *rest, struct ds_error *err);

#endif

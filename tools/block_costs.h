/* What every block costs by itself, and the memory of the whole: ds-measure-cost --per-block. */
#ifndef DS_BLOCK_COSTS_H
#define DS_BLOCK_COSTS_H

#include "stream/record.h"

struct block_costs;

struct block_costs *block_costs_new(void);
void block_costs_free(struct block_costs *costs);

/*
 * Sets the metrics on a record of an architecture; they are good until the next call. -1 and the
 * reason in `err`.
 */
int block_costs_set(struct block_costs *costs, struct ds_record *rec, struct ds_error *err);

#endif

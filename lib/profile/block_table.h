/*
 * The tables of block latencies of a design space, as Once-for-All reads them (formats/
 * latency_keys.h): one for each resolution, filled from measured blocks or from a device profile. A
 * table knows a block by its shape, so layers of one shape share an entry.
 */
#ifndef DS_PROFILE_BLOCK_TABLE_H
#define DS_PROFILE_BLOCK_TABLE_H

#include "profile/profile.h"
#include "stream/record.h"
#include <stdio.h>

struct ds_block_table;

/*
 * Empty tables of a space, whose choices must be resolution, depths and blocks that these tables
 * can tell. NULL and the reason in `err`.
 */
struct ds_block_table *ds_block_table_new(const struct ds_space *space, struct ds_error *err);
void ds_block_table_free(struct ds_block_table *t);

/*
 * Adds what a record says of the blocks of its network, metrics as METRIC.unit0.layer0, in ms (its
 * space may be another, as one that was cut from ours): 1; 0 where it could not be measured, or our
 * space lacks its resolution; -1.
 */
int ds_block_table_add(struct ds_block_table *t, const struct ds_record *rec, const char *metric,
                       struct ds_error *err);

/*
 * Fills the tables from a profile that is a sum of blocks (ds_profile_check_sum), bound to our
 * space. A resolution that the profile lacks stays empty.
 *
 * A table whose layers of one shape agree is written as it stands, and stem and head, of which a
 * profile knows only the sum, share it by their work: multiply-accumulates, and elements read. In a
 * fitted profile those layers differ, and what is in every network cannot be told apart: an entry
 * is then the mean over its layers, each by how often it is there; a layer that is always there is
 * taken to cost as much as those of its shape that are not, or shares the rest by its work. The
 * mean over architectures stays what the profile says.
 */
int ds_block_table_fill(struct ds_block_table *t, const struct ds_profile *p, struct ds_error *err);

/* Whether the table of a choice of resolution has anything. */
bool ds_block_table_has(const struct ds_block_table *t, int resolution);

/* -1 and the name of an entry in `err` where a table has something, but not all. */
int ds_block_table_check(const struct ds_block_table *t, struct ds_error *err);

/* The sum of an architecture's entries, ms. */
int ds_block_table_value(struct ds_block_table *t, const uint8_t *choice, double *ms,
                         struct ds_error *err);

/* Writes one table as YAML: mean, and of measured blocks their number and standard deviation. */
void ds_block_table_write(const struct ds_block_table *t, int resolution, FILE *out);

#endif

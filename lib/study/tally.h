/*
 * The statistics of many groups of values, in memory that does not grow with their number. Internal
 * to the room.
 *
 * Sums are exact; so are quantiles and the sums of bases as long as all of them fit, `keep` bins
 * (histogram.h) and a quarter as many bases (clusters.h), counted over all tallies. Then all
 * histograms become coarser together, and bases are dealt into random groups, as far as is needed.
 * What comes out depends on the values and on `keep`, not on their order, nor on how they were
 * added up of parts.
 */
#ifndef DS_STUDY_TALLY_H
#define DS_STUDY_TALLY_H

#include "base/error.h"
#include "base/exact_sum.h"
#include "base/histogram.h"
#include "study/clusters.h"

/* Of one metric in one group. */
struct ds_tally {
    uint64_t n;
    uint64_t noisy; /* of them, values whose noise is known */
    struct ds_exact_sum sum, squares;
    struct ds_histogram values;
    struct ds_clusters bases;
};

struct ds_tallies {
    uint64_t keep;
    struct ds_tally **at; /* [n]: each on its own, so that it stays where it is */
    size_t n, room;
    uint64_t bins, bases; /* that there is room for, in all of them */
    uint64_t most_bins, most_bases;
    int shift, bits; /* of all histograms, and clusters */
};

/* Of values that are added to many tallies, prepared once. */
struct ds_tally_value {
    double x;
    struct ds_exact_term term, square;
    struct ds_fixed fixed;
    bool has_noise;
};

/* Prepares a value of a metric and its noise (NaN: not known). -1 where it is too large. */
int ds_tally_value(double x, double noise, struct ds_tally_value *out, struct ds_error *err);

void ds_tallies_begin(struct ds_tallies *all, uint64_t keep);

/* A new tally, which `all` owns. NULL when out of memory. */
struct ds_tally *ds_tallies_new(struct ds_tallies *all, struct ds_error *err);

/* Adds a value of a base (its ds_cluster_key) so many times. */
int ds_tally_add(struct ds_tallies *all, struct ds_tally *t, uint64_t base,
                 const struct ds_tally_value *value, uint64_t times, struct ds_error *err);

/* When all are added: puts everything in its last order. */
int ds_tallies_finish(struct ds_tallies *all, struct ds_error *err);

/* A tally as bytes, after ds_tallies_finish, and adding such to a tally. -1: damaged, or memory. */
int ds_tally_pack(struct ds_tally *t, struct ds_bytes *out, struct ds_error *err);
int ds_tally_join(struct ds_tallies *all, struct ds_tally *t, struct ds_bytes_in *in,
                  struct ds_error *err);

void ds_tallies_free(struct ds_tallies *all);

#endif

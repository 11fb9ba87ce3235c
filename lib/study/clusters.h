/*
 * Sums of the values of each base ("cluster"), from which comes the error of a mean: records of one
 * base are not independent. Internal to the room.
 *
 * At first every base has a sum of its own. When there are too many, bases are dealt by a hash of
 * their id into 2^bits random groups, and those are the clusters: the variance is estimated as
 * rightly, with 2^bits - 1 degrees of freedom (random groups: Wolter, "Introduction to Variance
 * Estimation", 2007, chapter 2); the interval's width is then itself random by sqrt(1 /
 * 2^(bits+1)), 1.1% for 12 bits. How many bases there are is estimated as HyperLogLog does, to 1.04
 * / 2^(bits/2) (Flajolet et al. 2007; the estimator is Ertl's of 2017, arXiv 1702.01284).
 *
 * All of it depends on what was added and on `bits`, not on order or parts: sums are in fixed
 * point, multiples of 2^-64, 5e-20 of a metric's unit.
 */
#ifndef DS_STUDY_CLUSTERS_H
#define DS_STUDY_CLUSTERS_H

#include "base/bytes.h"
#include <stddef.h>
#include <stdint.h>

#define DS_CLUSTERS_MOST_BITS 14
#define DS_CLUSTERS_LEAST_BITS 5

/* Zero-initialise; free with ds_clusters_free. */
struct ds_clusters {
    struct ds_cluster {
        uint64_t key;       /* the hash of the id; of random groups, HyperLogLog's rank */
        uint64_t low, high; /* the sum, 128 bits */
        int64_t noise;      /* sum of noises, multiples of 2^-32; each base with a random sign */
        uint64_t n;         /* values */
    } * at;
    size_t tidy;    /* clusters in order of their keys, one for each */
    size_t n, room; /* and all, with those that were just added */
    int bits;       /* 0: one for each base */
};

/* A value and its noise, in fixed point. */
struct ds_fixed {
    __int128 x;
    int64_t noise;
};

/* -1 where x is too large: 2^40 and more. */
int ds_fixed(double x, double noise, struct ds_fixed *out);

/* The key of a base: a hash that tells all ids apart. */
uint64_t ds_cluster_key(uint64_t id);

/* Adds a value of a base so many times. -1 when out of memory; -2 when a sum is too large. */
int ds_clusters_add(struct ds_clusters *c, uint64_t key, const struct ds_fixed *value,
                    uint64_t times);

/* Tells the processor that a value of this base comes soon: random groups are all over the memory.
 */
void ds_clusters_expect(const struct ds_clusters *c, uint64_t key);

/* Adds all of another; the lesser bits hold. As ds_clusters_add. */
int ds_clusters_join(struct ds_clusters *c, struct ds_clusters *other);

/* Puts clusters in order, one for each base: c->n is then their number. As ds_clusters_add. */
int ds_clusters_tidy(struct ds_clusters *c);

/* Gives room back that tidy clusters do not need. */
void ds_clusters_trim(struct ds_clusters *c);

/* Goes to 2^bits random groups, from more of them or from tidy bases. As ds_clusters_add. */
int ds_clusters_deal(struct ds_clusters *c, int bits);

/* What they say of a mean. Tidy. */
struct ds_cluster_error {
    double bases;    /* how many; an estimate with random groups */
    double clusters; /* how many hold anything */
    double squares;  /* sum over clusters of (sum of deviations from the mean)^2 */
    double noise;    /* and of (sum of noises)^2 */
};
struct ds_cluster_error ds_clusters_error(const struct ds_clusters *c, double mean);

/*
 * The same of the difference between the mean of `c` and the mean of `all`, which has the clusters
 * of `c` and of others joined: squares of what each cluster adds to the difference. The mean of all
 * goes to *of_all. Tidy.
 */
struct ds_cluster_error ds_clusters_difference(const struct ds_clusters *c, double mean,
                                               const struct ds_clusters *all, double *of_all);

/* As bytes, the same for the same values and bits, and back. Tidy. */
void ds_clusters_pack(const struct ds_clusters *c, struct ds_bytes *out);
int ds_clusters_unpack(struct ds_clusters *c, struct ds_bytes_in *in);

void ds_clusters_free(struct ds_clusters *c);

#endif

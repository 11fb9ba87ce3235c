/*
 * The distribution of many doubles in little memory: quantiles with a stated error.
 *
 * Bins are runs of neighbouring doubles, 2^shift of them in each. At first the shift is 0, a bin
 * holds one double, and all is exact, however often a value comes. To need fewer bins, their owner
 * raises the shift, which joins neighbours two by two. What a histogram holds depends on the values
 * and the shift alone: neither on their order nor on how they were added up of parts.
 *
 * Error: a value in a bin is taken for the middle of the bin, which is off by at most
 * 2^(shift - 53) of the value (while shift <= 52, below which subnormal numbers are no better than
 * their bin). That holds for any quantile; least and greatest are exact.
 */
#ifndef DS_BASE_HISTOGRAM_H
#define DS_BASE_HISTOGRAM_H

#include "base/bytes.h"
#include <stddef.h>
#include <stdint.h>

#define DS_HISTOGRAM_MOST_SHIFT 52 /* a bin for each power of two */

/* Zero-initialise; free with ds_histogram_free. */
struct ds_histogram {
    struct ds_bin {
        uint64_t key; /* the double's place among all doubles, without its `shift` lowest bits */
        uint64_t n;
    } * bin;
    size_t tidy;    /* bins in order, one for each key */
    size_t n, room; /* and all, with those that were just added */
    int shift;
    double min, max;
};

/* Adds a finite value so many times. -1 when out of memory. */
int ds_histogram_add(struct ds_histogram *h, double x, uint64_t times);

/* Adds all of another; the greater shift of the two holds. -1 when out of memory. */
int ds_histogram_join(struct ds_histogram *h, struct ds_histogram *other);

/* Puts the bins in order: h->n is then their number. -1 when out of memory. */
int ds_histogram_tidy(struct ds_histogram *h);

/* Gives room back that tidy bins do not need. */
void ds_histogram_trim(struct ds_histogram *h);

/* Raises the shift of a tidy histogram. */
void ds_histogram_coarsen(struct ds_histogram *h, int shift);

/* Quantile p in [0, 1] of a tidy histogram that is not empty, as ds_quantile has it. */
double ds_histogram_quantile(const struct ds_histogram *h, double p);

/* The bound of the error of a value, as a share of it. */
double ds_histogram_error(int shift);

/* As bytes, the same for the same values and shift, and back. Tidy. */
void ds_histogram_pack(const struct ds_histogram *h, struct ds_bytes *out);
int ds_histogram_unpack(struct ds_histogram *h, struct ds_bytes_in *in);

void ds_histogram_free(struct ds_histogram *h);

#endif

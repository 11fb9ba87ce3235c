/*
 * Latencies of other sessions and hosts on one scale, that of the first session, by what the
 * reference networks took in each. What slows networks down does not slow all alike: often small
 * ones suffer more than large ones, or less, about in proportion to the logarithm of their time (on
 * a shared machine that was most of what repeats differed by, what is common taken out). So the
 * line through the references is brought to that of the first: log v' = log R + (log v - log r) S /
 * s, where r and R are the geometric means of all references (`ref`), s and S are the differences
 * of the logarithms of the last and the first (`ref_last`, `ref_first`), small letters here,
 * capitals in the first session.
 */
#ifndef DS_MEASURE_RELATIVE_H
#define DS_MEASURE_RELATIVE_H

#include "stream/record.h"

enum { DS_MOST_RELATIVE = 16 };

/* Zero-initialise; free with ds_relative_free. */
struct ds_relative {
    char *space; /* in JSON: of its networks the references are */
    int n;
    struct ds_relative_scale {
        char *metric, *device;                 /* the first's device: "relative to NAME" */
        double ref, ref_first, ref_last, refs; /* the first's, and how many networks */
    } scale[DS_MOST_RELATIVE];
};

/*
 * Brings all latencies of a record to the scale of the first record that had them, with their
 * spread and their blocks. -1 and why: a latency has no `ref`, or its references are others.
 */
int ds_relative_apply(struct ds_relative *relative, struct ds_record *rec, struct ds_error *err);

void ds_relative_free(struct ds_relative *relative);

#endif

/*
 * Latencies of other sessions and hosts on one scale: each is divided by what the reference
 * networks took in its own session (`ref`), times what they took in the first. It is then what the
 * first would have measured, as far as what slows one network down slows down all alike.
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
        char *metric, *device; /* the first's device: "relative to NAME" */
        double ref, refs;      /* the first's, and how many networks */
    } scale[DS_MOST_RELATIVE];
};

/*
 * Brings all latencies of a record to the scale of the first record that had them, with their
 * spread and their blocks. -1 and why: a latency has no `ref`, or its references are others.
 */
int ds_relative_apply(struct ds_relative *relative, struct ds_record *rec, struct ds_error *err);

void ds_relative_free(struct ds_relative *relative);

#endif

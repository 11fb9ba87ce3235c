/* What a record says of a measured latency: its value, its spread, and how it was got. */
#ifndef DS_MEASURE_LATENCY_H
#define DS_MEASURE_LATENCY_H

#include "measure/rounds.h"
#include "stream/record.h"

/* How a latency was got. Texts may be NULL and are then left out. */
struct ds_conditions {
    const char *engine, *device, *driver; /* names with versions */
    const char *precision;                /* of the arithmetic, "fp32" */
    const char *isa;                      /* the engine's instruction set */
    const char *scales;                   /* of int8: the images that told ranges */
    double logits_error;                  /* against f32; NaN: it is f32 */
    const char *weights;                  /* whose they are; NULL: random ones */
    const char *pin;                      /* processors that the tool was bound to */
    int warmup, batch, threads;           /* threads 0: not known */
    double drift;                         /* of the reference networks; NaN: not known */
    const double *reference;              /* [DS_REFERENCES]: their latencies, ms; or NaN */
    double sustained;                     /* seconds of load before; 0: none */
    bool settles, settled;                /* whether the device was waited for, and with success */
};

/*
 * Sets a latency of so many runs with their spread, for more details to be added. `name` must
 * outlive the record. NULL when out of memory.
 */
struct ds_metric *ds_latency_set(struct ds_record *rec, const char *name,
                                 const struct ds_latency *l, size_t runs);

/* Adds to it how it was got. -1 when out of memory. */
int ds_latency_describe(struct ds_record *rec, struct ds_metric *metric, struct ds_timing *t,
                        const struct ds_conditions *c);

#endif

/*
 * Live measuring, alike for every engine: records are taken in windows, each architecture of a
 * window is loaded once and measured together with the others (measure.h), and the records are
 * written in their order with the metric and how it was got.
 */
#ifndef DS_METER_H
#define DS_METER_H

#include "cli.h"
#include "engine.h"
#include "measure.h"

struct meter_options {
    const char *metric; /* "latency.cpu" */
    const char *device; /* its name, for the records */
    const char *pin;    /* processors the tool was bound to; NULL: none */
    const struct ds_engine *engine;
    struct ds_engine_options setup;
    struct ds_measure_options measure;
    int window; /* records measured together */
};

/*
 * Sets a latency with the spread of its runs, for more details to be added; sorts the runs. NULL
 * when out of memory.
 */
struct ds_metric *meter_set(struct ds_record *rec, const char *metric, struct ds_timing *t);

/* Measures the stream of the operands and writes it to the output; returns the exit status. */
int meter_run(struct cli *cli, const struct meter_options *options);

#endif

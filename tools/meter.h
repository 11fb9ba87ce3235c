/* Live measuring, alike for every engine (measure/window.h): its options, progress, warnings. */
#ifndef DS_METER_H
#define DS_METER_H

#include "measure/window.h"
#include "output.h"

/* The options of live measuring as they were given. */
struct meter_choice {
    uint64_t batch, max_runs, warmup, burst, window;
    double precision; /* percent */
    double sustained; /* seconds */
    bool per_block;
};

#define METER_DEFAULTS                                                                             \
    ((struct meter_choice){                                                                        \
        .batch = 1, .max_runs = 50, .warmup = 1, .burst = 1, .window = 128, .precision = 1})

/* The options of every tool that measures live. */
/* clang-format off */
#define METER_OPTIONS(c) \
    {"batch", 'b', CLI_COUNT, &(c).batch, "N", "images at once (1)", 1, CLI_MOST_BATCH}, \
    {"precision", 'p', CLI_NUMBER, &(c).precision, "P", \
     "run until the 95% interval is narrower than P percent (1)", 0.001}, \
    {"max-runs", 'm', CLI_COUNT, &(c).max_runs, "N", "but at most N timed runs (50)", 1, \
     1000000}, \
    {"warmup", 'w', CLI_COUNT, &(c).warmup, "N", "untimed runs at each visit (1)", 1, 1000}, \
    {"burst", 0, CLI_COUNT, &(c).burst, "N", "timed runs at each visit (1)", 1, 1000}, \
    {"window", 0, CLI_COUNT, &(c).window, "N", \
     "records measured together, in shuffled rounds (128)", 1, 100000}, \
    {"sustained", 0, CLI_NUMBER, &(c).sustained, "S", \
     "measure each window after S seconds of load (0)", 0}, \
    {"per-block", 0, CLI_FLAG, &(c).per_block, NULL, "a latency for every block too", 0}
/* clang-format on */

/* Of what was given, an option that has no meaning unless measured live; NULL: none. */
const char *meter_stray(const struct meter_choice *choice);

/* Sets the options that were chosen. */
void meter_choose(struct ds_window_options *options, const struct meter_choice *choice,
                  uint64_t seed);

/* Measures the stream of the operands and writes it to the output; returns the exit status. */
int meter_run(struct cli *cli, const struct ds_window_options *options);

#endif

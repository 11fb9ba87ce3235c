/* Metrics that are not measured live but computed: from a device profile, by a cost model. */
#ifndef DS_ESTIMATE_H
#define DS_ESTIMATE_H

#include "output.h"

/*
 * Adds the metric of a profile, or its value as another metric unless `as` is NULL, to the stream
 * of the operands; dies where the profile is not of `class`. Returns the exit status.
 */
int estimate_by_profile(struct cli *cli, const char *profile, const char *class, const char *as);

/*
 * Adds a metric by a predictor read from PyTorch's file; dies where the predictor is not of `class`
 * ("acc", "cpu", "gpu" or "npu"). Returns the exit status.
 */
int estimate_by_predictor(struct cli *cli, const char *path, const char *class, const char *metric);

#define PREDICTOR_OPTION(path)                                                                     \
    {                                                                                              \
        "predictor", 0, CLI_TEXT, &(path), "FILE",                                                 \
            "by a published predictor, a file of PyTorch (.pt, .pth)", 0                           \
    }

/* Adds a latency by the cost model of NPUs and the device `npu`. Returns the exit status. */
int estimate_by_npu(struct cli *cli, const char *npu, const char *metric);

/* The name under which a latency goes into the stream, --as. */
#define AS_OPTION(as)                                                                              \
    {                                                                                              \
        "as", 0, CLI_TEXT, &(as), "latency.NAME", "the metric's name, to tell devices apart", 0    \
    }

/* `metric`, or the latency's other name unless `as` is NULL; dies where that is none. */
const char *latency_as(const char *metric, const char *as);

#endif

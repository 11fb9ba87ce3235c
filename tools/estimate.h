/* Metrics that are not measured live but computed: from a device profile, by a cost model. */
#ifndef DS_ESTIMATE_H
#define DS_ESTIMATE_H

#include "output.h"

/*
 * Adds the metric of a profile to the stream of the operands; dies where the profile is not of
 * `class`. Returns the exit status.
 */
int estimate_by_profile(struct cli *cli, const char *profile, const char *class);

/*
 * Adds a metric ("top1", "latency.cpu", ...) by a predictor read from PyTorch's file; dies where
 * the predictor is of another. Returns the exit status.
 */
int estimate_by_predictor(struct cli *cli, const char *path, const char *metric);

#define PREDICTOR_OPTION(path)                                                                     \
    {                                                                                              \
        "predictor", 0, CLI_TEXT, &(path), "FILE",                                                 \
            "by a published predictor, a file of PyTorch (.pt, .pth)", 0                           \
    }

/* Adds latency.npu by the cost model of NPUs and the device `npu`. Returns the exit status. */
int estimate_by_npu(struct cli *cli, const char *npu);

#endif

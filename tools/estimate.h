/* Metrics that are not measured live but computed: from a device profile, by a cost model. */
#ifndef DS_ESTIMATE_H
#define DS_ESTIMATE_H

#include "output.h"

/*
 * Adds the metric of a profile to the stream of the operands; dies where the profile is not of
 * `class`. Returns the exit status.
 */
int estimate_by_profile(struct cli *cli, const char *profile, const char *class);

/* Adds latency.npu by the cost model of NPUs and the device `npu`. Returns the exit status. */
int estimate_by_npu(struct cli *cli, const char *npu);

#endif

/* Limits on what an architecture costs, counted without a device. */
#ifndef DS_NETWORK_LIMIT_H
#define DS_NETWORK_LIMIT_H

#include "network/cost.h"

struct ds_limit {
    const char *metric; /* "macs", "params" or "peakmem" */
    double value;       /* as records have it: in millions */
    bool is_max;        /* at most `value`; else at least */
};

/* Whether a metric can be counted, so that there can be a limit on it. */
bool ds_limit_counts(const char *metric);

/* Whether a canonical architecture keeps all n limits: 1, 0, or -1 and why it cannot be counted. */
int ds_limits_hold(struct ds_coster *coster, const struct ds_limit *limit, int n,
                   const uint8_t *choice, struct ds_error *err);

#endif

#include "network/limit.h"

bool ds_limit_counts(const char *metric)
{
    double value;
    return ds_cost_metric(&(struct ds_cost){0}, metric, &value) == 0;
}

int ds_limits_hold(struct ds_coster *coster, const struct ds_limit *limit, int n,
                   const uint8_t *choice, struct ds_error *err)
{
    struct ds_cost cost;
    if (n == 0)
        return 1;
    if (ds_coster_cost(coster, choice, &cost, err))
        return -1;
    for (int i = 0; i < n; i++) {
        double value;
        if (ds_cost_metric(&cost, limit[i].metric, &value))
            return ds_fail(err, "%s cannot be counted", limit[i].metric);
        if (limit[i].is_max ? value > limit[i].value : value < limit[i].value)
            return 0;
    }
    return 1;
}

/* Limits on what an architecture costs: --max METRIC=V, --min METRIC=V. */
#ifndef DS_LIMIT_H
#define DS_LIMIT_H

#include "network/cost.h"
#include "output.h"

struct limit {
    int metric;
    bool is_max;
    double value;
};

struct limits {
    int n;
    struct limit *limit;
    struct ds_coster *coster; /* NULL without limits */
};

/* Parses the options' arguments; dies on a metric that cannot be counted. */
void limits_begin(struct limits *l, const struct ds_space *space, const struct cli_list *max,
                  const struct cli_list *min);

/* Whether a canonical architecture keeps them all. */
bool limits_hold(struct limits *l, const uint8_t *choice);

void limits_end(struct limits *l);

#endif

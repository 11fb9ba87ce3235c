/* The options --max METRIC=V and --min METRIC=V on what an architecture costs. */
#ifndef DS_TOOL_LIMIT_H
#define DS_TOOL_LIMIT_H

#include "network/limit.h"
#include "output.h"

struct limits {
    int n;
    struct ds_limit *limit;
    struct ds_coster *coster; /* NULL without limits */
};

/* Parses the options' arguments; dies on a metric that cannot be counted. */
void limits_begin(struct limits *l, const struct ds_space *space, const struct cli_list *max,
                  const struct cli_list *min);

/* Whether a canonical architecture keeps them all. */
bool limits_hold(struct limits *l, const uint8_t *choice);

void limits_end(struct limits *l);

#endif

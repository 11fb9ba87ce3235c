#include "limit.h"

#include "memory.h"
#include "metric_value.h"
#include <stdlib.h>
#include <string.h>

static void add(struct limits *l, const char *option, const char *text, bool is_max)
{
    struct ds_limit *limit = &l->limit[l->n++];
    limit->metric = cli_metric_value(option, text, strlen(text), &limit->value);
    limit->is_max = is_max;
    if (!ds_limit_counts(limit->metric))
        cli_die(CLI_USAGE,
                "%s: '%s' cannot be counted while sampling; macs, params and peakmem can", option,
                limit->metric);
}

void limits_begin(struct limits *l, const struct ds_space *space, const struct cli_list *max,
                  const struct cli_list *min)
{
    *l = (struct limits){0};
    if (max->n + min->n == 0)
        return;
    l->limit = cli_alloc((size_t)(max->n + min->n), sizeof *l->limit);
    l->coster = cli_must(ds_coster_new(space));
    for (int i = 0; i < max->n; i++)
        add(l, "--max", max->value[i], true);
    for (int i = 0; i < min->n; i++)
        add(l, "--min", min->value[i], false);
}

bool limits_hold(struct limits *l, const uint8_t *choice)
{
    struct ds_error err;
    int holds = ds_limits_hold(l->coster, l->limit, l->n, choice, &err);
    if (holds < 0)
        cli_die(CLI_FAILED, "%s", err.text);
    return holds;
}

void limits_end(struct limits *l)
{
    for (int i = 0; i < l->n; i++)
        free((char *)l->limit[i].metric);
    free(l->limit);
    ds_coster_free(l->coster);
}

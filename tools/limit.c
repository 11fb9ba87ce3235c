#include "limit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const metrics[] = {"macs", "params", "peakmem"};

static struct limit parse_limit(const char *option, const char *text, bool is_max)
{
    const char *equals = strchr(text, '=');
    if (!equals)
        cli_die(CLI_USAGE, "%s: '%s' is not METRIC=V", option, text);
    for (int m = 0; m < 3; m++)
        if (strlen(metrics[m]) == (size_t)(equals - text) &&
            strncmp(metrics[m], text, (size_t)(equals - text)) == 0)
            return (struct limit){m, is_max, cli_number(option, equals + 1)};
    cli_die(CLI_USAGE, "%s: '%.*s' cannot be counted while sampling; macs, params and peakmem can",
            option, (int)(equals - text), text);
}

void limits_begin(struct limits *l, const struct ds_space *space, const struct cli_list *max,
                  const struct cli_list *min)
{
    *l = (struct limits){0};
    if (max->n + min->n == 0)
        return;
    l->limit = calloc((size_t)(max->n + min->n), sizeof *l->limit);
    l->coster = ds_coster_new(space);
    if (!l->limit || !l->coster)
        cli_die(CLI_FAILED, "out of memory");
    for (int i = 0; i < max->n; i++)
        l->limit[l->n++] = parse_limit("--max", max->value[i], true);
    for (int i = 0; i < min->n; i++)
        l->limit[l->n++] = parse_limit("--min", min->value[i], false);
}

bool limits_hold(struct limits *l, const uint8_t *choice)
{
    struct ds_cost cost;
    struct ds_error err;
    if (!l->n)
        return true;
    if (ds_coster_cost(l->coster, choice, &cost, &err))
        cli_die(CLI_FAILED, "%s", err.text);
    for (int i = 0; i < l->n; i++) {
        const struct limit *x = &l->limit[i];
        uint64_t count = x->metric == 0 ? cost.macs : x->metric == 1 ? cost.params : cost.peak;
        double value = (double)count / 1e6;
        if (x->is_max ? value > x->value : value < x->value)
            return false;
    }
    return true;
}

void limits_end(struct limits *l)
{
    free(l->limit);
    ds_coster_free(l->coster);
}

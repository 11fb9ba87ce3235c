#include "objective.h"

#include "base/grow.h"
#include "memory.h"
#include "metric_value.h"
#include <stdlib.h>
#include <string.h>

static void add(struct ds_objectives *o, const char *option, const char *text, bool more,
                bool with_value)
{
    double tolerance = 0;
    char *name;
    if (with_value && strchr(text, '='))
        name = cli_metric_value(option, text, strlen(text), &tolerance);
    else
        name = cli_must(ds_copy_string(text, NULL));
    if (!*name || strchr(name, '='))
        cli_die(CLI_USAGE, "%s: '%s' is not the name of a metric", option, text);
    if (tolerance < 0)
        cli_die(CLI_USAGE, "%s: %s: a tolerance is 0 or more", option, text);
    for (int i = 0; i < o->n; i++)
        if (strcmp(o->at[i].name, name) == 0)
            cli_die(CLI_USAGE, "%s: %s is there twice", option, name);
    if (o->n == DS_MOST_OBJECTIVES)
        cli_die(CLI_USAGE, "more than %d metrics to choose by", DS_MOST_OBJECTIVES);
    o->at[o->n++] = (struct ds_objective){.name = name, .more = more, .tolerance = tolerance};
}

void objectives_parse(struct ds_objectives *o, const struct cli_list *better,
                      const struct cli_list *worse, bool with_value)
{
    *o = (struct ds_objectives){0};
    for (int i = 0; i < better->n; i++)
        add(o, "--better", better->value[i], true, with_value);
    for (int i = 0; i < worse->n; i++)
        add(o, "--worse", worse->value[i], false, with_value);
    if (o->n == 0)
        cli_die(CLI_USAGE, "wants metrics to choose by: --better METRIC, the more the better; "
                           "--worse METRIC, the more the worse");
}

void objectives_bounds(struct ds_objectives *o, const struct cli_list *max,
                       const struct cli_list *min)
{
    if (max->n + min->n == 0)
        return;
    o->bound = cli_alloc((size_t)(max->n + min->n), sizeof *o->bound);
    for (int i = 0; i < max->n + min->n; i++) {
        struct ds_bound *b = &o->bound[o->nbounds++];
        b->is_max = i < max->n;
        const char *text = b->is_max ? max->value[i] : min->value[i - max->n];
        b->name = cli_metric_value(b->is_max ? "--max" : "--min", text, strlen(text), &b->value);
    }
}

void objectives_point(const struct ds_objectives *o, const char *option, const char *text,
                      double *x)
{
    bool given[DS_MOST_OBJECTIVES] = {false};
    for (const char *at = text; at;) {
        size_t n = strcspn(at, ",");
        double value;
        char *name = cli_metric_value(option, at, n, &value);
        int k = 0;
        while (k < o->n && strcmp(o->at[k].name, name))
            k++;
        if (k == o->n)
            cli_die(CLI_USAGE, "%s: %s is none of the metrics to choose by", option, name);
        free(name);
        x[k] = ds_objective_turn(o, k, value);
        given[k] = true;
        at = at[n] ? at + n + 1 : NULL;
    }
    for (int k = 0; k < o->n; k++)
        if (!given[k])
            cli_die(CLI_USAGE, "%s: no value for %s", option, o->at[k].name);
}

#include "objective.h"

#include "metric_value.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void add(struct objectives *o, const char *option, const char *text, bool more,
                bool with_value)
{
    double by = 0;
    char *name;
    if (with_value && strchr(text, '='))
        name = cli_metric_value(option, text, strlen(text), &by);
    else
        name = strdup(text);
    if (!name)
        cli_die(CLI_FAILED, "out of memory");
    if (!*name || strchr(name, '='))
        cli_die(CLI_USAGE, "%s: '%s' is not the name of a metric", option, text);
    if (by < 0)
        cli_die(CLI_USAGE, "%s: %s: a tolerance is 0 or more", option, text);
    for (int i = 0; i < o->n; i++)
        if (strcmp(o->at[i].name, name) == 0)
            cli_die(CLI_USAGE, "%s: %s is there twice", option, name);
    if (o->n == MOST_OBJECTIVES)
        cli_die(CLI_USAGE, "more than %d metrics to choose by", MOST_OBJECTIVES);
    o->at[o->n++] = (struct objective){.name = name, .more = more, .by = by};
}

void objectives_parse(struct objectives *o, const struct cli_list *better,
                      const struct cli_list *worse, bool with_value)
{
    *o = (struct objectives){0};
    for (int i = 0; i < better->n; i++)
        add(o, "--better", better->value[i], true, with_value);
    for (int i = 0; i < worse->n; i++)
        add(o, "--worse", worse->value[i], false, with_value);
    if (o->n == 0)
        cli_die(CLI_USAGE, "wants metrics to choose by: --better METRIC, the more the better; "
                           "--worse METRIC, the more the worse");
}

void objectives_bounds(struct objectives *o, const struct cli_list *max, const struct cli_list *min)
{
    if (max->n + min->n == 0)
        return;
    o->bound = calloc((size_t)(max->n + min->n), sizeof *o->bound);
    if (!o->bound)
        cli_die(CLI_FAILED, "out of memory");
    for (int i = 0; i < max->n + min->n; i++) {
        struct bound *b = &o->bound[o->nbounds++];
        b->is_max = i < max->n;
        const char *text = b->is_max ? max->value[i] : min->value[i - max->n];
        b->name = cli_metric_value(b->is_max ? "--max" : "--min", text, strlen(text), &b->value);
    }
}

void objectives_point(const struct objectives *o, const char *option, const char *text, double *x)
{
    bool given[MOST_OBJECTIVES] = {false};
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
        x[k] = o->at[k].more ? -value : value;
        given[k] = true;
        at = at[n] ? at + n + 1 : NULL;
    }
    for (int k = 0; k < o->n; k++)
        if (!given[k])
            cli_die(CLI_USAGE, "%s: no value for %s", option, o->at[k].name);
}

int objectives_read(const struct objectives *o, const struct ds_record *rec, double *x,
                    struct ds_error *err)
{
    for (int k = 0; k < o->n; k++) {
        int known = ds_record_value(rec, o->at[k].name, &x[k], err);
        if (known <= 0)
            return known;
        x[k] = o->at[k].more ? -x[k] : x[k];
    }
    return 1;
}

int objectives_excess(const struct objectives *o, const struct ds_record *rec, double *excess,
                      struct ds_error *err)
{
    *excess = 0;
    for (int i = 0; i < o->nbounds; i++) {
        const struct bound *b = &o->bound[i];
        double value;
        int known = ds_record_value(rec, b->name, &value, err);
        if (known <= 0)
            return known;
        double over = b->is_max ? value - b->value : b->value - value;
        if (over > 0)
            *excess += over / (b->value != 0 ? fabs(b->value) : 1);
    }
    return 1;
}

void objectives_free(struct objectives *o)
{
    for (int i = 0; i < o->n; i++)
        free((char *)o->at[i].name);
    for (int i = 0; i < o->nbounds; i++)
        free((char *)o->bound[i].name);
    free(o->bound);
}

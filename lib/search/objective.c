#include "search/objective.h"

#include <math.h>
#include <stdlib.h>

double ds_objective_turn(const struct ds_objectives *o, int k, double x)
{
    return o->at[k].more ? -x : x;
}

int ds_objectives_read(const struct ds_objectives *o, const struct ds_record *rec, double *x,
                       struct ds_error *err)
{
    for (int k = 0; k < o->n; k++) {
        int known = ds_record_value(rec, o->at[k].name, &x[k], err);
        if (known <= 0)
            return known;
        x[k] = ds_objective_turn(o, k, x[k]);
    }
    return 1;
}

int ds_objectives_excess(const struct ds_objectives *o, const struct ds_record *rec, double *excess,
                         struct ds_error *err)
{
    *excess = 0;
    for (int i = 0; i < o->nbounds; i++) {
        const struct ds_bound *b = &o->bound[i];
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

void ds_objectives_free(struct ds_objectives *o)
{
    for (int i = 0; i < o->n; i++)
        free((char *)o->at[i].name);
    for (int i = 0; i < o->nbounds; i++)
        free((char *)o->bound[i].name);
    free(o->bound);
}

#include "profile/fit_design.h"

#include "base/grow.h"
#include <stdlib.h>

static bool is_pair(const struct ds_space *space, int a, int b, enum ds_fit_pairs pairs)
{
    const struct ds_site *x = &space->site[a], *y = &space->site[b];
    bool with_resolution = x->kind == DS_SITE_RESOLUTION && y->unit >= 0;
    bool in_unit = x->unit >= 0 && x->unit == y->unit;
    if (y->nchoices * x->nchoices < 2 || pairs == DS_PAIRS_NONE)
        return false;
    return with_resolution || (in_unit && pairs == DS_PAIRS_UNIT);
}

int ds_design_make(struct ds_design *d, const struct ds_space *space, enum ds_fit_pairs pairs,
                   struct ds_error *err)
{
    int n = space->nsites;
    *d = (struct ds_design){.space = space, .columns = 1};
    d->pair = ds_alloc((size_t)(n * n), sizeof *d->pair, err);
    if (!d->pair)
        return -1;
    for (int s = 0; s < n; s++) {
        /* a layer's only block still tells whether the layer is active */
        bool varies = space->site[s].nchoices > 1 || space->site[s].kind == DS_SITE_BLOCK;
        d->single[s] = varies ? d->columns : -1;
        d->columns += varies ? space->site[s].nchoices : 0;
    }
    for (int a = 0; a < n; a++)
        for (int b = a + 1; b < n; b++)
            if (is_pair(space, a, b, pairs)) {
                d->pair[d->npairs++] = (struct ds_design_pair){a, b, d->columns};
                d->columns += space->site[a].nchoices * space->site[b].nchoices;
            }
    d->most = 1 + n + d->npairs;
    return 0;
}

void ds_design_free(struct ds_design *d)
{
    free(d->pair);
}

int ds_design_columns(const struct ds_design *d, const uint8_t *choice, int *column)
{
    int n = 0;
    column[n++] = 0;
    for (int s = 0; s < d->space->nsites; s++)
        if (d->single[s] >= 0 && choice[s] != DS_INACTIVE)
            column[n++] = d->single[s] + choice[s];
    for (int i = 0; i < d->npairs; i++) {
        const struct ds_design_pair *p = &d->pair[i];
        uint8_t a = choice[p->a], b = choice[p->b];
        if (a != DS_INACTIVE && b != DS_INACTIVE)
            column[n++] = p->column + a * d->space->site[p->b].nchoices + b;
    }
    return n;
}

#include "profile/fit_gram.h"

#include "base/grow.h"
#include <stdlib.h>
#include <string.h>

int ds_gram_init(struct ds_gram *g, const struct ds_design *d, struct ds_error *err)
{
    size_t p = (size_t)d->columns, most = DS_GRAM_CHUNK * (size_t)d->most;
    *g = (struct ds_gram){.design = d};
    g->xx = ds_alloc(p * p, sizeof *g->xx, NULL);
    g->column = ds_alloc(most, sizeof *g->column, NULL);
    g->begin = ds_alloc(p + 1, sizeof *g->begin, NULL);
    g->place = ds_alloc(most, sizeof *g->place, NULL);
    if (g->xx && g->column && g->begin && g->place)
        return 0;
    return ds_fail(err, "out of memory: the square of %zu columns", p);
}

void ds_gram_free(struct ds_gram *g)
{
    free(g->xx);
    free(g->column);
    free(g->begin);
    free(g->place);
}

void ds_gram_add(struct ds_gram *g, const uint8_t *choice, double sign)
{
    if (g->waiting == DS_GRAM_CHUNK || sign != g->sign)
        ds_gram_flush(g);
    uint32_t at = g->waiting ? g->end[g->waiting - 1] : 0;
    g->sign = sign;
    g->end[g->waiting++] = at + (uint32_t)ds_design_columns(g->design, choice, g->column + at);
}

/* Lists for every column where it stands in the waiting architectures. */
static void transpose(struct ds_gram *g)
{
    size_t p = (size_t)g->design->columns, sum = 0;
    uint32_t from = 0, end = g->end[g->waiting - 1];
    memset(g->begin, 0, (p + 1) * sizeof *g->begin);
    for (uint32_t k = 0; k < end; k++)
        g->begin[g->column[k]]++;
    for (size_t c = 0; c <= p;
         c++) { /* first the ends of the lists, which are filled downwards from there */
        sum += g->begin[c];
        g->begin[c] = sum;
    }
    for (int i = 0; i < g->waiting; from = g->end[i++])
        for (uint32_t k = from; k < g->end[i]; k++)
            g->place[--g->begin[g->column[k]]] = (struct ds_gram_place){k, g->end[i]};
}

/* Column by column, so that what is written to stays in the cache. */
void ds_gram_flush(struct ds_gram *g)
{
    size_t p = (size_t)g->design->columns;
    if (!g->waiting)
        return;
    transpose(g);
    for (size_t c = 0; c < p; c++) {
        double *column = g->xx + c * p;
        for (size_t i = g->begin[c]; i < g->begin[c + 1]; i++)
            for (uint32_t k = g->place[i].at; k < g->place[i].end; k++)
                column[g->column[k]] += g->sign;
    }
    g->waiting = 0;
}

#include "search/selection.h"

#include "base/grow.h"
#include "base/stats.h"
#include "search/pareto.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK 65536   /* records held beyond those selected before the next selection */
#define CHAMPIONS 16u /* points of the front that a new record is compared with first */

void ds_selection_init(struct ds_selection *s, int m, size_t top)
{
    *s = (struct ds_selection){.m = m, .top = top, .next_cull = CHUNK, .limit = INFINITY};
}

/* The best `top`, and what ties with the last of them. */
static int keep_top(struct ds_selection *s, bool *keep, struct ds_error *err)
{
    size_t n = s->held.n;
    double *sorted = ds_alloc(n, sizeof *sorted, err);
    if (!sorted)
        return -1;
    memcpy(sorted, s->x, n * sizeof *sorted);
    ds_sort(sorted, n);
    s->limit = n > s->top ? sorted[s->top - 1] : INFINITY;
    for (size_t i = 0; i < n; i++)
        keep[i] = s->x[i] <= s->limit;
    free(sorted);
    return 0;
}

/* Takes champions from all along the front. */
static int choose_champions(struct ds_selection *s, struct ds_error *err)
{
    size_t n = s->held.n, m = (size_t)s->m;
    s->nchampions = n < CHAMPIONS ? n : CHAMPIONS;
    free(s->champion);
    s->champion = ds_alloc(s->nchampions * m, sizeof *s->champion, err);
    if (!s->champion)
        return -1;
    for (size_t i = 0; i < s->nchampions; i++)
        memcpy(s->champion + i * m, s->x + i * n / s->nchampions * m, m * sizeof *s->x);
    return 0;
}

int ds_selection_cull(struct ds_selection *s, struct ds_error *err)
{
    size_t n = s->held.n, m = (size_t)s->m, left = 0;
    bool *keep = ds_alloc(n, sizeof *keep, err);
    if (!keep)
        return -1;
    if (s->top ? keep_top(s, keep, err) : ds_pareto_front(s->x, n, s->m, keep, err)) {
        free(keep);
        return -1;
    }
    ds_held_keep(&s->held, keep);
    for (size_t i = 0; i < n; i++)
        if (keep[i])
            memmove(s->x + left++ * m, s->x + i * m, m * sizeof *s->x);
    free(keep);
    s->next_cull = 2 * s->held.n + CHUNK;
    return choose_champions(s, err);
}

/*
 * Whether a new record may be among the best. The champion that beats it is compared first next
 * time.
 */
static bool may_stay(struct ds_selection *s, const double *x)
{
    if (s->top)
        return x[0] <= s->limit;
    size_t m = (size_t)s->m;
    for (size_t i = 0; i < s->nchampions; i++) {
        double *c = s->champion + i * m, t;
        if (!ds_pareto_dominates(c, x, s->m))
            continue;
        for (size_t k = 0; k < m && i; k++) {
            t = c[k];
            c[k] = s->champion[k];
            s->champion[k] = t;
        }
        return false;
    }
    return true;
}

int ds_selection_add(struct ds_selection *s, const struct ds_reader *in,
                     const struct ds_record *rec, const double *x, struct ds_error *err)
{
    size_t m = (size_t)s->m;
    if (!may_stay(s, x))
        return 0;
    if (ds_grow(&s->x, &s->room, s->held.n + 1, m * sizeof *s->x, err))
        return -1;
    memcpy(s->x + s->held.n * m, x, m * sizeof *x);
    if (ds_held_add(&s->held, in, rec, err))
        return -1;
    return s->held.n >= s->next_cull ? ds_selection_cull(s, err) : 0;
}

void ds_selection_free(struct ds_selection *s)
{
    ds_held_free(&s->held);
    free(s->x);
    free(s->champion);
}

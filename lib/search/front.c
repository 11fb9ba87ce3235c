#include "search/front.h"

#include "base/grow.h"
#include "search/pareto.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK 65536 /* points held beyond a front before the next is made of them */

/* Keeps only the front of the points read so far. */
static int reduce(struct ds_front *front, int m, struct ds_error *err)
{
    bool *keep = ds_alloc(front->n, sizeof *keep, err);
    if (!keep)
        return -1;
    int rc = ds_pareto_front(front->x, front->n, m, keep, err);
    size_t left = 0, width = (size_t)m;
    for (size_t i = 0; i < front->n && rc == 0; i++)
        if (keep[i])
            memmove(front->x + left++ * width, front->x + i * width, width * sizeof *front->x);
    front->n = left;
    free(keep);
    return rc;
}

static int compare(const void *a, const void *b, void *objectives)
{
    const double *p = a, *q = b;
    for (int k = 0, m = *(const int *)objectives; k < m; k++)
        if (p[k] != q[k])
            return p[k] < q[k] ? -1 : 1;
    return 0;
}

static int read_front(struct ds_front *front, const struct ds_objectives *o, struct ds_reader *in,
                      struct ds_relative *relative, uint64_t *failed, struct ds_error *err)
{
    struct ds_record *rec;
    size_t width = (size_t)o->n, next = CHUNK;
    int rc, m = o->n;
    while ((rc = ds_reader_next(in, &rec, err)) > 0) {
        if (ds_grow(&front->x, &front->room, front->n + 1, width * sizeof *front->x, err))
            return -1;
        if (relative && ds_relative_apply(relative, rec, err))
            return ds_fail_in(err, "%s: --relative", ds_reader_where(in));
        int known = ds_objectives_read(o, rec, front->x + front->n * width, err);
        if (known < 0)
            return ds_fail_in(err, "%s", ds_reader_where(in));
        *failed += !known;
        front->n += (size_t)known;
        if (front->n < next)
            continue;
        if (reduce(front, m, err))
            return -1;
        next = 2 * front->n + CHUNK;
    }
    if (rc < 0 || (front->n && reduce(front, m, err)))
        return -1;
    if (front->n == 0)
        return 1;
    qsort_r(front->x, front->n, width * sizeof *front->x, compare, &m);
    return 0;
}

/* The number of a label, a new one if need be; -1 when out of memory. */
static int find_label(struct ds_fronts *fronts, const char *label, size_t length,
                      struct ds_error *err)
{
    for (int i = 0; i < fronts->nlabels; i++)
        if (strlen(fronts->label[i]) == length && memcmp(fronts->label[i], label, length) == 0)
            return i;
    size_t n = (size_t)fronts->nlabels;
    if (ds_grow(&fronts->label, &fronts->label_room, n + 1, sizeof *fronts->label, err) ||
        ds_grow(&fronts->count, &fronts->count_room, n + 1, sizeof *fronts->count, err))
        return -1;
    if (!(fronts->label[n] = ds_copy_text(label, length, NULL)))
        return ds_no_memory(err);
    fronts->count[n] = 0;
    return fronts->nlabels++;
}

int ds_fronts_add(struct ds_fronts *fronts, const struct ds_objectives *o, const char *label,
                  size_t length, struct ds_reader *in, uint64_t *failed, struct ds_error *err)
{
    *failed = 0;
    int number = find_label(fronts, label, length, err);
    if (number < 0 ||
        ds_grow(&fronts->at, &fronts->room, (size_t)fronts->n + 1, sizeof *fronts->at, err))
        return -1;
    struct ds_front *front = &fronts->at[fronts->n++];
    *front = (struct ds_front){.label = number};
    fronts->count[number]++;
    return read_front(front, o, in, fronts->relative, failed, err);
}

double ds_front_best(const struct ds_front *front, const struct ds_objectives *o, int want,
                     int axis, double limit)
{
    double best = INFINITY;
    for (size_t i = 0; i < front->n; i++) {
        const double *x = front->x + i * (size_t)o->n;
        if (x[axis] <= limit && x[want] < best)
            best = x[want];
    }
    return best;
}

void ds_fronts_free(struct ds_fronts *fronts)
{
    for (int i = 0; i < fronts->n; i++)
        free(fronts->at[i].x);
    for (int i = 0; i < fronts->nlabels; i++)
        free(fronts->label[i]);
    free(fronts->at);
    free(fronts->label);
    free(fronts->count);
}

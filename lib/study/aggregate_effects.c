#include "study/aggregate_parts.h"

#include "base/grow.h"
#include "base/stats.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool ds_aggregate_waits(const struct ds_aggregate *a, enum ds_against against)
{
    return a->effect && a->against == against;
}

/* ---- against bases ---- */

/* The number of a base, which is made when it is new; -1 when out of memory. */
static int64_t find_base(struct ds_aggregate *a, uint64_t id)
{
    int64_t known = ds_id_map_find(&a->bases, id);
    if (known >= 0)
        return known;
    if (ds_grow(&a->base, &a->base_room, a->nbases + 1, sizeof *a->base, NULL) ||
        ds_id_map_add(&a->bases, id, (uint32_t)a->nbases) < 0)
        return -1;
    a->base[a->nbases] = (struct base){.id = id};
    return (int64_t)a->nbases++;
}

/* Makes room for the means of all bases, for all metrics known by now. */
static int open_means(struct ds_aggregate *a)
{
    size_t new_row = (size_t)a->nmetrics, old_row = (size_t)a->mean_metrics;
    size_t old_n = old_row ? a->mean_room / old_row : 0;
    if (new_row == old_row && a->nbases * new_row <= a->mean_room)
        return 0;
    size_t room = a->base_room * new_row;
    if (ds_resize(&a->mean, room, sizeof *a->mean, NULL))
        return -1;
    struct ds_mean *more = a->mean;
    old_n = old_n < a->nbases ? old_n : a->nbases;
    for (size_t i = old_n; i-- > 0;) { /* to longer rows, from the back */
        memmove(more + i * new_row, more + i * old_row, old_row * sizeof *more);
        memset(more + i * new_row + old_row, 0, (new_row - old_row) * sizeof *more);
    }
    memset(more + old_n * new_row, 0, (room - old_n * new_row) * sizeof *more);
    a->mean_metrics = a->nmetrics;
    a->mean_room = room;
    return 0;
}

/* The mean of a metric of a base, or NULL. */
static const struct ds_mean *mean_of(const struct ds_aggregate *a, uint32_t base, uint32_t metric)
{
    size_t at = (size_t)base * (size_t)a->mean_metrics + metric;
    if ((int)metric >= a->mean_metrics || at >= a->mean_room || !a->mean[at].n)
        return NULL;
    return &a->mean[at];
}

int ds_aggregate_keep_base(struct ds_aggregate *a, const struct ds_record *rec)
{
    int64_t number = find_base(a, rec->id);
    if (number < 0 || open_means(a))
        return -1;
    struct base *b = &a->base[number];
    struct ds_mean *mean = a->mean + (size_t)number * (size_t)a->mean_metrics;
    if (b->used) {
        memset(mean, 0, (size_t)a->mean_metrics * sizeof *mean);
        b->used = b->failed = false;
    }
    b->seen = true;
    b->failed = b->failed || ds_record_has_errors(rec);
    for (int i = 0; i < rec->nmetrics; i++)
        ds_mean_add(&mean[a->metric_of[i]], rec->metric[i].value);
    return 0;
}

/*
 * Takes the bases off what waits for them: changes are added to their groups. Where the base could
 * not be measured, there is no change. At the end (`all`) a base that is missing is an error.
 */
static int take_bases_off(struct ds_aggregate *a, bool all, struct ds_error *err)
{
    size_t kept = 0;
    for (size_t i = 0; i < a->nwaiting; i++) {
        struct waiting w = a->waiting[i];
        struct base *b = &a->base[w.base];
        const struct ds_mean *mean = mean_of(a, w.base, w.metric);
        if (!mean && b->failed)
            continue;
        if (!mean && all)
            return ds_fail(
                err, "an effect needs the base: %s%s of base %016" PRIx64 " is not in the stream",
                b->seen ? "metric " : "the record", b->seen ? a->metric[w.metric].name : "", b->id);
        if (!mean) {
            a->waiting[kept++] = w;
            continue;
        }
        b->used = true;
        struct ds_tally_value value;
        struct ds_tally *t = ds_aggregate_tally(a, &a->group[w.group], (int)w.metric);
        if (!t)
            return ds_no_memory(err);
        if (ds_tally_value(w.x - mean->mean, (double)w.noise, &value, err) ||
            ds_tally_add(&a->tallies, t, ds_cluster_key(b->id), &value, 1, err))
            return -1;
    }
    a->nwaiting = kept;
    return 0;
}

static bool whole_detail(const struct ds_metric *m, const char *key, double *out)
{
    const msgpack_object *o = ds_map_get(m->detail, key);
    return o && ds_object_number(o, out) == 0 && *out >= 0;
}

/*
 * The standard error of a change of accuracy, in percent, of which the record says how many images
 * the base alone has right (lost) and it alone (gained): McNemar's, with half an image more in
 * each place, so that it is not zero where no image differs (Agresti and Min, Statistics in
 * Medicine 2005). NaN where the record does not say.
 */
static float image_noise(const struct ds_metric *m)
{
    double images, lost, gained;
    if (!whole_detail(m, "images", &images) || !whole_detail(m, "lost", &lost) ||
        !whole_detail(m, "gained", &gained) || lost + gained > images || images < 1)
        return NAN;
    double n = images + 2, change = (gained - lost) / n;
    return (float)(100 * sqrt(((lost + gained + 1) / n - change * change) / n));
}

/* Has the record's metrics wait for what they are against. */
static int wait_for(struct ds_aggregate *a, const struct ds_record *rec, int g, int64_t base,
                    struct ds_error *err)
{
    size_t n = a->nwaiting + (size_t)rec->nmetrics;
    if (base < 0 || ds_grow(&a->waiting, &a->waiting_room, n, sizeof *a->waiting, NULL))
        return ds_no_memory(err);
    for (int i = 0; i < rec->nmetrics; i++)
        a->waiting[a->nwaiting++] = (struct waiting){
            .group = (uint32_t)g,
            .base = (uint32_t)base,
            .metric = (uint32_t)a->metric_of[i],
            .noise = image_noise(&rec->metric[i]),
            .x = rec->metric[i].value,
        };
    a->last_base = rec->base;
    return 0;
}

/* ---- against siblings ---- */

/* The number of a place, which is made when it is new; -1 when out of memory. */
static int64_t find_place(struct ds_aggregate *a, uint64_t base, int site)
{
    uint64_t key = ds_cluster_key(base ^ ds_cluster_key((uint64_t)site + 1));
    int64_t place = find_base(a, key);
    if (place >= 0) {
        a->base[place].id = base;
        a->base[place].site = (uint32_t)site;
    }
    return place;
}

/* Has a record wait for its siblings: what else is affixed at its place. */
static int wait_for_siblings(struct ds_aggregate *a, const struct ds_record *rec, int g,
                             struct ds_error *err)
{
    if (ds_id_map_find(&a->done, rec->base) >= 0)
        return ds_fail(err,
                       "the records of base %016" PRIx64
                       " do not come together: more of them have to be kept than --keep says",
                       rec->base);
    int64_t place = find_place(a, rec->base, rec->affix_site);
    if (place < 0)
        return ds_no_memory(err);
    int word = rec->affix_choice / 64;
    uint64_t bit = (uint64_t)1 << rec->affix_choice % 64;
    a->base[place].choices[word] |= bit;
    a->base[place].failed = a->base[place].failed || ds_record_has_errors(rec);
    a->affixed[rec->affix_site][word] |= bit;
    return wait_for(a, rec, g, place, err);
}

/* Whether everything that is affixed at its site to other bases is there, and measured. */
static bool is_complete(const struct ds_aggregate *a, const struct base *place)
{
    return !place->failed &&
           memcmp(place->choices, a->affixed[place->site], sizeof place->choices) == 0;
}

/* Of the values of one metric at one place. */
struct family {
    uint64_t n;
    __int128 sum;    /* in fixed point (clusters.h), so that it is the same in any order */
    double variance; /* sum of the squares of their noises */
};

/*
 * Adds a value's difference from the mean of its family, of n, itself one of them. Noises are those
 * of changes against the base, which all share: correlated, so that a difference has no more noise
 * than if they were independent.
 */
static int add_to_family(struct ds_aggregate *a, const struct waiting *w, const struct family *f,
                         struct ds_error *err)
{
    struct ds_tally_value value;
    struct ds_tally *t = ds_aggregate_tally(a, &a->group[w->group], (int)w->metric);
    double n = (double)f->n, mean = (double)f->sum * 0x1p-64 / n,
           own = (double)w->noise * (double)w->noise;
    double noise = sqrt(own * (1 - 2 / n) + f->variance / (n * n));
    if (!t)
        return ds_no_memory(err);
    return ds_tally_value(w->x - mean, noise, &value, err) ||
                   ds_tally_add(&a->tallies, t, ds_cluster_key(a->base[w->base].id), &value, 1, err)
               ? -1
               : 0;
}

/* Forgets all places but those of what still waits, whose bases may not come again. */
static int forget_places(struct ds_aggregate *a, struct ds_error *err)
{
    struct base *before = a->base;
    size_t n = a->nbases;
    ds_id_map_free(&a->bases);
    a->base = NULL;
    a->nbases = a->base_room = 0;
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++)
        if (before[i].id != a->last_base)
            rc = ds_id_map_add(&a->done, before[i].id, 0) < 0 ? -1 : 0;
    for (size_t i = 0; i < a->nwaiting && rc == 0; i++) {
        const struct base *old = &before[a->waiting[i].base];
        int64_t place = find_place(a, old->id, (int)old->site);
        rc = place < 0 ? -1 : 0;
        if (rc == 0) {
            a->base[place] = *old;
            a->waiting[i].base = (uint32_t)place;
        }
    }
    free(before);
    return rc ? ds_no_memory(err) : 0;
}

/*
 * Takes from values the mean of their siblings and themselves; before the end (not `all`), those of
 * the base in hand still wait.
 */
static int take_siblings_off(struct ds_aggregate *a, bool all, struct ds_error *err)
{
    size_t metrics = (size_t)a->nmetrics, kept = 0;
    struct family *family = ds_alloc(a->nbases * metrics, sizeof *family, err);
    int rc = family ? 0 : -1;
    for (size_t i = 0; i < a->nwaiting && rc == 0; i++) {
        const struct waiting *w = &a->waiting[i];
        struct family *f = &family[w->base * metrics + w->metric];
        struct ds_fixed x;
        if (ds_fixed(w->x, NAN, &x))
            rc =
                ds_fail(err, "a value of %g is too large: give the metric in a greater unit", w->x);
        f->n++;
        f->sum += x.x;
        f->variance += (double)w->noise * (double)w->noise;
    }
    for (size_t i = 0; i < a->nwaiting && rc == 0; i++) {
        struct waiting w = a->waiting[i];
        const struct family *f = &family[w.base * metrics + w.metric];
        if (!all && a->base[w.base].id == a->last_base)
            a->waiting[kept++] = w;
        else if (f->n > 1 && is_complete(a, &a->base[w.base]))
            rc = add_to_family(a, &w, f, err);
        else
            a->alone++;
    }
    free(family);
    a->nwaiting = kept;
    return rc || (!all && forget_places(a, err)) ? -1 : 0;
}

/* ---- what waits ---- */

int ds_aggregate_take_off(struct ds_aggregate *a, bool all, struct ds_error *err)
{
    return ds_aggregate_waits(a, DS_AGAINST_SIBLINGS) ? take_siblings_off(a, all, err)
                                                      : take_bases_off(a, all, err);
}

int ds_aggregate_wait(struct ds_aggregate *a, const struct ds_record *rec, int g,
                      struct ds_error *err)
{
    int rc = a->against == DS_AGAINST_BASE ? wait_for(a, rec, g, find_base(a, rec->base), err)
                                           : wait_for_siblings(a, rec, g, err);
    if (rc == 0 && a->nwaiting > a->keep &&
        a->nwaiting + (size_t)rec->nmetrics > a->waiting_room) /* before more room is taken */
        rc = ds_aggregate_take_off(a, false, err);
    return rc;
}

uint64_t ds_aggregate_alone(const struct ds_aggregate *a)
{
    return a->alone;
}

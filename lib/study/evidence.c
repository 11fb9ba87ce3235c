#include "study/evidence.h"

#include "base/grow.h"
#include "base/id_map.h"
#include "base/stats.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define GROUP_LEVEL 0.95 /* of the intervals that ds-aggregate writes */

/*
 * Every choice of every site has a slot; so has, for groups that do not say the layer, every block
 * of every unit.
 */
struct ds_evidence {
    const struct ds_space *space;
    const char *const *metric;
    int nmetrics;
    int first[DS_MAX_SITES]; /* slot of choice 0 of a site */
    int unit_slots;          /* slot of block 0 of unit 0 */
    int nslots;
    struct ds_estimate *group; /* [nslots][nmetrics]; df 0: not known */
    bool any_group, any_measured;
    struct ds_id_map bases;
    struct ds_mean **x; /* [bases]: [nslots][nmetrics], over the times that it was measured */
    size_t nbases, room;
    struct ds_moments size[DS_MOST_METRICS];
    const struct ds_space *from; /* whose choices `here` translates */
    int *here;                   /* [DS_MAX_SITES * DS_MAX_CHOICES]: slot, or -1 */
};

struct ds_evidence *ds_evidence_new(const struct ds_space *space, const char *const *metrics,
                                    int nmetrics, struct ds_error *err)
{
    struct ds_evidence *e = ds_alloc(1, sizeof *e, err);
    if (!e)
        return NULL;
    e->space = space;
    e->metric = metrics;
    e->nmetrics = nmetrics;
    for (int s = 0; s < space->nsites; s++) {
        e->first[s] = e->nslots;
        e->nslots += space->site[s].nchoices;
    }
    e->unit_slots = e->nslots;
    e->nslots += space->nunits * space->nblocks;
    e->group = ds_alloc((size_t)(e->nslots * nmetrics) + 1, sizeof *e->group, NULL);
    e->here = ds_alloc((size_t)DS_MAX_SITES * DS_MAX_CHOICES, sizeof *e->here, NULL);
    if (!e->group || !e->here) {
        ds_evidence_free(e);
        ds_no_memory(err);
        return NULL;
    }
    return e;
}

void ds_evidence_free(struct ds_evidence *e)
{
    if (!e)
        return;
    for (size_t i = 0; i < e->nbases; i++)
        free(e->x[i]);
    ds_id_map_free(&e->bases);
    free(e->x);
    free(e->group);
    free(e->here);
    free(e);
}

double ds_evidence_scale(const struct ds_evidence *e, int metric)
{
    return e->size[metric].mean;
}

size_t ds_evidence_bases(const struct ds_evidence *e)
{
    return e->nbases;
}

static int unit_slot(const struct ds_evidence *e, int u, int block)
{
    return e->unit_slots + u * e->space->nblocks + block;
}

/* ---- measured records ---- */

/* The slot of the choice that is written `label` at our site of this name, or -1. */
static int find_slot(const struct ds_evidence *e, const char *site, const char *label)
{
    char ours[256];
    int s = ds_space_site(e->space, site, strlen(site));
    for (int c = 0; s >= 0 && c < e->space->site[s].nchoices; c++) {
        ds_site_print(e->space, s, c, ours, sizeof ours);
        if (strcmp(ours, label) == 0)
            return e->first[s] + c;
    }
    return -1;
}

/* Prepares `here` for choices of another space. */
static void translate(struct ds_evidence *e, const struct ds_space *from)
{
    char label[256];
    if (e->from == from)
        return;
    e->from = from;
    for (int s = 0; s < from->nsites; s++)
        for (int c = 0; c < from->site[s].nchoices; c++) {
            ds_site_print(from, s, c, label, sizeof label);
            e->here[s * DS_MAX_CHOICES + c] = find_slot(e, from->site[s].name, label);
        }
}

/* The values of a base, made when it is new. */
static struct ds_mean *values_of(struct ds_evidence *e, uint64_t base)
{
    int64_t known = ds_id_map_find(&e->bases, base);
    if (known >= 0)
        return e->x[known];
    if (ds_grow(&e->x, &e->room, e->nbases + 1, sizeof *e->x, NULL))
        return NULL;
    size_t n = (size_t)(e->nslots * e->nmetrics);
    struct ds_mean *x = ds_alloc(n + 1, sizeof *x, NULL);
    if (!x || ds_id_map_add(&e->bases, base, (uint32_t)e->nbases) < 0) {
        free(x);
        return NULL;
    }
    return e->x[e->nbases++] = x;
}

static int add_measured(struct ds_evidence *e, const struct ds_record *rec, struct ds_error *err)
{
    if (!rec->has_base)
        return ds_fail(err, "something is affixed, but the record names no base");
    translate(e, rec->space);
    int slot = e->here[rec->affix_site * DS_MAX_CHOICES + rec->affix_choice];
    struct ds_mean *x = values_of(e, rec->base);
    if (!x)
        return ds_no_memory(err);
    for (int k = 0; k < e->nmetrics; k++) {
        double value;
        int known = ds_record_value(rec, e->metric[k], &value, err);
        if (known < 0)
            return -1;
        if (known && slot >= 0)
            ds_mean_add(&x[slot * e->nmetrics + k], value);
        if (known)
            ds_moments_add(&e->size[k], fabs(value));
    }
    e->any_measured = true;
    return 1;
}

/* ---- groups ---- */

static int group_int(const struct ds_record *rec, const char *key)
{
    double value;
    const msgpack_object *o = ds_map_get(rec->group, key);
    return o && ds_object_number(o, &value) == 0 && value >= 0 && value < 1e6 ? (int)value : -1;
}

/* The slot of a group by unit and block, unit, layer and block, or unit and depth: or -1, -2. */
static int group_slot(const struct ds_evidence *e, const struct ds_record *rec)
{
    const struct ds_space *space = e->space;
    int u = group_int(rec, "unit"), l = group_int(rec, "layer"), d = group_int(rec, "depth");
    const msgpack_object *block = ds_map_get(rec->group, "block");
    bool has_layer = ds_map_get(rec->group, "layer") != NULL;
    uint32_t keys = rec->group.size;
    if (u < 0 || keys != 2u + has_layer)
        return -2;
    if (block && block->type == MSGPACK_OBJECT_STR) {
        int b = ds_space_block(space, block->via.str.ptr, block->via.str.size);
        if (u >= space->nunits || b < 0 || (has_layer && (l < 0 || l >= space->unit[u].max_depth)))
            return -1;
        if (!has_layer)
            return unit_slot(e, u, b);
        int s = space->unit[u].layer_site + l, c = ds_site_choice(&space->site[s], b);
        return c < 0 ? -1 : e->first[s] + c;
    }
    if (d < 0 || has_layer)
        return -2;
    int c = u < space->nunits ? ds_site_choice(&space->site[space->unit[u].depth_site], d) : -1;
    return c < 0 ? -1 : e->first[space->unit[u].depth_site] + c;
}

static bool detail(const struct ds_metric *m, const char *key, double *value)
{
    const msgpack_object *o = ds_map_get(m->detail, key);
    return o && ds_object_number(o, value) == 0 && isfinite(*value);
}

static int add_group(struct ds_evidence *e, const struct ds_record *rec, struct ds_error *err)
{
    int slot = group_slot(e, rec);
    if (slot == -2)
        return 0;
    for (int k = 0; k < e->nmetrics; k++) {
        double value, lo, hi, bases;
        int known = ds_record_value(rec, e->metric[k], &value, err);
        if (known < 0)
            return -1;
        if (!known)
            continue;
        const struct ds_metric *m = ds_record_metric(rec, e->metric[k]);
        ds_moments_add(&e->size[k], fabs(value));
        if (slot < 0 || !detail(m, "lo", &lo) || !detail(m, "hi", &hi) ||
            !detail(m, "bases", &bases) || bases < 2)
            continue;
        e->group[slot * e->nmetrics + k] = (struct ds_estimate){
            .mean = value,
            .se = (hi - lo) / 2 / ds_student_t(GROUP_LEVEL, bases - 1),
            .df = bases - 1,
        };
    }
    e->any_group = true;
    return 1;
}

int ds_evidence_add(struct ds_evidence *e, const struct ds_record *rec, struct ds_error *err)
{
    int rc = 0;
    if (rec->group.size)
        rc = add_group(e, rec, err);
    else if (rec->affix_site >= 0)
        rc = add_measured(e, rec, err);
    if (rc > 0 && e->any_group && e->any_measured)
        return ds_fail(err, "measured records and aggregated groups: give one or the other");
    return rc;
}

/* ---- estimates ---- */

/* Pairs of slots (a, b) to be compared: one for each layer. */
struct pairs {
    int n;
    int a[DS_MAX_SITES], b[DS_MAX_SITES];
};

static bool paired(const struct ds_evidence *e, const struct pairs *p, const double *weight,
                   struct ds_estimate *out)
{
    struct ds_moments over_bases = {0};
    for (size_t i = 0; i < e->nbases; i++) {
        struct ds_moments over_layers = {0};
        for (int j = 0; j < p->n; j++) {
            const struct ds_mean *a = &e->x[i][p->a[j] * e->nmetrics];
            const struct ds_mean *b = &e->x[i][p->b[j] * e->nmetrics];
            double sum = 0;
            bool all = true;
            for (int k = 0; k < e->nmetrics; k++)
                if (weight[k] != 0) {
                    sum += weight[k] * (b[k].mean - a[k].mean);
                    all = all && a[k].n && b[k].n;
                }
            if (all)
                ds_moments_add(&over_layers, sum);
        }
        if (over_layers.n)
            ds_moments_add(&over_bases, over_layers.mean);
    }
    if (over_bases.n < 2)
        return false;
    out->mean = over_bases.mean;
    out->se = ds_moments_sd(&over_bases) / sqrt((double)over_bases.n);
    out->df = (double)over_bases.n - 1;
    return true;
}

static bool unpaired(const struct ds_evidence *e, const struct pairs *p, const double *weight,
                     struct ds_estimate *out)
{
    int known = 0;
    *out = (struct ds_estimate){.df = INFINITY};
    for (int j = 0; j < p->n; j++) {
        const struct ds_estimate *a = &e->group[p->a[j] * e->nmetrics];
        const struct ds_estimate *b = &e->group[p->b[j] * e->nmetrics];
        bool all = true;
        for (int k = 0; k < e->nmetrics; k++)
            all = all && (weight[k] == 0 || (a[k].df > 0 && b[k].df > 0));
        if (!all)
            continue;
        known++;
        for (int k = 0; k < e->nmetrics; k++)
            if (weight[k] != 0) {
                out->mean += weight[k] * (b[k].mean - a[k].mean);
                out->se += fabs(weight[k]) * hypot(a[k].se, b[k].se);
                out->df = fmin(out->df, fmin(a[k].df, b[k].df));
            }
    }
    out->mean /= known;
    out->se /= known;
    return known > 0;
}

static bool estimate(const struct ds_evidence *e, const struct pairs *p, const double *weight,
                     struct ds_estimate *out)
{
    return e->any_measured ? paired(e, p, weight, out) : unpaired(e, p, weight, out);
}

bool ds_evidence_block(const struct ds_evidence *e, int u, int l, int a, int b,
                       const double *weight, struct ds_estimate *out)
{
    const struct ds_unit *unit = &e->space->unit[u];
    struct pairs p = {0};
    if (l < 0 && !e->any_measured) {
        p = (struct pairs){.n = 1, .a = {unit_slot(e, u, a)}, .b = {unit_slot(e, u, b)}};
        if (estimate(e, &p, weight, out))
            return true;
        p.n = 0;
    }
    for (int i = l < 0 ? 0 : l; i < (l < 0 ? unit->max_depth : l + 1); i++) {
        int s = unit->layer_site + i;
        int ca = ds_site_choice(&e->space->site[s], a), cb = ds_site_choice(&e->space->site[s], b);
        if (ca < 0 || cb < 0)
            continue;
        p.a[p.n] = e->first[s] + ca;
        p.b[p.n++] = e->first[s] + cb;
    }
    return estimate(e, &p, weight, out);
}

bool ds_evidence_depth(const struct ds_evidence *e, int u, int a, int b, const double *weight,
                       struct ds_estimate *out)
{
    int first = e->first[e->space->unit[u].depth_site];
    struct pairs p = {.n = 1, .a = {first + a}, .b = {first + b}};
    return estimate(e, &p, weight, out);
}

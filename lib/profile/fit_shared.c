#include "profile/fit_shared.h"

#include "base/grow.h"
#include "base/openblas.h"
#include "network/cost.h"
#include "profile/fit_gram.h"
#include "space/trait.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLES 4   /* networks for each coefficient, to tell what each choice adds to the MACs */
#define TINY 1e-6   /* a penalty that only makes equations solvable */
#define LITTLE 1e-3 /* millions of MACs: rounding of the least squares */
#define STEADY                                                                                     \
    1e-12 /* a feature whose variance is below this share of its square does not vary              \
           */

/* What a feature is of. */
enum kind { MACS, LAYERS, AREA, UNIT_LAYERS, KERNEL, EXPAND, BLOCK, CHOICE, NKINDS };

/*
 * How far features may be off, in terms of each other: the penalty is on (coefficient / reach)^2.
 * What a network costs is known first by its MACs, layers and pixels; all else is what that leaves.
 */
static const double reach[NKINDS] = {[MACS] = 10,  [LAYERS] = 10, [AREA] = 10,  [UNIT_LAYERS] = 1,
                                     [KERNEL] = 1, [EXPAND] = 1,  [BLOCK] = .5, [CHOICE] = 1};

/* ---- what each choice adds to the MACs ---- */

static int largest(const struct ds_site *site)
{
    int best = 0;
    for (int c = 1; c < site->nchoices; c++)
        best = site->value[c] > site->value[best] ? c : best;
    return best;
}

/* Adds random architectures to X'X and, at each resolution, to X'y. */
static int count_samples(struct ds_gram *gram, double *xy, struct ds_error *err)
{
    const struct ds_design *d = gram->design;
    const struct ds_site *resolution = &d->space->site[d->space->resolution_site];
    struct ds_coster *coster = ds_coster_new(d->space);
    int *column = ds_alloc((size_t)d->most, sizeof *column, err);
    int rc = coster && column ? 0 : ds_no_memory(err);
    uint8_t choice[DS_MAX_SITES];
    struct ds_cost cost;
    for (int i = 0; i < SAMPLES * d->columns && rc == 0; i++) {
        struct ds_random r;
        ds_random_init(&r, 0, (uint64_t)i, DS_DRAW_SAMPLE);
        ds_arch_sample(d->space, &r, choice);
        choice[d->space->resolution_site] = 0;
        ds_gram_add(gram, choice, 1);
        int n = ds_design_columns(d, choice, column);
        for (int x = 0; x < resolution->nchoices && rc == 0; x++) {
            choice[d->space->resolution_site] = (uint8_t)x;
            rc = ds_coster_cost(coster, choice, &cost, err);
            for (int k = 0; k < n && rc == 0; k++)
                xy[x * d->columns + column[k]] += 1e-6 * (double)cost.macs;
        }
    }
    ds_gram_flush(gram);
    ds_coster_free(coster);
    free(column);
    return rc;
}

/*
 * Millions of MACs that each choice adds, [resolutions][columns of single choices]: by least
 * squares on counted networks, which is exact where a layer's shape depends on no choice before
 * it. NULL when out of memory.
 */
static double *count_macs(const struct ds_space *space, struct ds_error *err)
{
    struct ds_design d = {0};
    struct ds_gram gram = {0};
    double *macs = NULL;
    int n = space->site[space->resolution_site].nchoices, info = 0;
    int rc = ds_design_make(&d, space, DS_PAIRS_NONE, err);
    for (int u = 0; u < space->nunits; u++)
        d.single[space->unit[u].depth_site] = -1; /* the layers that are there tell it */
    if (rc == 0)
        rc = ds_gram_init(&gram, &d, err);
    if (rc == 0)
        rc = (macs = ds_alloc((size_t)(n * d.columns), sizeof *macs, err)) ? 0 : -1;
    if (rc == 0)
        rc = count_samples(&gram, macs, err);
    if (rc == 0) {
        for (int i = 0; i < d.columns; i++)
            gram.xx[(size_t)i * (size_t)(d.columns + 1)] += TINY;
        dposv_("L", &d.columns, &n, gram.xx, &d.columns, macs, &d.columns, &info);
        rc = info ? ds_fail(err, "the MACs of the space's choices cannot be told apart") : 0;
    }
    ds_gram_free(&gram);
    ds_design_free(&d);
    if (rc == 0)
        return macs;
    free(macs);
    return NULL;
}

/* ---- features ---- */

static int find_feature(struct ds_shared *s, enum kind kind, int unit, int value,
                        struct ds_error *err)
{
    for (int i = 0; i < s->n; i++)
        if (s->feature[i].kind == (int)kind && s->feature[i].unit == unit &&
            s->feature[i].value == value)
            return i;
    if (ds_grow(&s->feature, &s->feature_room, (size_t)s->n + 1, sizeof *s->feature, err))
        return -1;
    s->feature[s->n] = (struct ds_shared_feature){(int)kind, unit, value, false};
    return s->n++;
}

static int add_part(struct ds_shared *s, enum kind kind, int unit, int value, double weight,
                    struct ds_error *err)
{
    int f = find_feature(s, kind, unit, value, err);
    if (f < 0 || ds_grow(&s->part, &s->part_room, s->nparts + 1, sizeof *s->part, err))
        return -1;
    s->part[s->nparts++] = (struct ds_shared_part){f, weight};
    return 0;
}

/* What a layer with this block adds, times `area`. */
static int add_block_parts(struct ds_shared *s, int site, int choice, double macs, double area,
                           struct ds_error *err)
{
    const struct ds_space *space = s->design->space;
    const struct ds_site *at = &space->site[site];
    double trait;
    if (add_part(s, MACS, -1, 0, area * macs, err))
        return -1;
    if (s->family->sharing == DS_SHARED_COST)
        return 0;
    if (ds_trait(space, site, choice, DS_TRAIT_KERNEL, &trait) &&
        add_part(s, KERNEL, at->unit, (int)trait, area, err))
        return -1;
    if (ds_trait(space, site, choice, DS_TRAIT_EXPAND, &trait) &&
        add_part(s, EXPAND, at->unit, (int)(1000 * trait), area, err))
        return -1;
    return add_part(s, BLOCK, at->unit, at->value[choice], area, err);
}

/* Pixels as a share of the most, or their logarithm. */
static double area_of(const struct ds_shared *s, int choice)
{
    const struct ds_site *at = &s->design->space->site[s->design->space->resolution_site];
    double side = (double)at->value[choice] / at->value[largest(at)];
    return s->family->log ? 2 * log(side) : side * side;
}

/* The parts of a single choice's column. */
static int add_single(struct ds_shared *s, int site, int choice, double macs, struct ds_error *err)
{
    const struct ds_site *at = &s->design->space->site[site];
    bool few = s->family->sharing == DS_SHARED_COST;
    switch (at->kind) {
    case DS_SITE_BLOCK:
        if (add_part(s, LAYERS, -1, 0, 1, err) ||
            (!few && add_part(s, UNIT_LAYERS, at->unit, 0, 1, err)))
            return -1;
        return s->family->log ? add_block_parts(s, site, choice, macs, 1, err) : 0;
    case DS_SITE_RESOLUTION:
        if (add_part(s, AREA, -1, 0, area_of(s, choice), err) ||
            (!s->family->log && add_part(s, MACS, -1, 0, macs, err)))
            return -1;
        return few ? 0 : add_part(s, CHOICE, site, choice, 1, err);
    case DS_SITE_DEPTH:
        return 0; /* shows in the layers that are there */
    case DS_SITE_OPTION:
    case DS_SITE_WIDTH:
        break;
    }
    if (add_part(s, MACS, -1, 0, macs, err))
        return -1;
    return few ? 0 : add_part(s, CHOICE, site, choice, 1, err);
}

static int add_pair(struct ds_shared *s, const struct ds_design_pair *p, const double *macs,
                    int singles, struct ds_error *err)
{
    const struct ds_space *space = s->design->space;
    const struct ds_site *at = &space->site[p->b];
    int most = largest(&space->site[p->a]), first = s->design->single[p->b];
    for (int x = 0, c = p->column; x < space->site[p->a].nchoices; x++)
        for (int y = 0; y < at->nchoices; y++, c++) {
            s->start[c] = s->nparts;
            if (at->kind != DS_SITE_BLOCK)
                continue;
            /* sizes are rounded along the network: what the MACs say is more than the pixels' */
            double all = macs[most * singles + first + y], here = macs[x * singles + first + y];
            double area = all > LITTLE && here > 0 ? here / all : area_of(s, x);
            if (add_block_parts(s, p->b, y, all, area, err))
                return -1;
        }
    return 0;
}

static int make_parts(struct ds_shared *s, const double *macs, struct ds_error *err)
{
    const struct ds_design *d = s->design;
    int singles = d->npairs ? d->pair[0].column : d->columns, r = d->space->resolution_site;
    const double *at_most = macs + singles * largest(&d->space->site[r]);
    s->start = ds_alloc((size_t)d->columns + 1, sizeof *s->start, err);
    if (!s->start)
        return -1;
    for (int site = 0; site < d->space->nsites; site++)
        for (int c = 0; c < d->space->site[site].nchoices && d->single[site] >= 0; c++) {
            /* a resolution's are those of what is always there: all networks counted had choice 0
             */
            const double *at = site == r ? macs + singles * c : at_most;
            double own = site == r ? at[0] + at[d->single[r]] : at[d->single[site] + c];
            s->start[d->single[site] + c] = s->nparts;
            if (add_single(s, site, c, own, err))
                return -1;
        }
    for (int i = 0; i < d->npairs; i++)
        if (add_pair(s, &d->pair[i], macs, singles, err))
            return -1;
    s->start[d->columns] = s->nparts;
    return 0;
}

int ds_shared_init(struct ds_shared *s, const struct ds_design *d, const struct ds_family *family,
                   int folds, struct ds_error *err)
{
    *s = (struct ds_shared){.design = d, .family = family, .folds = folds};
    double *macs = count_macs(d->space, err);
    int rc = macs ? make_parts(s, macs, err) : -1;
    free(macs);
    if (rc)
        return -1;
    size_t m = (size_t)s->n + 2;
    s->sums = ds_alloc((size_t)folds * m * m, sizeof *s->sums, err);
    s->row = ds_alloc(m, sizeof *s->row, err);
    s->work = ds_alloc(m * m + 4 * m, sizeof *s->work, err);
    return s->sums && s->row && s->work ? 0 : -1;
}

void ds_shared_free(struct ds_shared *s)
{
    free(s->feature);
    free(s->part);
    free(s->start);
    free(s->sums);
    free(s->row);
    free(s->work);
}

/* ---- the regression ---- */

void ds_shared_add(struct ds_shared *s, const uint8_t *choice, double y, int fold, int *column)
{
    size_t m = (size_t)s->n + 2;
    double *row = s->row, *sums = s->sums + (size_t)fold * m * m;
    int n = ds_design_columns(s->design, choice, column);
    memset(row, 0, m * sizeof *row);
    row[0] = 1;
    row[m - 1] = y;
    for (int k = 0; k < n; k++)
        for (size_t i = s->start[column[k]]; i < s->start[column[k] + 1]; i++) {
            row[1 + s->part[i].feature] += s->part[i].weight;
            s->feature[s->part[i].feature].seen = true;
        }
    for (size_t i = 0; i < m; i++)
        for (size_t k = 0; k <= i && row[i] != 0; k++)
            sums[i * m + k] += row[i] * row[k];
}

/* The sums of all folds but one, into `work`. */
static const double *add_folds(struct ds_shared *s, int except)
{
    size_t m = (size_t)s->n + 2;
    memset(s->work, 0, m * m * sizeof *s->work);
    for (int fold = 0; fold < s->folds; fold++)
        for (size_t i = 0; i < m * m && fold != except; i++)
            s->work[i] += s->sums[(size_t)fold * m * m + i];
    return s->work;
}

/*
 * Makes the normal equations of the features at unit variance, in place of the sums; a feature that
 * does not vary is held at zero. scale[n], mean[n + 1], the last the value's.
 */
static double *standardise(struct ds_shared *s, double penalty, double *scale, double *mean,
                           double *theta)
{
    size_t m = (size_t)s->n + 2, n = (size_t)s->n;
    double *sums = s->work, count = sums[0];
    for (size_t i = 0; i <= n; i++)
        mean[i] = sums[(i + 1) * m] / count;
    for (size_t i = 0; i < n; i++) {
        double square = sums[(i + 1) * m + i + 1] / count, variance = square - mean[i] * mean[i];
        scale[i] = variance > STEADY * square ? reach[s->feature[i].kind] / sqrt(variance) : 0;
        theta[i] = scale[i] * (sums[(m - 1) * m + i + 1] - count * mean[i] * mean[n]);
    }
    /* rows move up and to the left, so none is overwritten before it is read */
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k <= i; k++) {
            double product = sums[(i + 1) * m + k + 1] - count * mean[i] * mean[k];
            sums[i * n + k] = scale[i] * scale[k] * product + (i == k ? penalty : 0);
        }
    return sums;
}

int ds_shared_solve(struct ds_shared *s, int except, double penalty, double *beta,
                    struct ds_error *err)
{
    size_t m = (size_t)s->n + 2;
    double *scale = s->work + m * m, *mean = scale + m, *theta = mean + m;
    int one = 1, info;
    if (add_folds(s, except)[0] < 1)
        return ds_fail(err, "all records are of too few networks to hold some out");
    double *equations = standardise(s, penalty, scale, mean, theta);
    /* rows of the lower triangle are columns of the upper one */
    dposv_("U", &s->n, &one, equations, &s->n, theta, &s->n, &info);
    if (info)
        return ds_fail(err, "the equations cannot be solved");
    memset(beta, 0, (size_t)s->design->columns * sizeof *beta);
    beta[0] = mean[s->n];
    for (int i = 0; i < s->n; i++) {
        theta[i] *= scale[i];
        beta[0] -= theta[i] * mean[i];
    }
    for (int c = 1; c < s->design->columns; c++)
        for (size_t i = s->start[c]; i < s->start[c + 1]; i++)
            beta[c] += s->part[i].weight * theta[s->part[i].feature];
    return 0;
}

/* Whether the data says something of all parts of a column. */
static bool is_seen(const struct ds_shared *s, int column)
{
    bool has_traits = false, seen = true;
    for (size_t i = s->start[column]; i < s->start[column + 1]; i++) {
        int kind = s->feature[s->part[i].feature].kind;
        has_traits = has_traits || kind == KERNEL || kind == EXPAND;
    }
    for (size_t i = s->start[column]; i < s->start[column + 1]; i++) {
        const struct ds_shared_feature *f = &s->feature[s->part[i].feature];
        /* a block may be told from its kernel and its expansion */
        seen = seen && (f->seen || (f->kind == BLOCK && has_traits));
    }
    return seen;
}

void ds_shared_seen(const struct ds_shared *s, bool *seen)
{
    const struct ds_design *d = s->design;
    for (int c = 0; c < d->columns; c++)
        seen[c] = is_seen(s, c);
    /* a choice that is in pairs is known when its pairs are */
    for (int i = 0; i < d->npairs; i++) {
        int width = d->space->site[d->pair[i].b].nchoices, first = d->single[d->pair[i].b];
        for (int c = 0; first >= 0 && c < width * d->space->site[d->pair[i].a].nchoices; c++) {
            bool *single = &seen[first + c % width];
            *single = *single && seen[d->pair[i].column + c];
        }
    }
}

#include "fit.h"

#include "stats.h"
#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Solves A x = b for symmetric positive definite A (LAPACK, in OpenBLAS). */
void dposv_(const char *uplo, const int *n, const int *nrhs, double *a, const int *lda, double *b,
            const int *ldb, int *info);

const struct ds_family ds_families[] = {
    {"additive", DS_PAIRS_NONE, false},
    {"additive-log", DS_PAIRS_NONE, true},
    {"resolution", DS_PAIRS_RESOLUTION, false},
    {"resolution-log", DS_PAIRS_RESOLUTION, true},
    {"interactions", DS_PAIRS_UNIT, false},
    {"interactions-log", DS_PAIRS_UNIT, true},
    {NULL, DS_PAIRS_NONE, false},
};

static const double penalties[] = {0.01, 0.1, 1, 10, 100};
#define NPENALTIES (sizeof penalties / sizeof *penalties)

/* Which column of the design a choice, or a pair of choices, is. */
struct design {
    const struct ds_space *space;
    int columns;              /* the first is the intercept */
    int single[DS_MAX_SITES]; /* first column of a site; -1: a single choice, always there */
    int npairs;
    struct {
        int a, b, column;
    } * pair;
    int *active; /* columns of one architecture */
};

static bool is_pair(const struct ds_space *space, int a, int b, enum ds_fit_pairs pairs)
{
    const struct ds_site *x = &space->site[a], *y = &space->site[b];
    bool with_resolution = x->kind == DS_SITE_RESOLUTION && y->unit >= 0;
    bool in_unit = x->unit >= 0 && x->unit == y->unit;
    if (y->nchoices * x->nchoices < 2 || pairs == DS_PAIRS_NONE)
        return false;
    return with_resolution || (in_unit && pairs == DS_PAIRS_UNIT);
}

static int make_design(struct design *d, const struct ds_space *space, enum ds_fit_pairs pairs,
                       struct ds_error *err)
{
    int n = space->nsites;
    *d = (struct design){.space = space, .columns = 1};
    d->pair = calloc((size_t)(n * n), sizeof *d->pair);
    d->active = calloc((size_t)(n * n + n + 1), sizeof *d->active);
    if (!d->pair || !d->active)
        return ds_fail(err, "out of memory");
    for (int s = 0; s < n; s++) {
        /* a layer's only block still tells whether the layer is active */
        bool varies = space->site[s].nchoices > 1 || space->site[s].kind == DS_SITE_BLOCK;
        d->single[s] = varies ? d->columns : -1;
        d->columns += varies ? space->site[s].nchoices : 0;
    }
    for (int a = 0; a < n; a++)
        for (int b = a + 1; b < n; b++)
            if (is_pair(space, a, b, pairs)) {
                d->pair[d->npairs].a = a;
                d->pair[d->npairs].b = b;
                d->pair[d->npairs++].column = d->columns;
                d->columns += space->site[a].nchoices * space->site[b].nchoices;
            }
    return 0;
}

static void free_design(struct design *d)
{
    free(d->pair);
    free(d->active);
}

/* Lists the columns that are 1 for an architecture, ascending; returns how many. */
static int active_columns(struct design *d, const uint8_t *choice)
{
    int n = 0;
    d->active[n++] = 0;
    for (int s = 0; s < d->space->nsites; s++)
        if (d->single[s] >= 0 && choice[s] != DS_INACTIVE)
            d->active[n++] = d->single[s] + choice[s];
    for (int i = 0; i < d->npairs; i++) {
        uint8_t a = choice[d->pair[i].a], b = choice[d->pair[i].b];
        if (a != DS_INACTIVE && b != DS_INACTIVE)
            d->active[n++] = d->pair[i].column + a * d->space->site[d->pair[i].b].nchoices + b;
    }
    return n;
}

/* X'X (lower triangle, column-major) and X'y of the architectures in, or not in, a fold. */
struct sums {
    double *xx, *xy;
};

static int fold_of(const struct ds_fit_data *data, size_t i)
{
    return (int)(data->id[i] * 0x9E3779B97F4A7C15u >> 40) % DS_FOLDS;
}

static double target(const struct ds_fit_data *data, const struct ds_family *family, size_t i)
{
    return family->log ? log(data->y[i]) : data->y[i];
}

/* Adds the architectures whose fold is not `except`. */
static void add_up(const struct ds_fit_data *data, const struct ds_family *family, struct design *d,
                   int except, struct sums *s)
{
    size_t p = (size_t)d->columns;
    memset(s->xx, 0, p * p * sizeof *s->xx);
    memset(s->xy, 0, p * sizeof *s->xy);
    for (size_t i = 0; i < data->n; i++) {
        if (fold_of(data, i) == except)
            continue;
        int n = active_columns(d, data->choice[i]);
        double y = target(data, family, i);
        for (int a = 0; a < n; a++) {
            double *column = s->xx + (size_t)d->active[a] * p;
            s->xy[d->active[a]] += y;
            for (int b = a; b < n; b++)
                column[d->active[b]] += 1;
        }
    }
}

/* beta = (X'X + penalty I)^-1 X'y; the intercept is not penalised. */
static int solve(const struct design *d, const struct sums *s, double penalty, double *work,
                 double *beta, struct ds_error *err)
{
    int p = d->columns, one = 1, info;
    memcpy(work, s->xx, (size_t)p * (size_t)p * sizeof *work);
    memcpy(beta, s->xy, (size_t)p * sizeof *beta);
    for (int i = 0; i < p; i++)
        work[(size_t)i * (size_t)p + (size_t)i] += i ? penalty : 1e-9;
    dposv_("L", &p, &one, work, &p, beta, &p, &info);
    return info ? ds_fail(err, "the equations cannot be solved: is there any data?") : 0;
}

static double predict(struct design *d, const struct ds_family *family, const uint8_t *choice,
                      const double *beta)
{
    double sum = 0;
    int n = active_columns(d, choice);
    for (int i = 0; i < n; i++)
        sum += beta[d->active[i]];
    return family->log ? exp(sum) : sum;
}

static struct ds_fit_error judge(const struct ds_fit_data *data, const double *predicted)
{
    struct ds_fit_error e = {0};
    double mean = 0, residual = 0, total = 0;
    for (size_t i = 0; i < data->n; i++)
        mean += data->y[i] / (double)data->n;
    for (size_t i = 0; i < data->n; i++) {
        double off = predicted[i] - data->y[i];
        e.mape += 100 * fabs(off / data->y[i]) / (double)data->n;
        residual += off * off;
        total += (data->y[i] - mean) * (data->y[i] - mean);
    }
    e.rmse = sqrt(residual / (double)data->n);
    e.r2 = total > 0 ? 1 - residual / total : NAN;
    e.spearman = ds_spearman(predicted, data->y, data->n);
    e.kendall = ds_kendall(predicted, data->y, data->n);
    return e;
}

/* Predicts every architecture from the other folds, with each penalty; the best by RMSE. */
static int cross_validate(const struct ds_fit_data *data, const struct ds_family *family,
                          struct design *d, struct sums *s, double *work, double *beta,
                          double *held_out[NPENALTIES], size_t *best, struct ds_fit_error *error,
                          struct ds_error *err)
{
    for (int fold = 0; fold < DS_FOLDS; fold++) {
        add_up(data, family, d, fold, s);
        for (size_t k = 0; k < NPENALTIES; k++) {
            if (solve(d, s, penalties[k], work, beta, err))
                return -1;
            for (size_t i = 0; i < data->n; i++)
                if (fold_of(data, i) == fold)
                    held_out[k][i] = predict(d, family, data->choice[i], beta);
        }
    }
    for (size_t k = 0; k < NPENALTIES; k++) {
        struct ds_fit_error e = judge(data, held_out[k]);
        if (k == 0 || e.rmse < error->rmse) {
            *error = e;
            *best = k;
        }
    }
    return 0;
}

/* ---- the model as JSON ---- */

static void put(json_t *table, const char *key, double value)
{
    json_object_set_new(table, key, json_real(value));
}

/*
 * A site's table. A choice that no architecture had is left out: the data says nothing of it. A
 * site of one choice changes nothing, but other choices there are not what was fitted.
 */
static json_t *site_to_json(const struct design *d, const struct sums *s, const double *beta,
                            int site)
{
    json_t *table = json_object();
    char label[256];
    for (int c = 0; c < d->space->site[site].nchoices; c++) {
        size_t column = (size_t)(d->single[site] + c);
        ds_site_print(d->space, site, c, label, sizeof label);
        if (d->single[site] < 0)
            put(table, label, 0);
        else if (s->xx[column * (size_t)d->columns + column] > 0)
            put(table, label, beta[column]);
    }
    return table;
}

static json_t *to_json(const struct ds_fit_data *data, const struct ds_family *family,
                       const struct design *d, const struct sums *sums, const double *beta,
                       double penalty)
{
    const struct ds_space *space = data->space;
    json_t *terms = json_object(), *pairs = json_object();
    char left[256], right[256], key[600];
    for (int s = 0; s < space->nsites; s++)
        json_object_set_new(terms, space->site[s].name, site_to_json(d, sums, beta, s));
    for (int i = 0; i < d->npairs; i++) {
        int a = d->pair[i].a, b = d->pair[i].b, column = d->pair[i].column;
        json_t *table = json_object();
        for (int x = 0; x < space->site[a].nchoices; x++)
            for (int y = 0; y < space->site[b].nchoices; y++) {
                ds_site_print(space, a, x, left, sizeof left);
                ds_site_print(space, b, y, right, sizeof right);
                snprintf(key, sizeof key, "%s*%s", left, right);
                put(table, key, beta[column + x * space->site[b].nchoices + y]);
            }
        snprintf(key, sizeof key, "%s*%s", space->site[a].name, space->site[b].name);
        json_object_set_new(pairs, key, table);
    }
    return json_pack("{ss ss sf sf so so}", "family", family->name, "link",
                     family->log ? "log" : "identity", "penalty", penalty, "intercept", beta[0],
                     "terms", terms, "pairs", pairs);
}

/* Refuses data that a family cannot be fitted to. */
static int check(const struct ds_fit_data *data, const struct ds_family *family,
                 struct ds_error *err)
{
    if (data->n < 4 * DS_FOLDS)
        return ds_fail(err, "%zu records are too few: %d at least", data->n, 4 * DS_FOLDS);
    for (size_t i = 0; i < data->n; i++)
        if (family->log && !(data->y[i] > 0))
            return ds_fail(err, "%s needs positive values", family->name);
    return 0;
}

json_t *ds_fit(const struct ds_fit_data *data, const struct ds_family *family,
               struct ds_fit_error *error, struct ds_error *err)
{
    struct design d;
    if (check(data, family, err) || make_design(&d, data->space, family->pairs, err))
        return NULL;
    size_t p = (size_t)d.columns, best = 0;
    if (p > data->n) {
        free_design(&d);
        ds_fail(err, "%zu coefficients are too many for %zu records", p, data->n);
        return NULL;
    }
    struct sums s = {malloc(p * p * sizeof(double)), malloc(p * sizeof(double))};
    double *work = malloc(p * p * sizeof *work), *beta = malloc(p * sizeof *beta);
    double *held_out[NPENALTIES] = {NULL}, *all = malloc(NPENALTIES * data->n * sizeof *all);
    json_t *model = NULL;
    for (size_t k = 0; k < NPENALTIES && all; k++)
        held_out[k] = all + k * data->n;
    if (!s.xx || !s.xy || !work || !beta || !all) {
        ds_fail(err, "out of memory: %zu columns", p);
    } else if (cross_validate(data, family, &d, &s, work, beta, held_out, &best, error, err) == 0) {
        add_up(data, family, &d, -1, &s);
        if (solve(&d, &s, penalties[best], work, beta, err) == 0)
            model = to_json(data, family, &d, &s, beta, penalties[best]);
    }
    free(s.xx);
    free(s.xy);
    free(work);
    free(beta);
    free(all);
    free_design(&d);
    return model;
}

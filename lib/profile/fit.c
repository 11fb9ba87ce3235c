#include "profile/fit.h"

#include "base/grow.h"
#include "base/openblas.h"
#include "base/stats.h"
#include "profile/fit_gram.h"
#include "profile/fit_json.h"
#include "profile/fit_shared.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/*
 * Penalties tried, on the sum of squared coefficients; for a family with a network, weight decays
 * of the network.
 */
static const double penalties[] = {0.01, 0.1, 1, 10, 100};
static const double neural_decays[] = {0.2, 1, 5}, chain_decays[] = {0.05, 0.5};
#define MOST_PENALTIES 5
#define JUDGES 2000   /* held-out architectures that suffice to choose among them */
#define STATED 100000 /* that suffice to state the error of a network: each fold is a training */

#define EXAMPLES_SEEN 4000000 /* in training, however many architectures there are, within: */
#define LEAST_EPOCHS 10
#define MOST_EPOCHS 100
#define SUM_PENALTY 1 /* of the linear model that a network is added to */

/* A fit under way. */
struct fit {
    const struct ds_fit_data *data;
    const struct ds_family *family;
    struct ds_design d;
    struct ds_shared shared; /* of a family whose coefficients are few; of others: */
    struct ds_gram gram;     /* X'X of the architectures used */
    double *xy;              /* and X'y */
    double *work;
    int *column; /* [d.most] of one architecture */
    struct ds_solution found;
    int npenalties;
    const double *penalty;
    double *held_out[MOST_PENALTIES]; /* predictions of architectures not used */
    size_t done, steps;

    /* of a family with a network: */
    int epochs;
    float *target;
    uint32_t *item;
};

int ds_fit_data_add(struct ds_fit_data *data, const uint8_t *choice, uint64_t id, double y,
                    struct ds_error *err)
{
    size_t n = data->n + 1;
    if (ds_grow(&data->choice, &data->choice_room, n, sizeof *data->choice, err) ||
        ds_grow(&data->id, &data->id_room, n, sizeof *data->id, err) ||
        ds_grow(&data->y, &data->y_room, n, sizeof *data->y, err))
        return -1;
    memcpy(data->choice[data->n], choice, sizeof *data->choice);
    data->id[data->n] = id;
    data->y[data->n++] = y;
    return 0;
}

void ds_fit_data_free(struct ds_fit_data *data)
{
    free(data->choice);
    free(data->id);
    free(data->y);
}

static int fold_of(const struct ds_fit_data *data, size_t i)
{
    return (int)(data->id[i] * 0x9E3779B97F4A7C15u >> 40) % DS_FOLDS;
}

static double target(const struct fit *f, size_t i)
{
    return f->family->log ? log(f->data->y[i]) : f->data->y[i];
}

static void step_done(void *fit)
{
    struct fit *f = fit;
    f->done++;
    if (f->data->progress)
        f->data->progress(f->data->progress_arg, (double)f->done / (double)f->steps);
}

/* ---- the linear model ---- */

/* Adds the architectures of a fold to X'X, or subtracts them; fold -1: all. */
static void add_up(struct fit *f, int fold, double sign)
{
    if (f->family->sharing)
        return;
    for (size_t i = 0; i < f->data->n; i++)
        if (fold < 0 || fold_of(f->data, i) == fold)
            ds_gram_add(&f->gram, f->data->choice[i], sign);
    ds_gram_flush(&f->gram);
}

/* X'y of the architectures whose fold is not `except`. */
static void add_up_values(struct fit *f, int except)
{
    if (f->family->sharing)
        return;
    memset(f->xy, 0, (size_t)f->d.columns * sizeof *f->xy);
    for (size_t i = 0; i < f->data->n; i++) {
        if (fold_of(f->data, i) == except)
            continue;
        int n = ds_design_columns(&f->d, f->data->choice[i], f->column);
        for (int k = 0; k < n; k++)
            f->xy[f->column[k]] += target(f, i);
    }
}

/* beta = (X'X + penalty I)^-1 X'y; the intercept is not penalised. */
static int solve(struct fit *f, double penalty, struct ds_error *err)
{
    int p = f->d.columns, one = 1, info;
    memcpy(f->work, f->gram.xx, (size_t)p * (size_t)p * sizeof *f->work);
    memcpy(f->found.beta, f->xy, (size_t)p * sizeof *f->xy);
    for (int i = 0; i < p; i++)
        f->work[(size_t)i * (size_t)p + (size_t)i] += i ? penalty : 1e-9;
    dposv_("L", &p, &one, f->work, &p, f->found.beta, &p, &info);
    return info ? ds_fail(err, "the equations cannot be solved: is there any data?") : 0;
}

/* The linear model's value for architecture i. */
static double sum_of(struct fit *f, size_t i)
{
    double sum = 0;
    int n = ds_design_columns(&f->d, f->data->choice[i], f->column);
    for (int k = 0; k < n; k++)
        sum += f->found.beta[f->column[k]];
    return sum;
}

/* ---- the network of a family that has one ---- */

/* Epochs, chosen so that training takes as many steps on little data as on much, within bounds. */
static int epochs_for(size_t n)
{
    size_t epochs = EXAMPLES_SEEN / n;
    return epochs < LEAST_EPOCHS ? LEAST_EPOCHS : epochs > MOST_EPOCHS ? MOST_EPOCHS : (int)epochs;
}

/* Trains the network on the residuals of the linear model, divided by their standard deviation. */
static int train(struct fit *f, int except, double decay, struct ds_error *err)
{
    double squares = 0;
    uint32_t used = 0;
    for (size_t i = 0; i < f->data->n; i++) {
        double rest = target(f, i) - sum_of(f, i);
        f->target[i] = (float)rest;
        if (fold_of(f->data, i) == except)
            continue;
        f->item[used++] = (uint32_t)i;
        squares += rest * rest;
    }
    f->found.scale = squares > 0 ? sqrt(squares / used) : 1;
    for (size_t i = 0; i < f->data->n; i++)
        f->target[i] = (float)(f->target[i] / f->found.scale);
    const struct ds_fit_training how = {f->target, f->item, used, f->epochs, decay, step_done, f};
    return ds_fit_net_train(&f->found.net, &how, err);
}

/* ---- cross-validation ---- */

/* Fits to the architectures in X'X: those whose fold is not `except`. */
static int fit_one(struct fit *f, int except, double penalty, struct ds_error *err)
{
    f->found.penalty = penalty;
    if (f->family->sharing ? ds_shared_solve(&f->shared, except, penalty, f->found.beta, err)
                           : solve(f, f->family->net ? SUM_PENALTY : penalty, err))
        return -1;
    if (f->family->net)
        return train(f, except, penalty, err);
    step_done(f);
    return 0;
}

/* Predicts a fold; returns the sum of squared errors. */
static double predict(struct fit *f, int fold, double *predicted)
{
    double squares = 0;
    for (size_t i = 0; i < f->data->n; i++) {
        if (fold_of(f->data, i) != fold)
            continue;
        double sum = sum_of(f, i) + f->found.scale * ds_fit_net_value(&f->found.net, i);
        predicted[i] = f->family->log ? exp(sum) : sum;
        squares += (predicted[i] - f->data->y[i]) * (predicted[i] - f->data->y[i]);
    }
    return squares;
}

static struct ds_fit_error judge(const double *predicted, const double *y, size_t n)
{
    struct ds_fit_error e = {0};
    double mean = 0, residual = 0, total = 0;
    for (size_t i = 0; i < n; i++)
        mean += y[i] / (double)n;
    for (size_t i = 0; i < n; i++) {
        double off = predicted[i] - y[i];
        e.mape += 100 * fabs(off / y[i]) / (double)n;
        residual += off * off;
        total += (y[i] - mean) * (y[i] - mean);
    }
    e.rmse = sqrt(residual / (double)n);
    e.r2 = total > 0 ? 1 - residual / total : NAN;
    e.spearman = ds_spearman(predicted, y, n);
    e.kendall = ds_kendall(predicted, y, n);
    return e;
}

/* The error over the first folds; `predicted` is put in their order. */
static int judge_folds(const struct fit *f, double *predicted, int folds,
                       struct ds_fit_error *error, struct ds_error *err)
{
    size_t n = 0;
    double *y = ds_alloc(f->data->n, sizeof *y, err);
    if (!y)
        return -1;
    for (size_t i = 0; i < f->data->n; i++) {
        if (fold_of(f->data, i) >= folds)
            continue;
        predicted[n] = predicted[i];
        y[n++] = f->data->y[i];
    }
    *error = judge(predicted, y, n);
    error->folds = folds;
    free(y);
    return 0;
}

/* How many folds hold so many architectures; all, where they are too few. */
static int folds_of(const struct ds_fit_data *data, size_t enough)
{
    size_t size[DS_FOLDS] = {0}, held = 0;
    int n = 0;
    for (size_t i = 0; i < data->n; i++)
        size[fold_of(data, i)]++;
    while (n < DS_FOLDS && held < enough)
        held += size[n++];
    return n;
}

static int least(const double *x, int n)
{
    int best = 0;
    for (int i = 1; i < n; i++)
        best = x[i] < x[best] ? i : best;
    return best;
}

/*
 * Predicts folds, each from the other four; the best penalty, by squared error, in *best. It is
 * chosen by as many folds as hold JUDGES; those after them are predicted with that one alone, since
 * each penalty costs a solution of all equations, or a training.
 */
static int cross_validate(struct fit *f, int *best, struct ds_fit_error *error,
                          struct ds_error *err)
{
    int choosing = folds_of(f->data, JUDGES), per_fit = f->family->net ? f->epochs : 1;
    int folds = f->family->net ? folds_of(f->data, STATED) : DS_FOLDS;
    double squares[MOST_PENALTIES] = {0};
    f->steps = (size_t)((choosing * f->npenalties + folds - choosing + 1) * per_fit);
    for (int fold = 0; fold < folds; fold++) {
        add_up(f, fold, -1);
        add_up_values(f, fold);
        for (int k = 0; k < f->npenalties; k++) {
            if (fold >= choosing && k != *best)
                continue;
            if (fit_one(f, fold, f->penalty[k], err))
                return -1;
            squares[k] += predict(f, fold, f->held_out[k]);
        }
        if (fold < choosing)
            *best = least(squares, f->npenalties);
        add_up(f, fold, 1);
    }
    return judge_folds(f, f->held_out[*best], folds, error, err);
}

/* Refuses data that a family cannot be fitted to. */
static int check(const struct ds_fit_data *data, const struct ds_family *family,
                 struct ds_error *err)
{
    if (data->n < 4 * DS_FOLDS)
        return ds_fail(err, "%zu records are too few: %d at least", data->n, 4 * DS_FOLDS);
    if (data->n > UINT32_MAX)
        return ds_fail(err, "%zu records are too many", data->n);
    for (size_t i = 0; i < data->n; i++)
        if (family->log && !(data->y[i] > 0))
            return ds_fail(err, "%s needs positive values", family->name);
    return 0;
}

static int make_network_room(struct fit *f, struct ds_error *err)
{
    f->epochs = epochs_for(f->data->n);
    f->target = ds_alloc(f->data->n, sizeof *f->target, err);
    f->item = f->target ? ds_alloc(f->data->n, sizeof *f->item, err) : NULL;
    return f->item ? ds_fit_net_init(&f->found.net, f->family->net, f->data, &f->d, err) : -1;
}

static void choose_penalties(struct fit *f)
{
    static const struct {
        const double *values;
        size_t size;
    } of[] = {[DS_NET_NONE] = {penalties, sizeof penalties},
              [DS_NET_NEURAL] = {neural_decays, sizeof neural_decays},
              [DS_NET_CHAIN] = {chain_decays, sizeof chain_decays}};
    f->penalty = of[f->family->net].values;
    f->npenalties = (int)(of[f->family->net].size / sizeof *f->penalty);
    if (f->family->net == DS_NET_CHAIN && f->data->n >= DS_CHAIN_MANY)
        f->npenalties = 1; /* the least: there is too much data to learn by heart */
}

static int make_room(struct fit *f, struct ds_error *err)
{
    size_t p = (size_t)f->d.columns, n = f->data->n;
    size_t equations = f->family->sharing ? 1 : p * p;
    choose_penalties(f);
    f->xy = ds_alloc(p, sizeof *f->xy, NULL);
    f->work = ds_alloc(equations, sizeof *f->work, NULL);
    f->column = ds_alloc((size_t)f->d.most, sizeof *f->column, NULL);
    f->found.beta = ds_alloc(p, sizeof *f->found.beta, NULL);
    f->found.seen = ds_alloc(p, sizeof *f->found.seen, NULL);
    bool ok = f->xy && f->work && f->column && f->found.beta && f->found.seen;
    for (int k = 0; k < f->npenalties; k++)
        ok = (f->held_out[k] = ds_alloc(n, sizeof *f->held_out[k], NULL)) && ok;
    if (ok && f->family->net)
        return make_network_room(f, err);
    return ok ? 0 : ds_fail(err, "out of memory: %zu columns, %zu records", p, n);
}

static void free_room(struct fit *f)
{
    free(f->xy);
    free(f->work);
    free(f->column);
    free(f->found.beta);
    free(f->found.seen);
    for (int k = 0; k < f->npenalties; k++)
        free(f->held_out[k]);
    free(f->target);
    free(f->item);
    ds_fit_net_free(&f->found.net);
    ds_shared_free(&f->shared);
    ds_gram_free(&f->gram);
    ds_design_free(&f->d);
}

/* Takes in the architectures: their X'X, or what a family of few coefficients has in its place. */
static int take_in(struct fit *f, struct ds_error *err)
{
    size_t p = (size_t)f->d.columns;
    if (f->family->sharing) {
        if (ds_shared_init(&f->shared, &f->d, f->family, DS_FOLDS, err))
            return -1;
        for (size_t i = 0; i < f->data->n; i++)
            ds_shared_add(&f->shared, f->data->choice[i], target(f, i), fold_of(f->data, i),
                          f->column);
        ds_shared_seen(&f->shared, f->found.seen);
        return 0;
    }
    if (ds_gram_init(&f->gram, &f->d, err))
        return -1;
    add_up(f, -1, 1);
    for (size_t c = 0; c < p; c++)
        f->found.seen[c] = f->gram.xx[c * p + c] > 0;
    return 0;
}

/* The fit, once the design is made. */
static int fit(struct fit *f, struct ds_fit_error *error, struct ds_error *err)
{
    size_t p = (size_t)f->d.columns;
    int best = 0;
    if (p > f->data->n && !f->family->sharing)
        return ds_fail(err, "%zu coefficients are too many for %zu records", p, f->data->n);
    if (make_room(f, err) || take_in(f, err) || cross_validate(f, &best, error, err))
        return -1;
    add_up_values(f, -1);
    return fit_one(f, -1, f->penalty[best], err);
}

json_t *ds_fit(const struct ds_fit_data *data, const struct ds_family *family,
               struct ds_fit_error *error, struct ds_error *err)
{
    struct fit f = {.data = data, .family = family};
    json_t *model = NULL;
    if (check(data, family, err))
        return NULL;
    if (ds_design_make(&f.d, data->space, family->pairs, err) == 0 && fit(&f, error, err) == 0)
        model = ds_solution_to_json(&f.found, &f.d, family);
    free_room(&f);
    return model;
}

int ds_fit_and_predict(const struct ds_fit_data *data, size_t used, const struct ds_family *family,
                       struct ds_fit_error *error, double *predicted, struct ds_error *err)
{
    struct ds_fit_data first = *data;
    struct fit f = {.data = &first, .family = family};
    first.n = used;
    first.progress = NULL;
    if (family->net)
        return ds_fail(err, "%s: networks are not fitted to parts of the data", family->name);
    if (check(&first, family, err))
        return -1;
    int rc = ds_design_make(&f.d, data->space, family->pairs, err);
    if (rc == 0)
        rc = fit(&f, error, err);
    for (size_t i = used; i < data->n && rc == 0; i++)
        predicted[i - used] = family->log ? exp(sum_of(&f, i)) : sum_of(&f, i);
    free_room(&f);
    return rc;
}

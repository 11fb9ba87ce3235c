#include "search/curve.h"

#include "base/grow.h"
#include "base/random.h"
#include "base/stats.h"
#include "search/pareto.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NEAR 0.1       /* the share of the held-out architectures that is near the front, */
#define NEAR_LEAST 10  /* but so many at least */
#define MOST_FITTED .8 /* of the data, so that enough is held out */

/* Room for one repeat. */
struct turn {
    const struct ds_curve *c;
    size_t n, pool, fitted; /* of all the data; of those that may be fitted to */
    struct ds_fit_data data;
    uint32_t *order; /* [n]: data->choice[i] is c->data->choice[order[i]] */
    double *try, *predicted;
    double *x; /* [n][2] */
    size_t *at;
    bool *keep;
};

static int make_turn(struct turn *t, const struct ds_curve *c, size_t fitted, struct ds_error *err)
{
    size_t n = c->data->n;
    *t = (struct turn){.c = c, .n = n, .pool = n - c->nfront, .fitted = fitted};
    t->data = (struct ds_fit_data){.space = c->data->space, .n = n};
    t->data.choice = ds_alloc(n, sizeof *t->data.choice, err);
    t->data.id = ds_alloc(n, sizeof *t->data.id, err);
    t->data.y = ds_alloc(n, sizeof *t->data.y, err);
    t->order = ds_alloc(n, sizeof *t->order, err);
    t->try = ds_alloc(n, sizeof *t->try, err);
    t->predicted = ds_alloc(n, sizeof *t->predicted, err);
    t->x = ds_alloc(2 * n, sizeof *t->x, err);
    t->at = ds_alloc(n, sizeof *t->at, err);
    t->keep = ds_alloc(n, sizeof *t->keep, err);
    bool ok = t->data.choice && t->data.id && t->data.y && t->order && t->try && t->predicted &&
              t->x && t->at && t->keep;
    return ok ? 0 : -1;
}

static void free_turn(struct turn *t)
{
    ds_fit_data_free(&t->data);
    free(t->order);
    free(t->try);
    free(t->predicted);
    free(t->x);
    free(t->at);
    free(t->keep);
}

/* Those to be fitted to come first, drawn at random. */
static void draw(struct turn *t, uint64_t seed, uint64_t repeat)
{
    struct ds_random r;
    ds_random_init(&r, seed, repeat, DS_DRAW_SAMPLE);
    for (size_t i = 0; i < t->n; i++)
        t->order[i] = (uint32_t)i;
    ds_random_shuffle(&r, t->order, (uint32_t)t->pool);
    for (size_t i = 0; i < t->n; i++) {
        const struct ds_fit_data *from = t->c->data;
        memcpy(t->data.choice[i], from->choice[t->order[i]], sizeof *t->data.choice);
        t->data.id[i] = from->id[t->order[i]];
        t->data.y[i] = from->y[t->order[i]];
    }
}

/* Fits the families; what the best by cross-validation predicts goes to predicted[n - fitted]. */
static const struct ds_family *fit_best(struct turn *t, struct ds_error *err)
{
    const struct ds_family *best = NULL;
    double least = INFINITY;
    for (const struct ds_family *f = ds_families; f->name; f++) {
        struct ds_fit_error e;
        if (t->c->only ? f != t->c->only : f->net != DS_NET_NONE)
            continue;
        if (ds_fit_and_predict(&t->data, t->fitted, f, &e, t->try, err) || !(e.rmse < least))
            continue;
        double *swap = t->predicted;
        t->predicted = t->try;
        t->try = swap;
        least = e.rmse;
        best = f;
    }
    return best;
}

/* The error on those held-out architectures whose numbers (from `fitted` on) are at[n]. */
static struct ds_curve_error judge(struct turn *t, size_t n)
{
    struct ds_curve_error e = {.n = n};
    double *p = t->x, *y = t->x + n;
    for (size_t i = 0; i < n; i++) {
        p[i] = t->predicted[t->at[i]];
        y[i] = t->data.y[t->fitted + t->at[i]];
        e.mape += 100 * fabs((p[i] - y[i]) / y[i]) / (double)n;
        e.bias += 100 * (p[i] - y[i]) / y[i] / (double)n;
        e.rmse += (p[i] - y[i]) * (p[i] - y[i]) / (double)n;
    }
    e.rmse = sqrt(e.rmse);
    e.spearman = ds_spearman(p, y, n);
    return e;
}

static size_t from_to(struct turn *t, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        t->at[i - from] = i;
    return to - from;
}

/* Lists those nearest to the front of what is predicted, front after front; -1: no memory. */
static int64_t nearest(struct turn *t, struct ds_error *err)
{
    size_t left = from_to(t, 0, t->pool - t->fitted), near = 0;
    size_t most = (size_t)fmax(NEAR_LEAST, ceil(NEAR * (double)left));
    while (near < most && left > 0) {
        /* at[0..near-1] are taken, at[near..near+left-1] are left */
        for (size_t i = 0; i < left; i++) {
            size_t k = t->at[near + i];
            t->x[2 * i] = t->c->more ? -t->predicted[k] : t->predicted[k];
            t->x[2 * i + 1] = t->c->other[t->order[t->fitted + k]];
        }
        if (ds_pareto_front(t->x, left, 2, t->keep, err))
            return -1;
        for (size_t i = 0, begin = near; i < left; i++)
            if (t->keep[i]) {
                size_t swap = t->at[begin + i];
                memmove(t->at + near + 1, t->at + near, (begin + i - near) * sizeof *t->at);
                t->at[near++] = swap;
            }
        left = t->pool - t->fitted - near;
    }
    return (int64_t)near;
}

static void add(struct ds_curve_error *sum, struct ds_curve_error e)
{
    sum->n = e.n;
    sum->mape += e.mape / DS_CURVE_REPEATS;
    sum->bias += e.bias / DS_CURVE_REPEATS;
    sum->rmse += e.rmse / DS_CURVE_REPEATS;
    sum->spearman += e.spearman / DS_CURVE_REPEATS;
}

static int judge_turn(struct turn *t, struct ds_curve_point *point, struct ds_error *err)
{
    add(&point->random, judge(t, from_to(t, 0, t->pool - t->fitted)));
    int64_t near =
        t->c->nfront ? (int64_t)from_to(t, t->pool - t->fitted, t->n - t->fitted) : nearest(t, err);
    if (near < 0)
        return -1;
    add(&point->front, judge(t, (size_t)near));
    return 0;
}

int ds_curve_at(const struct ds_curve *c, size_t fitted, uint64_t seed,
                struct ds_curve_point *point, struct ds_error *err)
{
    struct turn t;
    int times[DS_CURVE_MOST_FAMILIES] = {0};
    int rc = make_turn(&t, c, fitted, err);
    *point = (struct ds_curve_point){.fitted = fitted};
    for (int i = 0; i < DS_CURVE_REPEATS && rc == 0; i++) {
        draw(&t, seed, (uint64_t)i);
        const struct ds_family *best = fit_best(&t, err);
        rc = best ? judge_turn(&t, point, err) : -1;
        if (rc == 0 && ++times[best - ds_families] > point->times) {
            point->times = times[best - ds_families];
            point->often = best;
        }
    }
    free_turn(&t);
    return rc;
}

size_t ds_curve_next(const struct ds_curve *c, size_t fitted)
{
    size_t most = (size_t)(MOST_FITTED * (double)(c->data->n - c->nfront));
    size_t next = fitted ? 2 * fitted : DS_CURVE_LEAST;
    if (fitted >= most)
        return 0;
    return next > most ? (fitted ? most : 0) : next;
}

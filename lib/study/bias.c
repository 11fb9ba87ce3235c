#include "study/bias.h"

#include "base/grow.h"
#include "base/openblas.h"
#include "base/stats.h"
#include "space/arch.h"
#include "space/trait.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEVEL 0.95
#define LEAST 10
#define SAME 1e-8 /* what is left of a share that others tell, of its square */

/* A share that may tell of a bias. */
struct share {
    char what[100];
    double *x;    /* [n], as it is */
    double *rest; /* [n], less what the shares chosen tell of it */
    bool chosen;
};

struct search {
    const struct ds_space *space;
    size_t n;
    struct share *share;
    int nshares;
    size_t room;
    double *y, *rest; /* [n]: the logarithms; less what the shares chosen tell */
    struct ds_error *err;
};

static int free_search(struct search *s, int rc)
{
    for (int i = 0; i < s->nshares; i++) {
        free(s->share[i].x);
        free(s->share[i].rest);
    }
    free(s->share);
    free(s->y);
    free(s->rest);
    return rc;
}

/* The share so called, made when it is new. */
static struct share *find_share(struct search *s, const char *what)
{
    for (int i = 0; i < s->nshares; i++)
        if (strcmp(s->share[i].what, what) == 0)
            return &s->share[i];
    if (ds_grow(&s->share, &s->room, (size_t)s->nshares + 1, sizeof *s->share, s->err))
        return NULL;
    struct share *new = &s->share[s->nshares];
    *new = (struct share){.x = ds_alloc(s->n, sizeof *new->x, s->err),
                          .rest = ds_alloc(s->n, sizeof *new->rest, s->err)};
    snprintf(new->what, sizeof new->what, "%s", what);
    s->nshares++;
    return new->x &&new->rest ? new : NULL;
}

static int add_to(struct search *s, size_t i, const char *what, double part)
{
    struct share *share = find_share(s, what);
    if (!share)
        return -1;
    share->x[i] += part;
    return 0;
}

/* Adds a layer to the share of those that have this trait, in all units and in its own. */
static int add_trait(struct search *s, size_t i, int site, int choice, enum ds_trait trait,
                     const char *name, double part)
{
    double value;
    char what[100];
    if (!ds_trait(s->space, site, choice, trait, &value))
        return 0;
    snprintf(what, sizeof what, "%s %g", name, value);
    if (add_to(s, i, what, part))
        return -1;
    snprintf(what, sizeof what, "%s %g in unit %d", name, value, s->space->site[site].unit);
    return add_to(s, i, what, part);
}

/* What a layer adds to the shares of architecture i. */
static int add_layer(struct search *s, size_t i, int site, int choice, double part)
{
    const struct ds_site *at = &s->space->site[site];
    char what[100];
    snprintf(what, sizeof what, "unit %d", at->unit);
    if (add_to(s, i, what, part) ||
        add_trait(s, i, site, choice, DS_TRAIT_KERNEL, "kernel", part) ||
        add_trait(s, i, site, choice, DS_TRAIT_EXPAND, "expand", part))
        return -1;
    snprintf(what, sizeof what, "%.80s", s->space->block[at->value[choice]].name);
    return add_to(s, i, what, part);
}

static int add_architecture(struct search *s, size_t i, const uint8_t *choice)
{
    const struct ds_space *space = s->space;
    char what[100], label[256];
    int layers = 0;
    for (int site = 0; site < space->nsites; site++)
        layers += space->site[site].kind == DS_SITE_BLOCK && choice[site] != DS_INACTIVE;
    for (int site = 0; site < space->nsites; site++) {
        const struct ds_site *at = &space->site[site];
        int rc = 0;
        if (choice[site] == DS_INACTIVE || at->kind == DS_SITE_DEPTH)
            continue; /* a depth shows in the share of the unit */
        if (at->kind == DS_SITE_BLOCK) {
            rc = add_layer(s, i, site, choice[site], 1.0 / layers);
        } else if (at->nchoices > 1) {
            ds_site_print(space, site, choice[site], label, sizeof label);
            snprintf(what, sizeof what, "%.50s %.40s", at->name, label);
            rc = add_to(s, i, what, 1);
        }
        if (rc)
            return -1;
    }
    return add_to(s, i, "layers", layers);
}

static double dot(const double *a, const double *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

static void centre(double *x, const double *from, size_t n)
{
    double mean = 0;
    for (size_t i = 0; i < n; i++)
        mean += from[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        x[i] = from[i] - mean;
}

static void take_off(double *x, const double *direction, size_t n)
{
    double part = dot(x, direction, n) / dot(direction, direction, n);
    for (size_t i = 0; i < n; i++)
        x[i] -= part * direction[i];
}

/* The share that tells most of what is left; its p, times those tried, in *p. NULL: none. */
static struct share *best_share(struct search *s, int chosen, double *p)
{
    struct share *best = NULL;
    double df = (double)s->n - chosen - 2, yy = dot(s->rest, s->rest, s->n), most = 0;
    int tried = 0;
    for (int i = 0; i < s->nshares; i++) {
        struct share *share = &s->share[i];
        double xx = dot(share->rest, share->rest, s->n), xy = dot(share->rest, s->rest, s->n);
        if (share->chosen || xx <= SAME * dot(share->x, share->x, s->n))
            continue;
        tried++;
        if (xy * xy / xx > most) {
            most = xy * xy / xx;
            best = share;
        }
    }
    if (!best || yy <= 0)
        return NULL;
    double explained = fmin(most / yy, 1 - 1e-15);
    *p = fmin(1, tried * ds_student_tail(sqrt(df * explained / (1 - explained)), df));
    return best;
}

/* Least squares on the shares chosen: what each is off by, and its interval. */
static int regress(struct search *s, struct share *const *chosen, struct ds_biases *found)
{
    int n = found->n, info;
    double a[DS_MOST_BIASES * DS_MOST_BIASES], b[DS_MOST_BIASES * (DS_MOST_BIASES + 1)] = {0};
    double *x[DS_MOST_BIASES], *y = s->rest, df = (double)s->n - n - 1;
    for (int i = 0; i < n; i++) {
        x[i] = chosen[i]->rest;
        centre(x[i], chosen[i]->x, s->n);
    }
    centre(y, s->y, s->n);
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < n; k++)
            a[i * n + k] = dot(x[i], x[k], s->n);
        b[i] = dot(x[i], y, s->n);
        b[n + i * n + i] = 1; /* and the inverse */
    }
    int columns = n + 1;
    if (n)
        dposv_("L", &n, &columns, a, &n, b, &n, &info);
    if (n && info)
        return ds_fail(s->err, "the shares of layers cannot be told apart");
    for (int i = 0; i < n; i++)
        for (size_t k = 0; k < s->n; k++)
            y[k] -= b[i] * x[i][k];
    double variance = dot(y, y, s->n) / df, t = ds_student_t(LEVEL, df);
    found->rest = sqrt(variance);
    for (int i = 0; i < n; i++) {
        double half = t * sqrt(variance * b[n + i * n + i]);
        found->at[i].off = 100 * expm1(b[i]);
        found->at[i].lo = 100 * expm1(b[i] - half);
        found->at[i].hi = 100 * expm1(b[i] + half);
    }
    return 0;
}

static int select_shares(struct search *s, struct ds_biases *found)
{
    struct share *chosen[DS_MOST_BIASES];
    for (int i = 0; i < s->nshares; i++)
        centre(s->share[i].rest, s->share[i].x, s->n);
    centre(s->rest, s->y, s->n);
    found->spread = sqrt(dot(s->rest, s->rest, s->n) / (double)(s->n - 1));
    while (found->n < DS_MOST_BIASES && (size_t)found->n + LEAST / 2 < s->n) {
        double p;
        struct share *best = best_share(s, found->n, &p);
        if (!best || p >= 1 - LEVEL)
            break;
        best->chosen = true;
        take_off(s->rest, best->rest, s->n);
        for (int i = 0; i < s->nshares; i++)
            if (!s->share[i].chosen)
                take_off(s->share[i].rest, best->rest, s->n);
        snprintf(found->at[found->n].what, sizeof found->at->what, "%s", best->what);
        found->at[found->n].p = p;
        chosen[found->n++] = best;
    }
    return regress(s, chosen, found);
}

int ds_find_biases(const struct ds_space *space, const uint8_t (*choice)[DS_MAX_SITES],
                   const double *predicted, const double *measured, size_t n,
                   struct ds_biases *found, struct ds_error *err)
{
    struct search s = {.space = space, .n = n, .err = err};
    *found = (struct ds_biases){0};
    if (n < LEAST)
        return ds_fail(err, "%zu architectures are too few to tell a bias: %d at least", n, LEAST);
    s.y = ds_alloc(n, sizeof *s.y, err);
    s.rest = ds_alloc(n, sizeof *s.rest, err);
    if (!s.y || !s.rest)
        return free_search(&s, -1);
    for (size_t i = 0; i < n; i++) {
        s.y[i] = s.rest[i] = log(measured[i] / predicted[i]);
        if (add_architecture(&s, i, choice[i]))
            return free_search(&s, -1);
    }
    ds_sort(s.rest, n);
    found->common = exp(ds_quantile(s.rest, n, .5));
    return free_search(&s, select_shares(&s, found));
}

#include "npu/fit.h"

#include "base/grow.h"
#include "base/openblas.h"
#include "base/random.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_STEPS = 100, STARTS = 12 };

struct fit {
    struct ds_npu *npu;
    const struct ds_npu_blocks *blocks;
    const bool *among;
    int nfree, nused;
    enum ds_npu_key key[DS_NPU_KEYS];
    double x[DS_NPU_KEYS]; /* logarithms of the free parameters */
    double *r, *trial;     /* [nused] relative errors */
    double *jacobian;      /* [nfree][nused] */
};

static void set(struct fit *f, int i, double x)
{
    enum ds_npu_key key = f->key[i];
    f->npu->value[key] = fmin(fmax(exp(x), f->npu->lo[key]), f->npu->hi[key]);
}

static int errors(struct fit *f, double *r, double *sum, struct ds_error *err)
{
    int n = 0;
    *sum = 0;
    for (int i = 0; i < f->blocks->n; i++) {
        double ms = 0;
        if (!f->among[i])
            continue;
        if (ds_npu_block_time(f->npu, &f->blocks->block[i], &ms, err))
            return -1;
        r[n] = ms / f->blocks->block[i].ms - 1;
        *sum += r[n] * r[n];
        n++;
    }
    return 0;
}

/* Differences of the errors, each parameter moved away from a bound by a thousandth. */
static int differentiate(struct fit *f, struct ds_error *err)
{
    for (int i = 0; i < f->nfree; i++) {
        double step = exp(f->x[i] + 1e-3) > f->npu->hi[f->key[i]] ? -1e-3 : 1e-3, sum;
        set(f, i, f->x[i] + step);
        if (errors(f, f->trial, &sum, err))
            return -1;
        set(f, i, f->x[i]);
        for (int k = 0; k < f->nused; k++)
            f->jacobian[i * f->nused + k] = (f->trial[k] - f->r[k]) / step;
    }
    return 0;
}

/* Solves (J'J + damping diag(J'J)) step = -J'r; -1 where it has no solution. */
static int solve(const struct fit *f, double damping, double *step)
{
    double a[DS_NPU_KEYS * DS_NPU_KEYS];
    int n = f->nfree, one = 1, info;
    for (int i = 0; i < n; i++) {
        const double *ji = &f->jacobian[i * f->nused];
        step[i] = 0;
        for (int k = 0; k < f->nused; k++)
            step[i] -= ji[k] * f->r[k];
        for (int j = 0; j <= i; j++) {
            const double *jj = &f->jacobian[j * f->nused];
            double sum = 0;
            for (int k = 0; k < f->nused; k++)
                sum += ji[k] * jj[k];
            a[j * n + i] = sum; /* lower triangle, column-major */
        }
        /* a parameter that does nothing stays where it is */
        a[i * n + i] = a[i * n + i] * (1 + damping) + 1e-12;
    }
    dposv_("L", &n, &one, a, &n, step, &n, &info);
    return info ? -1 : 0;
}

/* Tries a step, and keeps it where it lowers the sum of squares. */
static int try_step(struct fit *f, const double *step, double *sum, bool *better,
                    struct ds_error *err)
{
    double now;
    for (int i = 0; i < f->nfree; i++)
        set(f, i, f->x[i] + fmin(fmax(step[i], -1), 1));
    if (errors(f, f->trial, &now, err))
        return -1;
    *better = now < *sum;
    for (int i = 0; i < f->nfree; i++)
        if (*better)
            f->x[i] = log(f->npu->value[f->key[i]]);
        else
            set(f, i, f->x[i]);
    if (*better) {
        *sum = now;
        memcpy(f->r, f->trial, (size_t)f->nused * sizeof *f->r);
    }
    return 0;
}

/* Descends from the present parameters; gives the sum of squares that it reaches. */
static int descend(struct fit *f, double *sum, struct ds_error *err)
{
    double damping = 1e-2, step[DS_NPU_KEYS];
    if (errors(f, f->r, sum, err))
        return -1;
    for (int steps = 0; steps < MOST_STEPS; steps++) {
        double before = *sum;
        bool better = false;
        if (differentiate(f, err))
            return -1;
        for (; !better && damping < 1e6; damping *= better ? 0.2 : 5)
            if (solve(f, damping, step) == 0 && try_step(f, step, sum, &better, err))
                return -1;
        if (!better || before - *sum < 1e-6 * before)
            break;
    }
    return 0;
}

/*
 * The best of several descents: one from the middle of the ranges, the others from random points in
 * them.
 */
static int search(struct fit *f, struct ds_error *err)
{
    double best = HUGE_VAL, sum, value[DS_NPU_KEYS];
    for (uint64_t start = 0; start < STARTS; start++) {
        struct ds_random r;
        ds_random_init(&r, 1, start, DS_DRAW_SAMPLE);
        for (int i = 0; i < f->nfree; i++) {
            double lo = log(f->npu->lo[f->key[i]]), hi = log(f->npu->hi[f->key[i]]);
            f->x[i] = lo + (hi - lo) * (start == 0 ? 0.5 : ds_random_unit(&r));
            set(f, i, f->x[i]);
        }
        if (descend(f, &sum, err))
            return -1;
        if (sum < best) {
            best = sum;
            memcpy(value, f->npu->value, sizeof value);
        }
    }
    memcpy(f->npu->value, value, sizeof value);
    return 0;
}

int ds_npu_fit(struct ds_npu *npu, const struct ds_npu_blocks *blocks, const bool *among,
               struct ds_error *err)
{
    struct fit f = {.npu = npu, .blocks = blocks, .among = among};
    for (int i = 0; i < blocks->n; i++)
        f.nused += among[i];
    for (int key = 0; key < DS_NPU_KEYS; key++)
        if (npu->free[key]) {
            f.key[f.nfree++] = (enum ds_npu_key)key;
        }
    if (f.nfree == 0)
        return ds_fail(err, "%s has no parameter with a range to fit it in", npu->name);
    if (f.nused < f.nfree)
        return ds_fail(err, "%d blocks are too few for %d free parameters", f.nused, f.nfree);
    f.r = ds_alloc((size_t)f.nused, sizeof *f.r, NULL);
    f.trial = ds_alloc((size_t)f.nused, sizeof *f.trial, NULL);
    f.jacobian = ds_alloc((size_t)f.nused * (size_t)f.nfree, sizeof *f.jacobian, NULL);
    int rc = f.r && f.trial && f.jacobian ? search(&f, err) : ds_no_memory(err);
    free(f.r);
    free(f.trial);
    free(f.jacobian);
    return rc;
}

#include "npu/fit.h"

#include "base/grow.h"
#include "base/openblas.h"
#include "base/random.h"
#include "base/stats.h"
#include "formats/latency_table.h"
#include "network/blocks.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* ---- blocks ---- */

void ds_npu_blocks_free(struct ds_npu_blocks *blocks)
{
    for (int i = 0; i < blocks->n; i++) {
        free(blocks->block[i].name);
        ds_net_free(&blocks->block[i].net);
    }
    free(blocks->block);
    *blocks = (struct ds_npu_blocks){0};
}

/* What the name of a block says. */
struct words {
    int c, h, w, out, kernel, expand, stride;
    char act[16], se[8];
};

static bool read_words(const char *name, struct words *s)
{
    int end = 0;
    return sscanf(name,
                  "ResidualBlock-in_%dx%dx%d-out_%d-k_%d-e_%d-s_%d-act_%15[a-z_]-use_se_%7s%n",
                  &s->c, &s->h, &s->w, &s->out, &s->kernel, &s->expand, &s->stride, s->act, s->se,
                  &end) == 9 &&
           name[end] == 0;
}

/* Builds the block alone. */
static int build(const struct words *s, struct ds_net *net, struct ds_error *err)
{
    const struct ds_space space = {.divisor = 8}; /* MobileNet's */
    const struct ds_block block = {.name = (char *)"mbconv",
                                   .type = DS_BLOCK_MBCONV,
                                   .expand = s->expand,
                                   .kernel = s->kernel,
                                   .groups = 1};
    bool hswish = strcmp(s->act, "h_swish") == 0, se = strcmp(s->se, "True") == 0;
    const struct ds_module_spec spec = {.block = &block,
                                        .width = s->out,
                                        .stride = s->stride,
                                        .act = hswish ? DS_ACT_HSWISH : DS_ACT_RELU,
                                        .se = se};
    if (!hswish && strcmp(s->act, "relu"))
        return ds_fail(err, "activation %s is neither relu nor h_swish", s->act);
    if (!se && strcmp(s->se, "False"))
        return ds_fail(err, "use_se_%s is neither True nor False", s->se);
    if (s->c < 1 || s->h < 1 || s->w < 1 || s->out < 1 || s->expand < 1 || s->stride < 1 ||
        s->kernel < 1 || s->kernel % 2 == 0)
        return ds_fail(err, "no such block can be");
    return ds_net_start(net, (struct ds_tensor){s->c, s->h, s->w}, err) ||
                   ds_module_build(&space, &spec, net, err)
               ? -1
               : 0;
}

static int add_block(struct ds_npu_blocks *blocks, const char *name, double ms,
                     const struct words *s, struct ds_error *err)
{
    if (ds_grow(&blocks->block, &blocks->room, (size_t)blocks->n + 1, sizeof *blocks->block, err))
        return -1;
    struct ds_npu_block *b = &blocks->block[blocks->n];
    *b = (struct ds_npu_block){.name = strdup(name), .ms = ms};
    if (!b->name)
        return ds_no_memory(err);
    blocks->n++;
    return build(s, &b->net, err) ? ds_fail_in(err, "%s", name) : 0;
}

int ds_npu_blocks_read(struct ds_npu_blocks *blocks, const char *path, struct ds_error *err)
{
    struct ds_latency_table table = {0};
    struct words s;
    int rc = ds_latency_table_read(&table, path, err), before = blocks->n;
    for (int i = 0; i < table.nentries && rc == 0; i++)
        if (read_words(table.entry[i].name, &s) &&
            (rc = add_block(blocks, table.entry[i].name, table.entry[i].ms, &s, err)))
            ds_fail_in(err, "%s", path);
    if (rc == 0 && blocks->n == before)
        rc = ds_fail(err,
                     "%s: no block, as "
                     "ResidualBlock-in_96x14x14-out_136-k_7-e_3-s_1-act_h_swish-use_se_True",
                     path);
    ds_latency_table_free(&table);
    return rc;
}

struct ranked {
    uint64_t hash;
    int block;
};

static int by_hash(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return x->block - y->block;
}

int ds_npu_blocks_split(const struct ds_npu_blocks *blocks, uint64_t split, bool *half,
                        struct ds_error *err)
{
    struct ranked *r = calloc((size_t)blocks->n + 1, sizeof *r);
    if (!r)
        return ds_no_memory(err);
    for (int i = 0; i < blocks->n; i++) {
        const char *name = blocks->block[i].name;
        r[i] = (struct ranked){XXH64(name, strlen(name), split), i};
    }
    qsort(r, (size_t)blocks->n, sizeof *r, by_hash);
    for (int i = 0; i < blocks->n; i++)
        half[r[i].block] = i < (blocks->n + 1) / 2;
    free(r);
    return 0;
}

/* ---- errors ---- */

static int time_block(const struct ds_npu *npu, const struct ds_npu_block *b, double *ms,
                      struct ds_error *err)
{
    struct ds_npu_time t;
    if (ds_npu_net(npu, &b->net, &t, err))
        return ds_fail_in(err, "%s", b->name);
    *ms = t.ms;
    return 0;
}

int ds_npu_blocks_check(const struct ds_npu *npu, const struct ds_npu_blocks *blocks,
                        const bool *among, bool which, struct ds_npu_error *error,
                        struct ds_error *err)
{
    double *model = calloc((size_t)blocks->n + 1, sizeof *model);
    double *measured = calloc((size_t)blocks->n + 1, sizeof *measured);
    int rc = model && measured ? 0 : ds_no_memory(err), n = 0;
    double off = 0;
    for (int i = 0; i < blocks->n && rc == 0; i++) {
        if (among[i] != which)
            continue;
        rc = time_block(npu, &blocks->block[i], &model[n], err);
        measured[n] = blocks->block[i].ms;
        off += fabs(model[n] / measured[n] - 1);
        n++;
    }
    if (rc == 0)
        *error = (struct ds_npu_error){n, 100 * off / n, ds_spearman(model, measured, (size_t)n),
                                       ds_kendall(model, measured, (size_t)n)};
    free(model);
    free(measured);
    return rc;
}

/* ---- fit ---- */

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
        if (time_block(f->npu, &f->blocks->block[i], &ms, err))
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
    f.r = calloc((size_t)f.nused, sizeof *f.r);
    f.trial = calloc((size_t)f.nused, sizeof *f.trial);
    f.jacobian = calloc((size_t)f.nused * (size_t)f.nfree, sizeof *f.jacobian);
    int rc = f.r && f.trial && f.jacobian ? search(&f, err) : ds_no_memory(err);
    free(f.r);
    free(f.trial);
    free(f.jacobian);
    return rc;
}

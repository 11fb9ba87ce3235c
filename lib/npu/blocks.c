#include "npu/blocks.h"

#include "base/grow.h"
#include "base/stats.h"
#include "formats/latency_table.h"
#include "network/blocks.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

void ds_npu_blocks_free(struct ds_npu_blocks *blocks)
{
    for (int i = 0; i < blocks->n; i++) {
        free(blocks->block[i].name);
        ds_net_free(&blocks->block[i].net);
    }
    free(blocks->block);
    *blocks = (struct ds_npu_blocks){0};
}

/* A block as its name describes it. */
struct named_block {
    int c, h, w, out, kernel, expand, stride;
    char act[16], se[8];
};

static bool read_name(const char *name, struct named_block *s)
{
    int end = 0;
    return sscanf(name,
                  "ResidualBlock-in_%dx%dx%d-out_%d-k_%d-e_%d-s_%d-act_%15[a-z_]-use_se_%7s%n",
                  &s->c, &s->h, &s->w, &s->out, &s->kernel, &s->expand, &s->stride, s->act, s->se,
                  &end) == 9 &&
           name[end] == 0;
}

/* Builds the block alone. */
static int build(const struct named_block *s, struct ds_net *net, struct ds_error *err)
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
                     const struct named_block *s, struct ds_error *err)
{
    if (ds_grow(&blocks->block, &blocks->room, (size_t)blocks->n + 1, sizeof *blocks->block, err))
        return -1;
    struct ds_npu_block *b = &blocks->block[blocks->n];
    *b = (struct ds_npu_block){.name = ds_copy_string(name, NULL), .ms = ms};
    if (!b->name)
        return ds_no_memory(err);
    blocks->n++;
    return build(s, &b->net, err) ? ds_fail_in(err, "%s", name) : 0;
}

int ds_npu_blocks_read(struct ds_npu_blocks *blocks, const char *path, struct ds_error *err)
{
    struct ds_latency_table table = {0};
    struct named_block s;
    int rc = ds_latency_table_read(&table, path, err), before = blocks->n;
    for (int i = 0; i < table.nentries && rc == 0; i++)
        if (read_name(table.entry[i].name, &s) &&
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
    struct ranked *r = ds_alloc((size_t)blocks->n + 1, sizeof *r, err);
    if (!r)
        return -1;
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

int ds_npu_block_time(const struct ds_npu *npu, const struct ds_npu_block *b, double *ms,
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
    double *model = ds_alloc((size_t)blocks->n + 1, sizeof *model, NULL);
    double *measured = ds_alloc((size_t)blocks->n + 1, sizeof *measured, NULL);
    int rc = model && measured ? 0 : ds_no_memory(err), n = 0;
    double off = 0;
    for (int i = 0; i < blocks->n && rc == 0; i++) {
        if (among[i] != which)
            continue;
        rc = ds_npu_block_time(npu, &blocks->block[i], &model[n], err);
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

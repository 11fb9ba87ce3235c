#include "base/grow.h"
#include "supernet/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

uint64_t ds_supernet_key(const struct ds_supernet *s)
{
    return s->key;
}

const char *ds_supernet_note(const struct ds_supernet *s)
{
    return s->note[0] ? s->note : NULL;
}

void ds_supernet_free(struct ds_supernet *s)
{
    if (!s)
        return;
    ds_pytorch_free(s->file);
    free(s->first_block);
    free(s);
}

/* The number of the block that a tensor belongs to; -1: to none. */
static int block_of(const struct ds_supernet *s, const struct ds_tensor_f32 *t)
{
    int block;
    const char *name = t->name + strlen(s->prefix);
    return sscanf(name, "blocks.%d.", &block) == 1 && block >= 0 && block < 10000 ? block : -1;
}

static bool ends_in(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

/* Which family's names the tensors have. */
static int recognise(struct ds_supernet *s, struct ds_error *err)
{
    s->prefix = strncmp(s->file->tensor[0].name, "module.", 7) == 0 ? "module." : "";
    s->inside = "conv";
    for (int i = 0; i < s->file->ntensors; i++) {
        const struct ds_tensor_f32 *t = &s->file->tensor[i];
        int block = block_of(s, t);
        if (block >= s->nblocks)
            s->nblocks = block + 1;
        if (strstr(t->name, ".mobile_inverted_conv."))
            s->inside = "mobile_inverted_conv";
        s->transforms = s->transforms || ends_in(t->name, "_matrix");
    }
    if (ds_supernet_find(s, "input_stem.0.conv.conv.weight") ||
        ds_supernet_find(s, "input_stem.0.conv.weight"))
        s->family = RESNET;
    else if (!ds_supernet_find(s, "first_conv.conv.weight") &&
             !ds_supernet_find(s, "first_conv.conv.conv.weight"))
        return ds_fail(err,
                       "no supernet of the Once-for-All family: it has neither first_conv nor "
                       "input_stem.0; its first tensor is %s",
                       s->file->tensor[0].name);
    else if (ds_supernet_find(s, "feature_mix_layer.bn.weight") &&
             !ds_supernet_find(s, "final_expand_layer.conv.weight"))
        s->family = PROXYLESS;
    return 0;
}

static uint64_t hash_file(const struct ds_supernet *s)
{
    uint64_t key = XXH3_64bits(&s->bn_eps, sizeof s->bn_eps);
    for (int i = 0; i < s->file->ntensors; i++) {
        const struct ds_tensor_f32 *t = &s->file->tensor[i];
        key = XXH3_64bits_withSeed(t->name, strlen(t->name), key);
        key = XXH3_64bits_withSeed(t->dim, (size_t)t->ndims * sizeof *t->dim, key);
        key = XXH3_64bits_withSeed(t->data, t->count * sizeof *t->data, key);
    }
    return key;
}

struct ds_supernet *ds_supernet_load(const char *path, double bn_eps, struct ds_error *err)
{
    struct ds_supernet *s = ds_alloc(1, sizeof *s, err);
    if (!s)
        return NULL;
    if (!(s->file = ds_pytorch_load(path, err))) {
        ds_supernet_free(s);
        return NULL;
    }
    if (recognise(s, err)) {
        ds_fail_in(err, "%s", path);
        ds_supernet_free(s);
        return NULL;
    }
    s->bn_eps = bn_eps > 0 ? bn_eps : s->family == PROXYLESS ? 1e-3 : 1e-5;
    s->key = hash_file(s);
    return s;
}

/* ---- which block of the file is which layer ---- */

static int widest(const struct ds_site *site)
{
    int most = 0;
    for (int i = 0; i < site->nchoices; i++)
        most = site->value[i] > most ? site->value[i] : most;
    return most;
}

/* Whether block `b` may be layer `l` of the unit, by the channels it writes. */
static bool may_be(const struct ds_supernet *s, const struct ds_space *space, int u, int l, int b)
{
    const struct ds_tensor_f32 *t;
    if (s->family == RESNET)
        return (l == 0) == (ds_supernet_find(s, "blocks.%d.downsample.conv.conv.weight", b) ||
                            ds_supernet_find(s, "blocks.%d.downsample.conv.weight", b));
    t = ds_supernet_find(s, "blocks.%d.%s.point_linear.conv.conv.weight", b, s->inside);
    if (!t)
        t = ds_supernet_find(s, "blocks.%d.%s.point_linear.conv.weight", b, s->inside);
    return t && t->ndims && t->dim[0] == (size_t)widest(&space->site[space->unit[u].width_site]);
}

/*
 * The ways in which units u.. can have the blocks from `block` on, counted up to 2; the first way
 * found is left in first[]. A unit has at least the layers of the space, more where a pruned
 * space has fewer than the supernet.
 */
static int ways(const struct ds_supernet *s, const struct ds_space *space, int u, int block,
                int *first)
{
    if (u == space->nunits)
        return block == s->nblocks;
    int n = 0, found[DS_MAX_SITES], most = space->unit[u].supernet_depth;
    for (int depth = 0; block + depth < s->nblocks && (!most || depth < most) && n < 2; depth++) {
        if (!may_be(s, space, u, depth, block + depth))
            break;
        if (depth + 1 < (most ? most : space->unit[u].max_depth))
            continue;
        int more = ways(s, space, u + 1, block + depth + 1, first);
        if (more && n == 0)
            memcpy(found, first, sizeof found);
        n += more;
    }
    if (n) {
        memcpy(first, found, sizeof found);
        first[u] = block;
    }
    return n < 2 ? n : 2;
}

static int number_blocks(struct ds_supernet *s, const struct ds_space *space, struct ds_error *err)
{
    int first[DS_MAX_SITES] = {0}, fixed = 0, layers = 0;
    for (int i = 0; i < space->nstem; i++)
        fixed += space->stem[i].kind == DS_STEP_BLOCK;
    for (int u = 0; u < space->nunits; u++) {
        int own = space->unit[u].supernet_depth;
        first[u] = fixed + layers;
        layers += own ? own : space->unit[u].max_depth;
    }
    if (fixed + layers > s->nblocks)
        return ds_fail(err, "the supernet has %d blocks, and space %s has up to %d", s->nblocks,
                       space->name, fixed + layers);
    int n = fixed + layers == s->nblocks ? 1 : ways(s, space, 0, fixed, first);
    if (n == 0)
        return ds_fail(err,
                       "the supernet has %d blocks, space %s up to %d; no way was found in which "
                       "its units, of these widths, are parts of the supernet's",
                       s->nblocks, space->name, fixed + layers);
    if (n > 1)
        return ds_fail(err,
                       "the supernet has %d blocks, space %s up to %d, and which belong to which "
                       "unit cannot be told by their widths: give the units of the space "
                       "\"supernet_depth\", the supernet's greatest depths",
                       s->nblocks, space->name, fixed + layers);
    free(s->first_block);
    if (!(s->first_block = ds_alloc((size_t)space->nunits, sizeof *s->first_block, NULL)))
        return ds_no_memory(err);
    memcpy(s->first_block, first, (size_t)space->nunits * sizeof *s->first_block);
    return 0;
}

/* Whether all blocks that layers choose from are those of the file's family. */
static int check_family(const struct ds_supernet *s, const struct ds_space *space,
                        struct ds_error *err)
{
    enum ds_block_type own = s->family == RESNET ? DS_BLOCK_BOTTLENECK : DS_BLOCK_MBCONV;
    for (int i = 0; i < space->nsites; i++)
        for (int c = 0; c < space->site[i].nchoices && space->site[i].kind == DS_SITE_BLOCK; c++) {
            const struct ds_block *b = &space->block[space->site[i].value[c]];
            if (b->type != own || b->groups > 1)
                return ds_fail(err,
                               "the supernet is an %s, whose blocks are all %s without groups; "
                               "space %s has %s at %s",
                               ds_supernet_family(s), s->family == RESNET ? "bottleneck" : "mbconv",
                               space->name, b->name, space->site[i].name);
        }
    return 0;
}

int ds_supernet_bind(struct ds_supernet *s, const struct ds_space *space, struct ds_error *err)
{
    s->space = NULL;
    s->note[0] = 0;
    if (check_family(s, space, err) || number_blocks(s, space, err) ||
        ds_supernet_check(s, space, err))
        return -1;
    s->space = space;
    return 0;
}

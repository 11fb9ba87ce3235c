/* Compares every tensor of a checkpoint with every choice of a space. */
#include "base/grow.h"
#include "supernet/names.h"

#include "network/build.h"
#include "space/arch.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is known of one tensor of the file after some architectures. */
struct used {
    bool used, out_whole, in_whole;
    size_t out, in; /* the most channels that a choice takes */
    char place[DS_MODULE_NAME];
};

struct checker {
    const struct ds_supernet *s;
    const struct ds_space *space;
    struct ds_net net;
    struct conv_tensors *tensors; /* [room] */
    int room;
    struct used *used; /* [ntensors] of the file */
    struct ds_error *err;
};

static struct used *used_of(struct checker *c, const struct ds_tensor_f32 *t)
{
    return &c->used[t - c->s->file->tensor];
}

static void print_shape(const struct ds_tensor_f32 *t, char *out, size_t size)
{
    size_t n = 0;
    out[0] = 0;
    for (int i = 0; i < t->ndims && n < size; i++)
        n += (size_t)snprintf(out + n, size - n, "%s%zu", i ? "x" : "", t->dim[i]);
}

static int misfit(struct checker *c, const struct ds_tensor_f32 *t, const char *wanted,
                  const char *place)
{
    char has[100];
    print_shape(t, has, sizeof has);
    return ds_fail(c->err, "tensor %s is %s, but space %s needs %s at %s", t->name,
                   t->ndims ? has : "a single number", c->space->name, wanted, place);
}

/* A vector must be as long as the tensor it goes with, and not used for anything else. */
static int check_vector(struct checker *c, const struct ds_tensor_f32 *t,
                        const struct ds_tensor_f32 *weight, const char *place)
{
    char wanted[24];
    if (!t)
        return 0;
    used_of(c, t)->used = true;
    snprintf(wanted, sizeof wanted, "%zu", weight->dim[0]);
    return t->ndims == 1 && t->dim[0] == weight->dim[0] ? 0 : misfit(c, t, wanted, place);
}

static int check_layer(struct checker *c, const struct ds_layer *l, const struct conv_tensors *t)
{
    const struct ds_tensor_f32 *w = t->weight;
    size_t out = (size_t)c->net.tensor[l->out].c, k = (size_t)l->kernel;
    size_t in = (size_t)(c->net.tensor[l->in].c / l->groups);
    char place[DS_MODULE_NAME], wanted[100];
    ds_module_name(c->space, &c->net, l->module, place, sizeof place);
    bool linear = w->ndims == 2; /* a classifier is no convolution in the file */
    if (linear)
        snprintf(wanted, sizeof wanted, "%zux%zu", out, in);
    else
        snprintf(wanted, sizeof wanted, "%zux%zux%zux%zu", out, in, k, k);
    if (w->ndims != 4 && !(linear && l->kernel == 1))
        return misfit(c, w, wanted, place);
    bool kernel = linear || (w->dim[2] == w->dim[3] && w->dim[2] % 2 == 1 &&
                             (t->depthwise ? w->dim[2] >= k : w->dim[2] == k));
    if (!kernel || w->dim[0] < out || w->dim[1] < in || (l->groups > 1 && w->dim[1] != 1))
        return misfit(c, w, wanted, place);

    struct used *u = used_of(c, w);
    u->used = true;
    u->out_whole = u->out_whole || t->out_whole;
    u->in_whole = u->in_whole || t->in_whole;
    u->in = in > u->in ? in : u->in;
    if (out >= u->out)
        snprintf(u->place, sizeof u->place, "%s", place);
    u->out = out > u->out ? out : u->out;
    int rc = check_vector(c, t->bias, w, place);
    for (int i = 0; i < 4 && rc == 0; i++)
        rc = check_vector(c, t->bn[i], w, place);
    return rc;
}

static int check_arch(struct checker *c, const uint8_t *choice)
{
    uint8_t canonical[DS_MAX_SITES];
    memcpy(canonical, choice, sizeof canonical);
    if (ds_arch_canon(c->space, canonical, c->err) ||
        ds_net_build(c->space, canonical, &c->net, c->err))
        return -1;
    if (c->net.nlayers > c->room) {
        free(c->tensors);
        c->room = c->net.nlayers;
        if (!(c->tensors = ds_alloc((size_t)c->room, sizeof *c->tensors, NULL)))
            return ds_no_memory(c->err);
    }
    if (ds_supernet_tensors(c->s, c->space, canonical, &c->net, c->tensors, c->err))
        return -1;
    for (int i = 0; i < c->net.nlayers; i++)
        if (c->net.layer[i].op == DS_OP_CONV && check_layer(c, &c->net.layer[i], &c->tensors[i]))
            return -1;
    return 0;
}

/* The greatest number at every site but those of blocks. */
static void largest(const struct ds_space *space, uint8_t *choice)
{
    memset(choice, 0, DS_MAX_SITES);
    for (int s = 0; s < space->nsites; s++)
        for (int i = 1; i < space->site[s].nchoices && space->site[s].kind != DS_SITE_BLOCK; i++)
            if (space->site[s].value[i] > space->site[s].value[choice[s]])
                choice[s] = (uint8_t)i;
}

/* The largest architecture, then with every other choice at one site at a time. */
static int check_choices(struct checker *c)
{
    uint8_t choice[DS_MAX_SITES];
    largest(c->space, choice);
    if (check_arch(c, choice))
        return -1;
    for (int s = 0; s < c->space->nsites; s++) {
        const struct ds_site *site = &c->space->site[s];
        uint8_t kept = choice[s];
        for (int i = 0; i < site->nchoices && site->kind != DS_SITE_RESOLUTION; i++) {
            choice[s] = (uint8_t)i;
            if (i != kept && check_arch(c, choice))
                return -1;
        }
        choice[s] = kept;
    }
    return 0;
}

/* Tensors of which the widest choice takes a part, where it should take all. */
static int check_whole(struct checker *c)
{
    for (int i = 0; i < c->s->file->ntensors; i++) {
        const struct ds_tensor_f32 *t = &c->s->file->tensor[i];
        const struct used *u = &c->used[i];
        if (!u->out)
            continue;
        if ((u->out_whole && u->out < t->dim[0]) || (u->in_whole && u->in < t->dim[1])) {
            char wanted[100];
            int n = snprintf(wanted, sizeof wanted, "%zux%zu", u->out, u->in);
            if (t->ndims == 4)
                snprintf(wanted + n, sizeof wanted - (size_t)n, "x%zux%zu", t->dim[2], t->dim[3]);
            return misfit(c, t, wanted, u->place);
        }
    }
    return 0;
}

/* Whether a block of the file is none of a layer that the space may have: it was pruned. */
static bool is_pruned(const struct checker *c, int block)
{
    int fixed = 0;
    for (int i = 0; i < c->space->nstem; i++)
        fixed += c->space->stem[i].kind == DS_STEP_BLOCK;
    for (int u = 0; u < c->space->nunits; u++)
        if (block >= c->s->first_block[u] &&
            block < c->s->first_block[u] + c->space->unit[u].max_depth)
            return false;
    return block >= fixed;
}

/* What the file has and the space has no use for would be left out of the networks in silence. */
static int check_unused(struct checker *c)
{
    for (int i = 0; i < c->s->file->ntensors; i++) {
        const struct ds_tensor_f32 *t = &c->s->file->tensor[i];
        const char *name = t->name + strlen(c->s->prefix), *end = strrchr(name, '_');
        int block = -1;
        bool in_block = sscanf(name, "blocks.%d.", &block) == 1;
        bool counts = strstr(name, "num_batches_tracked") || (end && !strcmp(end, "_matrix"));
        if (c->used[i].used || counts || (in_block && is_pruned(c, block)))
            continue;
        /* the stem's second convolution of a ResNet, pruned */
        if (c->s->family == RESNET && strncmp(name, "input_stem.1.", 13) == 0)
            continue;
        return ds_fail(c->err, "tensor %s is in the file, but space %s has nothing for it", t->name,
                       c->space->name);
    }
    return 0;
}

/* Says which sites of a ResNet are narrower than the supernet at their widest. */
static void note_narrow(struct checker *c, char *note, size_t size)
{
    size_t n = 0;
    for (int i = 0; i < c->s->file->ntensors && c->s->family == RESNET; i++) {
        const struct ds_tensor_f32 *t = &c->s->file->tensor[i];
        const struct used *u = &c->used[i];
        bool block_end = strstr(t->name, ".downsample.") || strstr(t->name, "input_stem.");
        if (u->out && block_end && u->out < t->dim[0] && n < size)
            n += (size_t)snprintf(note + n, size - n, "%s%s has at most %zu of %zu channels",
                                  n ? ", " : "", u->place, u->out, t->dim[0]);
    }
}

int ds_supernet_check(struct ds_supernet *s, const struct ds_space *space, struct ds_error *err)
{
    struct checker c = {.s = s, .space = space, .err = err};
    c.used = ds_alloc((size_t)s->file->ntensors, sizeof *c.used, NULL);
    int rc = c.used ? 0 : ds_no_memory(err);
    if (rc == 0)
        rc = check_choices(&c);
    if (rc == 0)
        rc = check_whole(&c);
    if (rc == 0)
        rc = check_unused(&c);
    if (rc == 0)
        note_narrow(&c, s->note, sizeof s->note);
    ds_net_free(&c.net);
    free(c.tensors);
    free(c.used);
    return rc;
}

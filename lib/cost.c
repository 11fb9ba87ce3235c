#include "cost.h"

#include "arch.h"
#include "module.h"
#include <stdlib.h>
#include <string.h>

static uint64_t tensor_bytes(const struct ds_net *net, int t)
{
    const struct ds_tensor *x = &net->tensor[t];
    return 4 * (uint64_t)x->c * (uint64_t)x->h * (uint64_t)x->w;
}

/* The most bytes alive while any one layer runs: what it reads, writes, and what is read later. */
static uint64_t peak_bytes(const struct ds_net *net)
{
    uint64_t alive = tensor_bytes(net, net->input), peak = net->nlayers ? 0 : alive;
    for (int i = 0; i < net->nlayers; i++) {
        const struct ds_layer *l = &net->layer[i];
        alive += tensor_bytes(net, l->out);
        peak = alive > peak ? alive : peak;

        int read[2] = {l->in, l->in2 == l->in ? -1 : l->in2};
        for (int k = 0; k < 2; k++) {
            bool later = read[k] < 0 || read[k] == net->output;
            for (int j = i + 1; j < net->nlayers && !later; j++)
                later = net->layer[j].in == read[k] || net->layer[j].in2 == read[k];
            if (!later)
                alive -= tensor_bytes(net, read[k]);
        }
    }
    return peak;
}

void ds_net_cost(const struct ds_net *net, struct ds_cost *cost)
{
    *cost = (struct ds_cost){.peak = peak_bytes(net)};
    for (int i = 0; i < net->nlayers; i++) {
        cost->macs += ds_layer_macs(net, &net->layer[i]);
        cost->params += ds_layer_params(net, &net->layer[i]);
    }
}

/* What a part costs with an input of a known shape, and the shape it gives. */
struct entry {
    struct ds_cost cost;
    int out; /* number of a shape + 1; 0: not counted yet */
};

/* A place of the space (module.h) and the sites that say what stands there. */
struct slot {
    int repeat_site;     /* of a step; -1: once */
    int code_site;       /* block, or a step's width; -1: one code */
    int width_site;      /* of the unit; -1 */
    int code_choices;    /* at code_site */
    int codes;           /* the last one: nothing stands there */
    struct entry *entry; /* [shape_room][codes] */
    int shape_room;
};

struct ds_coster {
    const struct ds_space *space;
    int nslots;
    struct slot *slot;
    int nshapes, shape_room;
    struct ds_tensor *shape;
    int *input; /* [resolutions]: number of the input's shape */
    struct ds_part *part;
    struct ds_net net; /* one module at a time */
};

void ds_coster_free(struct ds_coster *c)
{
    if (!c)
        return;
    for (int i = 0; i < c->nslots && c->slot; i++)
        free(c->slot[i].entry);
    free(c->slot);
    free(c->shape);
    free(c->input);
    free(c->part);
    ds_net_free(&c->net);
    free(c);
}

/* The number of a shape, or -1 when out of memory. */
static int shape_number(struct ds_coster *c, struct ds_tensor t)
{
    for (int i = 0; i < c->nshapes; i++)
        if (c->shape[i].c == t.c && c->shape[i].h == t.h && c->shape[i].w == t.w)
            return i;
    if (c->nshapes == c->shape_room) {
        int room = c->shape_room ? 2 * c->shape_room : 64;
        struct ds_tensor *more = realloc(c->shape, (size_t)room * sizeof *more);
        if (!more)
            return -1;
        c->shape = more;
        c->shape_room = room;
    }
    c->shape[c->nshapes] = t;
    return c->nshapes++;
}

static void plan_step(const struct ds_step *step, struct slot *s)
{
    s->repeat_site = step->repeat_site;
    s->code_site = step->width_site;
    s->width_site = -1;
}

/* Lists the sites of every slot, in the order of ds_parts. */
static void plan(struct ds_coster *c)
{
    const struct ds_space *space = c->space;
    struct slot *s = c->slot;
    for (int i = 0; i < space->nstem; i++)
        plan_step(&space->stem[i], s++);
    for (int u = 0; u < space->nunits; u++)
        for (int l = 0; l < space->unit[u].max_depth; l++, s++) {
            s->repeat_site = -1;
            s->code_site = space->unit[u].layer_site + l;
            s->width_site = space->unit[u].width_site;
        }
    for (int i = 0; i < space->nhead; i++)
        plan_step(&space->head[i], s++);
    for (int i = 0; i < c->nslots; i++) {
        c->slot[i].codes = ds_slot_codes(space, i) + 1;
        if (c->slot[i].code_site >= 0)
            c->slot[i].code_choices = space->site[c->slot[i].code_site].nchoices;
    }
}

struct ds_coster *ds_coster_new(const struct ds_space *space)
{
    const struct ds_site *resolution = &space->site[space->resolution_site];
    struct ds_coster *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->space = space;
    c->nslots = ds_slots(space);
    c->slot = calloc((size_t)c->nslots + 1, sizeof *c->slot);
    c->input = calloc((size_t)resolution->nchoices, sizeof *c->input);
    c->part = malloc((size_t)ds_parts_most(space) * sizeof *c->part);
    bool ok = c->slot && c->input && c->part;
    if (ok)
        plan(c);
    for (int i = 0; i < resolution->nchoices && ok; i++) {
        int size = resolution->value[i];
        c->input[i] = shape_number(c, (struct ds_tensor){space->input_channels, size, size});
        ok = c->input[i] >= 0;
    }
    if (ok)
        return c;
    ds_coster_free(c);
    return NULL;
}

/* Builds the part that the architecture has at a slot, alone, and counts it. */
static int count_part(struct ds_coster *c, const uint8_t *choice, int slot, int in, struct entry *e,
                      struct ds_error *err)
{
    const struct ds_part *part = c->part;
    ds_parts(c->space, choice, c->part);
    while (part->slot != slot)
        part++;
    if (ds_net_start(&c->net, c->shape[in], err) || ds_module_build(c->space, part, &c->net, err))
        return -1;
    ds_net_cost(&c->net, &e->cost);
    int out = shape_number(c, c->net.tensor[c->net.output]);
    if (out < 0)
        return ds_fail(err, "out of memory");
    e->out = out + 1;
    return 0;
}

/* Makes room for the entries of shape `in`; where nothing stands, a shape goes through. */
static int grow_slot(struct ds_coster *c, struct slot *s, int in, struct ds_error *err)
{
    int room = in + 1 > c->shape_room ? in + 1 : c->shape_room;
    struct entry *more = realloc(s->entry, (size_t)room * (size_t)s->codes * sizeof *more);
    if (!more)
        return ds_fail(err, "out of memory");
    memset(more + (size_t)s->shape_room * (size_t)s->codes, 0,
           (size_t)(room - s->shape_room) * (size_t)s->codes * sizeof *more);
    for (int i = s->shape_room; i < room; i++)
        more[(size_t)(i + 1) * (size_t)s->codes - 1].out = i + 1;
    s->entry = more;
    s->shape_room = room;
    return 0;
}

/* Which of the slot's codes the architecture has. */
static int code_at(const struct slot *s, const uint8_t *choice)
{
    if (s->code_site < 0)
        return 0;
    int code = choice[s->code_site];
    int width = s->width_site < 0 ? 0 : choice[s->width_site] * s->code_choices;
    return code == DS_INACTIVE ? s->codes - 1 : code + width;
}

int ds_coster_cost(struct ds_coster *c, const uint8_t *choice, struct ds_cost *cost,
                   struct ds_error *err)
{
    int in = c->input[choice[c->space->resolution_site]];
    struct ds_cost sum = {0};
    for (int i = 0; i < c->nslots; i++) {
        struct slot *s = &c->slot[i];
        int code = code_at(s, choice), n = 1;
        if (s->repeat_site >= 0)
            n = c->space->site[s->repeat_site].value[choice[s->repeat_site]];
        for (; n > 0; n--) {
            if (in >= s->shape_room && grow_slot(c, s, in, err))
                return -1;
            struct entry *e = &s->entry[(size_t)in * (size_t)s->codes + (size_t)code];
            if (!e->out && count_part(c, choice, i, in, e, err))
                return -1;
            sum.macs += e->cost.macs;
            sum.params += e->cost.params;
            sum.peak = e->cost.peak > sum.peak ? e->cost.peak : sum.peak;
            in = e->out - 1;
        }
    }
    *cost = sum;
    return 0;
}

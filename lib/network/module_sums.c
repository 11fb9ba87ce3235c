#include "network/module_sums.h"

#include "base/grow.h"
#include "network/blocks.h"
#include "space/arch.h"
#include <stdlib.h>

/* The shape that a module gives; what was counted of it follows, aligned. */
struct entry {
    int out; /* number of a shape + 1; 0: not counted yet */
};
#define COUNT_AT (sizeof(max_align_t))

/* A slot of the space (module_spec.h) and the sites that choose its module. */
struct slot {
    int repeat_site;  /* of a step; -1: once */
    int code_site;    /* block, or a step's width; -1: one code */
    int width_site;   /* of the unit; -1 */
    int code_choices; /* at code_site */
    int codes;
    char **row; /* [shape_room], of `codes` entries each; NULL: none yet */
    size_t shape_room;
};

struct ds_module_sums {
    const struct ds_space *space;
    ds_module_sums_count *count;
    void *context;
    size_t stride; /* of an entry */
    int nslots;
    struct slot *slot;
    int nshapes, nimages;
    size_t shape_room;
    struct ds_tensor *shape; /* those of the images first */
    int *input;              /* [resolutions]: number of the input's shape */
    struct ds_module_spec *spec;
    const void **counts; /* of one architecture */
    struct ds_net net;   /* one module at a time */
};

void ds_module_sums_free(struct ds_module_sums *w)
{
    if (!w)
        return;
    for (int i = 0; i < w->nslots && w->slot; i++) {
        for (size_t k = 0; k < w->slot[i].shape_room; k++)
            free(w->slot[i].row[k]);
        free(w->slot[i].row);
    }
    free(w->slot);
    free(w->shape);
    free(w->input);
    free(w->spec);
    free(w->counts);
    ds_net_free(&w->net);
    free(w);
}

/* The number of a shape, or -1 when out of memory. */
static int shape_number(struct ds_module_sums *w, struct ds_tensor t)
{
    for (int i = 0; i < w->nshapes; i++)
        if (w->shape[i].c == t.c && w->shape[i].h == t.h && w->shape[i].w == t.w)
            return i;
    if (ds_grow(&w->shape, &w->shape_room, (size_t)w->nshapes + 1, sizeof *w->shape, NULL))
        return -1;
    w->shape[w->nshapes] = t;
    return w->nshapes++;
}

static void plan_step(const struct ds_step *step, struct slot *s)
{
    s->repeat_site = step->repeat_site;
    s->code_site = step->width_site;
    s->width_site = -1;
}

/* Lists the sites of every slot, in the order of ds_module_specs. */
static void plan(struct ds_module_sums *w)
{
    const struct ds_space *space = w->space;
    struct slot *s = w->slot;
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
    for (int i = 0; i < w->nslots; i++) {
        w->slot[i].codes = ds_slot_codes(space, i);
        if (w->slot[i].code_site >= 0)
            w->slot[i].code_choices = space->site[w->slot[i].code_site].nchoices;
    }
}

struct ds_module_sums *ds_module_sums_new(const struct ds_space *space, size_t size,
                                          ds_module_sums_count *count, void *context)
{
    const struct ds_site *resolution = &space->site[space->resolution_site];
    struct ds_module_sums *w = ds_alloc(1, sizeof *w, NULL);
    if (!w)
        return NULL;
    w->space = space;
    w->count = count;
    w->context = context;
    w->stride = COUNT_AT * (1 + (size + COUNT_AT - 1) / COUNT_AT);
    w->nslots = ds_slots(space);
    w->slot = ds_alloc((size_t)w->nslots + 1, sizeof *w->slot, NULL);
    w->input = ds_alloc((size_t)resolution->nchoices, sizeof *w->input, NULL);
    w->spec = ds_alloc((size_t)ds_modules_most(space), sizeof *w->spec, NULL);
    w->counts = ds_alloc((size_t)ds_modules_most(space), sizeof *w->counts, NULL);
    bool ok = w->slot && w->input && w->spec && w->counts;
    if (ok)
        plan(w);
    for (int i = 0; i < resolution->nchoices && ok; i++) {
        int pixels = resolution->value[i];
        w->input[i] = shape_number(w, (struct ds_tensor){space->input_channels, pixels, pixels});
        ok = w->input[i] >= 0;
    }
    w->nimages = w->nshapes;
    if (ok)
        return w;
    ds_module_sums_free(w);
    return NULL;
}

/* Builds the module that the architecture has at a slot, alone, and counts it. */
static int count_module(struct ds_module_sums *w, const uint8_t *choice, int slot, int in,
                        struct entry *e, struct ds_error *err)
{
    const struct ds_module_spec *spec = w->spec;
    ds_module_specs(w->space, choice, w->spec);
    while (spec->slot != slot)
        spec++;
    if (ds_net_start(&w->net, w->shape[in], err) || ds_module_build(w->space, spec, &w->net, err) ||
        w->count(w->context, &w->net, in < w->nimages, (char *)e + COUNT_AT, err))
        return -1;
    int out = shape_number(w, w->net.tensor[w->net.output]);
    if (out < 0)
        return ds_no_memory(err);
    e->out = out + 1;
    return 0;
}

/* Makes the entries of shape `in`, all of them not counted yet. */
static int add_row(const struct ds_module_sums *w, struct slot *s, int in, struct ds_error *err)
{
    size_t before = s->shape_room;
    if (ds_grow(&s->row, &s->shape_room, (size_t)in + 1, sizeof *s->row, err))
        return -1;
    for (size_t i = before; i < s->shape_room; i++)
        s->row[i] = NULL;
    s->row[in] = ds_alloc((size_t)s->codes, w->stride, NULL);
    return s->row[in] ? 0 : ds_no_memory(err);
}

/* Which of the slot's codes the architecture has; -1: it has no module there. */
static int code_at(const struct slot *s, const uint8_t *choice)
{
    if (s->code_site < 0)
        return 0;
    int code = choice[s->code_site];
    int width = s->width_site < 0 ? 0 : choice[s->width_site] * s->code_choices;
    return code == DS_INACTIVE ? -1 : code + width;
}

int ds_module_sums(struct ds_module_sums *w, const uint8_t *choice, const void *const **counts,
                   struct ds_error *err)
{
    int in = w->input[choice[w->space->resolution_site]], found = 0;
    for (int i = 0; i < w->nslots; i++) {
        struct slot *s = &w->slot[i];
        int code = code_at(s, choice), n = code < 0 ? 0 : 1;
        if (s->repeat_site >= 0)
            n = w->space->site[s->repeat_site].value[choice[s->repeat_site]];
        for (; n > 0; n--) {
            if (((size_t)in >= s->shape_room || !s->row[in]) && add_row(w, s, in, err))
                return -1;
            struct entry *e = (struct entry *)(s->row[in] + (size_t)code * w->stride);
            if (!e->out && count_module(w, choice, i, in, e, err))
                return -1;
            w->counts[found++] = (char *)e + COUNT_AT;
            in = e->out - 1;
        }
    }
    *counts = w->counts;
    return found;
}

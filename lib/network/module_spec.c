#include "network/module_spec.h"

#include "space/arch.h"

static int codes_at(const struct ds_space *space, int site)
{
    return site < 0 ? 1 : space->site[site].nchoices;
}

int ds_slots(const struct ds_space *space)
{
    int n = space->nstem + space->nhead;
    for (int u = 0; u < space->nunits; u++)
        n += space->unit[u].max_depth;
    return n;
}

int ds_slot_codes(const struct ds_space *space, int slot)
{
    if (slot < space->nstem)
        return codes_at(space, space->stem[slot].width_site);
    slot -= space->nstem;
    for (int u = 0; u < space->nunits; slot -= space->unit[u++].max_depth)
        if (slot < space->unit[u].max_depth)
            return codes_at(space, space->unit[u].layer_site + slot) *
                   codes_at(space, space->unit[u].width_site);
    return codes_at(space, space->head[slot].width_site);
}

static int most_repeats(const struct ds_space *space, const struct ds_step *step)
{
    if (step->repeat_site < 0)
        return 1;
    const struct ds_site *site = &space->site[step->repeat_site];
    int most = 0;
    for (int i = 0; i < site->nchoices; i++)
        most = site->value[i] > most ? site->value[i] : most;
    return most;
}

int ds_modules_most(const struct ds_space *space)
{
    int n = ds_slots(space);
    for (int i = 0; i < space->nstem; i++)
        n += most_repeats(space, &space->stem[i]);
    for (int i = 0; i < space->nhead; i++)
        n += most_repeats(space, &space->head[i]);
    return n;
}

struct ds_module_spec ds_step_module(const struct ds_space *space, const struct ds_step *step,
                                     int width)
{
    const struct ds_block *block = step->kind == DS_STEP_BLOCK ? &space->block[step->block] : NULL;
    bool chosen = step->width_site >= 0;
    return (struct ds_module_spec){
        .step = step,
        .block = block,
        .width = chosen ? space->site[step->width_site].value[width] : step->width,
        .stride = step->stride,
        .act = block && block->act >= 0 ? (enum ds_act)block->act : step->act,
        .se = block && block->se >= 0 ? block->se : step->se,
        .code = chosen ? width : 0,
    };
}

struct ds_module_spec ds_layer_module(const struct ds_space *space, int u, int l, int width, int c)
{
    const struct ds_unit *unit = &space->unit[u];
    const struct ds_site *site = &space->site[unit->layer_site + l];
    const struct ds_block *block = &space->block[site->value[c]];
    return (struct ds_module_spec){
        .block = block,
        .unit = u,
        .layer = l,
        .width = space->site[unit->width_site].value[width],
        .stride = l == 0 ? unit->stride : 1,
        .act = block->act >= 0 ? (enum ds_act)block->act : unit->act,
        .se = block->se >= 0 ? block->se : unit->se,
        .code = width * site->nchoices + c,
    };
}

/* Appends a step as often as it is repeated. */
static int step_modules(const struct ds_space *space, const uint8_t *choice,
                        const struct ds_step *step, int unit, int layer, int slot,
                        struct ds_module_spec *out)
{
    int width = step->width_site >= 0 ? choice[step->width_site] : 0, repeats = 1;
    struct ds_module_spec spec = ds_step_module(space, step, width);
    spec.unit = unit;
    spec.layer = layer;
    spec.slot = slot;
    if (step->repeat_site >= 0)
        repeats = space->site[step->repeat_site].value[choice[step->repeat_site]];
    for (int i = 0; i < repeats; i++)
        out[i] = spec;
    return repeats;
}

int ds_module_specs(const struct ds_space *space, const uint8_t *choice,
                    struct ds_module_spec *spec)
{
    int n = 0, slot = 0;
    for (int i = 0; i < space->nstem; i++, slot++)
        n += step_modules(space, choice, &space->stem[i], -1, i, slot, spec + n);

    for (int u = 0; u < space->nunits; u++) {
        const struct ds_unit *unit = &space->unit[u];
        int depth = ds_arch_depth(space, choice, u);
        int width = choice[unit->width_site];
        for (int l = 0; l < depth; l++) {
            spec[n] = ds_layer_module(space, u, l, width, choice[unit->layer_site + l]);
            spec[n++].slot = slot + l;
        }
        slot += unit->max_depth;
    }

    for (int i = 0; i < space->nhead; i++, slot++)
        n += step_modules(space, choice, &space->head[i], space->nunits, i, slot, spec + n);
    return n;
}

#include "space/arch.h"

#include <string.h>

int ds_arch_depth(const struct ds_space *space, const uint8_t *choice, int u)
{
    int site = space->unit[u].depth_site;
    return space->site[site].value[choice[site]];
}

int ds_arch_width(const struct ds_space *space, const uint8_t *choice, int u)
{
    int site = space->unit[u].width_site;
    return space->site[site].value[choice[site]];
}

int ds_arch_resolution(const struct ds_space *space, const uint8_t *choice)
{
    return space->site[space->resolution_site].value[choice[space->resolution_site]];
}

int ds_arch_canon(const struct ds_space *space, uint8_t *choice, struct ds_error *err)
{
    int depth = 0; /* of the unit whose layers are being looked at; its site comes before them */
    for (int s = 0; s < space->nsites; s++) {
        const struct ds_site *site = &space->site[s];
        bool active = site->kind != DS_SITE_BLOCK || site->layer < depth;
        choice[s] = active ? choice[s] : DS_INACTIVE;
        if (active & (choice[s] >= site->nchoices))
            return ds_fail(err, "choice %d at site %s, which has choices 0 to %d", choice[s],
                           site->name, site->nchoices - 1);
        if (site->kind == DS_SITE_DEPTH)
            depth = site->value[choice[s]];
    }
    return 0;
}

uint64_t ds_arch_id(const struct ds_space *space, const uint8_t *choice)
{
    uint64_t id = 0;
    for (int s = 0; s < space->nsites; s++)
        if (choice[s] != DS_INACTIVE)
            id += space->site[s].hash[choice[s]];
    return id;
}

void ds_arch_deepest(const struct ds_space *space, int resolution, int c, uint8_t *choice)
{
    for (int s = 0; s < space->nsites; s++) {
        const struct ds_site *site = &space->site[s];
        choice[s] = 0;
        if (site->kind == DS_SITE_RESOLUTION)
            choice[s] = (uint8_t)resolution;
        else if (site->kind == DS_SITE_BLOCK)
            choice[s] = (uint8_t)(c < site->nchoices ? c : site->nchoices - 1);
        for (int i = 0; site->kind == DS_SITE_DEPTH && i < site->nchoices; i++)
            if (site->value[i] > site->value[choice[s]])
                choice[s] = (uint8_t)i;
    }
}

void ds_arch_sample(const struct ds_space *space, struct ds_random *r, uint8_t *choice)
{
    for (int s = 0; s < space->nsites; s++) {
        const struct ds_site *site = &space->site[s];
        if (site->kind == DS_SITE_BLOCK && site->layer >= ds_arch_depth(space, choice, site->unit))
            choice[s] = DS_INACTIVE;
        else if (site->nchoices == 1)
            choice[s] = 0;
        else
            choice[s] = (uint8_t)ds_random_below(r, (uint32_t)site->nchoices);
    }
}

/* Makes unit u have `depth` layers, drawing the blocks of those that were inactive. */
static void set_depth(const struct ds_space *space, uint8_t *choice, int u, int depth_choice,
                      uint64_t seed)
{
    const struct ds_unit *unit = &space->unit[u];
    uint64_t base = ds_arch_id(space, choice);
    choice[unit->depth_site] = (uint8_t)depth_choice;
    int depth = ds_arch_depth(space, choice, u);
    for (int l = 0; l < unit->max_depth; l++) {
        int s = unit->layer_site + l;
        if (l >= depth) {
            choice[s] = DS_INACTIVE;
        } else if (choice[s] == DS_INACTIVE) {
            struct ds_random r;
            ds_random_init(&r, seed, base, DS_DRAW_AFFIX + (uint32_t)s);
            choice[s] = (uint8_t)ds_random_below(&r, (uint32_t)space->site[s].nchoices);
        }
    }
}

/* The choice of the least depth of unit u that is at least `layers`. */
static int least_depth(const struct ds_space *space, int u, int layers)
{
    const struct ds_site *site = &space->site[space->unit[u].depth_site];
    int best = -1;
    for (int c = 0; c < site->nchoices; c++)
        if (site->value[c] >= layers && (best < 0 || site->value[c] < site->value[best]))
            best = c;
    return best;
}

void ds_arch_affix(const struct ds_space *space, uint8_t *choice, int site, int c, bool paper,
                   uint64_t seed)
{
    const struct ds_site *s = &space->site[site];
    if (s->kind == DS_SITE_DEPTH) {
        set_depth(space, choice, s->unit, c, seed);
        return;
    }
    if (s->kind == DS_SITE_BLOCK) {
        int layers = paper ? s->layer : s->layer + 1;
        if (ds_arch_depth(space, choice, s->unit) < layers)
            set_depth(space, choice, s->unit, least_depth(space, s->unit, layers), seed);
        if (ds_arch_depth(space, choice, s->unit) <= s->layer)
            return; /* only when `paper`: the layer stays inactive */
    }
    choice[site] = (uint8_t)c;
}

/* The choice of `to`'s site that means what choice c of `from`'s site means, or -1. */
static int same_choice(const struct ds_space *from, const struct ds_site *a, int c,
                       const struct ds_space *to, const struct ds_site *b)
{
    int value = a->value[c];
    if (a->kind == DS_SITE_BLOCK) {
        const char *name = from->block[value].name;
        value = ds_space_block(to, name, strlen(name));
    }
    return ds_site_choice(b, value);
}

int ds_arch_translate(const struct ds_space *from, const uint8_t *choice, const struct ds_space *to,
                      uint8_t *out, struct ds_error *err)
{
    memset(out, DS_INACTIVE, (size_t)to->nsites);
    for (int s = 0; s < from->nsites; s++) {
        const struct ds_site *a = &from->site[s];
        if (choice[s] == DS_INACTIVE)
            continue;
        char label[200];
        ds_site_print(from, s, choice[s], label, sizeof label);
        int t = ds_space_site(to, a->name, strlen(a->name));
        if (t < 0)
            return ds_fail(err, "space %s has no site %s", to->name, a->name);
        int c = same_choice(from, a, choice[s], to, &to->site[t]);
        if (c < 0)
            return ds_fail(err, "space %s does not allow %s at %s", to->name, label, a->name);
        out[t] = (uint8_t)c;
    }
    return ds_arch_canon(to, out, err);
}

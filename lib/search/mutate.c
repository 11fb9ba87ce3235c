#include "search/mutate.h"

#include <string.h>

#define OTHER_WEIGHT 0.5 /* of resolution, stem and head; the published weight of ResNet's stem */

/* ---- the layers of a unit ---- */

static const struct ds_site *layer_site(const struct ds_space *space, int u, int layer)
{
    return &space->site[space->unit[u].layer_site + layer];
}

/* The choice at layer `to` that is the same block as layer `from` has, or -1. */
static int moved(const struct ds_space *space, const uint8_t *choice, int u, int from, int to)
{
    int block = layer_site(space, u, from)->value[choice[space->unit[u].layer_site + from]];
    return ds_site_choice(layer_site(space, u, to), block);
}

/* The choice of the depth next to that of unit u, above or below it, or -1. */
static int next_depth(const struct ds_space *space, const uint8_t *choice, int u, bool above)
{
    const struct ds_site *site = &space->site[space->unit[u].depth_site];
    int depth = ds_arch_depth(space, choice, u), best = -1;
    for (int c = 0; c < site->nchoices; c++) {
        int d = site->value[c];
        if (d != depth && (d > depth) == above && (best < 0 || (d < site->value[best]) == above))
            best = c;
    }
    return best;
}

/*
 * Inserts a block among the first `depth` layers, at a place where the layers after it can move up
 * by one.
 */
static void insert_layer(const struct ds_space *space, uint8_t *choice, int u, int depth,
                         struct ds_random *r)
{
    uint8_t *layer = choice + space->unit[u].layer_site;
    int least = depth;
    while (least > 0 && moved(space, choice, u, least - 1, least) >= 0)
        least--;
    int at = least + (int)ds_random_below(r, (uint32_t)(depth - least + 1));
    for (int l = depth; l > at; l--)
        layer[l] = (uint8_t)moved(space, choice, u, l - 1, l);
    layer[at] = (uint8_t)ds_random_below(r, (uint32_t)layer_site(space, u, at)->nchoices);
}

/*
 * Removes one of the first `depth` layers, at a place where the layers after it can move down by
 * one.
 */
static void remove_layer(const struct ds_space *space, uint8_t *choice, int u, int depth,
                         struct ds_random *r)
{
    uint8_t *layer = choice + space->unit[u].layer_site;
    int least = depth - 1;
    while (least > 0 && moved(space, choice, u, least, least - 1) >= 0)
        least--;
    int at = least + (int)ds_random_below(r, (uint32_t)(depth - least));
    for (int l = at; l < depth - 1; l++)
        layer[l] = (uint8_t)moved(space, choice, u, l + 1, l);
    layer[depth - 1] = DS_INACTIVE;
}

static void change_depth(const struct ds_space *space, uint8_t *choice, int u, bool deeper,
                         struct ds_random *r)
{
    const struct ds_site *site = &space->site[space->unit[u].depth_site];
    int depth = ds_arch_depth(space, choice, u), c = next_depth(space, choice, u, deeper);
    for (; depth < site->value[c]; depth++)
        insert_layer(space, choice, u, depth, r);
    for (; depth > site->value[c]; depth--)
        remove_layer(space, choice, u, depth, r);
    choice[space->unit[u].depth_site] = (uint8_t)c;
}

/* ---- mutation ---- */

/* Makes another choice at a site that has one. */
static void change_site(const struct ds_space *space, uint8_t *choice, int s, struct ds_random *r)
{
    uint32_t c = ds_random_below(r, (uint32_t)space->site[s].nchoices - 1);
    choice[s] = (uint8_t)(c + (c >= choice[s]));
}

/* Active layers of unit u that have a choice; the n-th of them is at site *site. */
static int open_layers(const struct ds_space *space, const uint8_t *choice, int u, int n, int *site)
{
    int count = 0, first = space->unit[u].layer_site;
    for (int s = first; s < first + ds_arch_depth(space, choice, u); s++)
        if (space->site[s].nchoices > 1 && count++ == n)
            *site = s;
    return count;
}

enum operation { ADD, REMOVE, SWAP, WIDTH };

static int possible(const struct ds_space *space, const uint8_t *choice, int u,
                    enum operation *list)
{
    int n = 0, site;
    if (next_depth(space, choice, u, true) >= 0)
        list[n++] = ADD;
    if (next_depth(space, choice, u, false) >= 0)
        list[n++] = REMOVE;
    if (open_layers(space, choice, u, 0, &site))
        list[n++] = SWAP;
    if (space->site[space->unit[u].width_site].nchoices > 1)
        list[n++] = WIDTH;
    return n;
}

static void mutate_unit(const struct ds_space *space, uint8_t *choice, int u, struct ds_random *r)
{
    enum operation list[4];
    int site = 0, n = possible(space, choice, u, list);
    switch (list[ds_random_below(r, (uint32_t)n)]) {
    case ADD:
        change_depth(space, choice, u, true, r);
        break;
    case REMOVE:
        change_depth(space, choice, u, false, r);
        break;
    case SWAP:
        n = open_layers(space, choice, u, -1, &site);
        open_layers(space, choice, u, (int)ds_random_below(r, (uint32_t)n), &site);
        change_site(space, choice, site, r);
        break;
    case WIDTH:
        change_site(space, choice, space->unit[u].width_site, r);
        break;
    }
}

/* Options of stem and head that have a choice; the n-th of them is at site *site. */
static int open_options(const struct ds_space *space, int n, int *site)
{
    int count = 0;
    for (int s = 0; s < space->nsites; s++)
        if (space->site[s].kind == DS_SITE_OPTION && space->site[s].nchoices > 1 && count++ == n)
            *site = s;
    return count;
}

/*
 * The mutation weight of place i of a space. Places are its units, then stem and head, then the
 * resolution.
 */
static double weight(const struct ds_space *space, const uint8_t *choice, int place)
{
    enum operation list[4];
    int site;
    if (place < space->nunits)
        return possible(space, choice, place, list) ? space->unit[place].mutate_weight : 0;
    if (place == space->nunits)
        return open_options(space, 0, &site) ? OTHER_WEIGHT : 0;
    return space->site[space->resolution_site].nchoices > 1 ? OTHER_WEIGHT : 0;
}

static void mutate_place(const struct ds_space *space, uint8_t *choice, int place,
                         struct ds_random *r)
{
    int site = space->resolution_site;
    if (place < space->nunits) {
        mutate_unit(space, choice, place, r);
        return;
    }
    if (place == space->nunits) {
        int n = open_options(space, -1, &site);
        open_options(space, (int)ds_random_below(r, (uint32_t)n), &site);
    }
    change_site(space, choice, site, r);
}

int ds_mutate(const struct ds_space *space, uint8_t *choice, double rate, struct ds_random *r)
{
    double p[DS_MAX_SITES + 2], none[DS_MAX_SITES + 3];
    int places = space->nunits + 2;
    bool any = false;
    for (int i = 0; i < places; i++)
        p[i] = rate * weight(space, choice, i);
    none[places] = 1; /* the chance that no place from i on is drawn */
    for (int i = places; i-- > 0;)
        none[i] = none[i + 1] * (1 - p[i]);
    if (none[0] >= 1)
        return -1;
    for (int i = 0; i < places; i++) {
        /* until one is drawn: its chance, given that one from here on will be */
        double chance = any ? p[i] : none[i] < 1 ? p[i] / (1 - none[i]) : 0;
        if (p[i] > 0 && ds_random_unit(r) < chance) {
            mutate_place(space, choice, i, r);
            any = true;
        }
    }
    return 0;
}

/* ---- crossover ---- */

void ds_cross(const struct ds_space *space, uint8_t *choice, const uint8_t *mate,
              struct ds_random *r)
{
    for (int s = 0; s < space->nsites; s++) {
        enum ds_site_kind kind = space->site[s].kind;
        if ((kind == DS_SITE_OPTION || kind == DS_SITE_RESOLUTION) && ds_random_u32(r) >> 31)
            choice[s] = mate[s];
    }
    for (int u = 0; u < space->nunits; u++) {
        const struct ds_unit *unit = &space->unit[u];
        if (ds_random_u32(r) >> 31 == 0)
            continue;
        choice[unit->depth_site] = mate[unit->depth_site];
        choice[unit->width_site] = mate[unit->width_site];
        memcpy(choice + unit->layer_site, mate + unit->layer_site, (size_t)unit->max_depth);
    }
}

#include "formats/ofa_resnet50.h"

#include "formats/ofa_dict.h"
#include <string.h>

#define UNITS 4

static const int channels[DS_RESNET50_WIDTHS][3] = {
    {24, 24, 32},    {40, 48, 64},     {168, 208, 256},
    {336, 408, 512}, {664, 816, 1024}, {1328, 1640, 2048},
};
static const int base[UNITS] = {2, 2, 4, 2};
static const int first[UNITS + 1] = {0, 4, 8, 14, DS_RESNET50_LAYERS};

/* ---- its sites ---- */

static int site(const struct ds_space *space, const char *name)
{
    return ds_space_site(space, name, strlen(name));
}

/* Whether the values of a site are all in low..high. */
static bool within(const struct ds_space *space, int s, int low, int high)
{
    bool all = s >= 0;
    for (int c = 0; all && c < space->site[s].nchoices; c++)
        all = space->site[s].value[c] >= low && space->site[s].value[c] <= high;
    return all;
}

static bool has_widths(const struct ds_space *space, int w)
{
    int s = ds_resnet50_width_site(space, w);
    bool all = s >= 0;
    for (int c = 0; all && c < space->site[s].nchoices; c++)
        all = ds_resnet50_choice(w, space->site[s].value[c]) >= 0;
    return all;
}

/* Whether the blocks of a layer are OFA's, and each its expansion alone. */
static bool has_blocks(const struct ds_space *space, const struct ds_site *s)
{
    for (int c = 0; c < s->nchoices; c++) {
        const struct ds_block *b = &space->block[s->value[c]];
        if (b->type != DS_BLOCK_BOTTLENECK || b->kernel != 3 || b->groups != 1 ||
            b->conv_shortcut || (b->expand != 0.2 && b->expand != 0.25 && b->expand != 0.35))
            return false;
        for (int k = 0; k < c; k++)
            if (space->block[s->value[k]].expand == b->expand)
                return false;
    }
    return true;
}

bool ds_is_resnet50(const struct ds_space *space)
{
    if (space->nunits != UNITS || !within(space, ds_resnet50_stem_site(space), 0, 1))
        return false;
    for (int w = 0; w < DS_RESNET50_WIDTHS; w++)
        if (!has_widths(space, w))
            return false;
    for (int u = 0; u < UNITS; u++) {
        const struct ds_unit *unit = &space->unit[u];
        if (!within(space, unit->depth_site, base[u], base[u] + 2))
            return false;
        for (int l = 0; l < unit->max_depth; l++)
            if (!has_blocks(space, &space->site[unit->layer_site + l]))
                return false;
    }
    return true;
}

int ds_resnet50_width_site(const struct ds_space *space, int w)
{
    if (w < 2)
        return site(space, w == 0 ? "stem0.width" : "stem2.width");
    return w - 2 < space->nunits ? space->unit[w - 2].width_site : -1;
}

int ds_resnet50_stem_site(const struct ds_space *space)
{
    return site(space, "stem1.repeat");
}

int ds_resnet50_choice(int w, int value)
{
    for (int i = 0; i < 3; i++)
        if (channels[w][i] == value)
            return i;
    return -1;
}

int ds_resnet50_first(int unit)
{
    return first[unit];
}

/* ---- dictionaries ---- */

static int outside(struct ds_error *err, const char *key, int i, double value,
                   const struct ds_space *space, const struct ds_site *s)
{
    ds_fail(err, "\"%s\"[%d] is %g, which space %s does not have at %s", key, i, value, space->name,
            s->name);
    return DS_OFA_OUTSIDE;
}

static int read_width(const struct ds_space *space, const json_t *dict, int w, uint8_t *choice,
                      struct ds_error *err)
{
    double i = 0;
    int s = ds_resnet50_width_site(space, w);
    if (ds_dict_entry(dict, "w", w, &i, err))
        return -1;
    if (i != 0 && i != 1 && i != 2)
        return ds_fail(err, "\"w\"[%d] is %g; it must be 0, 1 or 2", w, i);
    int c = ds_site_choice(&space->site[s], channels[w][(int)i]);
    if (c < 0)
        return outside(err, "w", w, i, space, &space->site[s]);
    choice[s] = (uint8_t)c;
    return 0;
}

/* Entry 0: the stem; others: the unit before. */
static int read_depth(const struct ds_space *space, const json_t *dict, int i, uint8_t *choice,
                      struct ds_error *err)
{
    double d = 0;
    int s = i == 0 ? ds_resnet50_stem_site(space) : space->unit[i - 1].depth_site;
    if (ds_dict_entry(dict, "d", i, &d, err))
        return -1;
    /* Once-for-All's network and its predictor disagree on what 1 means for the stem */
    if (i == 0 && d != 0 && d != 2)
        return ds_fail(err, "\"d\"[0] is %g; for the stem it must be 0 or 2", d);
    int c = ds_dict_choice(&space->site[s], i == 0 ? d / 2 : base[i - 1] + d);
    if (c < 0)
        return outside(err, "d", i, d, space, &space->site[s]);
    choice[s] = (uint8_t)c;
    return 0;
}

static int read_layer(const struct ds_space *space, const json_t *dict, int u, int l,
                      uint8_t *choice, struct ds_error *err)
{
    double e = 0;
    int s = space->unit[u].layer_site + l;
    const struct ds_site *at = &space->site[s];
    if (ds_dict_entry(dict, "e", first[u] + l, &e, err))
        return -1;
    for (int c = 0; c < at->nchoices; c++)
        if (space->block[at->value[c]].expand == e) {
            choice[s] = (uint8_t)c;
            return 0;
        }
    return outside(err, "e", first[u] + l, e, space, at);
}

int ds_resnet50_read(const struct ds_space *space, const json_t *dict, uint8_t *choice,
                     struct ds_error *err)
{
    int rc = 0;
    if (ds_dict_check(dict, "d", UNITS + 1, UNITS + 1, err) ||
        ds_dict_check(dict, "e", DS_RESNET50_LAYERS, DS_RESNET50_LAYERS, err) ||
        ds_dict_check(dict, "w", DS_RESNET50_WIDTHS, DS_RESNET50_WIDTHS, err))
        return -1;
    for (int w = 0; w < DS_RESNET50_WIDTHS && rc == 0; w++)
        rc = read_width(space, dict, w, choice, err);
    for (int i = 0; i <= UNITS && rc == 0; i++)
        rc = read_depth(space, dict, i, choice, err);
    for (int u = 0; u < UNITS && rc == 0; u++)
        for (int l = 0; l < ds_arch_depth(space, choice, u) && rc == 0; l++)
            rc = read_layer(space, dict, u, l, choice, err);
    return rc;
}

/* The expansion of layer l of unit u; where it is not active, one that it might have. */
static double expansion(const struct ds_space *space, const uint8_t *choice, int u, int l)
{
    const struct ds_unit *unit = &space->unit[u];
    int s = unit->layer_site + (l < unit->max_depth ? l : unit->max_depth - 1);
    int c = l < unit->max_depth && choice[s] != DS_INACTIVE ? choice[s] : 0;
    return space->block[space->site[s].value[c]].expand;
}

void ds_resnet50_write(const struct ds_space *space, const uint8_t *choice,
                       struct ds_json_text *out)
{
    double w[DS_RESNET50_WIDTHS], e[DS_RESNET50_LAYERS], d[1 + UNITS];
    int stem = ds_resnet50_stem_site(space);
    d[0] = 2 * space->site[stem].value[choice[stem]];
    for (int i = 0; i < DS_RESNET50_WIDTHS; i++) {
        int s = ds_resnet50_width_site(space, i);
        w[i] = ds_resnet50_choice(i, space->site[s].value[choice[s]]);
    }
    for (int u = 0; u < UNITS; u++) {
        d[1 + u] = ds_arch_depth(space, choice, u) - base[u];
        for (int l = 0; l < first[u + 1] - first[u]; l++)
            e[first[u] + l] = expansion(space, choice, u, l);
    }
    ds_dict_list(out, "w", w, DS_RESNET50_WIDTHS);
    ds_dict_list(out, "e", e, DS_RESNET50_LAYERS);
    ds_dict_list(out, "d", d, 1 + UNITS);
}

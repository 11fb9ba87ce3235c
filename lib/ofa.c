#include "ofa.h"

#include <string.h>

static const char *const keys[] = {"ks", "e", "d", "r"};

bool ds_ofa_is_key(const char *key)
{
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strcmp(keys[i], key) == 0)
            return true;
    return false;
}

/* Layers that units may have, in all. */
static int count_layers(const struct ds_space *space)
{
    int n = 0;
    for (int u = 0; u < space->nunits; u++)
        n += space->unit[u].max_depth;
    return n;
}

/* Whether the last unit is one fixed layer, which a dictionary may leave out of "d". */
static bool has_fixed_tail(const struct ds_space *space)
{
    const struct ds_unit *last = &space->unit[space->nunits - 1];
    return last->max_depth == 1;
}

/* Element i of an array of `count` (or `fewer`), or the number that stands for all. */
static int element(const json_t *dict, const char *key, int i, int count, int fewer, double *out,
                   struct ds_error *err)
{
    const json_t *v = json_object_get(dict, key);
    if (!v)
        return ds_fail(err, "\"%s\" is missing", key);
    if (json_is_array(v)) {
        int n = (int)json_array_size(v);
        if (n != count && n != fewer)
            return ds_fail(err, "\"%s\" has %d numbers; this space has %d", key, n, count);
        v = json_array_get(v, (size_t)i);
    }
    if (!json_is_number(v))
        return ds_fail(err, "\"%s\" must be numbers", key);
    *out = json_number_value(v);
    return 0;
}

static int read_resolution(const struct ds_space *space, const json_t *dict, uint8_t *choice,
                           struct ds_error *err)
{
    double r;
    const struct ds_site *site = &space->site[space->resolution_site];
    if (element(dict, "r", 0, 1, 1, &r, err))
        return -1;
    int c = r == (int)r ? ds_site_choice(site, (int)r) : -1;
    if (c < 0)
        return ds_fail(err, "\"r\": space %s has no resolution %g", space->name, r);
    choice[space->resolution_site] = (uint8_t)c;
    return 0;
}

static int read_depth(const struct ds_space *space, const json_t *dict, int u, uint8_t *choice,
                      struct ds_error *err)
{
    double d;
    const struct ds_site *site = &space->site[space->unit[u].depth_site];
    int fewer = space->nunits - has_fixed_tail(space);
    if (u == space->nunits - 1 && has_fixed_tail(space)) {
        choice[space->unit[u].depth_site] = 0;
        return 0;
    }
    if (element(dict, "d", u, space->nunits, fewer, &d, err))
        return -1;
    int c = d == (int)d ? ds_site_choice(site, (int)d) : -1;
    if (c < 0)
        return ds_fail(err, "\"d\": unit %d of space %s cannot have %g layers", u, space->name, d);
    choice[space->unit[u].depth_site] = (uint8_t)c;
    return 0;
}

static int read_layer(const struct ds_space *space, const json_t *dict, int slot, int site,
                      uint8_t *choice, struct ds_error *err)
{
    double k, e;
    int all = count_layers(space), fewer = all - has_fixed_tail(space);
    const struct ds_site *s = &space->site[site];
    if (slot >= fewer && json_array_size(json_object_get(dict, "ks")) == (size_t)fewer &&
        s->nchoices == 1) {
        choice[site] = 0;
        return 0;
    }
    if (element(dict, "ks", slot, all, fewer, &k, err) ||
        element(dict, "e", slot, all, fewer, &e, err))
        return -1;
    for (int c = 0; c < s->nchoices; c++) {
        const struct ds_block *b = &space->block[s->value[c]];
        if (b->type != DS_BLOCK_SKIP && b->kernel == k && b->expand == e) {
            choice[site] = (uint8_t)c;
            return 0;
        }
    }
    return ds_fail(err, "\"ks\", \"e\": %s of space %s has no block of kernel %g and expansion %g",
                   s->name, space->name, k, e);
}

int ds_ofa_read(const struct ds_space *space, const json_t *dict, uint8_t *choice,
                struct ds_error *err)
{
    memset(choice, 0, (size_t)space->nsites);
    for (int s = 0; s < space->nsites; s++)
        if (space->site[s].nchoices > 1 &&
            (space->site[s].kind == DS_SITE_OPTION || space->site[s].kind == DS_SITE_WIDTH))
            return ds_fail(err, "space %s has a choice at %s, which these dictionaries do not have",
                           space->name, space->site[s].name);
    if (read_resolution(space, dict, choice, err))
        return -1;
    for (int u = 0, slot = 0; u < space->nunits; slot += space->unit[u++].max_depth) {
        if (read_depth(space, dict, u, choice, err))
            return -1;
        for (int l = 0; l < ds_arch_depth(space, choice, u); l++)
            if (read_layer(space, dict, slot + l, space->unit[u].layer_site + l, choice, err))
                return -1;
    }
    return ds_arch_canon(space, choice, err);
}

/* 6 rather than 6.0, 0.25 as it is. */
static json_t *short_number(double v)
{
    return v == (double)(json_int_t)v ? json_integer((json_int_t)v) : json_real(v);
}

json_t *ds_ofa_write(const struct ds_space *space, const uint8_t *choice, struct ds_error *err)
{
    json_t *ks = json_array(), *e = json_array(), *d = json_array();
    bool ok = true;
    for (int u = 0; u < space->nunits; u++) {
        json_array_append_new(d, json_integer(ds_arch_depth(space, choice, u)));
        for (int l = 0; l < space->unit[u].max_depth; l++) {
            const struct ds_site *s = &space->site[space->unit[u].layer_site + l];
            int c = choice[space->unit[u].layer_site + l];
            const struct ds_block *b = &space->block[s->value[c == DS_INACTIVE ? 0 : c]];
            ok = ok && b->type != DS_BLOCK_SKIP;
            json_array_append_new(ks, json_integer(b->kernel));
            json_array_append_new(e, short_number(b->expand));
        }
    }
    json_t *dict = json_pack("{so so so si}", "ks", ks, "e", e, "d", d, "r",
                             ds_arch_resolution(space, choice));
    if (dict && ok)
        return dict;
    ds_fail(err,
            ok ? "out of memory"
               : "a block of space %s has no kernel and expansion, which these dictionaries need",
            space->name);
    json_decref(dict);
    return NULL;
}

#include "formats/ofa.h"

#include "base/grow.h"
#include "formats/ofa_dict.h"
#include "formats/ofa_resnet50.h"
#include <string.h>

static bool is_text(const char *key, size_t n, const char *text)
{
    return strlen(text) == n && memcmp(key, text, n) == 0;
}

bool ds_ofa_is_key(const struct ds_space *space, const char *key, size_t n)
{
    static const char *const keys[] = {"e", "d", "r", "image_size"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (is_text(key, n, keys[i]))
            return true;
    return is_text(key, n, ds_is_resnet50(space) ? "w" : "ks");
}

/* ---- what both ways need ---- */

/* Refuses spaces with several widths or options: dictionaries cannot say which. */
static int check_space(const struct ds_space *space, struct ds_error *err)
{
    for (int s = 0; s < space->nsites; s++)
        if (space->site[s].nchoices > 1 &&
            (space->site[s].kind == DS_SITE_OPTION || space->site[s].kind == DS_SITE_WIDTH))
            return ds_fail(err, "space %s has a choice at %s, which these dictionaries do not have",
                           space->name, space->site[s].name);
    return 0;
}

/* The choice of a block by kernel and expansion; -1 where there is none, -2 where several. */
static int find_block(const struct ds_space *space, const struct ds_site *site, double kernel,
                      double expand)
{
    int found = -1;
    for (int c = 0; c < site->nchoices; c++) {
        const struct ds_block *b = &space->block[site->value[c]];
        if (b->type == DS_BLOCK_SKIP || b->kernel != kernel || b->expand != expand)
            continue;
        if (found >= 0)
            return -2;
        found = c;
    }
    return found;
}

static int several(const struct ds_space *space, const struct ds_site *site, double kernel,
                   double expand, struct ds_error *err)
{
    return ds_fail(err,
                   "\"ks\", \"e\": %s of space %s has several blocks of kernel %g and expansion "
                   "%g, which these dictionaries cannot tell apart",
                   site->name, space->name, kernel, expand);
}

/* ---- reading ---- */

/* How many entries the lists have, all and without what a last unit of one layer leaves out. */
struct lengths {
    int layers, least_layers;
    int units, least_units;
};

static struct lengths count(const struct ds_space *space)
{
    const struct ds_unit *last = &space->unit[space->nunits - 1];
    struct lengths n = {.units = space->nunits};
    for (int u = 0; u < space->nunits; u++)
        n.layers += space->unit[u].max_depth;
    n.least_units = n.units - (last->max_depth == 1);
    n.least_layers =
        n.layers - (last->max_depth == 1 && space->site[last->layer_site].nchoices == 1);
    return n;
}

/* Whether a list, of a length that was checked, ends before entry i. */
static bool is_left_out(const json_t *dict, const char *key, int i)
{
    const json_t *v = json_object_get(dict, key);
    return json_is_array(v) && (size_t)i >= json_array_size(v);
}

/* "r", which Once-for-All's later programs call "image_size". */
static int read_resolution(const struct ds_space *space, const json_t *dict, uint8_t *choice,
                           struct ds_error *err)
{
    double r = 0;
    bool other = !json_object_get(dict, "r") && json_object_get(dict, "image_size");
    const char *key = other ? "image_size" : "r";
    if (!other && json_object_get(dict, "image_size"))
        return ds_fail(err, "both \"r\" and \"image_size\"");
    if (ds_dict_check(dict, key, 1, 1, err) || ds_dict_entry(dict, key, 0, &r, err))
        return -1;
    int c = ds_dict_choice(&space->site[space->resolution_site], r);
    if (c < 0) {
        ds_fail(err, "\"%s\": space %s has no resolution %g", key, space->name, r);
        return DS_OFA_OUTSIDE;
    }
    choice[space->resolution_site] = (uint8_t)c;
    return 0;
}

static int read_depth(const struct ds_space *space, const json_t *dict, int u, uint8_t *choice,
                      struct ds_error *err)
{
    double d = 0;
    int site = space->unit[u].depth_site;
    /* Once-for-All ignores the depth given for a last unit that has one layer */
    if (u == space->nunits - 1 && space->unit[u].max_depth == 1)
        return choice[site] = 0;
    if (ds_dict_entry(dict, "d", u, &d, err))
        return -1;
    int c = ds_dict_choice(&space->site[site], d);
    if (c < 0) {
        ds_fail(err, "\"d\": unit %d of space %s cannot have %g layers", u, space->name, d);
        return DS_OFA_OUTSIDE;
    }
    choice[site] = (uint8_t)c;
    return 0;
}

static int read_layer(const struct ds_space *space, const json_t *dict, int slot, int site,
                      uint8_t *choice, struct ds_error *err)
{
    double k = 0, e = 0;
    const struct ds_site *s = &space->site[site];
    if (is_left_out(dict, "ks", slot) || is_left_out(dict, "e", slot))
        return choice[site] = 0;
    if (ds_dict_entry(dict, "ks", slot, &k, err) || ds_dict_entry(dict, "e", slot, &e, err))
        return -1;
    int c = find_block(space, s, k, e);
    if (c == -2)
        return several(space, s, k, e, err);
    if (c < 0) {
        ds_fail(err, "\"ks\", \"e\": %s of space %s has no block of kernel %g and expansion %g",
                s->name, space->name, k, e);
        return DS_OFA_OUTSIDE;
    }
    choice[site] = (uint8_t)c;
    return 0;
}

int ds_ofa_read(const struct ds_space *space, const json_t *dict, uint8_t *choice,
                struct ds_error *err)
{
    struct lengths n = count(space);
    int rc;
    memset(choice, 0, (size_t)space->nsites);
    if (ds_is_resnet50(space)) {
        if ((rc = read_resolution(space, dict, choice, err)) ||
            (rc = ds_resnet50_read(space, dict, choice, err)))
            return rc;
        return ds_arch_canon(space, choice, err);
    }
    if (check_space(space, err) || ds_dict_check(dict, "ks", n.layers, n.least_layers, err) ||
        ds_dict_check(dict, "e", n.layers, n.least_layers, err) ||
        ds_dict_check(dict, "d", n.units, n.least_units, err))
        return -1;
    if ((rc = read_resolution(space, dict, choice, err)))
        return rc;
    for (int u = 0, slot = 0; u < space->nunits; slot += space->unit[u++].max_depth) {
        if ((rc = read_depth(space, dict, u, choice, err)))
            return rc;
        for (int l = 0; l < ds_arch_depth(space, choice, u); l++)
            if ((rc =
                     read_layer(space, dict, slot + l, space->unit[u].layer_site + l, choice, err)))
                return rc;
    }
    return ds_arch_canon(space, choice, err);
}

/* ---- writing ---- */

/* The block of a layer; of an inactive one, the first that has a kernel. NULL where it has none. */
static const struct ds_block *block_at(const struct ds_space *space, const uint8_t *choice,
                                       int site)
{
    const struct ds_site *s = &space->site[site];
    bool is_active = choice[site] != DS_INACTIVE;
    for (int c = is_active ? choice[site] : 0; c < s->nchoices; c++) {
        const struct ds_block *b = &space->block[s->value[c]];
        if (b->type != DS_BLOCK_SKIP)
            return b;
        if (is_active)
            break;
    }
    return NULL;
}

static bool are_twins(const struct ds_block *a, const struct ds_block *b)
{
    return a->kernel == b->kernel && a->expand == b->expand && a->type != DS_BLOCK_SKIP &&
           b->type != DS_BLOCK_SKIP;
}

/* Whether any two blocks of the space have the same kernel and expansion: seldom. */
static bool has_twins(const struct ds_space *space)
{
    for (int i = 1; i < space->nblocks; i++)
        for (int k = 0; k < i; k++)
            if (are_twins(&space->block[i], &space->block[k]))
                return true;
    return false;
}

/* Why a dictionary cannot tell the block of a layer. */
static int no_kernel(const struct ds_space *space, const struct ds_site *s, struct ds_error *err)
{
    return ds_fail(err,
                   "%s of space %s has a block without kernel and expansion, which these "
                   "dictionaries need",
                   s->name, space->name);
}

static int write_units(const struct ds_space *space, const uint8_t *choice,
                       struct ds_json_text *out, struct ds_error *err)
{
    double ks[DS_MAX_SITES], e[DS_MAX_SITES], d[DS_MAX_SITES];
    int n = 0;
    bool twins = has_twins(space);
    if (check_space(space, err))
        return -1;
    for (int u = 0; u < space->nunits; u++) {
        d[u] = ds_arch_depth(space, choice, u);
        for (int l = 0; l < space->unit[u].max_depth; l++, n++) {
            int site = space->unit[u].layer_site + l;
            const struct ds_site *s = &space->site[site];
            const struct ds_block *b = block_at(space, choice, site);
            if (!b)
                return no_kernel(space, s, err);
            if (twins && choice[site] != DS_INACTIVE &&
                find_block(space, s, b->kernel, b->expand) < 0)
                return several(space, s, b->kernel, b->expand, err);
            ks[n] = b->kernel;
            e[n] = b->expand;
        }
    }
    ds_dict_list(out, "ks", ks, n);
    ds_dict_list(out, "e", e, n);
    ds_dict_list(out, "d", d, space->nunits);
    return 0;
}

int ds_ofa_write(const struct ds_space *space, const uint8_t *choice, struct ds_json_text *out,
                 struct ds_error *err)
{
    if (ds_is_resnet50(space))
        ds_resnet50_write(space, choice, out);
    else if (write_units(space, choice, out, err))
        return -1;
    DS_JSON_PUT(out, ",\"r\":");
    ds_json_whole(out, ds_arch_resolution(space, choice));
    return 0;
}

#include "study/group_keys.h"

#include "space/trait.h"
#include <math.h>
#include <string.h>

/* Traits (trait.h) in their order, and what else groups can be made by. */
enum key {
    UNIT = DS_TRAIT_UNIT,
    LAYER = DS_TRAIT_LAYER,
    KERNEL = DS_TRAIT_KERNEL,
    EXPAND = DS_TRAIT_EXPAND,
    DEPTH = DS_TRAIT_DEPTH,
    WIDTH = DS_TRAIT_WIDTH,
    RESOLUTION = DS_TRAIT_RESOLUTION,
    BLOCK,
    SITE,
    CHOICE,
    NKEYS
};
static const char *const key_names[NKEYS] = {DS_TRAIT_NAMES, "block", "site", "choice"};

int ds_group_keys_parse(struct ds_group_keys *keys, const char *text, struct ds_error *err)
{
    for (const char *at = text; at;) {
        size_t n = strcspn(at, ",");
        int k = 0;
        while (k < NKEYS && (strlen(key_names[k]) != n || strncmp(key_names[k], at, n)))
            k++;
        bool again = false;
        for (int i = 0; i < keys->n; i++)
            again = again || keys->key[i] == k;
        if (k == NKEYS || again || keys->n == DS_MOST_GROUP_KEYS)
            return ds_fail(
                err,
                "'%.*s' is %s; keys are unit, layer, block, kernel, expand, depth, width, "
                "resolution, site, choice",
                (int)n, at, again ? "there twice" : "no key");
        keys->key[keys->n++] = k;
        at = at[n] ? at + n + 1 : NULL;
    }
    return 0;
}

static bool key_value(const struct ds_record *rec, int site, int choice, int key, double *out)
{
    const struct ds_site *s = &rec->space->site[site];
    switch (key) {
    case BLOCK:
        *out = s->value[choice];
        return s->kind == DS_SITE_BLOCK;
    case SITE:
        *out = site;
        return true;
    case CHOICE:
        *out = site * (double)DS_MAX_CHOICES + choice;
        return true;
    case RESOLUTION: /* affixed, or else the architecture's */
        *out = s->kind == DS_SITE_RESOLUTION ? s->value[choice]
                                             : ds_arch_resolution(rec->space, rec->choice);
        return true;
    default:
        return ds_trait(rec->space, site, choice, (enum ds_trait)key, out);
    }
}

bool ds_group_keys_values(const struct ds_group_keys *keys, const struct ds_record *rec, int site,
                          int choice, double *value)
{
    for (int i = 0; i < keys->n; i++)
        if (!key_value(rec, site, choice, keys->key[i], &value[i]))
            return false;
    return true;
}

static bool has_key(const struct ds_group_keys *keys, enum key key)
{
    for (int i = 0; i < keys->n; i++)
        if (keys->key[i] == (int)key)
            return true;
    return false;
}

bool ds_group_keys_occur(const struct ds_group_keys *keys, enum ds_site_kind kind)
{
    bool blocks = has_key(keys, BLOCK) || has_key(keys, KERNEL) || has_key(keys, EXPAND) ||
                  has_key(keys, LAYER);
    bool all = has_key(keys, SITE) || has_key(keys, CHOICE);
    switch (kind) {
    case DS_SITE_BLOCK:
        return blocks || all;
    case DS_SITE_DEPTH:
        return has_key(keys, DEPTH) || all;
    case DS_SITE_WIDTH:
        return has_key(keys, WIDTH) || all;
    case DS_SITE_RESOLUTION:
        return all || (has_key(keys, RESOLUTION) && keys->n == 1);
    case DS_SITE_OPTION:
        break;
    }
    return all;
}

bool ds_group_keys_affixed(const struct ds_group_keys *keys, const struct ds_record *rec)
{
    return keys->n > 1 || keys->key[0] != RESOLUTION ||
           rec->space->site[rec->affix_site].kind == DS_SITE_RESOLUTION;
}

int ds_group_keys_compare(const struct ds_group_keys *keys, const double *x, const double *y)
{
    for (int i = 0; i < keys->n; i++)
        if (x[i] != y[i])
            return x[i] < y[i] ? -1 : 1;
    return 0;
}

unsigned ds_group_keys_hash(const struct ds_group_keys *keys, const double *value)
{
    double sum = 0;
    for (int i = 0; i < keys->n; i++)
        sum = sum * 31.7 + value[i];
    uint64_t bits;
    memcpy(&bits, &sum, sizeof bits);
    return (unsigned)((bits * 0x9E3779B97F4A7C15u) >> 40);
}

bool ds_group_keys_fit(const struct ds_group_keys *keys, const struct ds_space *space,
                       const double *value)
{
    for (int i = 0; i < keys->n; i++) {
        int key = keys->key[i];
        if (!isfinite(value[i]))
            return false;
        if (key != BLOCK && key != SITE && key != CHOICE)
            continue;
        if (!(value[i] >= 0 && value[i] < DS_MAX_SITES * (double)DS_MAX_CHOICES))
            return false;
        int whole = (int)value[i], site = key == CHOICE ? whole / DS_MAX_CHOICES : whole;
        if (key == BLOCK ? whole >= space->nblocks : site >= space->nsites)
            return false;
        if (key == CHOICE && whole % DS_MAX_CHOICES >= space->site[site].nchoices)
            return false;
    }
    return true;
}

static int write_key(int key, double value, struct ds_record *rec, struct ds_error *err)
{
    const struct ds_space *space = rec->space;
    char text[256];
    switch (key) {
    case BLOCK:
        return ds_record_group_str(rec, "block", space->block[(int)value].name, err);
    case SITE:
        return ds_record_group_str(rec, "site", space->site[(int)value].name, err);
    case CHOICE:
        ds_site_print(space, (int)value / DS_MAX_CHOICES, (int)value % DS_MAX_CHOICES, text,
                      sizeof text);
        return ds_record_group_str(rec, "choice", text, err);
    default:
        return ds_record_group_num(rec, key_names[key], value, err);
    }
}

int ds_group_keys_write(const struct ds_group_keys *keys, const double *value,
                        struct ds_record *rec, struct ds_error *err)
{
    for (int i = 0; i < keys->n; i++)
        if (write_key(keys->key[i], value[i], rec, err))
            return -1;
    return 0;
}

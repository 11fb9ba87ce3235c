#include "profile/predictor_family.h"

const struct ds_family_of_nets ds_family_mbv3 = {"OFA-MBv3 w1.2", 5, {32, 48, 96, 136, 192}};
const struct ds_family_of_nets ds_family_proxyless = {
    "OFA-ProxylessNAS w1.3", 6, {32, 56, 104, 128, 248, 416}};

/* Of other widths, networks are other networks. */
int ds_family_check(const struct ds_family_of_nets *family, const struct ds_space *space,
                    struct ds_error *err)
{
    if (space->nunits != family->nunits)
        return ds_fail(err, "the predictor is of %s, of %d units; space %s has %d", family->name,
                       family->nunits, space->name, space->nunits);
    for (int u = 0; u < space->nunits; u++) {
        const struct ds_site *site = &space->site[space->unit[u].width_site];
        for (int c = 0; c < site->nchoices; c++)
            if (site->value[c] != family->width[u])
                return ds_fail(err, "the predictor is of %s, %s %d; space %s has %d", family->name,
                               site->name, family->width[u], space->name, site->value[c]);
        if (space->unit[u].max_depth > DS_FAMILY_LAYERS)
            return ds_fail(err, "the predictor is of %s, of %d layers a unit; space %s has %d",
                           family->name, DS_FAMILY_LAYERS, space->name, space->unit[u].max_depth);
    }
    return 0;
}

static int place(const double *list, double value)
{
    for (int i = 0; i < 3; i++)
        if (list[i] == value)
            return i;
    return -1;
}

bool ds_family_block(const struct ds_block *block, int *kernel, int *expand)
{
    static const double kernels[] = {3, 5, 7}, expansions[] = {3, 4, 6};
    *kernel = place(kernels, block->kernel);
    *expand = place(expansions, block->expand);
    return block->type == DS_BLOCK_MBCONV && *kernel >= 0 && *expand >= 0;
}

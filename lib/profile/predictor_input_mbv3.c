/* The inputs of Once-for-All's predictor for OFA-MBv3: see predictor.h. */
#include "profile/predictor_input.h"

static int code(const struct ds_space *space, const struct ds_site *site, int choice, int *code)
{
    static const double kernels[] = {3, 5, 7}, expansions[] = {3, 4, 6};
    int value = site->value[choice];
    if (site->kind == DS_SITE_RESOLUTION) {
        code[0] = 120 + (value - 112) / 16;
        return value % 16 == 0 && value >= 112 && value < 112 + 8 * 16 ? 1 : -1;
    }
    if (site->kind != DS_SITE_BLOCK)
        return 0;
    const struct ds_block *b = &space->block[value];
    int slot = site->unit * 4 + site->layer;
    int k = ds_predictor_input_index(kernels, 3, b->kernel),
        e = ds_predictor_input_index(expansions, 3, b->expand);
    if (site->unit >= 5 || site->layer >= 4 || k < 0 || e < 0 || b->type != DS_BLOCK_MBCONV)
        return -1;
    code[0] = slot * 3 + k;
    code[1] = 60 + slot * 3 + e;
    return 2;
}

/* Of other widths, networks are other networks: w1.2 is what the predictor was trained on. */
static int check(const struct ds_space *space, struct ds_error *err)
{
    static const int widths[] = {32, 48, 96, 136, 192};
    if (space->nunits != 5)
        return ds_fail(err, "the predictor is of OFA-MBv3; space %s has other blocks", space->name);
    for (int u = 0; u < space->nunits; u++) {
        const struct ds_site *site = &space->site[space->unit[u].width_site];
        for (int c = 0; c < site->nchoices; c++)
            if (site->value[c] != widths[u])
                return ds_fail(err, "the predictor is of OFA-MBv3 w1.2, %s %d; space %s has %d",
                               site->name, widths[u], space->name, site->value[c]);
    }
    return 0;
}

const struct ds_predictor_input ds_predictor_input_mbv3 = {"OFA-MBv3", 128, check, code};

/* The inputs of Once-for-All's predictor for OFA-MBv3: see predictor.h. */
#include "profile/predictor_family.h"
#include "profile/predictor_input.h"

static int code(const struct ds_space *space, const struct ds_site *site, int choice, int *code)
{
    int value = site->value[choice], kernel, expand;
    if (site->kind == DS_SITE_RESOLUTION) {
        code[0] = 120 + (value - 112) / 16;
        return value % 16 == 0 && value >= 112 && value < 112 + 8 * 16 ? 1 : -1;
    }
    if (site->kind != DS_SITE_BLOCK)
        return 0;
    if (!ds_family_block(&space->block[value], &kernel, &expand))
        return -1;
    int slot = site->unit * DS_FAMILY_LAYERS + site->layer;
    code[0] = slot * 3 + kernel;
    code[1] = 60 + slot * 3 + expand;
    return 2;
}

static int check(const struct ds_space *space, struct ds_error *err)
{
    return ds_family_check(&ds_family_mbv3, space, err);
}

const struct ds_predictor_input ds_predictor_input_mbv3 = {"OFA-MBv3 w1.2", 128, check, code};

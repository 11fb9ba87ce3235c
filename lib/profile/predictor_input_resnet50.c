/* The inputs of Once-for-All's predictor for OFA-ResNet50: see predictor.h. */
#include "formats/ofa_resnet50.h"
#include "profile/predictor_input.h"

enum { RESOLUTIONS = 0, STEM_DEPTH = 8, WIDTHS = 10, EXPANSIONS = 28 };

static int code_width(int w, int channels)
{
    return WIDTHS + 3 * w + ds_resnet50_choice(w, channels);
}

static int code_option(const struct ds_space *space, const struct ds_site *site, int value)
{
    int s = (int)(site - space->site);
    for (int w = 0; w < DS_RESNET50_WIDTHS; w++)
        if (s == ds_resnet50_width_site(space, w))
            return code_width(w, value);
    return STEM_DEPTH + value;
}

static int code_layer(const struct ds_site *site, const struct ds_block *b)
{
    static const double expansions[] = {0.2, 0.25, 0.35};
    return EXPANSIONS + 3 * (ds_resnet50_first(site->unit) + site->layer) +
           ds_predictor_input_index(expansions, 3, b->expand);
}

static int code(const struct ds_space *space, const struct ds_site *site, int choice, int *code)
{
    static const double resolutions[] = {128, 144, 160, 176, 192, 224, 240, 256};
    int value = site->value[choice], i;
    switch (site->kind) {
    case DS_SITE_RESOLUTION:
        i = ds_predictor_input_index(resolutions, 8, value);
        code[0] = RESOLUTIONS + i;
        return i < 0 ? -1 : 1;
    case DS_SITE_OPTION:
        code[0] = code_option(space, site, value);
        return 1;
    case DS_SITE_WIDTH:
        code[0] = code_width(2 + site->unit, value);
        return 1;
    case DS_SITE_BLOCK:
        code[0] = code_layer(site, &space->block[value]);
        return 1;
    case DS_SITE_DEPTH: /* shows in the layers that are active */
        break;
    }
    return 0;
}

static int check(const struct ds_space *space, struct ds_error *err)
{
    if (ds_is_resnet50(space))
        return 0;
    return ds_fail(err, "the predictor is of OFA-ResNet50; space %s has other sites or choices",
                   space->name);
}

const struct ds_predictor_input ds_predictor_input_resnet50 = {"OFA-ResNet50", 82, check, code};

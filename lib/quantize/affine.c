#include "quantize/affine.h"

#include <math.h>

enum { LEAST = -128, MOST = 127 };

struct ds_affine ds_affine_tensor(const struct ds_quant *quant, int tensor)
{
    const struct ds_quant_tensor *t = &quant->tensor[tensor];
    return (struct ds_affine){t->scale, t->element == DS_ELEMENT_U8 ? LEAST : 0};
}

bool ds_act_is_limit(enum ds_act act)
{
    return act == DS_ACT_NONE || act == DS_ACT_RELU || act == DS_ACT_RELU6;
}

/* The numbers from `least`, not above 0, to `most`; 0 is one of them. */
static struct ds_affine spanning(float least, float most)
{
    float scale = (most - least) / (MOST - LEAST);
    if (!(scale > 0))
        return (struct ds_affine){1, 0};
    return (struct ds_affine){scale, (int)lrintf((float)LEAST - least / scale)};
}

/* The x whose hard-swish is y, 0 or more. */
static float hard_swish_of(float y)
{
    return y >= 3 ? y : (sqrtf(9 + 24 * y) - 3) / 2;
}

struct ds_affine ds_affine_before(const struct ds_net *net, const struct ds_quant *quant,
                                  const struct ds_layer *l)
{
    const struct ds_quant_layer *q = &quant->layer[l - net->layer];
    const struct ds_quant_tensor *out = &quant->tensor[l->out];
    float range = MOST * q->before_scale, least = fminf(range, 3);
    if (ds_act_is_limit(l->act))
        return (struct ds_affine){q->before_scale, 0};
    if (l->act == DS_ACT_HSIGMOID)
        return spanning(-least, least);
    if (out->element == DS_ELEMENT_F32)
        return spanning(-least, range);
    return spanning(-least, fminf(range, hard_swish_of(MOST * out->scale)));
}

struct ds_affine ds_affine_alone(const struct ds_net *net, const struct ds_quant *quant,
                                 const struct ds_layer *l)
{
    return (struct ds_affine){quant->layer[l - net->layer].alone_scale, 0};
}

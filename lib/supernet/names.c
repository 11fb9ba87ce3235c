#include "supernet/names.h"

#include "base/grow.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *ds_supernet_family(const struct ds_supernet *s)
{
    static const char *const names[] = {"OFA-MobileNetV3", "OFA-ProxylessNAS", "OFA-ResNet50"};
    return names[s->family];
}

const struct ds_tensor_f32 *ds_supernet_find(const struct ds_supernet *s, const char *format, ...)
{
    char name[2 * NAME_SIZE];
    size_t n = (size_t)snprintf(name, sizeof name, "%s", s->prefix);
    va_list args;
    va_start(args, format);
    vsnprintf(name + n, sizeof name - n, format, args);
    va_end(args);
    return ds_pytorch_find(s->file, name);
}

/* Layers that may change have one name more in the middle than those that are fixed. */
static const struct ds_tensor_f32 *find_either(const struct ds_supernet *s, const char *name,
                                               const char *part, const char *last)
{
    const struct ds_tensor_f32 *t = ds_supernet_find(s, "%s.%s.%s.%s", name, part, part, last);
    return t ? t : ds_supernet_find(s, "%s.%s.%s", name, part, last);
}

/* A network whose layers get their tensors, in order. */
struct naming {
    const struct ds_supernet *s;
    const struct ds_net *net;
    const struct ds_module *module;
    int next; /* layer of the module from which the next convolution is looked for */
    struct conv_tensors *tensors;
    char place[DS_MODULE_NAME];
    struct ds_error *err;
};

static int lacks(const struct naming *w, const char *name, const char *what)
{
    return ds_fail(w->err, "tensor %s of %s is missing, which %s needs", what, name, w->place);
}

/* The weight and bias of a fully connected layer or convolution, and its batch norm. */
static int find_tensors(const struct naming *w, const struct ds_layer *l, const char *part,
                        struct conv_tensors *t)
{
    static const char *const bn[] = {"weight", "bias", "running_mean", "running_var"};
    if (!(t->weight = find_either(w->s, t->name, part, "weight")))
        return lacks(w, t->name, "weight");
    if (l->bias && !(t->bias = find_either(w->s, t->name, part, "bias")))
        return lacks(w, t->name, "bias");
    for (int i = 0; i < 4 && l->bn; i++)
        if (!(t->bn[i] = find_either(w->s, t->name, "bn", bn[i])))
            return lacks(w, t->name, bn[i]);
    return 0;
}

/* Names the next convolution of the module; NULL where there is none, or on failure. */
static struct conv_tensors *name_next(struct naming *w, const char *part, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static struct conv_tensors *name_next(struct naming *w, const char *part, const char *format, ...)
{
    const struct ds_layer *l = &w->net->layer[w->module->first];
    while (w->next < w->module->count && l[w->next].op != DS_OP_CONV)
        w->next++;
    if (w->next == w->module->count) {
        ds_fail(w->err, "%s: has fewer layers than the supernet's", w->place);
        return NULL;
    }
    l += w->next++;
    struct conv_tensors *t = &w->tensors[l - w->net->layer];
    va_list args;
    va_start(args, format);
    vsnprintf(t->name, sizeof t->name, format, args);
    va_end(args);
    return find_tensors(w, l, part, t) ? NULL : t;
}

/* Squeeze-excite has its tensors right under its name: fc.reduce.weight. */
static int name_gate(struct naming *w, int block, const char *which)
{
    const struct ds_layer *l = &w->net->layer[w->module->first];
    while (w->next < w->module->count && l[w->next].op != DS_OP_CONV)
        w->next++;
    l += w->next++;
    struct conv_tensors *t = &w->tensors[l - w->net->layer];
    snprintf(t->name, sizeof t->name, "blocks.%d.%s.depth_conv.se.fc.%s", block, w->s->inside,
             which);
    t->weight = ds_supernet_find(w->s, "%s.weight", t->name);
    t->bias = ds_supernet_find(w->s, "%s.bias", t->name);
    return t->weight && t->bias ? 0 : lacks(w, t->name, t->weight ? "bias" : "weight");
}

/*
 * A choice that leaves out what the supernet was trained with would be another network, even where
 * other choices at the place have it.
 */
static int must_lack(const struct naming *w, const char *format, int block, const char *what)
{
    char name[NAME_SIZE];
    snprintf(name, sizeof name, format, block, w->s->inside);
    return find_either(w->s, name, "conv", "weight") || ds_supernet_find(w->s, "%s.weight", name)
               ? ds_fail(w->err, "%s: tensor %s is in the file, but the block chosen has no %s",
                         w->place, name, what)
               : 0;
}

/* `fixed`: a block of the stem, of which nothing may change. */
static int name_mbconv(struct naming *w, const struct ds_module_spec *p, int block, bool fixed)
{
    const char *inside = w->s->inside;
    struct conv_tensors *t;
    if (w->s->family == RESNET)
        return ds_fail(w->err, "%s: an mbconv, which no OFA-ResNet50 has there", w->place);
    if (p->block->groups > 1)
        return ds_fail(w->err, "%s: block %s is grouped; no supernet of this family is", w->place,
                       p->block->name);
    if (p->block->expand != 1 || p->block->expand_conv) {
        if (!(t = name_next(w, "conv", "blocks.%d.%s.inverted_bottleneck", block, inside)))
            return -1;
        t->in_whole = true;
        t->out_whole = fixed;
    } else if (must_lack(w, "blocks.%d.%s.inverted_bottleneck", block,
                         "first 1x1 (\"expand_conv\": true gives it one)")) {
        return -1;
    }
    if (!(t = name_next(w, "conv", "blocks.%d.%s.depth_conv", block, inside)))
        return -1;
    t->depthwise = !fixed;
    t->out_whole = fixed;
    if (p->se ? name_gate(w, block, "reduce") || name_gate(w, block, "expand")
              : must_lack(w, "blocks.%d.%s.depth_conv.se.fc.reduce", block, "squeeze-excite"))
        return -1;
    if (!(t = name_next(w, "conv", "blocks.%d.%s.point_linear", block, inside)))
        return -1;
    t->out_whole = true;
    t->in_whole = fixed;
    return 0;
}

static int name_bottleneck(struct naming *w, int block)
{
    int convs = 0;
    for (int i = 0; i < w->module->count; i++)
        convs += w->net->layer[w->module->first + i].op == DS_OP_CONV;
    if (convs < 4 && must_lack(w, "blocks.%d.downsample", block,
                               "convolution on its shortcut (\"project\": true gives it one)"))
        return -1;
    return name_next(w, "conv", "blocks.%d.conv1", block) &&
                   name_next(w, "conv", "blocks.%d.conv2", block) &&
                   (convs < 4 || name_next(w, "conv", "blocks.%d.downsample", block)) &&
                   name_next(w, "conv", "blocks.%d.conv3", block)
               ? 0
               : -1;
}

static int name_block(struct naming *w, const struct ds_module_spec *p, int block, bool fixed)
{
    if (p->block->type == DS_BLOCK_MBCONV)
        return name_mbconv(w, p, block, fixed);
    if (p->block->type == DS_BLOCK_BOTTLENECK && !fixed)
        return name_bottleneck(w, block);
    return ds_fail(w->err, "%s: no supernet of this family has such a block", w->place);
}

/* How many convolutions come before this step in stem or head. */
static int convs_before(const struct ds_step *first, const struct ds_step *step)
{
    int n = 0;
    for (; first < step; first++)
        n += first->kind == DS_STEP_CONV;
    return n;
}

static int name_stem_conv(struct naming *w, const struct ds_space *space,
                          const struct ds_step *step)
{
    int n = convs_before(space->stem, step);
    struct conv_tensors *t = NULL;
    if (w->s->family == RESNET)
        t = name_next(w, "conv", "input_stem.%d%s", n, step->residual ? ".conv" : "");
    else if (n == 0)
        t = name_next(w, "conv", "first_conv");
    else
        return ds_fail(w->err, "%s: a second convolution, which no %s has", w->place,
                       ds_supernet_family(w->s));
    if (t)
        t->in_whole = n == 0;
    if (t)
        t->out_whole = w->s->family != RESNET;
    return t ? 0 : -1;
}

/* The convolutions of a head, in order: those that the file has. */
static int name_head_conv(struct naming *w, const struct ds_space *space,
                          const struct ds_step *step)
{
    static const char *const known[] = {"final_expand_layer", "feature_mix_layer"};
    int n = convs_before(space->head, step);
    for (int i = 0; i < 2; i++) {
        if (!find_either(w->s, known[i], "conv", "weight") || n-- > 0)
            continue;
        struct conv_tensors *t = name_next(w, "conv", "%s", known[i]);
        if (t)
            t->in_whole = t->out_whole = true;
        return t ? 0 : -1;
    }
    return ds_fail(w->err, "%s: a convolution that the supernet does not have", w->place);
}

static int name_step(struct naming *w, const struct ds_space *space, const struct ds_module_spec *p,
                     int block)
{
    const struct ds_step *step = p->step;
    bool stem = p->unit < 0;
    switch (step->kind) {
    case DS_STEP_CONV:
        return stem ? name_stem_conv(w, space, step) : name_head_conv(w, space, step);
    case DS_STEP_BLOCK:
        return stem ? name_block(w, p, block, true)
                    : ds_fail(w->err, "%s: no supernet of this family has a block there", w->place);
    case DS_STEP_LINEAR: {
        struct conv_tensors *t = name_next(w, "linear", "classifier");
        if (t)
            t->in_whole = w->s->family != RESNET;
        if (t)
            t->out_whole = true;
        return t ? 0 : -1;
    }
    case DS_STEP_MAX_POOL:
    case DS_STEP_POOL:
        break;
    }
    return 0;
}

/* A module that is repeated would need tensors of its own, of which the file has one set. */
static bool is_repeated(const struct ds_module_spec *p)
{
    return p[0].step && p[0].step == p[1].step && p[0].step->kind != DS_STEP_MAX_POOL;
}

int ds_supernet_tensors(const struct ds_supernet *s, const struct ds_space *space,
                        const uint8_t *choice, const struct ds_net *net,
                        struct conv_tensors *tensors, struct ds_error *err)
{
    struct ds_module_spec *spec = ds_alloc((size_t)ds_modules_most(space) + 1, sizeof *spec, err);
    if (!spec)
        return -1;
    int n = ds_module_specs(space, choice, spec), block = 0, rc = 0;
    memset(tensors, 0, (size_t)net->nlayers * sizeof *tensors);
    for (int i = 0; i < n && rc == 0; i++) {
        struct naming w = {
            .s = s, .net = net, .module = &net->module[i], .tensors = tensors, .err = err};
        ds_module_name(space, net, i, w.place, sizeof w.place);
        if (i + 1 < n && is_repeated(&spec[i]))
            rc = ds_fail(err, "%s: repeated, and the supernet has it once", w.place);
        else if (spec[i].step)
            rc = name_step(&w, space, &spec[i], block);
        else
            rc = name_block(&w, &spec[i], s->first_block[spec[i].unit] + spec[i].layer, false);
        block += spec[i].step && spec[i].step->kind == DS_STEP_BLOCK;
    }
    free(spec);
    return rc;
}

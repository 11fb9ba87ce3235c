#include "formats/latency_keys.h"

#include <math.h>
#include <stdio.h>

/* What the name of a block says of it. */
struct block {
    struct ds_tensor in, out;
    int mid, kernel, stride;
    bool id_skip, se, hswish;
};

static const struct ds_layer *first_layer(const struct ds_net *net, int module)
{
    return &net->layer[net->module[module].first];
}

static const struct ds_layer *last_layer(const struct ds_net *net, int module)
{
    return first_layer(net, module) + net->module[module].count - 1;
}

static bool is_depthwise(const struct ds_net *net, const struct ds_layer *l)
{
    return l->op == DS_OP_CONV && l->groups > 1 && l->groups == net->tensor[l->in].c &&
           l->groups == net->tensor[l->out].c;
}

/* Whether the module is an MBConv, of which a table's reader knows all that matters. */
static bool read_block(const struct ds_net *net, int module, struct block *b)
{
    const struct ds_layer *first = first_layer(net, module), *last = last_layer(net, module);
    int ndepthwise = 0;
    *b = (struct block){.in = net->tensor[first->in],
                        .out = net->tensor[last->out],
                        .id_skip =
                            last->op == DS_OP_ADD || (last->in2 >= 0 && last->op == DS_OP_CONV)};
    for (const struct ds_layer *l = first; l <= last; l++) {
        if (l->op == DS_OP_SCALE)
            b->se = true;
        if (l->op == DS_OP_SHUFFLE || l->op == DS_OP_MAX_POOL || l->op == DS_OP_AVG_POOL)
            return false;
        if (l->op != DS_OP_CONV || l->groups == 1)
            continue;
        if (!is_depthwise(net, l))
            return false;
        b->mid = l->groups;
        b->kernel = l->kernel;
        b->stride = l->stride;
        b->hswish = l->act == DS_ACT_HSWISH;
        ndepthwise++;
    }
    return ndepthwise == 1;
}

static int name_block(const struct ds_space *space, const struct ds_net *net, int module,
                      bool by_ratio, struct ds_latency_key *key, struct ds_error *err)
{
    struct block b;
    char place[DS_MODULE_NAME];
    ds_module_name(space, net, module, place, sizeof place);
    if (!read_block(net, module, &b))
        return ds_fail(err,
                       "%s of space %s is no MBConv: Once-for-All's tables have no other block",
                       place, space->name);
    double ratio = (double)b.mid / b.in.c;
    if (by_ratio && ratio != floor(ratio))
        return ds_fail(err, "%s of space %s expands by %g: these tables have whole ratios", place,
                       space->name, ratio);
    int n = snprintf(key->name, sizeof key->name,
                     "expanded_conv-input:%dx%dx%d-output:%dx%dx%d-expand:%d-kernel:%d-stride:%d-"
                     "idskip:%d",
                     b.in.h, b.in.w, b.in.c, b.out.h, b.out.w, b.out.c,
                     by_ratio ? (int)ratio : b.mid, b.kernel, b.stride, b.id_skip);
    if (!by_ratio)
        snprintf(key->name + n, sizeof key->name - (size_t)n, "-se:%d-hs:%d", b.se, b.hswish);
    return 0;
}

/* A step of stem or head; `flat`: of the output only the channels. */
static void name_step(const struct ds_net *net, const char *kind, int first, int last, bool flat,
                      struct ds_latency_key *key)
{
    struct ds_tensor in = net->tensor[first_layer(net, first)->in],
                     out = net->tensor[last_layer(net, last)->out];
    int n =
        snprintf(key->name, sizeof key->name, "%s-input:%dx%dx%d-output:", kind, in.h, in.w, in.c);
    if (flat)
        snprintf(key->name + n, sizeof key->name - (size_t)n, "%d", out.c);
    else
        snprintf(key->name + n, sizeof key->name - (size_t)n, "%dx%dx%d", out.h, out.w, out.c);
    key->module = first;
    key->nmodules = last - first + 1;
}

static bool is_step(const struct ds_net *net, int module, enum ds_op op)
{
    const struct ds_layer *l = first_layer(net, module);
    return net->module[module].count == 1 && l->op == op && l->groups <= 1;
}

/* Where the head begins; net->nmodules where it is of neither layout. Tells which in *by_ratio. */
static int find_head(const struct ds_space *space, const struct ds_net *net, bool *by_ratio)
{
    int n = net->nmodules, head = 0;
    while (head < n && net->module[head].unit < space->nunits)
        head++;
    *by_ratio = n - head == 3;
    bool known = (n - head == 3 || n - head == 4) && is_step(net, head, DS_OP_CONV) &&
                 is_step(net, head + 1, DS_OP_GLOBAL_POOL);
    for (int m = head + 2; m < n && known; m++)
        known = is_step(net, m, DS_OP_CONV);
    return known ? head : n;
}

int ds_latency_keys(const struct ds_space *space, const struct ds_net *net,
                    struct ds_latency_key *key, struct ds_error *err)
{
    bool by_ratio;
    int n = 0, head = find_head(space, net, &by_ratio), last = net->nmodules - 1;
    if (head == net->nmodules || head == 0 || !is_step(net, 0, DS_OP_CONV))
        return ds_fail(
            err,
            "Once-for-All's tables are for networks that begin with a convolution and end "
            "with convolution, pool, maybe another convolution, and linear; those of "
            "space %s do not",
            space->name);
    name_step(net, "Conv", 0, 0, false, &key[n++]);
    for (int m = 1; m < head; m++) {
        if (net->module[m].count == 0)
            continue;
        if (name_block(space, net, m, by_ratio, &key[n], err))
            return -1;
        key[n].module = m;
        key[n++].nmodules = 1;
    }
    name_step(net, "Conv_1", head, head, false, &key[n++]);
    if (by_ratio) {
        name_step(net, "Logits", head + 1, last, true, &key[n++]);
        return n;
    }
    name_step(net, "AvgPool2D", head + 1, head + 1, false, &key[n++]);
    name_step(net, "Conv_2", head + 2, head + 2, false, &key[n++]);
    name_step(net, "Logits", last, last, true, &key[n++]);
    return n;
}

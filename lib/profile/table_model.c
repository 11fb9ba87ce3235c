#include "profile/table_model.h"

#include "network/build.h"
#include <stdio.h>
#include <string.h>

/* ---- entries of a network ---- */

/* A module's tensors and, of a block, what its depthwise convolution says. */
struct place {
    struct ds_tensor in, out;
    int mid, kernel, stride;
    double ratio;
    bool is_block;
    bool is_empty; /* a skip that changes no shape has no layers, and takes no time */
};

static struct place place_of(const struct ds_net *net, int module)
{
    const struct ds_module *m = &net->module[module];
    if (m->count == 0)
        return (struct place){.is_empty = true};
    struct place p = {.out = net->tensor[net->layer[m->first + m->count - 1].out]};
    p.in = net->tensor[net->layer[m->first].in];
    for (int i = m->first; i < m->first + m->count; i++) {
        const struct ds_layer *l = &net->layer[i];
        if (l->op != DS_OP_CONV || l->groups == 1)
            continue;
        p.is_block = true;
        p.mid = net->tensor[l->in].c;
        p.kernel = l->kernel;
        p.stride = l->stride;
        p.ratio = (double)p.mid / p.in.c;
    }
    return p;
}

/* The file's entry whose name begins so, up to a '-' or the end; -1 when there is none. */
static double find(const struct ds_latency_table *table, int file, const char *begin)
{
    size_t n = strlen(begin);
    for (int i = 0; i < table->nentries; i++)
        if (table->entry[i].file == file && strncmp(table->entry[i].name, begin, n) == 0 &&
            (table->entry[i].name[n] == 0 || table->entry[i].name[n] == '-'))
            return table->entry[i].ms;
    return -1;
}

static double find_block_as(const struct ds_latency_table *table, int file, const struct place *p,
                            int expand)
{
    static const char *const kinds[] = {"expanded_conv", "MBConv"}; /* NSGANetV2's name */
    char name[256];
    for (int i = 0; i < 2; i++) {
        snprintf(name, sizeof name,
                 "%s-input:%dx%dx%d-output:%dx%dx%d-expand:%d-kernel:%d-stride:%d", kinds[i],
                 p->in.h, p->in.w, p->in.c, p->out.h, p->out.w, p->out.c, expand, p->kernel,
                 p->stride);
        double ms = find(table, file, name);
        if (ms >= 0)
            return ms;
    }
    snprintf(name, sizeof name, "ResidualBlock-in_%dx%dx%d-out_%d-k_%d-e_%d-s_%d", p->in.c, p->in.h,
             p->in.w, p->out.c, p->kernel, expand, p->stride);
    return find(table, file, name);
}

/* Once-for-All names the expanded channels, the others the ratio. */
static double find_block(const struct ds_latency_table *table, int file, const struct place *p)
{
    double ms = find_block_as(table, file, p, p->mid);
    return ms < 0 ? find_block_as(table, file, p, (int)(p->ratio + 0.5)) : ms;
}

/* A step of stem or head: any entry with these shapes that is no block. */
static double find_step(const struct ds_latency_table *table, int file, struct ds_tensor in,
                        struct ds_tensor out)
{
    char shapes[3][128];
    snprintf(shapes[0], sizeof shapes[0], "-input:%dx%dx%d-output:%dx%dx%d", in.h, in.w, in.c,
             out.h, out.w, out.c);
    snprintf(shapes[1], sizeof shapes[1], "Logits-input:%dx%dx%d-output:%d", in.h, in.w, in.c,
             out.c);
    snprintf(shapes[2], sizeof shapes[2], "-input:%d-output:%d", in.c, out.c); /* of no pixels */
    for (int i = 0; i < table->nentries; i++) {
        const char *name = table->entry[i].name, *at = strchr(name, '-');
        bool logits = out.h == 1 && strncmp(name, shapes[1], strlen(shapes[1])) == 0;
        if (table->entry[i].file == file && strncmp(name, "expanded_conv", 13) && at &&
            (strcmp(at, shapes[0]) == 0 || logits ||
             (in.h == 1 && out.h == 1 && strcmp(at, shapes[2]) == 0)))
            return table->entry[i].ms;
    }
    return -1;
}

/* The block at this module, a layer of a unit. */
static double find_layer(const struct ds_latency_table *table, int file,
                         const struct ds_space *space, const struct ds_net *net, int module,
                         const uint8_t *choice)
{
    const struct ds_module *at = &net->module[module];
    struct place p = place_of(net, module);
    int site = space->unit[at->unit].layer_site + at->layer;
    const struct ds_block *block = &space->block[space->site[site].value[choice[site]]];
    if (p.is_empty)
        return 0;
    if (block->type == DS_BLOCK_SKIP) /* the 1x1 convolution that changes the shape */
        return find_step(table, file, p.in, p.out);
    return find_block(table, file, &p);
}

static bool has_steps(const struct ds_latency_table *table, int file)
{
    for (int i = 0; i < table->nentries; i++)
        if (table->entry[i].file == file && (strncmp(table->entry[i].name, "Conv-", 5) == 0 ||
                                             strncmp(table->entry[i].name, "first_conv-", 11) == 0))
            return true;
    return false;
}

/*
 * The sum of stem and head. A pool that is not in the table belongs to the step after it, as in
 * ProxylessNAS's "Logits".
 */
static int sum_rest(const struct ds_latency_table *table, int file, const struct ds_net *net,
                    int nunits, double *sum, struct ds_error *err)
{
    struct ds_tensor waiting = {0};
    *sum = 0;
    for (int m = 0; m < net->nmodules; m++) {
        struct place p = place_of(net, m);
        if (net->module[m].unit >= 0 && net->module[m].unit < nunits)
            continue;
        if (p.is_empty)
            continue;
        double ms = p.is_block ? find_block(table, file, &p)
                               : find_step(table, file, waiting.c ? waiting : p.in, p.out);
        if (ms < 0 && waiting.c) /* or the table leaves it out */
            ms = find_step(table, file, p.in, p.out);
        if (ms < 0 && net->layer[net->module[m].first].op == DS_OP_GLOBAL_POOL) {
            waiting = p.in;
            continue;
        }
        if (ms < 0 && (p.is_block || has_steps(table, file)))
            return ds_fail(err, "the table has no entry for %dx%dx%d to %dx%dx%d of stem or head",
                           p.in.h, p.in.w, p.in.c, p.out.h, p.out.w, p.out.c);
        waiting = (struct ds_tensor){0};
        *sum += ms > 0 ? ms : 0;
    }
    return 0;
}

/* ---- the model ---- */

/*
 * The file that is of this resolution: it has a block for the first layer there (late layers of
 * another resolution may be of the same size). -1 when none is; -2 on failure.
 */
static int find_file(const struct ds_latency_table *table, const struct ds_space *space, int r,
                     struct ds_error *err)
{
    struct ds_net net = {0};
    uint8_t choice[DS_MAX_SITES];
    int found = -1;
    for (int c = 0; c < space->nblocks && found == -1; c++) {
        ds_arch_deepest(space, r, c, choice);
        if (ds_net_build(space, choice, &net, err))
            found = -2;
        for (int m = 0; m < net.nmodules && found == -1; m++) {
            if (net.module[m].unit != 0 || net.module[m].layer != 0 || net.module[m].count == 0)
                continue;
            for (int f = 0; f < table->nfiles && found == -1; f++)
                found = find_layer(table, f, space, &net, m, choice) >= 0 ? f : -1;
        }
    }
    ds_net_free(&net);
    return found;
}

/* Adds all blocks at one resolution, from one file; `missing` gets the name of one it lacks. */
static int add_resolution(const struct ds_latency_table *table, int file,
                          const struct ds_space *space, int r, json_t *pairs, json_t *terms,
                          char *missing, size_t size, struct ds_error *err)
{
    struct ds_net net = {0};
    uint8_t choice[DS_MAX_SITES];
    char key[300], label[256], pair[300];
    int rc = 0;
    for (int c = 0; c < space->nblocks && rc == 0; c++) {
        ds_arch_deepest(space, r, c, choice);
        rc = ds_net_build(space, choice, &net, err);
        for (int m = 0; m < net.nmodules && rc == 0; m++) {
            const struct ds_module *at = &net.module[m];
            if (at->unit < 0 || at->unit >= space->nunits)
                continue;
            int site = space->unit[at->unit].layer_site + at->layer;
            double ms = find_layer(table, file, space, &net, m, choice);
            ds_site_print(space, site, choice[site], label, sizeof label);
            if (ms < 0) {
                snprintf(missing, size, "%s at %s", label, space->site[site].name);
                continue;
            }
            snprintf(pair, sizeof pair, "resolution*%s", space->site[site].name);
            snprintf(key, sizeof key, "%d*%s", space->site[0].value[r], label);
            if (!json_object_get(pairs, pair))
                json_object_set_new(pairs, pair, json_object());
            json_object_set_new(json_object_get(pairs, pair), key, json_real(ms));
        }
    }
    double rest;
    if (rc == 0 && !*missing &&
        (rc = sum_rest(table, file, &net, space->nunits, &rest, err)) == 0) {
        snprintf(key, sizeof key, "%d", space->site[0].value[r]);
        json_object_set_new(terms, key, json_real(rest));
    }
    ds_net_free(&net);
    return rc;
}

/* Adds the tables of one resolution to those of all. */
static void merge(json_t *pairs, json_t *more)
{
    const char *name;
    json_t *entries;
    json_object_foreach(more, name, entries)
    {
        if (!json_object_get(pairs, name))
            json_object_set_new(pairs, name, json_object());
        json_object_update(json_object_get(pairs, name), entries);
    }
}

/* The widths and options that the table was read for: a profile refuses all others. */
static json_t *fixed_sites(const struct ds_space *space, json_t *resolution)
{
    json_t *terms = json_pack("{sO}", space->site[0].name, resolution);
    char label[256];
    for (int s = 1; s < space->nsites; s++) {
        enum ds_site_kind kind = space->site[s].kind;
        if (kind != DS_SITE_WIDTH && kind != DS_SITE_OPTION)
            continue;
        ds_site_print(space, s, 0, label, sizeof label);
        json_object_set_new(terms, space->site[s].name, json_pack("{sf}", label, 0.0));
    }
    return terms;
}

json_t *ds_table_model(const struct ds_latency_table *table, const struct ds_space *space,
                       bool *rest, struct ds_error *err)
{
    json_t *pairs = json_object(), *terms = json_object();
    int rc = 0;
    *rest = true;
    for (int r = 0; r < space->site[0].nchoices && rc == 0; r++) {
        char missing[300] = "";
        int file = find_file(table, space, r, err);
        if (file == -1)
            continue;
        json_t *more = json_object();
        rc = file < 0
                 ? -1
                 : add_resolution(table, file, space, r, more, terms, missing, sizeof missing, err);
        if (rc == 0 && *missing)
            rc = ds_fail(err, "the table lacks %s of space %s at resolution %d", missing,
                         space->name, space->site[0].value[r]);
        if (rc == 0) {
            merge(pairs, more);
            *rest = *rest && has_steps(table, file);
        }
        json_decref(more);
    }
    if (rc == 0 && json_object_size(pairs) == 0)
        rc = ds_fail(err, "the table has no block of space %s", space->name);
    json_t *model =
        rc ? NULL
           : json_pack("{ss ss sf so sO}", "family", "table", "link", "identity", "intercept", 0.0,
                       "terms", fixed_sites(space, terms), "pairs", pairs);
    json_decref(pairs);
    json_decref(terms);
    return model;
}

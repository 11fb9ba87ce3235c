#include "block_costs.h"

#include "base/metric.h"
#include "formats/onnx.h"
#include "formats/tflite.h"
#include "memory.h"
#include "network/build.h"
#include "network/cost.h"

#include <stdio.h>
#include <stdlib.h>

enum { NAME = 64, COUNTS = 4 }; /* of a module */

struct block_costs {
    struct ds_net net;
    char (*name)[NAME]; /* of the metrics of the record, which holds on to them */
    size_t nnames, room;
};

struct block_costs *block_costs_new(void)
{
    return cli_alloc(1, sizeof(struct block_costs));
}

void block_costs_free(struct block_costs *c)
{
    if (!c)
        return;
    ds_net_free(&c->net);
    free(c->name);
    free(c);
}

static void set(struct ds_record *rec, const char *metric, uint64_t count)
{
    if (!ds_record_set(rec, metric, (double)count / DS_MILLION))
        cli_no_memory();
}

/* Sets METRIC.MODULE. */
static void set_of(struct block_costs *c, struct ds_record *rec, const char *metric, int module,
                   uint64_t count)
{
    char *name = c->name[c->nnames++], text[DS_MODULE_NAME];
    ds_module_name(rec->space, &c->net, module, text, sizeof text);
    snprintf(name, NAME, "%s.%s", metric, text);
    set(rec, name, count);
}

int block_costs_set(struct block_costs *c, struct ds_record *rec, struct ds_error *err)
{
    const struct ds_model_options model = {
        .batch = 1, .opset = DS_ONNX_OPSET, .input = "input", .output = "output"};
    uint64_t weights = 0, activations = 0, arena;
    if (ds_net_build(rec->space, rec->choice, &c->net, err) ||
        ds_tflite_arena(rec->space, &c->net, &model, &arena, err))
        return -1;
    c->nnames = 0;
    cli_grow(&c->name, &c->room, (size_t)c->net.nmodules * COUNTS, sizeof *c->name);
    for (int i = 0; i < c->net.nmodules; i++) {
        struct ds_module_cost cost;
        ds_module_count(&c->net, i, NULL, &cost);
        set_of(c, rec, DS_MACS, i, cost.macs);
        set_of(c, rec, DS_PARAMS, i, cost.params);
        set_of(c, rec, DS_WEIGHTS, i, cost.weights);
        set_of(c, rec, DS_ACTIVATIONS, i, cost.activations);
        weights += cost.weights;
        activations += cost.activations;
    }
    set(rec, DS_WEIGHTS, weights);
    set(rec, DS_ACTIVATIONS, activations);
    set(rec, DS_ARENA, arena);
    return 0;
}

#include "block_costs.h"

#include "base/metric.h"
#include "formats/onnx.h"
#include "formats/tflite.h"
#include "memory.h"
#include "network/build.h"
#include "network/cost.h"

#include <stdio.h>
#include <stdlib.h>

enum { NAME = 64, COUNTS = 6 }; /* of a module */

struct block_costs {
    struct ds_net net;
    struct ds_quant quant; /* types alone */
    uint8_t *element;      /* [tensors]: bytes of an element in int8 */
    size_t element_room;
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
    ds_quant_free(&c->quant);
    ds_net_free(&c->net);
    free(c->element);
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

/* Weights and activations of every module and of all, under these names. */
static void set_bytes(struct block_costs *c, struct ds_record *rec, const uint8_t *element,
                      const char *const metric[2])
{
    uint64_t weights = 0, activations = 0;
    for (int i = 0; i < c->net.nmodules; i++) {
        struct ds_module_cost cost;
        ds_module_count(&c->net, i, element, &cost);
        set_of(c, rec, metric[0], i, cost.weights);
        set_of(c, rec, metric[1], i, cost.activations);
        weights += cost.weights;
        activations += cost.activations;
    }
    set(rec, metric[0], weights);
    set(rec, metric[1], activations);
}

static void set_counts(struct block_costs *c, struct ds_record *rec)
{
    for (int i = 0; i < c->net.nmodules; i++) {
        struct ds_module_cost cost;
        ds_module_count(&c->net, i, NULL, &cost);
        set_of(c, rec, DS_MACS, i, cost.macs);
        set_of(c, rec, DS_PARAMS, i, cost.params);
    }
}

/* The arena of the network in f32 and in int8. */
static int set_arenas(struct block_costs *c, struct ds_record *rec, struct ds_error *err)
{
    struct ds_model_options model = {
        .batch = 1, .opset = DS_ONNX_OPSET, .input = "input", .output = "output"};
    uint64_t arena, arena_int8;
    if (ds_tflite_arena(rec->space, &c->net, &model, &arena, err))
        return -1;
    model.quant = &c->quant;
    if (ds_tflite_arena(rec->space, &c->net, &model, &arena_int8, err))
        return -1;
    set(rec, DS_ARENA, arena);
    set(rec, DS_ARENA DS_IN_INT8, arena_int8);
    return 0;
}

int block_costs_set(struct block_costs *c, struct ds_record *rec, struct ds_error *err)
{
    static const char *const f32[] = {DS_WEIGHTS, DS_ACTIVATIONS};
    static const char *const int8[] = {DS_WEIGHTS DS_IN_INT8, DS_ACTIVATIONS DS_IN_INT8};
    if (ds_net_build(rec->space, rec->choice, &c->net, err) ||
        ds_quant_types(&c->net, &c->quant, err))
        return -1;
    cli_grow(&c->element, &c->element_room, (size_t)c->net.ntensors, 1);
    for (int t = 0; t < c->net.ntensors; t++)
        c->element[t] = (uint8_t)ds_element_size(c->quant.tensor[t].element);
    c->nnames = 0;
    cli_grow(&c->name, &c->room, (size_t)c->net.nmodules * COUNTS, sizeof *c->name);
    set_counts(c, rec);
    set_bytes(c, rec, NULL, f32);
    set_bytes(c, rec, c->element, int8);
    return set_arenas(c, rec, err);
}

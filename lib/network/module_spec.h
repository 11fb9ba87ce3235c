/*
 * The modules that an architecture is built of, before they are built: the steps of stem and head,
 * and a block for every active layer. build.c strings their layers together, module_sums.c counts
 * each module once. Internal to libds.
 */
#ifndef DS_NETWORK_MODULE_SPEC_H
#define DS_NETWORK_MODULE_SPEC_H

#include "network/network.h"

/* One step or block with everything chosen. */
struct ds_module_spec {
    const struct ds_step *step;   /* NULL: a layer's block */
    const struct ds_block *block; /* of a layer or a block step; else NULL */
    int unit, layer;              /* as in struct ds_module */
    int width;                    /* output channels; 0: as the input */
    int stride;
    enum ds_act act;
    bool se;
    int slot; /* its place, numbered over the space: stem steps, layers, head steps */
    int code; /* its choices, numbered at that place */
};

/* The most modules that an architecture of the space may have. */
int ds_modules_most(const struct ds_space *space);

/* How many slots the space has, and how many codes a slot may have. */
int ds_slots(const struct ds_space *space);
int ds_slot_codes(const struct ds_space *space, int slot);

/*
 * One module: a step with choice `width` at its width site (if it has one), or layer l of unit u
 * with choice `width` at the unit's width site and c at the layer's. The slot is left 0, as are a
 * step's unit and layer.
 */
struct ds_module_spec ds_step_module(const struct ds_space *space, const struct ds_step *step,
                                     int width);
struct ds_module_spec ds_layer_module(const struct ds_space *space, int u, int l, int width, int c);

/* Lists the modules of a canonical architecture in order; returns how many. */
int ds_module_specs(const struct ds_space *space, const uint8_t *choice,
                    struct ds_module_spec *spec);

#endif

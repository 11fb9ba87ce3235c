/*
 * What the cost model of an NPU (npu/model.h) knows of a device: numbers with their sources, as
 * JSON (schemas/npu.md).
 */
#ifndef DS_NPU_DEVICE_H
#define DS_NPU_DEVICE_H

#include "base/error.h"
#include <stdbool.h>
#include <stdint.h>

enum ds_npu_key {
    DS_NPU_CLOCK_MHZ,
    DS_NPU_ELEMENT_BYTES,
    DS_NPU_CHANNEL_BLOCK,
    DS_NPU_PIXELS_IN_ROW,

    DS_NPU_CUBE_M,
    DS_NPU_CUBE_K,
    DS_NPU_CUBE_N,
    DS_NPU_CUBE_CYCLES,
    DS_NPU_CUBE_EFFICIENCY,
    DS_NPU_DEPTHWISE_ON_CUBE,
    DS_NPU_DEPTHWISE_ON_VECTOR,

    DS_NPU_VECTOR_PIXELS,
    DS_NPU_VECTOR_CHANNELS,
    DS_NPU_VECTOR_EFFICIENCY,
    DS_NPU_PASS_DRAIN,
    DS_NPU_PASS_RELU,
    DS_NPU_PASS_HSIGMOID,
    DS_NPU_PASS_SCALE,
    DS_NPU_PASS_ADD,
    DS_NPU_PASS_POOL,
    DS_NPU_PASS_SHUFFLE,
    DS_NPU_SEPARATE_ACTIVATIONS,
    DS_NPU_FUSE_DEPTHWISE,

    DS_NPU_L0A_KB,
    DS_NPU_L0B_KB,
    DS_NPU_L0C_KB,
    DS_NPU_L0A_BYTES,
    DS_NPU_L0B_BYTES,
    DS_NPU_L1_KB,
    DS_NPU_UB_KB,
    DS_NPU_KEEP_KB,
    DS_NPU_KEEP_GB_S,
    DS_NPU_MEMORY_GB_S,
    DS_NPU_WEIGHTS_GB_S,

    DS_NPU_LAYER_US,
    DS_NPU_NETWORK_US,
    DS_NPU_KEYS
};

struct ds_npu {
    char *name, *device;
    double value[DS_NPU_KEYS];
    bool free[DS_NPU_KEYS]; /* to be fitted, between: */
    double lo[DS_NPU_KEYS], hi[DS_NPU_KEYS];
    uint64_t hash; /* XXH3 of the file */
    void *json;    /* json_t: the whole file */
};

/* What the file calls a parameter: "clock_mhz". */
const char *ds_npu_key_name(enum ds_npu_key key);

/*
 * Loads a shipped device (schemas/npus/NAME.json) or a file. NULL and the offending key in `err`:
 * every parameter must be there, in its range, with its source; nothing else may.
 */
struct ds_npu *ds_npu_load(const char *name, struct ds_error *err);
void ds_npu_free(struct ds_npu *npu);

#endif

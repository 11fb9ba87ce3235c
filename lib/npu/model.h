/*
 * A cost model of an NPU with a matrix unit ("cube"), a vector unit and buffers on the chip, as
 * Huawei's DaVinci (Liao et al., "DaVinci: A Scalable Architecture for Neural Network Computing",
 * Hot Chips 31, 2019; "Ascend", HPCA 2021) or Xilinx's DPU (PG338). The device is a file of
 * numbers with their sources (npu/device.h); its formulas stand in schemas/npu.md.
 *
 * A layer takes as long as the slowest of what works at the same time: the cube, the vector unit,
 * the loads of the cube's operands, and the traffic with the memories; and layers follow each
 * other.
 */
#ifndef DS_NPU_MODEL_H
#define DS_NPU_MODEL_H

#include "npu/tile.h"

/*
 * One layer of a network. `outside`: the network's input and output are in the memory whatever
 * their size. `tile` may be NULL. -1 where no tiling of the layer fits the buffers.
 */
int ds_npu_layer(const struct ds_npu *npu, const struct ds_net *net, int layer, bool outside,
                 struct ds_npu_time *time, struct ds_npu_tile *tile, struct ds_error *err);

/* The sum over a network, from and to the memory, with the time it takes to start it. */
int ds_npu_net(const struct ds_npu *npu, const struct ds_net *net, struct ds_npu_time *time,
               struct ds_error *err);

/*
 * The milliseconds of many architectures of one space: every module is timed once for each choice
 * and input shape. The image is read from the memory; the output of the last module is treated as
 * any other tensor.
 */
struct ds_npu_coster;
struct ds_npu_coster *ds_npu_coster_new(const struct ds_npu *npu, const struct ds_space *space);
int ds_npu_coster_ms(struct ds_npu_coster *coster, const uint8_t *choice, double *ms,
                     struct ds_error *err);
void ds_npu_coster_free(struct ds_npu_coster *coster);

#endif

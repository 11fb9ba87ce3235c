/*
 * Fitting the free parameters of an NPU's cost model (npu/model.h) to blocks that were measured one
 * by one on the device.
 */
#ifndef DS_NPU_FIT_H
#define DS_NPU_FIT_H

#include "npu/blocks.h"

/*
 * Sets the free parameters, within their ranges, to the values with the least mean squared relative
 * error over the blocks that have a mark: by Levenberg and Marquardt's method on the logarithms of
 * the parameters, from several starting points in their ranges. The values that they had before do
 * not matter.
 */
int ds_npu_fit(struct ds_npu *npu, const struct ds_npu_blocks *blocks, const bool *among,
               struct ds_error *err);

#endif

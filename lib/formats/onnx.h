/*
 * A network as ONNX, the exchange format that runtimes and converters of vendors read: with the
 * seeded weights that every engine uses (weights.h), so that all compute the same function.
 *
 * Operators are those of opset 11, whose meaning is the same in 12 and 13, so the model may carry
 * any of these numbers: converters for NPUs ask for one of them. There is no HardSwish before
 * opset 14; it is written as x * HardSigmoid(x), by which opset 14 defines it. Images are NCHW, as
 * ONNX has them. A batch norm is folded into its convolution.
 *
 * In int8 (quantize/quantize.h) the numbers are the same: a QuantizeLinear and a DequantizeLinear
 * stand where a tensor is of 8 bits (uint8 or int8, zero point 0), a DequantizeLinear behind
 * weights (int8, a scale for each output channel) and biases (int32); the operators between are
 * float, and runtimes put integers in their place. Scales of channels ask for opset 13. With
 * `round_each` there is such a pair between every two operators, as TensorFlow Lite has it, for
 * runtimes whose integer operators stand alone; all tensors are then uint8, those of int8 with the
 * zero point 128.
 */
#ifndef DS_FORMATS_ONNX_H
#define DS_FORMATS_ONNX_H

#include "formats/model.h"

enum { DS_ONNX_OPSET = 11, DS_ONNX_OPSET_MOST = 13, DS_ONNX_OPSET_INT8 = 13 };

/*
 * The model as bytes, to be freed, and their number. They depend on the network and the options
 * alone. The input is batch x c x h x w; the output batch x c where the network ends in 1 x 1, else
 * batch x c x h x w. Nodes are named after their module and layer, "unit0.layer1.conv7". NULL where
 * out of memory, or larger than the 2 GB that the format allows.
 */
uint8_t *ds_onnx_pack(const struct ds_space *space, const struct ds_net *net,
                      const struct ds_model_options *options, size_t *size, struct ds_error *err);

#endif

/*
 * A network as a TensorFlow Lite model, the format that phones run: with the seeded weights that
 * every engine uses (weights.h), so that all compute the same function. Float.
 *
 * Operators are those that every runtime and delegate knows. Where padding differs from SAME, as
 * under a stride of 2 on an even size, a PAD operator stands before a VALID window. A convolution
 * of groups that is not depthwise is a SPLIT, a convolution for each group, and a CONCATENATION.
 * Images are NHWC. A batch norm is folded into its convolution.
 *
 * Format: tensorflow/lite/schema/schema.fbs, version 3.
 */
#ifndef DS_FORMATS_TFLITE_H
#define DS_FORMATS_TFLITE_H

#include "formats/model.h"

/*
 * The model as bytes, to be freed, and their number. They depend on the network and the options
 * alone. The input is batch x h x w x c; the output batch x c where the network ends in 1 x 1, else
 * batch x h x w x c. Tensors are named after the module and layer that write them,
 * "unit0.layer1.conv7". NULL where out of memory, or larger than the 2 GB that the format allows.
 */
uint8_t *ds_tflite_pack(const struct ds_space *space, const struct ds_net *net,
                        const struct ds_model_options *options, size_t *size, struct ds_error *err);

/*
 * The bytes of the arena in which TensorFlow Lite's interpreter keeps the tensors of that model
 * (network/memory_plan.h): its input and output all the time, the others from the operator that
 * writes them to the last that reads them, and what its kernels work in as of version 2.9, without
 * XNNPACK. -1 and the reason in
 * `err`.
 */
int ds_tflite_arena(const struct ds_space *space, const struct ds_net *net,
                    const struct ds_model_options *options, uint64_t *bytes, struct ds_error *err);

#endif

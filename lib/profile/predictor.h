/*
 * Predictors that others trained and published, read from PyTorch's files: networks that tell a
 * metric of an architecture.
 *
 * Once-for-All's, of accuracy: multilayer perceptrons (ReLU) on one-hot codes.
 *
 * OFA-MBv3 (128 inputs): for each of 20 layers, five units of four, its kernel size {3,5,7}; then
 * its expansion ratio {3,4,6}; layers that are not active all zero; then eight resolutions,
 * (r - 112) / 16. The output is top-1 as a fraction (once-for-all, ofa/accuracy_predictor).
 *
 * OFA-ResNet50 (82 inputs): eight resolutions {128, 144, 160, 176, 192, 224, 240, 256}; the stem's
 * residual convolution, absent or present; six widths of three (the stem's two, the units' four);
 * then for each of 18 layers, units of 4, 4, 6 and 4, its expansion {0.2, 0.25, 0.35}, all zero
 * where it is not active (once-for-all, ofa/nas/accuracy_predictor/arch_encoder.py). Two of the
 * first width's slots mean the same 24 channels; the first is set. The output is added to base_acc.
 * The file that was published gives no more than 82.987, for many of the larger networks alike.
 *
 * What they predict is accuracy on images held out of ImageNet's training set, on which networks do
 * better than on the validation set that papers report.
 *
 * AutoBuild's (github.com/Ascend-Research/AutoBuild, l1_models), of top-1 and of latencies of
 * OFA-MBv3 w1.2 and OFA-ProxylessNAS w1.3 at 192, 208 and 224: graph convolutions along the chain
 * of layers; see predictor_graph.c.
 */
#ifndef DS_PROFILE_PREDICTOR_H
#define DS_PROFILE_PREDICTOR_H

#include "space/arch.h"

struct ds_predictor;

/*
 * Loads a predictor of either kind; NULL where the file holds other tensors or shapes, or values
 * not finite, or where nothing in it or its name says what it predicts.
 */
struct ds_predictor *ds_predictor_load(const char *path, struct ds_error *err);
void ds_predictor_free(struct ds_predictor *p);

/* What it predicts: "acc" (top1, percent), or "cpu", "gpu", "npu" (latency, ms). */
const char *ds_predictor_class(const struct ds_predictor *p);

/* The networks that it is of, as "OFA-MBv3 w1.2". */
const char *ds_predictor_family(const struct ds_predictor *p);

/* Prepares it for a space; -1 where the space's networks are not such as it was trained on. */
int ds_predictor_bind(struct ds_predictor *p, const struct ds_space *space, struct ds_error *err);

/*
 * Predicts its metric for n architectures: choice[i * stride ...] is the i-th. Fails where the
 * predictor does not know a choice, naming it, with the architecture's number in *which.
 */
int ds_predictor_run(struct ds_predictor *p, const uint8_t *choice, size_t stride, size_t n,
                     double *value, size_t *which, struct ds_error *err);

#endif

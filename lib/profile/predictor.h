/*
 * Once-for-All's accuracy predictors: multilayer perceptrons (ReLU) on one-hot codes of an
 * architecture, read from PyTorch's files.
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
 */
#ifndef DS_PROFILE_PREDICTOR_H
#define DS_PROFILE_PREDICTOR_H

#include "space/arch.h"

struct ds_predictor;

/* Loads a predictor; NULL where the file holds other tensors or shapes, or values not finite. */
struct ds_predictor *ds_predictor_load(const char *path, struct ds_error *err);
void ds_predictor_free(struct ds_predictor *p);

/* Prepares it for a space; -1 where the space cannot be coded for it at all. */
int ds_predictor_bind(struct ds_predictor *p, const struct ds_space *space, struct ds_error *err);

/*
 * Predicts top-1 in percent for n architectures: choice[i * stride ...] is the i-th. Fails where
 * the predictor has no slot for a choice, naming it, with the architecture's number in *which.
 */
int ds_predictor_run(struct ds_predictor *p, const uint8_t *choice, size_t stride, size_t n,
                     double *top1, size_t *which, struct ds_error *err);

#endif

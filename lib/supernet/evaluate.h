/* What a network makes of labelled images. */
#ifndef DS_SUPERNET_EVALUATE_H
#define DS_SUPERNET_EVALUATE_H

#include "supernet/calibrate.h"

struct ds_outcome {
    size_t n;          /* images */
    size_t right;      /* labels given the largest logit: the first of several that are equal */
    size_t right5;     /* labels among the five largest logits */
    double loss;       /* mean cross entropy, nats */
    uint8_t *is_right; /* a bit an image, from the least of each byte on; to be freed */
};

/*
 * Runs a loaded model of a session of batch 1 on all images. `labels` are from 0 to below
 * `classes`, what the network tells apart.
 */
int ds_evaluate(const struct ds_engine *engine, struct ds_model *model,
                const struct ds_image_source *images, const uint16_t *labels, size_t classes,
                struct ds_outcome *outcome, struct ds_error *err);

/* Bytes of is_right. */
size_t ds_outcome_bytes(size_t n);

/* How many images `a` has right and `b` wrong. Both are of the same images. */
size_t ds_outcome_only(const struct ds_outcome *a, const struct ds_outcome *b);

/*
 * The 95% interval of the share that is right, in percent, of images drawn at random (Wilson,
 * "Probable inference", 1927).
 */
void ds_outcome_interval(const struct ds_outcome *outcome, double *lo, double *hi);

#endif

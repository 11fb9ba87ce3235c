/*
 * Networks in a narrow number format: loaded, and compared with themselves in f32. What a number
 * format costs in exactness belongs to what it gains in time.
 */
#ifndef DS_MEASURE_NARROW_H
#define DS_MEASURE_NARROW_H

#include "engines/engine.h"
#include "network/images.h"

struct ds_narrow {
    struct ds_model *model;
    /*
     * The largest difference of a result (a logit) from that of f32, as a share of the largest
     * result of f32: on the first DS_QUANT_SEEDED images.
     */
    double logits_error;
    size_t images; /* that told the ranges; 0: there are none */
};

/*
 * Loads a network into a session that was opened with these options and is of bf16 or int8.
 * `images`, or where it is NULL seeded ones, tell the ranges of int8, and the error. The engine
 * must take inputs. -1 and why.
 */
int ds_narrow_load(const struct ds_engine *engine, struct ds_session *session,
                   const struct ds_engine_options *options, struct ds_net *net,
                   const struct ds_image_source *images, struct ds_narrow *narrow,
                   struct ds_error *err);

#endif

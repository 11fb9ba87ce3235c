/* The kinds of predictors there are. Internal to libds; see predictor.h. */
#ifndef DS_PROFILE_PREDICTOR_KIND_H
#define DS_PROFILE_PREDICTOR_KIND_H

#include "formats/pytorch.h"
#include "space/arch.h"
#include <stdbool.h>

/* What is known of a predictor; each kind begins its own with one. */
struct ds_predictor {
    const struct ds_predictor_kind *kind;
    const char *family; /* "OFA-MBv3 w1.2" */
    const char *class;  /* "acc", "cpu", "gpu" or "npu" */
};

struct ds_predictor_kind {
    /* Whether the tensors are such as this kind has. */
    bool (*is)(const struct ds_pytorch *file);

    /* NULL where they are not after all; `path` is the file's, for what its name may tell. */
    struct ds_predictor *(*make)(const struct ds_pytorch *file, const char *path,
                                 struct ds_error *err);
    void (*free)(struct ds_predictor *p);

    /* As ds_predictor_bind and ds_predictor_run. */
    int (*bind)(struct ds_predictor *p, const struct ds_space *space, struct ds_error *err);
    int (*run)(struct ds_predictor *p, const uint8_t *choice, size_t stride, size_t n,
               double *value, size_t *which, struct ds_error *err);
};

extern const struct ds_predictor_kind ds_predictor_mlp, ds_predictor_graph;

#endif

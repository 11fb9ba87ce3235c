/*
 * Tensors from PyTorch's files of before 1.6 (torch.save's "legacy" format: pickles, then raw
 * storages), read without PyTorch and without running what pickles can run.
 */
#ifndef DS_FORMATS_PYTORCH_H
#define DS_FORMATS_PYTORCH_H

#include "base/error.h"
#include <stddef.h>

#define DS_PTH_DIMS 4

struct ds_tensor_f32 {
    char *name; /* "0.weight" */
    int ndims;
    size_t dim[DS_PTH_DIMS];
    float *data; /* row-major, [dim[0]][dim[1]]... */
};

struct ds_pytorch {
    int ntensors;
    struct ds_tensor_f32 *tensor;
};

/*
 * Reads the float tensors of a saved state dict. NULL where the file is not of this format, holds
 * something else, is cut off, or holds values that are not finite. Free with ds_pytorch_free.
 */
struct ds_pytorch *ds_pytorch_load(const char *path, struct ds_error *err);
void ds_pytorch_free(struct ds_pytorch *pth);

/* The tensor so named, or NULL. */
const struct ds_tensor_f32 *ds_pytorch_find(const struct ds_pytorch *pth, const char *name);

#endif

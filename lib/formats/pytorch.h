/*
 * Float tensors from PyTorch's files, read without PyTorch and without running what pickles can
 * run. Both kinds that torch.save has written: a zip since 1.6, whose members are not compressed;
 * before it, and with _use_new_zipfile_serialization=False, pickles followed by raw storages.
 *
 * A file holds a state dict, or a dictionary with one under `state_dict`.
 */
#ifndef DS_FORMATS_PYTORCH_H
#define DS_FORMATS_PYTORCH_H

#include "base/error.h"
#include <stddef.h>

#define DS_PYTORCH_DIMS 8

struct ds_tensor_f32 {
    char *name; /* "0.weight" */
    int ndims;  /* 0: a single number */
    size_t dim[DS_PYTORCH_DIMS];
    size_t count; /* of numbers: the product of the dimensions */
    float *data;  /* row-major, [dim[0]][dim[1]]... */
};

struct ds_pytorch {
    int ntensors;
    struct ds_tensor_f32 *tensor;         /* in the order of the file */
    const struct ds_tensor_f32 **by_name; /* sorted, for ds_pytorch_find */
    char *archive; /* what a zip calls itself, by default the first file it was saved to; or "" */
};

/*
 * Reads the float32 tensors of a state dict; what is of another type (counters of batches, say) is
 * passed over. NULL where the file is not of these formats, is cut off or damaged, asks for
 * anything but tensors, has no float32 tensor, has two of one name, or where a tensor is not
 * contiguous or holds values that are not finite. Needs memory for the file and for all tensors.
 * Free with ds_pytorch_free.
 */
struct ds_pytorch *ds_pytorch_load(const char *path, struct ds_error *err);
void ds_pytorch_free(struct ds_pytorch *file);

/* The tensor so named, or NULL. */
const struct ds_tensor_f32 *ds_pytorch_find(const struct ds_pytorch *file, const char *name);

#endif

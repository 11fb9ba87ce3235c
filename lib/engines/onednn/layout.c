/*
 * Packing weights by ourselves. oneDNN 3.7.2 packed wrongly on a virtual machine that tells no
 * sizes of caches: weights were lost or doubled where the channels do not fill the blocks of a
 * layout, so that networks computed something else. A like fault is
 * github.com/uxlfoundation/oneDNN/issues/3280.
 */
#include "engines/onednn/onednn.h"

#include "base/grow.h"
#include "quantize/elements.h"
#include <stdlib.h>
#include <string.h>

#define MOST_DIMS 5

/* Where an element stands is a sum of one number for each of its dimensions. */
static void find_offsets(const struct blocking *b, int dim, size_t *offset)
{
    for (dnnl_dim_t i = 0; i < b->dims[dim]; i++) {
        dnnl_dim_t at = i, within = 1; /* a block of all that are further inside */
        offset[i] = 0;
        for (int k = b->nblocks - 1; k >= 0; k--) {
            if (b->of[k] == dim) {
                offset[i] += (size_t)(at % b->block[k] * within);
                at /= b->block[k];
            }
            within *= b->block[k];
        }
        offset[i] += (size_t)(at * b->strides[dim]);
    }
}

/* In bytes; 0: of no type that weights have. */
static size_t size_of(dnnl_data_type_t type)
{
    return type == dnnl_f32 ? sizeof(float) : type == dnnl_bf16 ? 2 : type == dnnl_s8;
}

/* Copies element i to a place. */
static void put(size_t size, const void *plain, size_t i, void *room, size_t at)
{
    if (size == 4)
        ((uint32_t *)room)[at] = ((const uint32_t *)plain)[i];
    else if (size == 2)
        ((uint16_t *)room)[at] = ((const uint16_t *)plain)[i];
    else
        ((uint8_t *)room)[at] = ((const uint8_t *)plain)[i];
}

/*
 * What follows the weights of int8 whose activations are signed: the instructions take unsigned
 * ones, 128 more, and 128 times the sum of a channel's weights is taken off again.
 */
static void compensate(const struct blocking *b, const int8_t *plain, int32_t *to)
{
    int grouped = b->ndims == 5;
    dnnl_dim_t groups = grouped ? b->dims[0] : 1, channels = b->dims[grouped];
    size_t each = 1, i = 0;
    for (int d = grouped + 1; d < b->ndims; d++)
        each *= (size_t)b->dims[d];
    for (dnnl_dim_t g = 0; g < groups; g++)
        for (dnnl_dim_t c = 0; c < channels; c++) {
            int32_t sum = 0;
            for (size_t end = i + each; i < end; i++)
                sum += plain[i];
            to[g * b->padded[grouped] + c] = -128 * sum;
        }
}

/* Writes n elements of a size, by the offsets of five dimensions. */
static void put_all(size_t size, const dnnl_dim_t *n, size_t *const *of, const void *plain,
                    void *room)
{
    size_t i = 0;
    for (dnnl_dim_t g = 0; g < n[0]; g++)
        for (dnnl_dim_t o = 0; o < n[1]; o++)
            for (dnnl_dim_t c = 0; c < n[2]; c++)
                for (dnnl_dim_t y = 0; y < n[3]; y++)
                    for (dnnl_dim_t x = 0; x < n[4]; x++)
                        put(size, plain, i++, room,
                            of[0][g] + of[1][o] + of[2][c] + of[3][y] + of[4][x]);
}

/* In bytes, with padding. */
static size_t weights_size(const struct blocking *b)
{
    size_t size = size_of(b->type);
    for (int d = 0; d < b->ndims; d++)
        size *= (size_t)b->padded[d];
    return size;
}

int ds_onednn_lay_out(const_desc_t layout, const void *plain, void *room, struct ds_error *err)
{
    struct blocking b;
    size_t size = dnnl_memory_desc_get_size(layout), lengths = 1, count = 1;
    if (blocking_of(layout, &b) || (b.ndims != 4 && b.ndims != MOST_DIMS) || !size_of(b.type) ||
        size < weights_size(&b))
        return ds_fail(err, "oneDNN wants weights in a layout that dstools does not know");
    for (int d = 0; d < b.ndims; d++) {
        lengths += (size_t)b.dims[d];
        count *= (size_t)b.dims[d];
    }
    uint16_t *narrow = b.type == dnnl_bf16 ? ds_alloc(count, sizeof *narrow, err) : NULL;
    size_t *offset = ds_alloc(lengths, sizeof *offset, err), *of[MOST_DIMS] = {offset};
    dnnl_dim_t n[MOST_DIMS] = {1};
    int rc = offset && (narrow || b.type != dnnl_bf16) ? 0 : -1;
    if (rc == 0) {
        size_t *at = offset + 1; /* the first is of the only group */
        for (int d = 0, k = MOST_DIMS - b.ndims; d < b.ndims; d++, k++) {
            find_offsets(&b, d, at);
            of[k] = at;
            n[k] = b.dims[d];
            at += b.dims[d];
        }
        if (narrow)
            ds_elements_narrow(plain, count, (struct ds_quant_tensor){.element = DS_ELEMENT_BF16},
                               narrow);
        memset(room, 0, size);
        put_all(size_of(b.type), n, of, narrow ? narrow : plain, room);
        if (b.type == dnnl_s8 && size > weights_size(&b))
            compensate(&b, plain, (int32_t *)((char *)room + weights_size(&b)));
    }
    free(offset);
    free(narrow);
    return rc;
}

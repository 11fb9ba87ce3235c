/* The tiling of convolutions on an NPU, and what a tiling takes. */
#ifndef DS_NPU_TILE_H
#define DS_NPU_TILE_H

#include "network/network.h"
#include "npu/device.h"

/* What a layer, or a sum of layers, takes: milliseconds, and bytes to and from the memory. */
struct ds_npu_time {
    double ms; /* all in all, without the start of the network */
    double cube, vector, feed, move;
    double bytes;
};

/* How much of a layer is worked on at a time: that of the least time. */
struct ds_npu_tile {
    int rows;     /* of the output */
    int channels; /* of the output */
    int splits;   /* parts that the input channels are read in */
};

/* A convolution, and what its time depends on besides its tiling. */
struct ds_npu_conv {
    struct ds_tensor in, out;
    int kernel, stride, groups;
    bool on_vector;               /* a depthwise convolution on the vector unit */
    double vector_cycles;         /* of what follows it, and of itself if on_vector */
    double in_ms, in_bytes;       /* to read the input once; bytes of the memory */
    double fixed_ms, fixed_bytes; /* to write the output and read what is added */
};

/* The least time over the tilings that fit, and that tiling; -1 where none fits. */
int ds_npu_conv_time(const struct ds_npu *npu, const struct ds_npu_conv *conv,
                     struct ds_npu_time *time, struct ds_npu_tile *tile, struct ds_error *err);

/* The slowest of what works at the same time, ms. */
double ds_npu_slowest(const struct ds_npu_time *t);

/* Channels as they lie in the memory. */
int ds_npu_padded(const struct ds_npu *npu, int channels);

/* Steps of the vector unit over h x w x c. */
double ds_npu_vector_steps(const struct ds_npu *npu, struct ds_tensor t);

#endif

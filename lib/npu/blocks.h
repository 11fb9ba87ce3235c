/* Blocks that were measured one by one on a device, and how well a cost model predicts them. */
#ifndef DS_NPU_BLOCKS_H
#define DS_NPU_BLOCKS_H

#include "npu/model.h"

/* Blocks of MobileNetV3 and what they take. Zero-initialise. */
struct ds_npu_blocks {
    int n;
    struct ds_npu_block {
        char *name;
        double ms; /* measured */
        struct ds_net net;
    } * block;
    size_t room;
};

/*
 * Adds the blocks of a table that ds_latency_table_read reads, named as
 * "ResidualBlock-in_96x14x14-out_136-k_7-e_3-s_1-act_h_swish-use_se_True"; whatever is no block
 * is left out. -1 where there is none.
 */
int ds_npu_blocks_read(struct ds_npu_blocks *blocks, const char *path, struct ds_error *err);
void ds_npu_blocks_free(struct ds_npu_blocks *blocks);

/*
 * Marks one half of the blocks in half[n], by a hash of their names and the number of the split.
 * -1 when out of memory.
 */
int ds_npu_blocks_split(const struct ds_npu_blocks *blocks, uint64_t split, bool *half,
                        struct ds_error *err);

/* The errors of the model over blocks. */
struct ds_npu_error {
    int n;
    double mape;              /* percent */
    double spearman, kendall; /* NaN where undefined */
};

/*
 * Compares the model with those blocks whose mark in `among` is `which`. -1 where a block cannot
 * be timed.
 */
int ds_npu_blocks_check(const struct ds_npu *npu, const struct ds_npu_blocks *blocks,
                        const bool *among, bool which, struct ds_npu_error *error,
                        struct ds_error *err);

/* The time of a block by the cost model, ms; -1 where it cannot be timed. */
int ds_npu_block_time(const struct ds_npu *npu, const struct ds_npu_block *block, double *ms,
                      struct ds_error *err);

#endif

/*
 * Lookup tables of block latencies, as Once-for-All and ProxylessNAS publish them (YAML) and as
 * measured on a Xilinx DPU (CSV), turned into the model of a device profile.
 */
#ifndef DS_FORMATS_LATENCY_TABLE_H
#define DS_FORMATS_LATENCY_TABLE_H

#include "space/arch.h"
#include <jansson.h>

struct ds_latency_table {
    int nentries, nfiles;
    struct {
        char *name; /* "expanded_conv-input:56x56x32-output:28x28x48-expand:96-kernel:3-..." */
        double ms;  /* mean */
        int file;   /* files of several resolutions give one name different times */
    } * entry;
};

/* Adds the entries of a file; by its ending, .csv or YAML. -1 and the line in `err`. */
int ds_latency_table_read(struct ds_latency_table *lut, const char *path, struct ds_error *err);
void ds_latency_table_free(struct ds_latency_table *lut);

/*
 * The `model` of a profile: for every resolution that the table has, each block at each place, and
 * the sum of stem and head. A block that the table lacks is an error that names it; a resolution
 * of which it has nothing is left out. `rest` tells whether stem and head are in the table.
 * Networks are sums of entries, so the model is exact for what the table says.
 */
json_t *ds_latency_table_model(const struct ds_latency_table *lut, const struct ds_space *space,
                               bool *rest, struct ds_error *err);

#endif

/*
 * Lookup tables of block latencies, as Once-for-All and ProxylessNAS publish them (YAML) and as
 * measured on a Xilinx DPU (CSV).
 */
#ifndef DS_FORMATS_LATENCY_TABLE_H
#define DS_FORMATS_LATENCY_TABLE_H

#include "base/error.h"
#include <stddef.h>

struct ds_latency_table {
    int nentries, nfiles;
    struct {
        char *name; /* "expanded_conv-input:56x56x32-output:28x28x48-expand:96-kernel:3-..." */
        double ms;  /* mean */
        int file;   /* files of several resolutions give one name different times */
    } * entry;
    size_t room;
};

/* Adds the entries of a file; by its ending, .csv or YAML. -1 and the line in `err`. */
int ds_latency_table_read(struct ds_latency_table *table, const char *path, struct ds_error *err);
void ds_latency_table_free(struct ds_latency_table *table);

#endif

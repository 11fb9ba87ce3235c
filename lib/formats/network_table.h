/*
 * Tables of measured networks as comma-separated values, as the authors of block profiling publish
 * them (github.com/Ascend-Research/BlockProfile):
 *
 *   net_id,net_str,device,resolution,lat unit,end-to-end lat
 *   0,mbconv3_e4_k5->mbconv3_e3_k3|mbconv3_e6_k7->...,npu,224,ms,7.12
 *
 * "net_str" is the blocks of an architecture, units parted by "|", layers by "->". "unit" and "lat"
 * may stand for the last two; a latency in s or us becomes ms. "net_id" is left out; of the others
 * only "net_str" must be there. Any other column holds numbers, of a metric; an empty field none.
 */
#ifndef DS_FORMATS_NETWORK_TABLE_H
#define DS_FORMATS_NETWORK_TABLE_H

#include "formats/csv.h"
#include <jansson.h>

struct ds_network_table {
    struct ds_csv csv;
    int net, id, resolution, device, unit, latency; /* columns; -1: not there */
};

/* What the metric of a column is called. */
typedef const char *ds_metric_name(void *arg, const char *column);

/* Reads the names of the columns; the file stays the caller's. */
int ds_network_table_begin(struct ds_network_table *t, FILE *file, struct ds_error *err);

/*
 * Reads the next row as the JSON of a record (stream/json_read.h), to be released: 1; 0 at the end;
 * -1 and the reason in `err`. Where it stands is t->csv.line.
 */
int ds_network_table_next(struct ds_network_table *t, ds_metric_name *name, void *arg,
                          json_t **record, struct ds_error *err);

void ds_network_table_end(struct ds_network_table *t);

#endif

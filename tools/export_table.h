/* Tables of block latencies, of measured blocks or of a device profile: ds-export lut. */
#ifndef DS_EXPORT_TABLE_H
#define DS_EXPORT_TABLE_H

#include "output.h"

struct table_given {
    const char *space;   /* NULL: that of the profile, or of the stream */
    const char *dir;     /* NULL: one table, to the output */
    const char *profile; /* NULL: measured blocks, of the operands from 1 on */
    const char *metric;  /* NULL: the one that the blocks' metrics are of */
};

/* Writes the tables; dies on failure. */
void export_tables(struct cli *cli, const struct table_given *given);

#endif

/*
 * The end mark: what a writer that came to its end in order puts behind its last block, so that a
 * stream which stops between two blocks is not taken for whole. It counts the records, and its
 * checksum is over the blocks in their order. Internal to the reader and the writer.
 */
#ifndef DS_STREAM_END_MARK_H
#define DS_STREAM_END_MARK_H

#include <stdint.h>

/* msgpack ext, type 'E', of sixteen bytes: records and checksum, big-endian */
enum { DS_END_SIZE = 18 };
extern const uint8_t ds_end_sync[2]; /* D8 45 */

/* What one writer wrote: its blocks. Zero-initialise. */
struct ds_written {
    uint64_t records, checksum;
};

/* Adds a block: its number of records and its checksum. */
void ds_written_add(struct ds_written *written, uint64_t records, uint64_t checksum);

/* The end mark after the blocks that were added. */
void ds_written_mark(const struct ds_written *written, uint8_t mark[DS_END_SIZE]);

/* The number of records in an end mark. */
uint64_t ds_end_records(const uint8_t mark[DS_END_SIZE]);

#endif

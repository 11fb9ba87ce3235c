/* The checksum of a block. Internal to libds. */
#ifndef DS_BASE_CHECKSUM_H
#define DS_BASE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* XXH3 (64 bits) of a head, up to its checksum, and the records after it. */
uint64_t ds_block_checksum(const void *head, size_t head_size, const void *records, size_t size);

#endif

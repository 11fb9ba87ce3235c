#include "stream/end_mark.h"

#include "base/checksum.h"
#include <string.h>

const uint8_t ds_end_sync[2] = {0xD8, 0x45};

static void put(uint8_t *to, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        to[i] = (uint8_t)(value >> (56 - 8 * i));
}

/* XXH3-64 of two numbers, big-endian. */
static uint64_t chain(uint64_t before, uint64_t next)
{
    uint8_t bytes[16];
    put(bytes, before);
    put(bytes + 8, next);
    return ds_block_checksum(bytes, 8, bytes + 8, 8);
}

void ds_written_add(struct ds_written *written, uint64_t records, uint64_t checksum)
{
    written->records += records;
    written->checksum = chain(written->checksum, checksum);
}

void ds_written_mark(const struct ds_written *written, uint8_t mark[DS_END_SIZE])
{
    memcpy(mark, ds_end_sync, sizeof ds_end_sync);
    put(mark + 2, written->records);
    put(mark + 10, chain(written->checksum, written->records));
}

uint64_t ds_end_records(const uint8_t mark[DS_END_SIZE])
{
    uint64_t records = 0;
    for (int i = 2; i < 10; i++)
        records = records << 8 | mark[i];
    return records;
}

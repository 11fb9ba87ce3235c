#include "base/checksum.h"

#define XXH_STATIC_LINKING_ONLY /* a state on the stack */
#include <xxhash.h>

uint64_t ds_block_checksum(const void *head, size_t head_size, const void *records, size_t size)
{
    XXH3_state_t hash;
    XXH3_INITSTATE(&hash);
    XXH3_64bits_reset(&hash);
    XXH3_64bits_update(&hash, head, head_size);
    if (size)
        XXH3_64bits_update(&hash, records, size);
    return XXH3_64bits_digest(&hash);
}

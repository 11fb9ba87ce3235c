/* Memory of the engines in huge pages. */
#include "engines/pages.h"
#include "tap.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { BLOCKS = 300, MOST = 700000 };

int main(void)
{
    static char *block[BLOCKS];
    static size_t size[BLOCKS];
    bool aligned = true, kept = true;
    for (int i = 0; i < BLOCKS; i++) { /* 100 MB: several chunks */
        size[i] = (size_t)(i * 7919 % MOST) + (i % 2);
        block[i] = ds_pages_take(size[i]);
        aligned = aligned && block[i] && (uintptr_t)block[i] % DS_PAGES_ALIGNED == 0;
        if (block[i])
            memset(block[i], i, size[i]);
    }
    CHECK(aligned, "blocks of many sizes begin with a line");
    for (int i = 0; i < BLOCKS; i++)
        for (size_t j = 0; block[i] && j < size[i]; j++)
            kept = kept && block[i][j] == (char)i;
    CHECK(kept, "and do not overlap");

    void *given = block[7];
    ds_pages_give(block[7]);
    block[7] = ds_pages_take(size[7]);
    CHECK(block[7] == given, "what is given back is taken again");
    char *large = ds_pages_take((size_t)40 << 20);
    CHECK(large, "a block larger than a chunk");
    if (large)
        large[((size_t)40 << 20) - 1] = 1;
    CHECK(!ds_pages_take(SIZE_MAX - 1), "more than there is");
    ds_pages_give(large);
    ds_pages_give(NULL);
    for (int i = 0; i < BLOCKS; i++)
        ds_pages_give(block[i]);
    char *again = ds_pages_take(1);
    CHECK(again, "after all was given back there is more");
    ds_pages_give(again);
    return TAP_END();
}

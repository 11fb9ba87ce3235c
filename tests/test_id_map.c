#include "base/id_map.h"
#include "tap.h"

/* The i-th of many distinct ids; the 0-th is 0, which the table keeps apart. */
static uint64_t id_of(uint64_t i)
{
    return i * 0x9E3779B97F4A7C15u;
}

int main(void)
{
    struct ds_id_map set = {0};
    CHECK(ds_id_map_find(&set, 0) == -1 && ds_id_map_find(&set, 7) == -1, "an empty set has none");

    const uint64_t n = 100000;
    uint64_t added = 0, again = 0, found = 0, missing = 0;
    for (uint64_t i = 0; i < n; i++)
        added += ds_id_map_add(&set, id_of(i), (uint32_t)i) == 1;
    for (uint64_t i = 0; i < n; i++) {
        again += ds_id_map_add(&set, id_of(i), 1) == 0;
        found += ds_id_map_find(&set, id_of(i)) == (int64_t)i;
        missing += ds_id_map_find(&set, id_of(n + i)) == -1;
    }
    CHECK(added == n, "ids are new once");
    CHECK(again == n && found == n, "an id that is there keeps its number");
    CHECK(missing == n, "others are not there");
    ds_id_map_free(&set);
    CHECK(ds_id_map_find(&set, id_of(3)) == -1, "freed, it is empty");

    found = 0;
    for (uint64_t i = 0; i < 63; i++)
        ds_id_map_add(&set, (uint64_t)2 << i | 1, (uint32_t)i);
    for (uint64_t i = 0; i < 63; i++)
        found += ds_id_map_find(&set, (uint64_t)2 << i | 1) == (int64_t)i;
    CHECK(found == 63 && set.count == 63, "ids that differ in few bits are told apart");
    CHECK(ds_id_map_add(&set, UINT64_MAX, UINT32_MAX) == 1 &&
              ds_id_map_find(&set, UINT64_MAX) == (int64_t)UINT32_MAX,
          "the greatest id and number");
    ds_id_map_free(&set);

    /* ids whose hashes are the greatest there are, so that all stand at the end and beyond it: the
     * inverse of the hash's factor, times -1, -2, ... */
    uint64_t inverse = 1;
    for (int i = 0; i < 6; i++)
        inverse *= 2 - 0x9E3779B97F4A7C15u * inverse;
    added = found = missing = 0;
    for (uint64_t i = 1; i <= 3000; i++)
        added += ds_id_map_add(&set, inverse * -i, (uint32_t)i) == 1;
    for (uint64_t i = 1; i <= 3000; i++) {
        found += ds_id_map_find(&set, inverse * -i) == (int64_t)i;
        missing += ds_id_map_find(&set, inverse * (0 - i - 3000)) == -1 &&
                   ds_id_map_find(&set, inverse * i) == -1;
    }
    CHECK(added == 3000 && found == 3000 && missing == 3000, "ids that crowd at the end");
    ds_id_map_free(&set);

    size_t worst = 0;
    for (uint64_t i = 0; i < n; i++) {
        ds_id_map_add(&set, id_of(i) ^ i << 40, 0);
        size_t bytes = set.places * sizeof *set.hash / (set.count ? set.count : 1);
        worst = i > n / 4 && bytes > worst ? bytes : worst;
    }
    CHECK(!set.number && worst < 13, "a set takes %zu bytes an id at most", worst);
    CHECK(ds_id_map_find(&set, id_of(5) ^ (uint64_t)5 << 40) == 0 &&
              ds_id_map_add(&set, 3, 9) == 1 && ds_id_map_find(&set, 3) == 9 &&
              ds_id_map_find(&set, id_of(5) ^ (uint64_t)5 << 40) == 0,
          "a number among them: the others have 0");
    ds_id_map_free(&set);
    return TAP_END();
}

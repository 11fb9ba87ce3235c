#include "base/random.h"
#include "tap.h"

#include <stdbool.h>
#include <string.h>

/* Known answers of Random123 (kat_vectors, philox4x32, 10 rounds). */
static void known_answers(void)
{
    static const uint32_t kat[][10] = {
        {0, 0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
        {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x408f276d,
         0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
        {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0, 0xd16cfe09,
         0x94fdcceb, 0x5001e420, 0x24126ea1},
    };
    for (int i = 0; i < 3; i++) {
        uint32_t out[4];
        ds_philox(kat[i], kat[i] + 4, out);
        CHECK(memcmp(out, kat[i] + 6, sizeof out) == 0, "Philox4x32-10, known answer %d", i + 1);
    }
}

/* Many words at once are those one by one, wherever they begin and end. */
static void words(void)
{
    enum { MOST = 70 };
    struct ds_random r, s;
    bool same = true;
    for (int begin = 0; begin < 6; begin++)
        for (int n = 0; n <= MOST; n++) {
            uint32_t word[MOST];
            ds_random_init(&r, 7, 5, 0);
            ds_random_init(&s, 7, 5, 0);
            for (int i = 0; i < begin; i++)
                ds_random_u32(&r);
            ds_random_words(&r, word, (size_t)n);
            for (int i = -begin; i < n; i++) {
                uint32_t one = ds_random_u32(&s);
                same = same && (i < 0 || word[i] == one);
            }
            same = same && ds_random_u32(&r) == ds_random_u32(&s);
        }
    CHECK(same, "words at once are those one by one");
}

int main(void)
{
    struct ds_random r, s;
    known_answers();
    words();

    ds_random_init(&r, 7, 5, 0);
    ds_random_init(&s, 7, 5, 0);
    bool same = true, other = false;
    for (int i = 0; i < 100; i++)
        same = same && ds_random_u32(&r) == ds_random_u32(&s);
    CHECK(same, "the draws of an item depend on seed and item alone");
    ds_random_init(&s, 7, 5, 1);
    ds_random_init(&r, 7, 5, 0);
    for (int i = 0; i < 8; i++)
        other = other || ds_random_u32(&r) != ds_random_u32(&s);
    CHECK(other, "another attempt draws otherwise");

    /* chi-square with 6 degrees of freedom; 22.46 is its 99.9% quantile, and the seed is fixed */
    int count[7] = {0};
    ds_random_init(&r, 1, 0, 0);
    for (int i = 0; i < 70000; i++)
        count[ds_random_below(&r, 7)]++;
    double chi = 0;
    for (int i = 0; i < 7; i++)
        chi += (count[i] - 10000.0) * (count[i] - 10000.0) / 10000;
    CHECK(chi < 22.46, "below 7 is uniform (chi-square %.1f)", chi);

    /* first draws of neighbouring items: 80 degrees of freedom, 124.84 */
    int pair[9][9] = {{0}};
    uint32_t before = 0;
    for (uint64_t i = 0; i <= 81000; i++) {
        ds_random_init(&s, 1, i, 0);
        uint32_t now = ds_random_below(&s, 9);
        if (i)
            pair[before][now]++;
        before = now;
    }
    chi = 0;
    for (int i = 0; i < 81; i++)
        chi += (pair[i / 9][i % 9] - 1000.0) * (pair[i / 9][i % 9] - 1000.0) / 1000;
    CHECK(chi < 124.84, "neighbouring items are independent (chi-square %.1f)", chi);

    /* a remainder would give the lowest third of 3 * 2^30 half of all draws */
    int low = 0;
    for (int i = 0; i < 30000; i++)
        low += ds_random_below(&r, 3u << 30) < 1u << 30;
    CHECK(low > 9700 && low < 10300, "below a large number there is no bias (%d of 30000)", low);

    double mean = 0;
    bool inside = true;
    for (int i = 0; i < 100000; i++) {
        double u = ds_random_unit(&r);
        inside = inside && u >= 0 && u < 1;
        mean += u / 100000;
    }
    CHECK(inside && mean > 0.497 && mean < 0.503, "unit: in [0,1), mean %.4f", mean);

    uint32_t order[50], seen[50] = {0};
    for (uint32_t i = 0; i < 50; i++)
        order[i] = i;
    ds_random_shuffle(&r, order, 50);
    int moved = 0, all = 0;
    for (uint32_t i = 0; i < 50; i++) {
        moved += order[i] != i;
        seen[order[i]]++;
    }
    for (int i = 0; i < 50; i++)
        all += seen[i] == 1;
    CHECK(all == 50 && moved > 30, "a shuffle keeps all and moves most");
    return TAP_END();
}

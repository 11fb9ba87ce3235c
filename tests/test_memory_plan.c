#include "base/random.h"
#include "network/memory_plan.h"
#include "tap.h"

#include <stdbool.h>
#include <string.h>

#define KEPT DS_BUFFER_KEPT
#define MOST 60

/* Where a buffer came to lie. */
static uint64_t place(const struct ds_buffer *b, int n, int number)
{
    for (int i = 0; i < n; i++)
        if (b[i].number == number)
            return b[i].offset;
    return UINT64_MAX;
}

/* A chain: each buffer is written by a step and read by the next, so only neighbours meet. */
static void chain(void)
{
    struct ds_buffer b[] = {
        {.size = 100, .first = 0, .last = 1, .number = 0},
        {.size = 300, .first = 1, .last = 2, .number = 1},
        {.size = 200, .first = 2, .last = 3, .number = 2},
        {.size = 50, .first = 3, .last = 4, .number = 3},
    };
    uint64_t least = ds_memory_least(b, 4), arena = ds_memory_plan(b, 4, 1);
    CHECK(arena == 500 && least == 500, "chain: the two largest neighbours, 500");
    CHECK(place(b, 4, 1) == 0 && place(b, 4, 2) == 300,
          "chain: the largest first, the next behind");
    CHECK(place(b, 4, 0) == 300 && place(b, 4, 3) == 0, "chain: the others in their places");
    CHECK(ds_memory_plan(b, 4, 64) == 320 + 200, "chain: aligned to 64");
}

/* A residual: buffer 0 is read by the step that also reads 2, so it is in use all along. */
static void residual(void)
{
    struct ds_buffer b[] = {
        {.size = 10, .first = 0, .last = 3, .number = 0},
        {.size = 60, .first = 1, .last = 2, .number = 1},
        {.size = 60, .first = 2, .last = 3, .number = 2},
        {.size = 10, .first = 3, .last = 4, .number = 3},
    };
    CHECK(ds_memory_plan(b, 4, 1) == 130, "residual: 60 + 60 + 10");
    CHECK(place(b, 4, 1) == 0 && place(b, 4, 2) == 60, "residual: of one size, the earlier first");
    CHECK(place(b, 4, 0) == 120 && place(b, 4, 3) == 0,
          "residual: behind both; then the gap below");
}

/* The tightest of two gaps; and what is in use all the time comes first, however small. */
static void gaps(void)
{
    struct ds_buffer b[] = {
        {.size = 100, .first = 1, .last = 2, .number = 1}, /* a gap of 100 in step 3 */
        {.size = 90, .first = 1, .last = 3, .number = 2},
        {.size = 80, .first = 1, .last = 2, .number = 3}, /* a gap of 80 in step 3 */
        {.size = 70, .first = 1, .last = 3, .number = 4},
        {.size = 60, .first = 3, .last = 3, .number = 5},
        {.size = 1, .first = 0, .last = KEPT, .number = 0},
    };
    CHECK(ds_memory_plan(b, 6, 1) == 341, "gaps: 1 + 100 + 90 + 80 + 70");
    CHECK(place(b, 6, 0) == 0 && place(b, 6, 1) == 1, "gaps: what is kept is first");
    CHECK(place(b, 6, 5) == 191, "gaps: 60 goes where 80 were, not where 100 were");
}

/*
 * Greedy is not best: 0 and 1 meet, 1 and 2 meet, 2 and 3 meet, and so on; the two of 4 do not meet
 * each other and are both put to the front, so that the 3 between them has no place but behind.
 */
static void anomaly(void)
{
    struct ds_buffer b[] = {
        {.size = 4, .first = 0, .last = 1, .number = 0},
        {.size = 3, .first = 1, .last = 2, .number = 1},
        {.size = 3, .first = 2, .last = 3, .number = 2},
        {.size = 4, .first = 3, .last = 4, .number = 3},
    };
    uint64_t least = ds_memory_least(b, 4), arena = ds_memory_plan(b, 4, 1);
    CHECK(least == 7 && arena == 10, "anomaly: 7 would do, greedy takes 10");
}

static bool overlap(const struct ds_buffer *a, const struct ds_buffer *b)
{
    return a->first <= b->last && b->first <= a->last && a->offset < b->offset + b->size &&
           b->offset < a->offset + a->size;
}

/* Random buffers: none overlaps another, all lie in the arena, and that is never below the bound.
 */
static void random_plans(void)
{
    struct ds_random r;
    int overlaps = 0, outside = 0, below = 0, unaligned = 0, disordered = 0;
    ds_random_init(&r, 1, 0, 0);
    for (int round = 0; round < 200; round++) {
        struct ds_buffer b[MOST];
        int n = 1 + (int)(ds_random_u32(&r) % MOST);
        for (int i = 0; i < n; i++) {
            int first = (int)(ds_random_u32(&r) % 20);
            int last = ds_random_u32(&r) % 8 ? first + (int)(ds_random_u32(&r) % 5) : KEPT;
            b[i] = (struct ds_buffer){
                .size = 1 + ds_random_u32(&r) % 1000, .first = first, .last = last, .number = i};
        }
        uint64_t least = ds_memory_least(b, n), arena = ds_memory_plan(b, n, 16);
        below += arena < least;
        for (int i = 0; i < n; i++) {
            outside += b[i].offset + b[i].size > arena;
            unaligned += b[i].offset % 16 != 0;
            disordered += i > 0 && b[i - 1].offset > b[i].offset;
            for (int j = 0; j < i; j++)
                overlaps += overlap(&b[i], &b[j]);
        }
    }
    CHECK(!overlaps && !outside && !below && !unaligned && !disordered,
          "random: %d overlap, %d outside, %d arenas below the bound, %d not aligned, %d not in "
          "order",
          overlaps, outside, below, unaligned, disordered);
}

int main(void)
{
    chain();
    residual();
    gaps();
    anomaly();
    random_plans();
    CHECK(ds_memory_plan(NULL, 0, 64) == 0 && ds_memory_least(NULL, 0) == 0, "nothing: nothing");
    return TAP_END();
}

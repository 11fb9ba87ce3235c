/* Biases of a model: one that is put in is named, and none is made up. */
#include "noise.h"
#include "space/arch.h"
#include "space/shipped.h"
#include "space/trait.h"
#include "study/bias.h"
#include "tap.h"

#include <string.h>

enum { NETWORKS = 100, REPEATS = 200 };

static struct ds_space *space;
static struct ds_error err;
static uint8_t choice[NETWORKS][DS_MAX_SITES];
static double predicted[NETWORKS], measured[NETWORKS];

/* What each layer takes, and by how much more than predicted where its kernel is 7, in unit `unit`
 * or, -1, in any. */
static void measure(uint64_t seed, double more, int unit, double deviation)
{
    for (int i = 0; i < NETWORKS; i++) {
        struct ds_random r;
        double kernel;
        ds_random_init(&r, seed, (uint64_t)i, DS_DRAW_SAMPLE);
        ds_arch_sample(space, &r, choice[i]);
        predicted[i] = measured[i] = 1;
        for (int s = 0; s < space->nsites; s++) {
            const struct ds_site *site = &space->site[s];
            if (site->kind != DS_SITE_BLOCK || choice[i][s] == DS_INACTIVE ||
                !ds_trait(space, s, choice[i][s], DS_TRAIT_KERNEL, &kernel))
                continue;
            bool off = kernel == 7 && (unit < 0 || unit == site->unit);
            predicted[i] += 1 + .1 * kernel;
            measured[i] += (1 + .1 * kernel) * (1 + off * more);
        }
        measured[i] *= 1.1 * (1 + deviation * noise(&r));
    }
}

static void check_null(void)
{
    int named = 0;
    for (uint64_t i = 0; i < REPEATS; i++) {
        struct ds_biases b;
        measure(i, 0, -1, .02);
        if (ds_find_biases(space, (const uint8_t(*)[DS_MAX_SITES])choice, predicted, measured,
                           NETWORKS, &b, &err))
            CHECK(false, "%s", err.text);
        named += b.n > 0;
    }
    CHECK(named <= 18, "without a bias one is named in %.1f%% of cases", 100.0 * named / REPEATS);
}

static void check_kernel(void)
{
    int found = 0, alone = 0, covered = 0;
    for (uint64_t i = 0; i < REPEATS; i++) {
        struct ds_biases b;
        measure(i, .05, -1, .01);
        if (ds_find_biases(space, (const uint8_t(*)[DS_MAX_SITES])choice, predicted, measured,
                           NETWORKS, &b, &err))
            CHECK(false, "%s", err.text);
        bool named = b.n > 0 && strcmp(b.at[0].what, "kernel 7") == 0;
        found += named;
        alone += named && b.n == 1;
        covered += named && b.at[0].lo < 5.9 && b.at[0].hi > 4.5;
    }
    CHECK(found >= .9 * REPEATS, "5%% at kernel 7 is named first in %d of %d", found, REPEATS);
    CHECK(alone >= .85 * found, "and nothing else in %d", alone);
    CHECK(covered >= .9 * found, "the interval holds it in %d", covered);
}

static void check_exact(void)
{
    struct ds_biases b;
    measure(1, .3, 2, 0);
    CHECK(ds_find_biases(space, (const uint8_t(*)[DS_MAX_SITES])choice, predicted, measured,
                         NETWORKS, &b, &err) == 0 &&
              b.n > 0 && strcmp(b.at[0].what, "kernel 7 in unit 2") == 0 && b.common > 1.1,
          "a bias in one unit: %s, %+.2f%%", b.n ? b.at[0].what : "none", b.n ? b.at[0].off : 0);
    measure(1, 0, -1, 0);
    CHECK(ds_find_biases(space, (const uint8_t(*)[DS_MAX_SITES])choice, predicted, measured,
                         NETWORKS, &b, &err) == 0 &&
              b.n == 0 && fabs(b.common - 1.1) < 1e-12 && b.spread < 1e-12,
          "a factor alone is no bias of a choice");
    CHECK(ds_find_biases(space, (const uint8_t(*)[DS_MAX_SITES])choice, predicted, measured, 9, &b,
                         &err) < 0,
          "9 networks are too few");
}

int main(void)
{
    space = ds_space_load("ofa-mbv3", &err);
    if (!space) {
        printf("Bail out! %s\n", err.text);
        return 1;
    }
    check_null();
    check_kernel();
    check_exact();
    ds_space_free(space);
    return TAP_END();
}

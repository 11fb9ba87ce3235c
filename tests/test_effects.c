/* Effects against base, siblings and mean: whether 95% intervals hold the truth, by simulation. */
#include "noise.h"
#include "space/shipped.h"
#include "study/aggregate.h"
#include "tap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { REPEATS = 400, UNIT = 1, BLOCKS = 9 };

static const double true_effect[BLOCKS] = {-4, -3, -2, -1, 0, 1, 2, 3, 4};
static const char *const names[] = {"base", "siblings", "mean"};

static struct ds_space *space;
static struct ds_record rec;
static struct ds_error err;

static void set(const uint8_t *choice, double x)
{
    if (ds_record_arch(&rec, space, choice, &err) || !ds_record_set(&rec, "x", x))
        CHECK(false, "%s", err.text);
}

static void add(struct ds_aggregate *const *a)
{
    for (int i = 0; i < 3; i++)
        if (ds_aggregate_add(a[i], &rec, &err) < 0)
            CHECK(false, "%s", err.text);
}

/*
 * A base and every block at every layer of a unit. Bases differ, the effects differ from base to
 * base and from layer to layer, and every measurement has an error of its own, the base's too.
 */
static void add_base(struct ds_aggregate *const *a, uint64_t seed, uint64_t i)
{
    struct ds_random r;
    uint8_t base[DS_MAX_SITES];
    double own[BLOCKS];
    ds_random_init(&r, seed, i, DS_DRAW_SAMPLE);
    ds_arch_sample(space, &r, base);
    double level = 50 + 10 * noise(&r);
    for (int b = 0; b < BLOCKS; b++)
        own[b] = true_effect[b] + .5 * noise(&r);
    set(base, level + noise(&r));
    uint64_t id = rec.id;
    add(a);
    for (int l = 0; l < space->unit[UNIT].max_depth; l++) {
        double at_layer = noise(&r);
        for (int b = 0; b < BLOCKS; b++) {
            uint8_t choice[DS_MAX_SITES];
            memcpy(choice, base, sizeof choice);
            int site = space->unit[UNIT].layer_site + l;
            ds_arch_affix(space, choice, site, b, false, seed);
            set(choice, level + at_layer + own[b] + noise(&r));
            rec.has_base = true;
            rec.base = id;
            rec.affix_site = site;
            rec.affix_choice = b;
            add(a);
        }
    }
}

/* What all repeats come to. */
struct result {
    int cells, covered;
    double width, error; /* means of the interval's width, and of the squared error */
};

static double detail(const struct ds_metric *m, const char *key)
{
    double x = NAN;
    const msgpack_object *o = ds_map_get(m->detail, key);
    return o && ds_object_number(o, &x) == 0 ? x : NAN;
}

static void judge(struct ds_aggregate *a, struct result *r)
{
    struct ds_record group;
    int n = ds_aggregate_finish(a, &err);
    if (n != BLOCKS)
        CHECK(false, "%d groups", n);
    ds_record_init(&group, &err);
    for (int g = 0; g < n; g++) {
        if (ds_aggregate_group(a, g, &group, &err))
            CHECK(false, "%s", err.text);
        const struct ds_metric *m = ds_record_metric(&group, "x");
        double lo = detail(m, "lo"), hi = detail(m, "hi"), off = m->value - true_effect[g];
        r->cells++;
        r->covered += lo <= true_effect[g] && true_effect[g] <= hi;
        r->width += hi - lo;
        r->error += off * off;
    }
    ds_record_free(&group);
}

static void simulate(int bases)
{
    struct result r[3] = {0};
    for (int i = 0; i < REPEATS; i++) {
        struct ds_aggregate *a[3];
        for (int k = 0; k < 3; k++)
            a[k] = ds_aggregate_new("block", DS_BY_AFFIX, true, (enum ds_against)k, &err);
        for (int b = 0; b < bases; b++)
            add_base(a, (uint64_t)i, (uint64_t)b);
        for (int k = 0; k < 3; k++) {
            judge(a[k], &r[k]);
            ds_aggregate_free(a[k]);
        }
    }
    for (int k = 0; k < 3; k++) {
        double share = 100.0 * r[k].covered / r[k].cells;
        CHECK(r[k].cells == REPEATS * BLOCKS && share > 93 && share < 97.5,
              "%d bases, against %s: %.1f%% of intervals hold the truth; mean width %.2f", bases,
              names[k], share, r[k].width / r[k].cells);
    }
    CHECK(r[DS_AGAINST_SIBLINGS].width < .7 * r[DS_AGAINST_BASE].width &&
              r[DS_AGAINST_SIBLINGS].error < .4 * r[DS_AGAINST_BASE].error,
          "siblings have %.2f of the error of a base measured as rarely as each of them",
          sqrt(r[DS_AGAINST_SIBLINGS].error / r[DS_AGAINST_BASE].error));
}

int main(void)
{
    space = ds_space_load("ofa-mbv3", &err);
    if (!space || ds_record_init(&rec, &err)) {
        printf("Bail out! %s\n", err.text);
        return 1;
    }
    simulate(3);
    simulate(10);
    ds_record_free(&rec);
    ds_space_free(space);
    return TAP_END();
}

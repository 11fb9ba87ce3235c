/* What aggregation and evidence make of records: bases, children, repeated measurements. */
#include "space/shipped.h"
#include "study/aggregate.h"
#include "study/evidence.h"
#include "tap.h"

#include <math.h>
#include <string.h>

static struct ds_space *space;
static struct ds_record rec;
static struct ds_error err;

/* The smallest architecture, with this choice of the resolution. */
static uint64_t plain(int resolution, double x)
{
    uint8_t choice[DS_MAX_SITES] = {0};
    choice[space->resolution_site] = (uint8_t)resolution;
    if (ds_record_arch(&rec, space, choice, &err) || !ds_record_set(&rec, "x", x))
        return 0;
    return rec.id;
}

/* The same with a choice affixed at a site. */
static void affixed(int resolution, int site, int to, double x)
{
    uint64_t base = plain(resolution, 0);
    uint8_t choice[DS_MAX_SITES];
    memcpy(choice, rec.choice, sizeof choice);
    ds_arch_affix(space, choice, site, to, false, 1);
    if (ds_record_arch(&rec, space, choice, &err) || !ds_record_set(&rec, "x", x))
        return;
    rec.has_base = true;
    rec.base = base;
    rec.affix_site = site;
    rec.affix_choice = to;
}

static void add(struct ds_aggregate *a)
{
    CHECK(ds_aggregate_add(a, &rec, &err) >= 0, "a record is taken");
}

/* The mean and count of the group of these keys that has this value of the first of them. */
static double mean_of(struct ds_aggregate *a, const char *key, double value, double *n)
{
    struct ds_record group;
    double found = NAN;
    int ngroups = ds_aggregate_finish(a, &err);
    *n = 0;
    ds_record_init(&group, &err);
    for (int g = 0; g < ngroups; g++) {
        double at;
        if (ds_aggregate_group(a, g, &group, &err) ||
            ds_object_number(ds_map_get(group.group, key), &at) || at != value)
            continue;
        struct ds_metric *m = ds_record_metric(&group, "x");
        if (m && ds_object_number(ds_map_get(m->detail, "n"), n) == 0)
            found = m->value;
    }
    ds_record_free(&group);
    return found;
}

/* A record without an affix is a base under its own id, whatever it was made of. */
static void check_children(void)
{
    struct ds_aggregate *a =
        ds_aggregate_new("unit,depth", DS_BY_AFFIX, true, DS_AGAINST_BASE, &err);
    int site = space->unit[1].depth_site;
    double n;
    uint64_t parent = plain(0, 10);
    add(a);
    plain(1, 50); /* as ds-mutate once wrote a child: its parent as "base" */
    rec.has_base = true;
    rec.base = parent;
    add(a);
    affixed(0, site, 1, 12);
    add(a);
    affixed(1, site, 1, 53);
    add(a);
    double mean = mean_of(a, "unit", 1, &n);
    CHECK(mean == 2.5 && n == 2, "a child is no base of its parent (%g of %g)", mean, n);
    ds_aggregate_free(a);

    a = ds_aggregate_new("unit,depth", DS_BY_AFFIX, true, DS_AGAINST_BASE, &err);
    affixed(0, site, 1, 12);
    rec.has_base = false;
    CHECK(ds_aggregate_add(a, &rec, &err) < 0 && strstr(err.text, "names no base"),
          "an affix without a base is refused");
    ds_aggregate_free(a);
}

/* By resolution, only what an affixed resolution changes counts. */
static void check_resolution(void)
{
    struct ds_aggregate *a =
        ds_aggregate_new("resolution", DS_BY_AFFIX, true, DS_AGAINST_BASE, &err);
    int lowest = space->site[space->resolution_site].value[0];
    double n;
    plain(0, 10);
    add(a);
    plain(1, 20);
    add(a);
    affixed(1, space->resolution_site, 0, 10);
    add(a);
    affixed(0, space->unit[0].depth_site, 1, 14);
    CHECK(ds_aggregate_add(a, &rec, &err) == 0, "a depth is nothing by resolution alone");
    double mean = mean_of(a, "resolution", lowest, &n);
    CHECK(mean == -10 && n == 1, "the effect of the resolution alone (%g of %g)", mean, n);
    ds_aggregate_free(a);

    a = ds_aggregate_new("depth,resolution", DS_BY_AFFIX, true, DS_AGAINST_BASE, &err);
    plain(0, 10);
    add(a);
    affixed(0, space->unit[0].depth_site, 1, 14);
    add(a);
    mean = mean_of(a, "resolution", lowest, &n);
    CHECK(mean == 4 && n == 1, "with other keys the architecture's own (%g of %g)", mean, n);
    ds_aggregate_free(a);
}

/* Two bases, depths 0 and 1 of unit 0 affixed to each and measured twice: aggregate and evidence.
 */
static void check_repeats(void)
{
    static const char *const metric[] = {"x"};
    static const double weight[] = {1};
    static const double x[2][2][2] = {{{1, 3}, {4, 8}}, {{2, 2}, {5, 9}}}; /* [base][depth][time] */
    struct ds_aggregate *a =
        ds_aggregate_new("unit,depth", DS_BY_AFFIX, false, DS_AGAINST_BASE, &err);
    struct ds_evidence *e = ds_evidence_new(space, metric, 1, &err);
    const struct ds_site *depth = &space->site[space->unit[0].depth_site];
    struct ds_estimate d = {0};
    double n;
    for (int time = 0; time < 2; time++)
        for (int base = 0; base < 2; base++)
            for (int to = 0; to < 2; to++) {
                affixed(base, space->unit[0].depth_site, to, x[base][to][time]);
                add(a);
                CHECK(ds_evidence_add(e, &rec, &err) == 1, "the evidence takes it");
            }
    double low = mean_of(a, "depth", depth->value[0], &n);
    double high = mean_of(a, "depth", depth->value[1], &n);
    CHECK(ds_evidence_depth(e, 0, 0, 1, weight, &d) && d.mean == high - low,
          "evidence averages repeated measurements, as aggregates do (%g, %g)", d.mean, high - low);
    ds_aggregate_free(a);
    ds_evidence_free(e);
}

int main(void)
{
    space = ds_space_load("ofa-mbv3", &err);
    if (!space || ds_record_init(&rec, &err)) {
        printf("Bail out! %s\n", err.text);
        return 1;
    }
    check_children();
    check_resolution();
    check_repeats();
    ds_record_free(&rec);
    ds_space_free(space);
    return TAP_END();
}

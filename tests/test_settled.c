/*
 * Measuring until each of ds-prune's decisions is settled: by simulation on shipped profiles, with
 * noise as measured, how often anything is cut that should not be, and what it saves against a
 * number of bases fixed beforehand.
 *
 *   build/tests/test_settled [REPEATS [DEVICE ...]]     500 for what ds-prune.1 says
 */
#include "noise.h"
#include "profile/profile.h"
#include "space/shipped.h"
#include "study/judge.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST = 10, LOOKS = 6, MOST = FIRST << (LOOKS - 1), SHORT_LOOKS = 4, MOST_SITES = 40 };

static const double latency_noise = .02, accuracy_noise = .001; /* of the value */
static const char *const metrics[] = {"top1", "latency"};

static struct ds_space *space;
static struct ds_profile *accuracy, *latency;
static struct ds_record rec;
static struct ds_error err;
static int resolution, looks;

/* Values of what is affixed to a base, by site and choice. */
struct base {
    uint8_t arch[DS_MAX_SITES];
    double x[MOST_SITES][16][2];
};

static bool is_affixed(int site)
{
    return space->site[site].kind == DS_SITE_BLOCK || space->site[site].kind == DS_SITE_DEPTH;
}

/* Draws a base and measures everything affixed to it. */
static void make_base(struct base *b, uint64_t seed, uint64_t i, bool noisy)
{
    struct ds_random r, error;
    ds_random_init(&r, seed, i, DS_DRAW_SAMPLE);
    ds_random_init(&error, seed, i, DS_DRAW_TURNS);
    ds_arch_sample(space, &r, b->arch);
    b->arch[space->resolution_site] = (uint8_t)resolution;
    for (int s = 0; s < space->nsites; s++)
        for (int c = 0; c < space->site[s].nchoices && is_affixed(s); c++) {
            uint8_t arch[DS_MAX_SITES];
            double *x = b->x[s][c];
            memcpy(arch, b->arch, sizeof arch);
            ds_arch_affix(space, arch, s, c, false, seed);
            if (ds_profile_value(accuracy, arch, &x[0], &err) ||
                ds_profile_value(latency, arch, &x[1], &err))
                CHECK(false, "%s", err.text);
            if (noisy) {
                x[0] *= 1 + accuracy_noise * noise(&error);
                x[1] *= 1 + latency_noise * noise(&error);
            }
        }
}

/* Adds to the evidence what is wanted of a base (NULL: all); returns how many measurements. */
static double add_base(struct ds_evidence *e, const struct base *b, uint64_t id,
                       bool (*wanted)[DS_MAX_CHOICES])
{
    double n = 0;
    for (int s = 0; s < space->nsites; s++)
        for (int c = 0; c < space->site[s].nchoices && is_affixed(s); c++) {
            if (wanted && !wanted[s][c])
                continue;
            if (ds_record_arch(&rec, space, b->arch, &err) ||
                !ds_record_set(&rec, metrics[0], b->x[s][c][0]) ||
                !ds_record_set(&rec, metrics[1], b->x[s][c][1]))
                CHECK(false, "%s", err.text);
            rec.has_base = true;
            rec.base = id;
            rec.affix_site = s;
            rec.affix_choice = c;
            if (ds_evidence_add(e, &rec, &err) != 1)
                CHECK(false, "%s", err.text);
            n++;
        }
    return n ? n + 1 : 0; /* and the base itself */
}

static struct ds_policy policy_of(int nlooks)
{
    return (struct ds_policy){.n = 2,
                              .metric = {{metrics[0], true, 0}, {metrics[1], false, 0}},
                              .confidence = .95,
                              .worth = .1,
                              .looks = nlooks,
                              .most = FIRST << (looks - 1)};
}

/* Which choices would go if all were known. */
static bool truly_goes[MOST_SITES][16];
static int true_cuts;

static bool truly_pushed(const struct ds_judge *j, const struct ds_evidence *e, int u, int block)
{
    for (int b = 0; b < space->nblocks; b++) {
        bool never_worse = b != block, better = false;
        for (int r = 0; r < j->nrates && never_worse; r++) {
            struct ds_estimate d;
            never_worse = ds_evidence_block(e, u, -1, block, b, j->rate[r], &d) && d.mean >= 0;
            better = better || d.mean > 0;
        }
        if (never_worse && better)
            return true;
    }
    return false;
}

static void find_truth(int bases)
{
    struct ds_evidence *e = ds_evidence_new(space, metrics, 2, &err);
    struct ds_pruning *p = ds_pruning_new(space, &err);
    struct ds_policy policy = policy_of(1);
    struct ds_judge j;
    struct base *b = malloc(sizeof *b);
    memset(truly_goes, 0, sizeof truly_goes);
    true_cuts = 0;
    for (int i = 0; i < bases; i++) {
        make_base(b, 12345, (uint64_t)i, false);
        add_base(e, b, (uint64_t)i, NULL);
    }
    ds_judge_begin(&j, &policy, e, space, p, &err);
    for (int u = 0; u < space->nunits; u++) {
        int list[DS_MAX_CHOICES], n = ds_judge_depths(&j, u, list);
        struct ds_estimate net;
        for (int block = 0; block < space->nblocks; block++)
            if (truly_pushed(&j, e, u, block)) {
                for (int l = 0; l < space->unit[u].max_depth; l++)
                    truly_goes[space->unit[u].layer_site + l][block] = true;
                true_cuts++;
            }
        while (n > 1 && ds_judge_step(&j, u, list[n - 2], list[n - 1], &net) && net.mean < 0) {
            truly_goes[space->unit[u].depth_site][list[--n]] = true;
            true_cuts++;
        }
    }
    free(b);
    ds_pruning_free(p);
    ds_evidence_free(e);
}

/* What a run cut, rightly and wrongly. */
struct score {
    int right, wrong;
};

static struct score judge_cuts(const struct ds_pruning *p)
{
    struct score score = {0};
    for (int s = 0; s < space->nsites; s++) {
        const struct ds_site *site = &space->site[s];
        if (!is_affixed(s) || (site->kind == DS_SITE_BLOCK && site->layer > 0))
            continue;
        for (int c = 0; c < site->nchoices; c++) {
            score.right += !ds_pruning_has(p, s, c) && truly_goes[s][c];
            score.wrong += !ds_pruning_has(p, s, c) && !truly_goes[s][c];
        }
    }
    return score;
}

/* Means over the repeats. */
struct result {
    double measured, right, wrong_runs, looks, open, futile;
};

static void add_result(struct result *sum, double measured, struct score s, int repeats)
{
    sum->measured += measured / repeats;
    sum->right += (double)s.right / repeats;
    sum->wrong_runs += (double)(s.wrong > 0) / repeats;
}

/* With all bases there are at each look's number of them, and one look alone. */
static void run_fixed(const struct base *bases, struct result *of_look, int repeats)
{
    struct ds_evidence *e = ds_evidence_new(space, metrics, 2, &err);
    struct ds_policy policy = policy_of(1);
    double measured = 0;
    for (int k = 0, i = 0; k < looks; k++) {
        struct ds_pruning *p = ds_pruning_new(space, &err);
        for (; i < FIRST << k; i++)
            measured += add_base(e, &bases[i], (uint64_t)i, NULL);
        if (ds_policy_prune(&policy, e, space, p, NULL, &err) < 0)
            CHECK(false, "%s", err.text);
        add_result(&of_look[k], measured, judge_cuts(p), repeats);
        ds_pruning_free(p);
    }
    ds_evidence_free(e);
}

/* As pipelines/until.mk does: what is open is measured on twice as many bases. */
static void run_until(const struct base *bases, struct result *sum, int repeats)
{
    struct ds_evidence *e = ds_evidence_new(space, metrics, 2, &err);
    struct ds_pruning *p = ds_pruning_new(space, &err);
    struct ds_settled settled = {0};
    struct ds_policy policy = policy_of(looks);
    struct ds_space *earlier = NULL;
    double measured = 0;
    int k = 0;
    for (int i = 0; k < looks && (k == 0 || settled.count[DS_OPEN]); k++) {
        for (; i < FIRST << k; i++)
            measured += add_base(e, &bases[i], (uint64_t)i, k ? settled.measure : NULL);
        ds_pruning_free(p);
        p = ds_pruning_new(space, &err);
        policy.earlier = earlier;
        if (ds_policy_prune(&policy, e, space, p, &settled, &err) < 0)
            CHECK(false, "%s", err.text);
        char *json = ds_pruning_json(p, "look", &err);
        ds_space_free(earlier);
        earlier = ds_space_parse(json, strlen(json), &err);
        free(json);
    }
    add_result(sum, measured, judge_cuts(p), repeats);
    sum->looks += (double)k / repeats;
    sum->open += (double)settled.count[DS_OPEN] / repeats;
    sum->futile += (double)settled.count[DS_FUTILE] / repeats;
    ds_settled_free(&settled);
    ds_space_free(earlier);
    ds_pruning_free(p);
    ds_evidence_free(e);
}

/* Measurements at which a fixed number of bases cuts as much, between those tried. */
static double as_good(const struct result *fixed, double right)
{
    for (int k = 0; k < looks; k++)
        if (fixed[k].right >= right) {
            double before = k ? fixed[k - 1].right : 0, from = k ? fixed[k - 1].measured : 0;
            double share = (right - before) / (fixed[k].right - before);
            return from + share * (fixed[k].measured - from);
        }
    return INFINITY;
}

static void simulate(const char *device, int repeats, int truth)
{
    struct base *bases = malloc((size_t)MOST * sizeof *bases);
    struct result fixed[LOOKS] = {0}, until = {0};
    latency = ds_profile_load(device, &err);
    if (!latency || ds_profile_bind(latency, space, &err)) {
        CHECK(false, "%s", err.text);
        return;
    }
    find_truth(truth);
    for (int i = 0; i < repeats; i++) {
        for (int k = 0; k < FIRST << (looks - 1); k++)
            make_base(&bases[k], (uint64_t)i + 1, (uint64_t)k, true);
        run_fixed(bases, fixed, repeats);
        run_until(bases, &until, repeats);
    }
    printf("# %s: %d cuts would be right if all were known; %d repeats\n", device, true_cuts,
           repeats);
    printf("# %-14s %12s %10s %16s\n", "", "measurements", "right cuts", "runs with wrong");
    for (int k = 0; k < looks; k++)
        printf("# %3d bases       %11.0f %11.2f %15.1f%%\n", FIRST << k, fixed[k].measured,
               fixed[k].right, 100 * fixed[k].wrong_runs);
    printf("# until settled   %11.0f %11.2f %15.1f%%   %.1f looks, %.1f open, %.1f futile\n",
           until.measured, until.right, 100 * until.wrong_runs, until.looks, until.open,
           until.futile);
    double same = as_good(fixed, until.right);
    printf("# as many right cuts with a fixed number: %.0f measurements, %.2f times\n", same,
           same / until.measured);
    CHECK(until.wrong_runs <= .05 + (repeats < 100 ? .05 : 0), "%s: wrong cuts in %.1f%% of runs",
          device, 100 * until.wrong_runs);
    CHECK(until.right > .5 * fixed[looks - 1].right, "%.1f right cuts, %.1f with all bases",
          until.right, fixed[looks - 1].right);
    CHECK(same > until.measured, "fewer measurements than a fixed number of the same power: %.0f",
          until.measured);
    ds_profile_free(latency);
    free(bases);
}

int main(int argc, char **argv)
{
    int repeats = argc > 1 ? atoi(argv[1]) : 10;
    looks = argc > 1 ? LOOKS : SHORT_LOOKS;
    space = ds_space_load("ofa-mbv3", &err);
    accuracy = ds_profile_load("acc-ofa-mbv3", &err);
    if (!space || !accuracy || ds_profile_bind(accuracy, space, &err) ||
        ds_record_init(&rec, &err)) {
        printf("Bail out! %s\n", err.text);
        return 1;
    }
    resolution = ds_site_choice(&space->site[space->resolution_site], 224);
    for (int i = 2; i < argc; i++)
        simulate(argv[i], repeats, 3000);
    if (argc < 3)
        simulate("note10", repeats, argc > 1 ? 3000 : 500);
    ds_record_free(&rec);
    ds_profile_free(accuracy);
    ds_space_free(space);
    return TAP_END();
}

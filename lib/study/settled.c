/* How much of a policy's cuts is settled. */
#include "base/grow.h"
#include "base/stats.h"
#include "study/judge.h"

#include <math.h>
#include <stdlib.h>

void ds_settled_free(struct ds_settled *s)
{
    free(s->decision);
    free(s->measure);
    *s = (struct ds_settled){0};
}

static int add(struct ds_settled *s, int unit, int layer, int site, int choice,
               struct ds_error *err)
{
    if (ds_grow(&s->decision, &s->room, (size_t)s->n + 1, sizeof *s->decision, err))
        return -1;
    s->decision[s->n++] = (struct ds_decision){unit, layer, site, choice, DS_GOES, -1};
    return 0;
}

/* A site and choice of the block at a place: that of its first layer that has it. */
static void find_block(const struct ds_space *space, int u, int l, int block, int *site,
                       int *choice)
{
    const struct ds_unit *unit = &space->unit[u];
    for (int i = l < 0 ? 0 : l; i < (l < 0 ? unit->max_depth : l + 1); i++) {
        *site = unit->layer_site + i;
        *choice = ds_site_choice(&space->site[*site], block);
        if (*choice >= 0)
            return;
    }
}

int ds_settled_begin(struct ds_settled *s, struct ds_judge *j, struct ds_error *err)
{
    const struct ds_space *space = j->space;
    int list[DS_JUDGE_MOST_BLOCKS];
    struct ds_estimate net;
    ds_settled_free(s);
    s->measure = ds_alloc((size_t)space->nsites, sizeof *s->measure, err);
    if (!s->measure)
        return -1;
    for (int u = 0; u < space->nunits; u++) {
        int last = ds_judge_last_place(j, u), site = 0, choice = 0;
        for (int l = ds_judge_first_place(j); l <= last; l++) {
            int n = ds_judge_blocks(j, u, l, list);
            for (int i = 0; i < n && n > 1; i++) {
                find_block(space, u, l, list[i], &site, &choice);
                if (add(s, u, l, site, choice, err))
                    return -1;
            }
        }
        int n = ds_judge_depths(j, u, list);
        for (int i = n - 1; i > 0 && ds_judge_step(j, u, list[i - 1], list[i], &net); i--)
            if (add(s, u, -1, space->unit[u].depth_site, list[i], err))
                return -1;
    }
    return 0;
}

static double normal_below(double z)
{
    return erfc(-z / sqrt(2)) / 2;
}

/*
 * What is to be expected of an estimate that must be above `least` beyond doubt, when `most` bases
 * are there.
 */
static enum ds_fate outlook(struct ds_judge *j, const struct ds_estimate *d, double least)
{
    double n = d->df + 1, most = j->policy->most;
    if (d->mean + ds_judge_quantile(j, d->df) * d->se < least || d->se == 0)
        return DS_STAYS; /* or, of measurements without any error, that is how it is */
    if (n >= most)
        return DS_FUTILE;
    double deviation = d->se * sqrt(n);
    double bound = d->mean - ds_judge_quantile(j, most - 1) * deviation / sqrt(most) - least;
    double spread = deviation * sqrt((most - n) / (most * n));
    return normal_below(bound / spread) < DS_FUTILITY ? DS_FUTILE : DS_OPEN;
}

/* Whether block b may yet push out block a, which it does not now. */
static enum ds_fate block_outlook(struct ds_judge *j, int u, int l, int b, int a)
{
    struct ds_gain gain[DS_MOST_METRICS];
    struct ds_estimate d;
    bool futile = false;
    double worth[DS_MOST_METRICS + 2];
    if (ds_judge_pushes_out(j, u, l, b, a, gain, worth))
        return DS_STAYS; /* the first of a circle */
    for (int r = 0; r < j->nrates; r++) {
        if (!ds_evidence_block(j->evidence, u, l, a, b, j->rate[r], &d))
            return DS_OPEN;
        enum ds_fate fate = outlook(j, &d, -ds_judge_rounding(j, r));
        if (fate == DS_STAYS && d.mean >= -ds_judge_rounding(j, r))
            continue; /* exactly as good at this rate */
        if (fate == DS_STAYS)
            return DS_STAYS;
        futile = futile || fate == DS_FUTILE;
    }
    return futile ? DS_FUTILE : DS_OPEN;
}

/* Whether the two blocks can stand at some same layer. */
static bool meet(const struct ds_judge *j, int u, int l, int a, int b)
{
    const struct ds_unit *unit = &j->space->unit[u];
    for (int i = l < 0 ? 0 : l; i < (l < 0 ? unit->max_depth : l + 1); i++) {
        const struct ds_site *site = &j->space->site[unit->layer_site + i];
        if (ds_site_choice(site, a) >= 0 && ds_site_choice(site, b) >= 0)
            return true;
    }
    return false;
}

static void measure_block(struct ds_settled *s, const struct ds_judge *j, int u, int l, int block)
{
    const struct ds_unit *unit = &j->space->unit[u];
    for (int i = l < 0 ? 0 : l; i < (l < 0 ? unit->max_depth : l + 1); i++) {
        int site = unit->layer_site + i, c = ds_site_choice(&j->space->site[site], block);
        if (c >= 0)
            s->measure[site][c] = true;
    }
}

/* The fate of a block that is left, by all others that are left at the place. */
static void decide_block(struct ds_settled *s, struct ds_judge *j, struct ds_decision *d)
{
    int list[DS_JUDGE_MOST_BLOCKS], n = ds_judge_blocks(j, d->unit, d->layer, list);
    int block = j->space->site[d->site].value[d->choice];
    bool left = false;
    for (int i = 0; i < n; i++)
        left = left || list[i] == block;
    if (!left)
        return;
    d->fate = DS_STAYS;
    for (int i = 0; i < n; i++) {
        if (list[i] == block || !meet(j, d->unit, d->layer, block, list[i]))
            continue;
        enum ds_fate fate = block_outlook(j, d->unit, d->layer, list[i], block);
        if (fate > d->fate) {
            d->fate = fate;
            d->against = list[i];
        }
        if (fate == DS_OPEN) {
            measure_block(s, j, d->unit, d->layer, list[i]);
            measure_block(s, j, d->unit, d->layer, block);
        }
    }
}

/* The fate of a depth: those below the greatest that is left share its fate. */
static void decide_depth(struct ds_settled *s, struct ds_judge *j, struct ds_decision *d)
{
    int list[DS_MAX_CHOICES], n = ds_judge_depths(j, d->unit, list);
    struct ds_estimate net;
    if (!ds_pruning_has(j->pruning, d->site, d->choice))
        return;
    d->fate = DS_STAYS;
    if (n < 2)
        return;
    if (!j->costs || !ds_judge_step(j, d->unit, list[n - 2], list[n - 1], &net)) {
        d->fate = DS_OPEN;
    } else {
        net.mean = -net.mean; /* it goes when this is above 0 */
        d->fate = outlook(j, &net, 0);
    }
    for (int i = 0; i < n && d->fate == DS_OPEN; i++)
        s->measure[d->site][list[i]] = true;
}

void ds_settled_end(struct ds_settled *s, struct ds_judge *j)
{
    for (int i = 0; i < s->n; i++) {
        struct ds_decision *d = &s->decision[i];
        if (j->space->site[d->site].kind == DS_SITE_DEPTH)
            decide_depth(s, j, d);
        else
            decide_block(s, j, d);
        s->count[d->fate]++;
    }
}

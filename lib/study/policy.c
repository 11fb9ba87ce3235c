#include "study/policy.h"

#include "base/grow.h"
#include "study/judge.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- blocks ---- */

/* Whether a layer has only one block left. */
static bool is_last(const struct ds_judge *j, int s)
{
    int left = 0;
    for (int c = 0; c < j->space->site[s].nchoices; c++)
        left += ds_pruning_has(j->pruning, s, c);
    return left < 2;
}

static void drop_block(struct ds_judge *j, int u, int l, int block)
{
    const struct ds_unit *unit = &j->space->unit[u];
    for (int i = l < 0 ? 0 : l; i < (l < 0 ? unit->max_depth : l + 1); i++) {
        int s = unit->layer_site + i, c = ds_site_choice(&j->space->site[s], block);
        if (c >= 0 && !is_last(j, s))
            ds_pruning_drop(j->pruning, s, c);
    }
}

/* "top1 +0.12 (at least +0.1), latency.npu -0.4 (at most -0.3)" */
static void describe(const struct ds_judge *j, const struct ds_gain *gain, char *text, size_t size)
{
    size_t at = 0;
    for (int k = 0; k < j->policy->n && at < size; k++) {
        double sign = j->policy->metric[k].more ? 1 : -1;
        at += (size_t)snprintf(text + at, size - at, "%s%s %+.4g (at %s %+.4g)", k ? ", " : "",
                               j->policy->metric[k].name, sign * gain[k].mean,
                               sign > 0 ? "least" : "most", sign * gain[k].low);
    }
}

static int cut_block(struct ds_judge *j, int u, int l, int block, int by,
                     const struct ds_gain *gain, const double *worth)
{
    char where[32], numbers[1600], why[100] = "", sentence[2400];
    snprintf(where, sizeof where, l < 0 ? "unit %d" : "unit %d, layer %d", u, l);
    describe(j, gain, numbers, sizeof numbers);
    if (j->exchange)
        snprintf(why, sizeof why, ": worth at least %+.3g%% and %+.3g%%", 100 * worth[0],
                 100 * worth[1]);
    snprintf(sentence, sizeof sentence, "%s: no %s: with %s in its place, %s%s", where,
             j->space->block[block].name, j->space->block[by].name, numbers, why);
    drop_block(j, u, l, block);
    j->cuts++;
    return ds_pruning_reason(j->pruning, sentence, j->err);
}

enum fate { OPEN, STAYS, GOES };

/*
 * Decides about n blocks, given who pushes out whom. Those that no open one pushes out stay, and
 * what they push out goes; where all the open push each other out in circles, the first stays.
 */
static int judge_blocks(struct ds_judge *j, int u, int l, const int *block, int n)
{
    struct ds_gain gain[DS_MOST_METRICS];
    double worth[DS_MOST_METRICS + 2];
    enum fate fate[DS_JUDGE_MOST_BLOCKS] = {OPEN};
    bool *out = ds_alloc((size_t)(n * n) + 1, 1, NULL); /* [by][of] */
    if (!out)
        return ds_no_memory(j->err);
    for (int b = 0; b < n; b++)
        for (int a = 0; a < n; a++)
            out[b * n + a] =
                a != b && ds_judge_pushes_out(j, u, l, block[b], block[a], gain, worth);

    for (int open = n; open > 0;) {
        int stays = -1, first = -1;
        for (int a = 0; a < n && stays < 0; a++) {
            bool pushed = false;
            for (int b = 0; b < n; b++)
                pushed = pushed || (fate[b] == OPEN && out[b * n + a]);
            if (fate[a] == OPEN && !pushed)
                stays = a;
            if (fate[a] == OPEN && first < 0)
                first = a;
        }
        stays = stays < 0 ? first : stays;
        fate[stays] = STAYS;
        open--;
        for (int a = 0; a < n; a++) {
            if (fate[a] != OPEN || !out[stays * n + a])
                continue;
            fate[a] = GOES;
            open--;
            ds_judge_pushes_out(j, u, l, block[stays], block[a], gain, worth);
            if (cut_block(j, u, l, block[a], block[stays], gain, worth)) {
                free(out);
                return -1;
            }
        }
    }
    free(out);
    return 0;
}

/* Judges the blocks at every place where they are compared. */
static int judge_places(struct ds_judge *j)
{
    int block[DS_JUDGE_MOST_BLOCKS];
    for (int u = 0; u < j->space->nunits; u++) {
        int last = ds_judge_last_place(j, u);
        for (int l = ds_judge_first_place(j); l <= last; l++)
            if (judge_blocks(j, u, l, block, ds_judge_blocks(j, u, l, block)))
                return -1;
    }
    return 0;
}

/* ---- depths ---- */

/* What metric k gains (as a metric, not as what is better) from depth a to depth b. */
static bool depth_change(struct ds_judge *j, int u, int a, int b, int k, double *change)
{
    double weight[DS_MOST_METRICS] = {0};
    struct ds_estimate d;
    weight[k] = 1;
    if (!ds_evidence_depth(j->evidence, u, a, b, weight, &d))
        return false;
    *change = d.mean;
    return true;
}

static int cut_depth(struct ds_judge *j, int u, int from, int to)
{
    struct ds_estimate brings = {0}, costs = {0};
    const struct ds_site *site = &j->space->site[j->space->unit[u].depth_site];
    char numbers[1200] = "", sentence[1600];
    size_t at = 0;
    ds_evidence_depth(j->evidence, u, from, to, j->bring, &brings);
    ds_evidence_depth(j->evidence, u, from, to, j->cost, &costs);
    for (int k = 0; k < j->policy->n && at < sizeof numbers; k++) {
        double change = 0;
        depth_change(j, u, from, to, k, &change);
        at += (size_t)snprintf(numbers + at, sizeof numbers - at, "%s%s %+.4g", k ? ", " : "",
                               j->policy->metric[k].name, change);
    }
    snprintf(sentence, sizeof sentence,
             "unit %d: no depth %d: after depth %d it brings %.3g%% and costs %.3g%% of what going "
             "deeper brings and costs in all units (%s)",
             u, site->value[to], site->value[from], 100 * brings.mean, 100 * costs.mean, numbers);
    ds_pruning_drop(j->pruning, j->space->unit[u].depth_site, to);
    j->cuts++;
    return ds_pruning_reason(j->pruning, sentence, j->err);
}

static int judge_depths(struct ds_judge *j)
{
    if (!j->costs)
        return 0;
    for (int u = 0; u < j->space->nunits; u++) {
        int choice[DS_MAX_CHOICES], n = ds_judge_depths(j, u, choice);
        for (; n > 1; n--) {
            struct ds_estimate net;
            if (!ds_judge_step(j, u, choice[n - 2], choice[n - 1], &net) ||
                net.mean + ds_judge_quantile(j, net.df) * net.se >= 0)
                break;
            if (cut_depth(j, u, choice[n - 2], choice[n - 1]))
                return -1;
        }
    }
    return 0;
}

int ds_policy_prune(const struct ds_policy *policy, const struct ds_evidence *evidence,
                    const struct ds_space *space, struct ds_pruning *p, struct ds_settled *settled,
                    struct ds_error *err)
{
    struct ds_judge j;
    ds_judge_begin(&j, policy, evidence, space, p, err);
    if (settled && ds_settled_begin(settled, &j, err))
        return -1;
    if (policy->earlier && ds_judge_take_earlier(&j, policy->earlier))
        return -1;
    if (judge_places(&j) || judge_depths(&j))
        return -1;
    if (settled)
        ds_settled_end(settled, &j);
    return j.cuts;
}

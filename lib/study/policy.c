#include "study/policy.h"

#include "base/grow.h"
#include "base/stats.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_BLOCKS DS_MAX_SITES /* of a space's named blocks */
#define ROUNDING 1e-9            /* of a metric's size: what is no difference */

struct judge {
    const struct ds_policy *policy;
    const struct ds_evidence *evidence;
    const struct ds_space *space;
    struct ds_pruning *pruning;
    struct ds_error *err;
    double alpha; /* the chance that a single bound is wrong */
    double df, t; /* the last quantile */
    /* what metrics are worth: each a share of what going deeper changes in all units */
    bool costs;    /* going deeper makes some metric worse, beyond doubt */
    bool exchange; /* and some better */
    double bring[DS_MOST_METRICS], cost[DS_MOST_METRICS];
    /* weights whose sums must not be below 0 where a block takes another's place */
    int nrates;
    double rate[DS_MOST_METRICS + 2][DS_MOST_METRICS];
    int cuts;
};

/* The quantile for one-sided bounds. */
static double quantile(struct judge *j, double df)
{
    if (df != j->df) {
        j->df = df;
        j->t = ds_student_t(1 - 2 * j->alpha, df);
    }
    return j->t;
}

/* By how much b is better than a in metric k: the estimate and its lower bound. */
struct gain {
    double mean, low;
};

static bool block_gain(struct judge *j, int u, int l, int a, int b, const double *weight,
                       struct gain *g)
{
    struct ds_estimate d;
    if (!ds_evidence_block(j->evidence, u, l, a, b, weight, &d))
        return false;
    g->mean = d.mean;
    g->low = d.mean - quantile(j, d.df) * d.se;
    return true;
}

/* What the tolerances take away from the gains, weighed. */
static double tolerated(const struct judge *j, const struct gain *gain, const double *weight)
{
    double sum = 0;
    for (int k = 0; k < j->policy->n; k++)
        sum += fabs(weight[k]) * fmax(0, fmin(gain[k].low, j->policy->metric[k].tolerance));
    return sum;
}

/*
 * Whether block b makes block a needless; by how much in each metric, and the least that this is
 * worth at each rate.
 */
static bool pushes_out(struct judge *j, int u, int l, int b, int a, struct gain *gain,
                       double *worth)
{
    bool better = false;
    for (int k = 0; k < j->policy->n; k++) {
        double weight[DS_MOST_METRICS] = {0};
        weight[k] = j->policy->metric[k].more ? 1 : -1;
        if (!block_gain(j, u, l, a, b, weight, &gain[k]))
            return false;
    }
    for (int r = 0; r < j->nrates; r++) {
        struct gain net;
        double rounding = 0;
        for (int k = 0; k < j->policy->n; k++)
            rounding += fabs(j->rate[r][k]) * ROUNDING * ds_evidence_scale(j->evidence, k);
        if (!block_gain(j, u, l, a, b, j->rate[r], &net))
            return false;
        worth[r] = net.low - tolerated(j, gain, j->rate[r]);
        if (worth[r] < -rounding)
            return false;
        better = better || worth[r] > rounding;
    }
    return better;
}

/* ---- blocks ---- */

/* The blocks that may stand at layer l of unit u, or, l being -1, at all its layers. */
static int list_blocks(const struct judge *j, int u, int l, int *block)
{
    const struct ds_unit *unit = &j->space->unit[u];
    int n = 0;
    for (int b = 0; b < j->space->nblocks && n < MOST_BLOCKS; b++) {
        bool there = false;
        for (int i = l < 0 ? 0 : l; i < (l < 0 ? unit->max_depth : l + 1); i++) {
            int s = unit->layer_site + i, c = ds_site_choice(&j->space->site[s], b);
            there = there || (c >= 0 && ds_pruning_has(j->pruning, s, c));
        }
        if (there)
            block[n++] = b;
    }
    return n;
}

/* Whether a layer has only one block left. */
static bool is_last(const struct judge *j, int s)
{
    int left = 0;
    for (int c = 0; c < j->space->site[s].nchoices; c++)
        left += ds_pruning_has(j->pruning, s, c);
    return left < 2;
}

static void drop_block(struct judge *j, int u, int l, int block)
{
    const struct ds_unit *unit = &j->space->unit[u];
    for (int i = l < 0 ? 0 : l; i < (l < 0 ? unit->max_depth : l + 1); i++) {
        int s = unit->layer_site + i, c = ds_site_choice(&j->space->site[s], block);
        if (c >= 0 && !is_last(j, s))
            ds_pruning_drop(j->pruning, s, c);
    }
}

/* "top1 +0.12 (at least +0.1), latency.npu -0.4 (at most -0.3)" */
static void describe(const struct judge *j, const struct gain *gain, char *text, size_t size)
{
    size_t at = 0;
    for (int k = 0; k < j->policy->n && at < size; k++) {
        double sign = j->policy->metric[k].more ? 1 : -1;
        at += (size_t)snprintf(text + at, size - at, "%s%s %+.4g (at %s %+.4g)", k ? ", " : "",
                               j->policy->metric[k].name, sign * gain[k].mean,
                               sign > 0 ? "least" : "most", sign * gain[k].low);
    }
}

static int cut_block(struct judge *j, int u, int l, int block, int by, const struct gain *gain,
                     const double *worth)
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
static int judge_blocks(struct judge *j, int u, int l, const int *block, int n)
{
    struct gain gain[DS_MOST_METRICS];
    double worth[DS_MOST_METRICS + 2];
    enum fate fate[MOST_BLOCKS] = {OPEN};
    bool *out = malloc((size_t)(n * n) + 1); /* [by][of] */
    if (!out)
        return ds_no_memory(j->err);
    for (int b = 0; b < n; b++)
        for (int a = 0; a < n; a++)
            out[b * n + a] = a != b && pushes_out(j, u, l, block[b], block[a], gain, worth);

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
            pushes_out(j, u, l, block[stays], block[a], gain, worth);
            if (cut_block(j, u, l, block[a], block[stays], gain, worth)) {
                free(out);
                return -1;
            }
        }
    }
    free(out);
    return 0;
}

/*
 * Judges the blocks at every place where they are compared or, with `count`, only counts the
 * comparisons.
 */
static int each_place(struct judge *j, double *count)
{
    int block[MOST_BLOCKS];
    for (int u = 0; u < j->space->nunits; u++) {
        int last = j->policy->by_layer ? j->space->unit[u].max_depth : 0;
        for (int l = j->policy->by_layer ? 0 : -1; l < last; l++) {
            int n = list_blocks(j, u, l, block);
            if (count)
                *count += (double)n * (n - 1) * j->nrates;
            else if (judge_blocks(j, u, l, block, n))
                return -1;
        }
    }
    return 0;
}

/* ---- depths ---- */

/* The choices of depth left in unit u, the least first. */
static int list_depths(const struct judge *j, int u, int *choice)
{
    int s = j->space->unit[u].depth_site, n = 0;
    const struct ds_site *site = &j->space->site[s];
    for (int c = 0; c < site->nchoices; c++) {
        if (!ds_pruning_has(j->pruning, s, c))
            continue;
        int i = n++;
        for (; i > 0 && site->value[choice[i - 1]] > site->value[c]; i--)
            choice[i] = choice[i - 1];
        choice[i] = c;
    }
    return n;
}

/* What metric k gains (as a metric, not as what is better) from depth a to depth b. */
static bool depth_change(struct judge *j, int u, int a, int b, int k, double *change)
{
    double weight[DS_MOST_METRICS] = {0};
    struct ds_estimate d;
    weight[k] = 1;
    if (!ds_evidence_depth(j->evidence, u, a, b, weight, &d))
        return false;
    *change = d.mean;
    return true;
}

/* What all units together change a metric by from least to greatest depth, as if independent. */
static struct ds_estimate total_change(struct judge *j, int k)
{
    struct ds_estimate total = {.df = INFINITY}, d;
    double weight[DS_MOST_METRICS] = {0};
    weight[k] = 1;
    for (int u = 0; u < j->space->nunits; u++) {
        int choice[DS_MAX_CHOICES], n = list_depths(j, u, choice);
        if (n < 2 || !ds_evidence_depth(j->evidence, u, choice[0], choice[n - 1], weight, &d))
            continue;
        total.mean += d.mean;
        total.se = hypot(total.se, d.se);
        total.df = fmin(total.df, d.df);
    }
    return total;
}

/*
 * Finds what the metrics are worth, one in terms of another: the shares in which going deeper makes
 * some better and others worse.
 */
static void find_exchange(struct judge *j)
{
    double total[DS_MOST_METRICS];
    int ngains = 0, ncosts = 0;
    for (int k = 0; k < j->policy->n; k++) {
        struct ds_estimate t = total_change(j, k);
        bool sure = t.mean != 0 && fabs(t.mean) > quantile(j, t.df) * t.se;
        total[k] = sure ? t.mean : 0;
        ngains += sure && (t.mean > 0) == j->policy->metric[k].more;
        ncosts += sure && (t.mean > 0) != j->policy->metric[k].more;
    }
    j->costs = ncosts > 0;
    j->exchange = j->costs && ngains > 0;
    for (int k = 0; k < j->policy->n && j->costs; k++) {
        bool gains = (total[k] > 0) == j->policy->metric[k].more;
        j->bring[k] = total[k] != 0 && gains ? 1 / (total[k] * ngains) : 0;
        j->cost[k] = total[k] != 0 && !gains ? 1 / (total[k] * ncosts) : 0;
    }
}

/*
 * The rates at which blocks are compared: the ends of the range of exchange, and each metric that
 * has no part in it by itself.
 */
static void set_rates(struct judge *j)
{
    double worth = j->policy->worth;
    if (j->exchange) {
        for (int k = 0; k < j->policy->n; k++) {
            j->rate[0][k] = j->bring[k] - worth * j->cost[k];
            j->rate[1][k] = worth * j->bring[k] - j->cost[k];
        }
        j->nrates = 2;
    }
    for (int k = 0; k < j->policy->n; k++)
        if (!j->exchange || (j->bring[k] == 0 && j->cost[k] == 0))
            j->rate[j->nrates++][k] = j->policy->metric[k].more ? 1 : -1;
}

static int cut_depth(struct judge *j, int u, int from, int to)
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

static int judge_depths(struct judge *j)
{
    double weight[DS_MOST_METRICS];
    if (!j->costs)
        return 0;
    for (int k = 0; k < j->policy->n; k++)
        weight[k] = j->bring[k] - j->policy->worth * j->cost[k];
    for (int u = 0; u < j->space->nunits; u++) {
        int choice[DS_MAX_CHOICES], n = list_depths(j, u, choice);
        for (; n > 1; n--) {
            struct ds_estimate net;
            if (!ds_evidence_depth(j->evidence, u, choice[n - 2], choice[n - 1], weight, &net) ||
                net.mean + quantile(j, net.df) * net.se >= 0)
                break;
            if (cut_depth(j, u, choice[n - 2], choice[n - 1]))
                return -1;
        }
    }
    return 0;
}

int ds_policy_prune(const struct ds_policy *policy, const struct ds_evidence *evidence,
                    const struct ds_space *space, struct ds_pruning *p, struct ds_error *err)
{
    struct judge j = {
        .policy = policy, .evidence = evidence, .space = space, .pruning = p, .err = err, .df = -1};
    double comparisons = 0;
    int choice[DS_MAX_CHOICES], u;
    j.nrates = policy->n; /* their most, for the count: two, and those that have no part in it */
    each_place(&j, &comparisons);
    for (u = 0; u < space->nunits; u++)
        comparisons += list_depths(&j, u, choice) - 1;
    j.alpha = (1 - policy->confidence) / fmax(comparisons, 1);
    j.nrates = 0;
    find_exchange(&j);
    set_rates(&j);
    if (each_place(&j, NULL) || judge_depths(&j))
        return -1;
    return j.cuts;
}

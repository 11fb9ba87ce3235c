#include "study/judge.h"

#include "base/stats.h"
#include <math.h>
#include <string.h>

#define ROUNDING 1e-9 /* of a metric's size: what is no difference */

double ds_judge_quantile(struct ds_judge *j, double df)
{
    if (df != j->df) {
        j->df = df;
        j->t = ds_student_t(1 - 2 * j->alpha, df);
    }
    return j->t;
}

static bool block_gain(struct ds_judge *j, int u, int l, int a, int b, const double *weight,
                       struct ds_gain *g)
{
    struct ds_estimate d;
    if (!ds_evidence_block(j->evidence, u, l, a, b, weight, &d))
        return false;
    g->mean = d.mean;
    g->low = d.mean - ds_judge_quantile(j, d.df) * d.se;
    return true;
}

double ds_judge_tolerated(const struct ds_judge *j, const struct ds_gain *gain,
                          const double *weight)
{
    double sum = 0;
    for (int k = 0; k < j->policy->n; k++)
        sum += fabs(weight[k]) * fmax(0, fmin(gain[k].low, j->policy->metric[k].tolerance));
    return sum;
}

double ds_judge_rounding(const struct ds_judge *j, int rate)
{
    double sum = 0;
    for (int k = 0; k < j->policy->n; k++)
        sum += fabs(j->rate[rate][k]) * ROUNDING * ds_evidence_scale(j->evidence, k);
    return sum;
}

bool ds_judge_pushes_out(struct ds_judge *j, int u, int l, int b, int a, struct ds_gain *gain,
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
        struct ds_gain net;
        double rounding = ds_judge_rounding(j, r);
        if (!block_gain(j, u, l, a, b, j->rate[r], &net))
            return false;
        worth[r] = net.low - ds_judge_tolerated(j, gain, j->rate[r]);
        if (worth[r] < -rounding)
            return false;
        better = better || worth[r] > rounding;
    }
    return better;
}

int ds_judge_blocks(const struct ds_judge *j, int u, int l, int *block)
{
    const struct ds_unit *unit = &j->space->unit[u];
    int n = 0;
    for (int b = 0; b < j->space->nblocks && n < DS_JUDGE_MOST_BLOCKS; b++) {
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

int ds_judge_depths(const struct ds_judge *j, int u, int *choice)
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

/* What all units together change a metric by from least to greatest depth, as if independent. */
static struct ds_estimate total_change(struct ds_judge *j, int k)
{
    struct ds_estimate total = {.df = INFINITY}, d;
    double weight[DS_MOST_METRICS] = {0};
    weight[k] = 1;
    for (int u = 0; u < j->space->nunits; u++) {
        int choice[DS_MAX_CHOICES], n = ds_judge_depths(j, u, choice);
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
static void find_exchange(struct ds_judge *j)
{
    double total[DS_MOST_METRICS];
    int ngains = 0, ncosts = 0;
    for (int k = 0; k < j->policy->n; k++) {
        struct ds_estimate t = total_change(j, k);
        bool sure = t.mean != 0 && fabs(t.mean) > ds_judge_quantile(j, t.df) * t.se;
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
static void set_rates(struct ds_judge *j)
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

bool ds_judge_step(const struct ds_judge *j, int u, int from, int to, struct ds_estimate *net)
{
    double weight[DS_MOST_METRICS];
    for (int k = 0; k < j->policy->n; k++)
        weight[k] = j->bring[k] - j->policy->worth * j->cost[k];
    return ds_evidence_depth(j->evidence, u, from, to, weight, net);
}

int ds_judge_first_place(const struct ds_judge *j)
{
    return j->policy->by_layer ? 0 : -1;
}

int ds_judge_last_place(const struct ds_judge *j, int u)
{
    return j->policy->by_layer ? j->space->unit[u].max_depth - 1 : -1;
}

/* All comparisons that there are to make; at two rates, and by metrics that have no part in them.
 */
static double count_comparisons(const struct ds_judge *j)
{
    int block[DS_JUDGE_MOST_BLOCKS], depth[DS_MAX_CHOICES];
    double sum = 0;
    for (int u = 0; u < j->space->nunits; u++) {
        int last = ds_judge_last_place(j, u);
        for (int l = ds_judge_first_place(j); l <= last; l++) {
            int n = ds_judge_blocks(j, u, l, block);
            sum += (double)n * (n - 1) * j->policy->n;
        }
        sum += ds_judge_depths(j, u, depth) - 1;
    }
    return fmax(sum, 1);
}

void ds_judge_begin(struct ds_judge *j, const struct ds_policy *policy,
                    const struct ds_evidence *evidence, const struct ds_space *space,
                    struct ds_pruning *p, struct ds_error *err)
{
    *j = (struct ds_judge){
        .policy = policy, .evidence = evidence, .space = space, .pruning = p, .err = err, .df = -1};
    double doubt = (1 - policy->confidence) / (policy->looks > 1 ? policy->looks : 1);
    j->alpha = doubt / count_comparisons(j);
    find_exchange(j);
    set_rates(j);
}

static bool has_choice(const struct ds_space *space, const struct ds_site *site, const char *label)
{
    char at[256];
    int s = ds_space_site(space, site->name, strlen(site->name));
    for (int c = 0; s >= 0 && c < space->site[s].nchoices; c++) {
        ds_site_print(space, s, c, at, sizeof at);
        if (strcmp(at, label) == 0)
            return true;
    }
    return false;
}

int ds_judge_take_earlier(struct ds_judge *j, const struct ds_space *earlier)
{
    char label[256];
    for (int s = 0; s < j->space->nsites; s++) {
        const struct ds_site *site = &j->space->site[s];
        /* layers that no depth reaches any more are not in its file: nothing to say of them */
        if (ds_space_site(earlier, site->name, strlen(site->name)) < 0)
            continue;
        for (int c = 0; c < site->nchoices; c++) {
            ds_site_print(j->space, s, c, label, sizeof label);
            if (!has_choice(earlier, site, label))
                ds_pruning_drop(j->pruning, s, c);
        }
    }
    return ds_pruning_reasons_of(j->pruning, earlier, j->err);
}

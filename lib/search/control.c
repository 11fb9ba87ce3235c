#include "search/control.h"

#include "base/stats.h"
#include <math.h>
#include <string.h>

#define MARK '~'

bool ds_is_control(const char *label)
{
    return strchr(label, MARK) != NULL;
}

static bool is_control_of(const char *control, const char *label)
{
    size_t n = strlen(label);
    return strncmp(control, label, n) == 0 && control[n] == MARK;
}

int ds_controls_of(const struct ds_fronts *fronts, int label)
{
    int n = 0;
    for (int l = 0; l < fronts->nlabels; l++)
        n += is_control_of(fronts->label[l], fronts->label[label]);
    return n;
}

/* What the runs of a label attain: how many anything, and their mean. */
static struct ds_moments attained(const struct ds_fronts *fronts, int label, const double *value)
{
    struct ds_moments m = {0};
    for (int i = 0; i < fronts->n; i++)
        if (fronts->at[i].label == label && !isnan(value[i]))
            ds_moments_add(&m, value[i]);
    return m;
}

/* Above 0 where b is better than a. */
static int compare(struct ds_moments a, int na, struct ds_moments b, int nb, bool more)
{
    double share_a = (double)a.n / na, share_b = (double)b.n / nb;
    if (share_a != share_b)
        return share_b > share_a ? 1 : -1;
    if (a.n == 0 || a.mean == b.mean)
        return 0;
    return (b.mean > a.mean) == more ? 1 : -1;
}

struct ds_rank ds_rank_among_controls(const struct ds_fronts *fronts, int label,
                                      const double *value, bool more)
{
    struct ds_moments own = attained(fronts, label, value), controls = {0};
    int better = 0, alike = 0, n = 0;
    for (int l = 0; l < fronts->nlabels; l++) {
        if (!is_control_of(fronts->label[l], fronts->label[label]))
            continue;
        struct ds_moments other = attained(fronts, l, value);
        int sign = compare(own, fronts->count[label], other, fronts->count[l], more);
        better += sign > 0;
        alike += sign == 0;
        n++;
        if (other.n)
            ds_moments_add(&controls, other.mean);
    }
    return (struct ds_rank){
        .among = n + 1,
        .rank = 1 + better + alike / 2.0,
        .p = (1.0 + better + alike) / (n + 1),
        .mean = controls.n ? controls.mean : NAN,
        .sd = ds_moments_sd(&controls),
    };
}

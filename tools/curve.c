#include "curve.h"

#include "base/metric.h"
#include "memory.h"
#include "network/cost.h"
#include "progress.h"
#include "search/curve.h"

#include <stdio.h>
#include <string.h>

bool curve_has_other(const struct curve_options *o, const struct ds_record *rec)
{
    const char *metric = o->better ? o->better : o->worse;
    double value;
    struct ds_error err;
    return !metric || ds_record_value(rec, metric, &value, &err) != 0;
}

/* Parameters, or, for an accuracy, MACs: counted here, so that any stream has them. */
static double counted(const struct ds_record *rec, bool params)
{
    static const struct ds_space *space;
    static struct ds_coster *coster;
    struct ds_cost cost;
    struct ds_error err;
    double value;
    if (space != rec->space) {
        ds_coster_free(coster);
        coster = ds_coster_new(space = rec->space);
    }
    if (!coster)
        cli_no_memory();
    if (ds_coster_cost(coster, rec->choice, &cost, &err) ||
        ds_cost_metric(&cost, params ? "params" : "macs", &value))
        cli_die(CLI_FAILED, "%s", err.text);
    return value;
}

double curve_other(const struct curve_options *o, const char *class, const struct ds_record *rec,
                   const char *where)
{
    const char *metric = o->better ? o->better : o->worse;
    bool params = strcmp(class, "acc") != 0;
    double value;
    struct ds_error err;
    if (!metric)
        return params ? -counted(rec, true) : counted(rec, false);
    if (ds_record_value(rec, metric, &value, &err) < 0)
        cli_die(CLI_FAILED, "%s: %s", where, err.text);
    return o->better ? -value : value;
}

static void print_head(FILE *out)
{
    fprintf(out, "%-8s  %-22s  %-35s  %s\n", "", "", "at random", "near the front");
    fprintf(out, "%-8s  %-22s", "networks", "family");
    for (int i = 0; i < 2; i++)
        fprintf(out, "  %6s  %8s  %7s  %8s", "MAPE %", "RMSE", "bias %", "Spearman");
    fputc('\n', out);
}

static void print_point(FILE *out, const struct ds_curve_point *p)
{
    char family[40];
    const struct ds_curve_error *of[] = {&p->random, &p->front};
    snprintf(family, sizeof family, "%s (%d of %d)", p->often->name, p->times, DS_CURVE_REPEATS);
    fprintf(out, "%8zu  %-22s", p->fitted, family);
    for (int i = 0; i < 2; i++)
        fprintf(out, "  %6.2f  %8.4g  %+7.2f  %8.4f", of[i]->mape, of[i]->rmse, of[i]->bias,
                of[i]->spearman);
    fputc('\n', out);
}

void curve_print(struct cli *cli, const struct ds_fit_data *data, size_t nfront,
                 const double *other, bool more, const struct ds_family *only)
{
    struct ds_curve c = {
        .data = data, .nfront = nfront, .other = other, .more = more, .only = only};
    struct ds_curve_point point;
    struct ds_error err;
    struct progress progress;
    uint64_t points = 0;
    for (size_t n = ds_curve_next(&c, 0); n; n = ds_curve_next(&c, n))
        points++;
    if (!points)
        cli_die(CLI_FAILED,
                "--curve: %zu networks are too few: it begins with %d, and holds out "
                "a fifth of all, so %d at least",
                data->n - nfront, DS_CURVE_LEAST, (5 * DS_CURVE_LEAST + 3) / 4);
    FILE *out = cli_open_text(cli);
    progress_begin(&progress, cli->progress, points);
    print_head(out);
    for (size_t n = ds_curve_next(&c, 0); n; n = ds_curve_next(&c, n)) {
        if (ds_curve_at(&c, n, cli->seed, &point, &err))
            cli_die(CLI_FAILED, "%s", err.text);
        print_point(out, &point);
        progress_add(&progress, 1);
    }
    progress_end(&progress);
    cli_close_text(cli, out);
}

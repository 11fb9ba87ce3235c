/* Fits a device profile to measured records. */
#include "base/grow.h"
#include "base/metric.h"
#include "blas.h"
#include "conditions.h"
#include "curve.h"
#include "memory.h"
#include "output.h"
#include "profile/fit.h"
#include "progress.h"
#include "relative.h"
#include "stream/provenance.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Records from which on neural families are tried unasked; with fewer they rarely win. */
#define ENOUGH 10000

struct wanted {
    const char *family, *name, *as, *class, *unit, *device, *description, *space;
    const struct ds_family *only; /* what `family` names */
    double scale;
    struct curve_options curve;
};

/* What was read: for a curve, with the other objective of each architecture. */
struct input {
    struct ds_fit_data data;
    double *other;
    size_t room;
    uint64_t failed;
    struct conditions conditions;
};

/* Adds a record that has the metric. */
static void add(struct input *in, const struct ds_record *rec, double value, const struct wanted *w,
                const char *where)
{
    struct ds_error err;
    struct ds_fit_data *data = &in->data;
    uint8_t choice[DS_MAX_SITES];
    memcpy(choice, rec->choice, sizeof choice);
    if (w->curve.wanted) {
        cli_grow(&in->other, &in->room, data->n + 1, sizeof *in->other);
        in->other[data->n] = curve_other(&w->curve, w->class, rec, where);
    }
    if (data->space != rec->space &&
        ds_arch_translate(rec->space, rec->choice, data->space, choice, &err))
        cli_die(CLI_FAILED, "%s: %s", where, err.text);
    if (ds_fit_data_add(data, choice, rec->id, value * w->scale, &err))
        cli_die(CLI_FAILED, "%s", err.text);
}

/* Reads a stream; of another space than the first only where `any_space`. */
static void read_all(struct ds_reader *from, const char *metric, const struct wanted *w,
                     bool any_space, struct input *in)
{
    struct ds_error err;
    struct ds_record *rec;
    int rc;
    while ((rc = ds_reader_next(from, &rec, &err)) > 0) {
        double value;
        relative_apply(rec, from);
        int known =
            ds_record_need_arch(rec, &err) ? -1 : ds_record_value(rec, metric, &value, &err);
        if (known < 0)
            cli_die(CLI_FAILED, "%s: %s", ds_reader_where(from), err.text);
        known = known && (!w->curve.wanted || curve_has_other(&w->curve, rec));
        in->failed += !known;
        if (!known)
            continue;
        if (in->data.space && in->data.space != rec->space && !any_space)
            cli_die(CLI_FAILED, "%s: a second design space", ds_reader_where(from));
        in->data.space = in->data.space ? in->data.space : rec->space;
        conditions_add(&in->conditions, rec, metric);
        add(in, rec, value, w, ds_reader_where(from));
    }
    if (rc < 0)
        cli_die(CLI_FAILED, "%s", err.text);
}

static void show_share(void *progress, double share)
{
    struct progress *p = progress;
    progress_add(p, (uint64_t)(100 * share) - p->done);
}

/* Fits one family, with a progress bar in percent. */
static json_t *fit_family(struct ds_fit_data *data, const struct ds_family *family, bool bar,
                          struct ds_fit_error *error, struct ds_error *err)
{
    struct progress progress;
    data->progress = show_share;
    data->progress_arg = &progress;
    progress_begin(&progress, bar, 100);
    json_t *model = ds_fit(data, family, error, err);
    if (progress.done)
        progress_end(&progress);
    return model;
}

static const struct ds_family *find_family(const char *name)
{
    char known[200] = "";
    for (const struct ds_family *f = ds_families; f->name; f++) {
        size_t at = strlen(known);
        if (strcmp(name, f->name) == 0)
            return f;
        snprintf(known + at, sizeof known - at, "%s%s", at ? ", " : "", f->name);
    }
    cli_die(CLI_USAGE, "--family: '%s' is none of %s", name, known);
}

/* Whether to leave out a family that was not asked for, and says so. */
static bool passed_over(const struct ds_fit_data *data, const struct ds_family *f,
                        const struct ds_family *best)
{
    if (!f->net)
        return false;
    if (data->n < ENOUGH)
        cli_warn("%-18s passed over, unless --family asks for it: %zu records are below %d",
                 f->name, data->n, ENOUGH);
    else if (f->net == DS_NET_NEURAL)
        cli_warn("%-18s passed over, unless --family asks for it: chain takes less time", f->name);
    else if (best && best->log != f->log)
        cli_warn("%-18s passed over: the best so far, %s, has %s logarithm", f->name, best->name,
                 best->log ? "a" : "no");
    else
        return false;
    return true;
}

/*
 * Fits the family asked for, or all, and keeps the one that predicts held-out architectures best.
 */
static json_t *fit(struct ds_fit_data *data, const struct wanted *w, bool bar,
                   struct ds_fit_error *error)
{
    json_t *model = NULL;
    const struct ds_family *best = NULL;
    struct ds_error err;
    cli_warn("%-18s %9s %9s %9s %9s", "family", "MAPE %", "R2", "Spearman", "Kendall");
    for (const struct ds_family *f = ds_families; f->name; f++) {
        struct ds_fit_error e;
        if (w->only ? f != w->only : passed_over(data, f, best))
            continue;
        json_t *found = fit_family(data, f, bar, &e, &err);
        if (!found) {
            if (w->only)
                cli_die(CLI_FAILED, "%s", err.text);
            cli_warn("%-18s %s", f->name, err.text);
            continue;
        }
        cli_warn("%-18s %9.3f %9.5f %9.5f %9.5f", f->name, e.mape, e.r2, e.spearman, e.kendall);
        if (best && e.rmse >= error->rmse) {
            json_decref(found);
            continue;
        }
        json_decref(model);
        model = found;
        best = f;
        *error = e;
    }
    if (!model)
        cli_die(CLI_FAILED, "%s", err.text);
    return model;
}

/* null where it is not defined, as a percentage of values of zero */
static json_t *rounded(double x)
{
    return isfinite(x) ? json_real(round(x * 1e5) / 1e5) : json_null();
}

/* Adds the commands of a provenance to the list, those that made its inputs first. */
static void add_commands(json_t *list, const msgpack_object_array *entries)
{
    struct ds_provenance_entry e;
    for (uint32_t i = 0; i < entries->size; i++) {
        char line[1000];
        if (!ds_provenance_read(&entries->ptr[i], &e))
            continue;
        for (uint32_t k = 0; k < e.inputs.size; k++)
            if (e.inputs.ptr[k].type == MSGPACK_OBJECT_ARRAY)
                add_commands(list, &e.inputs.ptr[k].via.array);
        if (!e.tool.ptr)
            continue;
        int n = snprintf(line, sizeof line, "%.*s", (int)e.tool.size, e.tool.ptr);
        for (uint32_t k = 0; k < e.args.size && n < (int)sizeof line; k++) {
            const msgpack_object *arg = &e.args.ptr[k];
            if (arg->type == MSGPACK_OBJECT_STR)
                n += snprintf(line + n, sizeof line - (size_t)n, " %.*s", (int)arg->via.str.size,
                              arg->via.str.ptr);
        }
        json_array_append_new(list, json_string(line));
    }
}

/* The commands that made the data, as in the stream's provenance. */
static json_t *made_by(const struct ds_reader *in)
{
    msgpack_sbuffer packed;
    json_t *list = json_array();
    struct ds_provenance p;
    struct ds_error err;
    msgpack_sbuffer_init(&packed);
    if (ds_reader_inputs(in, &packed, &err) ||
        ds_provenance_unpack(&p, packed.data, packed.size, &err))
        cli_die(CLI_FAILED, "%s", err.text);
    if (p.n)
        add_commands(list, &p.unpacked.data.via.array);
    ds_provenance_free(&p);
    msgpack_sbuffer_destroy(&packed);
    return list;
}

static json_t *profile(const struct wanted *w, const struct ds_fit_data *data,
                       const struct ds_reader *in, json_t *model, const struct ds_fit_error *e)
{
    return json_pack("{si ss ss ss ss ss ss ss s{so si} s{so so so so so si} so}",
                     "dstools_profile", 1, "name", w->name, "description", w->description, "metric",
                     w->as, "unit", w->unit, "class", w->class, "device", w->device, "space",
                     w->space ? w->space : data->space->name, "provenance", "made_by", made_by(in),
                     "records", (int)data->n, "error", "mape_percent", rounded(e->mape), "rmse",
                     rounded(e->rmse), "r2", rounded(e->r2), "spearman", rounded(e->spearman),
                     "kendall", rounded(e->kendall), "folds", e->folds, "model", model);
}

static void check_usage(const struct wanted *w)
{
    bool named = w->curve.wanted || (w->name && w->device);
    if (!named || !w->class)
        cli_die(CLI_USAGE, "wants %s%s%s", named ? "" : "--name, --device",
                named || w->class ? "" : ", and ",
                w->class ? "" : "--class: the metric does not say it");
    if (!w->curve.wanted && (w->curve.better || w->curve.worse || w->curve.front))
        cli_die(CLI_USAGE, "--better, --worse and --front belong to --curve");
    if (w->curve.better && w->curve.worse)
        cli_die(CLI_USAGE, "--better or --worse: the other objective of the front is one");
    if (w->curve.wanted && w->only && w->only->net)
        cli_die(CLI_USAGE, "--curve: of families without a network, which %s has", w->only->name);
}

/* --curve: the data, and what is near the front behind it. */
static void print_curve(struct cli *cli, const char *metric, const struct wanted *w,
                        struct input *input)
{
    size_t n = input->data.n;
    if (w->curve.front) {
        char *name = cli_must(ds_copy_string(w->curve.front, NULL));
        struct ds_reader *in = cli_reader(&name, 1);
        read_all(in, metric, w, true, input);
        if (input->data.n == n)
            cli_die(CLI_FAILED, "--front: %s: no records to judge by", name);
        ds_reader_close(in);
        free(name);
    }
    cli_warn_failed(input->failed, NULL);
    conditions_end(&input->conditions, metric, "fit");
    curve_print(cli, &input->data, input->data.n - n, input->other, strcmp(w->class, "acc") == 0,
                w->only);
    conditions_free(&input->conditions);
    free(input->other);
    ds_fit_data_free(&input->data);
}

int main(int argc, char **argv)
{
    struct wanted w = {.scale = 1, .description = "fitted by ds-fit"};
    const struct cli_option options[] = {
        RELATIVE_OPTION,
        {"family", 0, CLI_TEXT, &w.family, "F",
         "this family; the best by cross-validation unless given", 0},
        {"name", 0, CLI_TEXT, &w.name, "NAME", "the profile's name", 0},
        {"device", 0, CLI_TEXT, &w.device, "TEXT", "what was measured", 0},
        {"as", 0, CLI_TEXT, &w.as, "METRIC", "the metric that the profile gives (METRIC)", 0},
        {"class", 0, CLI_TEXT, &w.class, "C", DS_CLASSES "; as the metric says unless given", 0},
        {"unit", 0, CLI_TEXT, &w.unit, "U", "the metric's unit (ms, or % for top1)", 0},
        {"scale", 0, CLI_NUMBER, &w.scale, "X", "multiply the values by X (1)", 0},
        {"space", 0, CLI_TEXT, &w.space, "NAME", "the space it is for, when fitted on a wider one",
         0},
        {"curve", 0, CLI_FLAG, &w.curve.wanted, NULL,
         "print the error by the number of networks, in place of a profile", 0},
        {"better", 0, CLI_TEXT, &w.curve.better, "METRIC",
         "--curve: the front is of METRIC and this, the more the better (params)", 0},
        {"worse", 0, CLI_TEXT, &w.curve.worse, "METRIC", "the more the worse (macs, for accuracy)",
         0},
        {"front", 0, CLI_TEXT, &w.curve.front, "FILE",
         "--curve: networks near the front, to be judged by", 0},
        {"description", 0, CLI_TEXT, &w.description, "TEXT", "what it is and is not, for people",
         0},
        {0},
    };
    struct cli cli = {
        .name = "ds-fit",
        .usage = "METRIC {--name NAME --device TEXT | --curve} [OPTION ...] [FILE ...]",
        .about = "Fits a device profile to the records' METRIC.",
        .options = options,
    };
    struct input input = {0};
    struct ds_fit_error error;
    cli_parse(&cli, argc, argv);
    blas_begin();
    if (!cli.noperands)
        cli_die(CLI_USAGE, "wants a METRIC first, as latency.cpu");
    const char *metric = cli.operand[0];
    w.as = w.as ? w.as : metric;
    w.class = w.class ? w.class : ds_metric_class(w.as);
    w.only = w.family ? find_family(w.family) : NULL;
    check_usage(&w);
    w.unit = w.unit ? w.unit : strcmp(w.as, DS_TOP1) ? "ms" : "%";

    struct ds_reader *in = cli_reader(cli.operand + 1, cli.noperands - 1);
    read_all(in, metric, &w, false, &input);
    if (input.data.n == 0)
        cli_die(CLI_FAILED, "no records to fit to");
    if (w.curve.wanted) {
        print_curve(&cli, metric, &w, &input);
        ds_reader_close(in);
        return 0;
    }
    cli_warn_failed(input.failed, NULL);
    conditions_end(&input.conditions, metric, "fit");
    json_t *model = fit(&input.data, &w, cli.progress, &error);
    json_t *out = profile(&w, &input.data, in, model, &error);
    FILE *f = cli_open_text(&cli);
    if (!out)
        cli_die(CLI_FAILED, "a name or description is not UTF-8");
    json_dumpf(out, f, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
    fputc('\n', f);
    cli_close_text(&cli, f);
    json_decref(out);
    ds_reader_close(in);
    conditions_free(&input.conditions);
    ds_fit_data_free(&input.data);
    return 0;
}

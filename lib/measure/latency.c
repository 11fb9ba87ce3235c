#include "measure/latency.h"

#include <math.h>

struct ds_metric *ds_latency_set(struct ds_record *rec, const char *name,
                                 const struct ds_latency *l, size_t runs)
{
    struct ds_metric *m = ds_record_set(rec, name, l->centre);
    int bad = !m || ds_metric_num(rec, m, "min", l->min) || ds_metric_num(rec, m, "p90", l->p90) ||
              ds_metric_num(rec, m, "lo", l->lo) || ds_metric_num(rec, m, "hi", l->hi) ||
              ds_metric_int(rec, m, "runs", (int64_t)runs);
    return bad ? NULL : m;
}

static int add_text(struct ds_record *rec, struct ds_metric *m, const char *key, const char *text)
{
    return text ? ds_metric_str(rec, m, key, text) : 0;
}

/* What the reference networks took: all, by their geometric mean, and the two outermost. */
static int add_references(struct ds_record *rec, struct ds_metric *m, const double *ms)
{
    double product = 1;
    for (int i = 0; i < DS_REFERENCES; i++)
        product *= ms[i];
    if (!isfinite(product))
        return 0;
    return ds_metric_num(rec, m, "ref", pow(product, 1.0 / DS_REFERENCES)) ||
           ds_metric_num(rec, m, "ref_first", ms[0]) ||
           ds_metric_num(rec, m, "ref_last", ms[DS_REFERENCES - 1]) ||
           ds_metric_int(rec, m, "refs", DS_REFERENCES);
}

int ds_latency_describe(struct ds_record *rec, struct ds_metric *m, struct ds_timing *t,
                        const struct ds_conditions *c)
{
    int bad =
        ds_metric_int(rec, m, "warmup", c->warmup) ||
        ds_metric_bool(rec, m, "converged", t->converged) ||
        ds_metric_num(rec, m, "between", DS_BETWEEN) ||
        (t->disturbed &&
         ds_metric_num(rec, m, "disturbed", t->disturbed / (double)(t->disturbed + t->runs))) ||
        (isfinite(c->drift) && ds_metric_num(rec, m, "drift", c->drift)) ||
        add_references(rec, m, c->reference) || add_text(rec, m, "engine", c->engine) ||
        add_text(rec, m, "device", c->device) || add_text(rec, m, "driver", c->driver) ||
        (t->device_ms && ds_metric_num(rec, m, "device_ms", ds_timing_device(t))) ||
        (c->sustained > 0 && ds_metric_num(rec, m, "sustained", c->sustained)) ||
        (c->settles && ds_metric_bool(rec, m, "settled", c->settled)) ||
        (c->threads && ds_metric_int(rec, m, "threads", c->threads)) ||
        add_text(rec, m, "precision", c->precision) || add_text(rec, m, "isa", c->isa) ||
        add_text(rec, m, "scales", c->scales) ||
        (isfinite(c->logits_error) && ds_metric_num(rec, m, "logits_error", c->logits_error)) ||
        add_text(rec, m, "weights", c->weights) || ds_metric_int(rec, m, "batch", c->batch) ||
        add_text(rec, m, "pin", c->pin);
    return bad ? -1 : 0;
}

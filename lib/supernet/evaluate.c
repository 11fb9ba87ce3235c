#include "supernet/evaluate.h"

#include "base/grow.h"
#include <math.h>
#include <stdlib.h>

size_t ds_outcome_bytes(size_t n)
{
    return (n + 7) / 8;
}

/* How many classes stand before the label: with a larger logit, or an equal one and first. */
static size_t rank(const float *logit, size_t n, size_t label)
{
    size_t before = 0;
    for (size_t i = 0; i < n; i++)
        before += logit[i] > logit[label] || (logit[i] == logit[label] && i < label);
    return before;
}

static double cross_entropy(const float *logit, size_t n, size_t label)
{
    double most = (double)logit[0], sum = 0;
    for (size_t i = 1; i < n; i++)
        most = (double)logit[i] > most ? (double)logit[i] : most;
    for (size_t i = 0; i < n; i++)
        sum += exp((double)logit[i] - most);
    return log(sum) + most - (double)logit[label];
}

static int evaluate_one(const struct ds_engine *e, struct ds_model *model,
                        const struct ds_image_source *images, size_t i, size_t label,
                        size_t classes, struct ds_outcome *o, struct ds_error *err)
{
    size_t count;
    float *to = e->input(model, &count, err);
    if (!to)
        return -1;
    images->fill(images->context, i, 1, to);
    if (e->run(model, NULL, err))
        return -1;
    const float *logit = e->output(model, &count);
    if (count != classes)
        return ds_fail(err, "the network ends in %zu numbers, not %zu classes", count, classes);
    double loss = cross_entropy(logit, classes, label);
    if (!isfinite(loss))
        return ds_fail(err, "the network's answer to image %zu is not a number", i);
    size_t before = rank(logit, classes, label);
    o->loss += loss;
    o->right += before == 0;
    o->right5 += before < 5;
    if (before == 0)
        o->is_right[i / 8] |= (uint8_t)(1 << i % 8);
    return 0;
}

int ds_evaluate(const struct ds_engine *engine, struct ds_model *model,
                const struct ds_image_source *images, const uint16_t *labels, size_t classes,
                struct ds_outcome *o, struct ds_error *err)
{
    *o = (struct ds_outcome){.n = images->n};
    if (!engine->input)
        return ds_fail(err, "engine %s takes no images", engine->name);
    if (images->n == 0)
        return ds_fail(err, "no images to evaluate on");
    for (size_t i = 0; i < images->n; i++)
        if (labels[i] >= classes)
            return ds_fail(err, "image %zu has label %d; the network has classes 0 to %zu", i,
                           labels[i], classes - 1);
    if (!(o->is_right = ds_alloc(ds_outcome_bytes(o->n), 1, NULL)))
        return ds_no_memory(err);
    for (size_t i = 0; i < images->n; i++)
        if (evaluate_one(engine, model, images, i, labels[i], classes, o, err)) {
            free(o->is_right);
            o->is_right = NULL;
            return -1;
        }
    o->loss /= (double)o->n;
    return 0;
}

size_t ds_outcome_only(const struct ds_outcome *a, const struct ds_outcome *b)
{
    size_t n = 0;
    for (size_t i = 0; i < ds_outcome_bytes(a->n); i++)
        n += (size_t)__builtin_popcount(a->is_right[i] & ~b->is_right[i] & 0xff);
    return n;
}

void ds_outcome_interval(const struct ds_outcome *o, double *lo, double *hi)
{
    const double z = 1.959963984540054;
    double n = (double)o->n, p = (double)o->right / n, zz = z * z / n;
    double middle = (p + zz / 2) / (1 + zz);
    double half = z / (1 + zz) * sqrt(p * (1 - p) / n + zz / (4 * n));
    *lo = o->right ? 100 * (middle - half) : 0;
    *hi = o->right < o->n ? 100 * (middle + half) : 100;
}

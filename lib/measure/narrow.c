#include "measure/narrow.h"

#include "base/grow.h"
#include "quantize/f32.h"
#include "quantize/quantize.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Runs image i in all places of the batch; the results of the first are good until the next run. */
static const float *run_image(const struct ds_engine *e, struct ds_model *model, int batch,
                              const struct ds_image_source *images, size_t i, struct ds_error *err)
{
    size_t count;
    float *to = e->input(model, &count, err);
    if (!to)
        return NULL;
    size_t each = count / (size_t)batch;
    images->fill(images->context, i, 1, to);
    for (size_t k = 1; k < (size_t)batch; k++)
        memcpy(to + k * each, to, each * sizeof *to);
    return e->run(model, NULL, err) ? NULL : e->output(model, &count);
}

/* What f32 makes of the first images: result[n][result_size] of `to`. */
static int run_f32(const struct ds_net *net, uint64_t seed, const struct ds_image_source *images,
                   struct ds_quant *to, struct ds_error *err)
{
    struct ds_f32 *f = ds_f32_open(net, seed, err);
    if (!f)
        return -1;
    size_t n;
    ds_f32_tensor(f, net->input, &n);
    const float *out = ds_f32_tensor(f, net->output, &to->result_size);
    to->nresults = images->n < DS_QUANT_SEEDED ? images->n : DS_QUANT_SEEDED;
    to->result = ds_alloc(to->nresults * to->result_size, sizeof *to->result, err);
    float *image = ds_alloc(n, sizeof *image, err);
    for (size_t i = 0; i < to->nresults && to->result && image; i++) {
        images->fill(images->context, i, 1, image);
        ds_f32_run(f, image);
        memcpy(to->result + i * to->result_size, out, to->result_size * sizeof *out);
    }
    int rc = to->result && image ? 0 : -1;
    free(image);
    ds_f32_free(f);
    return rc;
}

/* Compares the model's results on the first images with those of f32. */
static int compare(const struct ds_engine *e, struct ds_model *model, int batch,
                   const struct ds_image_source *images, const struct ds_quant *f32, double *error,
                   struct ds_error *err)
{
    double most = 0, scale = 0;
    for (size_t i = 0; i < f32->nresults; i++) {
        const float *expected = f32->result + i * f32->result_size;
        const float *x = run_image(e, model, batch, images, i, err);
        if (!x)
            return -1;
        for (size_t k = 0; k < f32->result_size; k++) {
            double off = fabs((double)x[k] - (double)expected[k]);
            most = off > most || isnan(off) ? off : most;
            scale = fmax(scale, fabs((double)expected[k]));
        }
    }
    *error = scale > 0 ? most / scale : 0;
    return isfinite(*error) ? 0 : ds_fail(err, "the network's results are not finite");
}

static int load(const struct ds_engine *engine, struct ds_session *session,
                const struct ds_engine_options *o, struct ds_net *net,
                const struct ds_image_source *images, struct ds_quant *q, struct ds_narrow *narrow,
                struct ds_error *err)
{
    bool int8 = o->dtype == DS_DTYPE_INT8;
    if (int8 ? ds_quantize(net, o->seed, images, q, err) : run_f32(net, o->seed, images, q, err))
        return -1;
    net->quant = q;
    narrow->images = q->images;
    if (!(narrow->model = engine->load(session, net, err)))
        return -1;
    if (compare(engine, narrow->model, o->batch, images, q, &narrow->logits_error, err) == 0)
        return 0;
    engine->unload(narrow->model);
    return -1;
}

int ds_narrow_load(const struct ds_engine *engine, struct ds_session *session,
                   const struct ds_engine_options *options, struct ds_net *net,
                   const struct ds_image_source *images, struct ds_narrow *narrow,
                   struct ds_error *err)
{
    struct ds_seeded_images seeded = {0};
    struct ds_quant q = {0};
    *narrow = (struct ds_narrow){0};
    int rc = images ? 0 : ds_seeded_images(&seeded, net, options->seed, DS_QUANT_SEEDED, err);
    if (rc == 0)
        rc = load(engine, session, options, net, images ? images : &seeded.source, &q, narrow, err);
    net->quant = NULL;
    ds_quant_free(&q);
    ds_input_free(&seeded.input);
    return rc;
}

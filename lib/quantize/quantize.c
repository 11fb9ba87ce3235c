#include "quantize/quantize.h"

#include "base/grow.h"
#include "network/weights.h"
#include "quantize/elements.h"
#include "quantize/f32.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_BIAS 0x1p30f

/* ---- which tensor is of which type ---- */

static bool is_positive(enum ds_act act)
{
    return act == DS_ACT_RELU || act == DS_ACT_RELU6 || act == DS_ACT_HSIGMOID;
}

/* Whether a layer is a convolution that reads 8 bits. */
static bool is_int8(const struct ds_quant *q, const struct ds_layer *l)
{
    return l->op == DS_OP_CONV && ds_element_is_8bit(q->tensor[l->in].element);
}

static int no_rule(const struct ds_layer *l, const struct ds_net *net, struct ds_error *err)
{
    return ds_fail(err, "int8: layer %d mixes tensors of 8 bits and of f32", (int)(l - net->layer));
}

/* What a layer writes, from what it reads. */
static int choose_element(const struct ds_net *net, const struct ds_layer *l, const bool *positive,
                          struct ds_quant *q, struct ds_error *err)
{
    enum ds_element in = q->tensor[l->in].element, *out = &q->tensor[l->out].element;
    bool in_8bit = ds_element_is_8bit(in);
    bool in2_8bit = l->in2 >= 0 && ds_element_is_8bit(q->tensor[l->in2].element);
    *out = in == DS_ELEMENT_F32                      ? DS_ELEMENT_F32
           : is_positive(l->act) || positive[l->out] ? DS_ELEMENT_U8
                                                     : DS_ELEMENT_S8;
    switch (l->op) {
    case DS_OP_CONV:
        if (l->out == net->output && l->in2 < 0)
            *out = DS_ELEMENT_F32;
        return l->in2 < 0 || in2_8bit == ds_element_is_8bit(*out) ? 0 : no_rule(l, net, err);
    case DS_OP_GLOBAL_POOL:
        *out = DS_ELEMENT_F32;
        return 0;
    case DS_OP_SCALE:
        return in2_8bit ? no_rule(l, net, err) : 0;
    case DS_OP_ADD:
        return in2_8bit == in_8bit ? 0 : no_rule(l, net, err);
    case DS_OP_MAX_POOL:
    case DS_OP_AVG_POOL:
    case DS_OP_SHUFFLE:
        break;
    }
    *out = in;
    return 0;
}

/* Whether what a layer writes cannot be negative. */
static bool stays_positive(const struct ds_layer *l, const bool *positive)
{
    bool in = positive[l->in], in2 = l->in2 < 0 || positive[l->in2];
    return is_positive(l->act) || (l->op != DS_OP_CONV && l->act == DS_ACT_NONE && in && in2);
}

static int choose_elements(const struct ds_net *net, struct ds_quant *q, struct ds_error *err)
{
    bool *positive = ds_alloc((size_t)net->ntensors, sizeof *positive, err);
    int rc = positive ? 0 : -1;
    q->tensor[net->input].element = DS_ELEMENT_S8;
    for (int i = 0; i < net->nlayers && rc == 0; i++) {
        positive[net->layer[i].out] = stays_positive(&net->layer[i], positive);
        rc = choose_element(net, &net->layer[i], positive, q, err);
    }
    free(positive);
    return rc;
}

/* ---- ranges ---- */

/* Largest magnitudes; [ntensors], [nlayers]. */
struct ranges {
    float *tensor, *before, *alone;
};

static int see(const struct ds_f32 *f, const struct ds_net *net, struct ranges *r,
               struct ds_error *err)
{
    for (int t = 0; t < net->ntensors; t++) {
        size_t n;
        const float *x = ds_f32_tensor(f, t, &n);
        float range = ds_elements_range(x, n);
        if (!isfinite(range))
            return ds_fail(err, "int8: the activations grow without bounds (tensor %d)", t);
        r->tensor[t] = fmaxf(r->tensor[t], range);
    }
    for (int i = 0; i < net->nlayers; i++)
        if (net->layer[i].op == DS_OP_CONV) {
            r->before[i] = fmaxf(r->before[i], ds_f32_before(f, i));
            r->alone[i] = fmaxf(r->alone[i], ds_f32_alone(f, i));
        }
    return 0;
}

static void keep_result(const struct ds_f32 *f, const struct ds_net *net, size_t i,
                        struct ds_quant *q)
{
    size_t n;
    const float *x = ds_f32_tensor(f, net->output, &n);
    if (i < q->nresults)
        memcpy(q->result + i * n, x, n * sizeof *x);
}

static int see_all(struct ds_f32 *f, const struct ds_net *net, const struct ds_image_source *images,
                   struct ranges *r, struct ds_quant *q, struct ds_error *err)
{
    size_t n;
    ds_f32_tensor(f, net->input, &n);
    ds_f32_tensor(f, net->output, &q->result_size);
    q->nresults = q->images < DS_QUANT_SEEDED ? q->images : DS_QUANT_SEEDED;
    q->result = ds_alloc(q->nresults * q->result_size, sizeof *q->result, err);
    float *image = ds_alloc(n, sizeof *image, err);
    int rc = image && q->result ? 0 : -1;
    for (size_t i = 0; i < q->images && rc == 0; i++) {
        images->fill(images->context, i, 1, image);
        ds_f32_run(f, image);
        keep_result(f, net, i, q);
        rc = see(f, net, r, err);
    }
    free(image);
    return rc;
}

/* ---- weights ---- */

/* One output channel of `count` weights; returns its scale. */
static float quantize_channel(const float *w, size_t count, float bias, float scale_in, int8_t *to,
                              int32_t *to_bias)
{
    float scale = fmaxf(ds_elements_range(w, count) / 127, fabsf(bias) / scale_in / MOST_BIAS);
    if (!(scale > 0))
        scale = 1;
    ds_elements_narrow(w, count, (struct ds_quant_tensor){DS_ELEMENT_S8, scale}, to);
    *to_bias = (int32_t)rintf(bias / (scale_in * scale));
    return scale;
}

static int quantize_layer(const struct ds_net *net, uint64_t seed, int i, struct ds_quant *q,
                          struct ds_error *err)
{
    const struct ds_layer *l = &net->layer[i];
    struct ds_quant_layer *to = &q->layer[i];
    struct ds_weight_key key = ds_weight_key(net, l);
    size_t cout = (size_t)key.cout, count = ds_weight_count(&key), each = count / cout;
    float *plain = ds_alloc(count + cout, sizeof *plain, err);
    to->int8 = true;
    to->weights = ds_alloc(count, sizeof *to->weights, err);
    to->weight_scale = ds_alloc(cout, sizeof *to->weight_scale, err);
    to->bias = ds_alloc(cout, sizeof *to->bias, err);
    if (!plain || !to->weights || !to->weight_scale || !to->bias) {
        free(plain);
        return -1;
    }
    ds_weights_of(net, l, seed, plain, plain + count);
    for (size_t o = 0; o < cout; o++)
        to->weight_scale[o] =
            quantize_channel(plain + o * each, each, plain[count + o], q->tensor[l->in].scale,
                             to->weights + o * each, &to->bias[o]);
    free(plain);
    return 0;
}

static float scale_of(enum ds_element element, float range)
{
    return element == DS_ELEMENT_F32 || !(range > 0) ? 1
           : element == DS_ELEMENT_U8                ? range / 255
                                                     : range / 127;
}

static bool keeps_scale(const struct ds_layer *l)
{
    return l->op == DS_OP_MAX_POOL || l->op == DS_OP_AVG_POOL || l->op == DS_OP_SHUFFLE;
}

static int apply_ranges(const struct ds_net *net, uint64_t seed, const struct ranges *r,
                        struct ds_quant *q, struct ds_error *err)
{
    for (int t = 0; t < net->ntensors; t++)
        q->tensor[t].scale = scale_of(q->tensor[t].element, r->tensor[t]);
    for (int i = 0; i < net->nlayers; i++) {
        const struct ds_layer *l = &net->layer[i];
        if (keeps_scale(l))
            q->tensor[l->out].scale = q->tensor[l->in].scale;
        if (!is_int8(q, l))
            continue;
        q->layer[i].before_scale = scale_of(DS_ELEMENT_S8, r->before[i]);
        q->layer[i].alone_scale = scale_of(DS_ELEMENT_S8, r->alone[i]);
        if (quantize_layer(net, seed, i, q, err))
            return -1;
    }
    return 0;
}

/* ---- all of it ---- */

static int measure_ranges(const struct ds_net *net, uint64_t seed,
                          const struct ds_image_source *images, struct ranges *r,
                          struct ds_quant *q, struct ds_error *err)
{
    struct ds_seeded_images seeded = {0};
    if (!images && ds_seeded_images(&seeded, net, seed, DS_QUANT_SEEDED, err))
        return -1;
    images = images ? images : &seeded.source;
    q->images = images->n < DS_QUANT_IMAGES ? images->n : DS_QUANT_IMAGES;
    struct ds_f32 *f = ds_f32_open(net, seed, err);
    int rc = f ? see_all(f, net, images, r, q, err) : -1;
    ds_f32_free(f);
    ds_input_free(&seeded.input);
    return rc;
}

/* Room for the form of a network, and the types in it. */
static int begin(const struct ds_net *net, struct ds_quant *q, struct ds_error *err)
{
    ds_quant_free(q);
    q->tensor = ds_alloc((size_t)net->ntensors, sizeof *q->tensor, err);
    q->layer = ds_alloc((size_t)net->nlayers, sizeof *q->layer, err);
    if (!q->tensor || !q->layer)
        return -1;
    q->ntensors = net->ntensors;
    q->nlayers = net->nlayers;
    return choose_elements(net, q, err);
}

int ds_quant_types(const struct ds_net *net, struct ds_quant *q, struct ds_error *err)
{
    if (begin(net, q, err))
        return -1;
    for (int t = 0; t < net->ntensors; t++)
        q->tensor[t].scale = 1;
    for (int i = 0; i < net->nlayers; i++)
        q->layer[i].int8 = is_int8(q, &net->layer[i]);
    return 0;
}

int ds_quantize(const struct ds_net *net, uint64_t seed, const struct ds_image_source *images,
                struct ds_quant *q, struct ds_error *err)
{
    struct ranges r;
    if (images && images->n == 0)
        return ds_fail(err, "int8: no images to take ranges from");
    size_t nlayers = (size_t)net->nlayers;
    r.tensor = ds_alloc((size_t)net->ntensors, sizeof *r.tensor, err);
    r.before = ds_alloc(nlayers, sizeof *r.before, err);
    r.alone = ds_alloc(nlayers, sizeof *r.alone, err);
    int rc = r.tensor && r.before && r.alone ? begin(net, q, err) : -1;
    if (rc == 0)
        rc = measure_ranges(net, seed, images, &r, q, err);
    if (rc == 0)
        rc = apply_ranges(net, seed, &r, q, err);
    free(r.tensor);
    free(r.before);
    free(r.alone);
    return rc;
}

float ds_quant_scale(const struct ds_net *net, const struct ds_quant *q, const struct ds_layer *l,
                     int o)
{
    return q->tensor[l->in].scale * q->layer[l - net->layer].weight_scale[o];
}

void ds_quant_free(struct ds_quant *q)
{
    for (int i = 0; i < q->nlayers; i++) {
        free(q->layer[i].weights);
        free(q->layer[i].weight_scale);
        free(q->layer[i].bias);
    }
    free(q->tensor);
    free(q->layer);
    free(q->result);
    *q = (struct ds_quant){0};
}

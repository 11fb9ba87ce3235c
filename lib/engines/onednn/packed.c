/* Weights of the oneDNN engine, in the layouts that primitives ask for. */
#include "engines/onednn/onednn.h"

#include "base/grow.h"
#include "engines/pages.h"
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

static int compare_packed(const void *a, const void *b)
{
    const struct packed *p = a, *q = b;
    return memcmp(&p->key, &q->key, sizeof p->key);
}

void ds_onednn_free_packed(void *at)
{
    struct packed *p = at;
    if (p->weights)
        dnnl_memory_destroy(p->weights);
    if (p->bias)
        dnnl_memory_destroy(p->bias);
    ds_pages_give(p->room);
    free(p);
}

static int keep_bias(struct ds_session *s, struct packed *p, const struct op *op, const float *bias,
                     struct ds_error *err)
{
    void *to;
    dnnl_status_t status = dnnl_memory_create(&p->bias, op->bias, s->engine, DNNL_MEMORY_ALLOCATE);
    if (status == dnnl_success)
        status = dnnl_memory_get_data_handle(p->bias, &to);
    if (status == dnnl_success)
        memcpy(to, bias, (size_t)op->key.cout * sizeof *bias);
    return ds_onednn_check(status, "memory for biases", err);
}

/* Makes p's memory and brings plain weights into its layout. */
static int pack(struct ds_session *s, struct packed *p, const struct op *op, const void *plain,
                struct ds_error *err)
{
    const_desc_t layout = s->layout[op->layout];
    p->room = ds_pages_take(dnnl_memory_desc_get_size(layout));
    if (!p->room)
        return ds_no_memory(err);
    return ds_onednn_check(dnnl_memory_create(&p->weights, layout, s->engine, p->room),
                           "memory for weights", err) ||
                   ds_onednn_lay_out(layout, plain, p->room, err)
               ? -1
               : 0;
}

/* Packs the network's own weights. */
static int pack_own(struct ds_session *s, struct packed *p, const struct op *op,
                    const struct ds_net *net, const struct ds_layer *l, struct ds_error *err)
{
    float *plain = malloc(ds_weight_count(&p->key.weights) * sizeof *plain);
    float *bias = malloc((size_t)op->key.cout * sizeof *bias);
    int rc = -1;
    if (!plain || !bias) {
        ds_no_memory(err);
    } else {
        ds_weights_of(net, l, s->options.seed, plain, bias);
        rc = pack(s, p, op, plain, err) || keep_bias(s, p, op, bias, err) ? -1 : 0;
    }
    free(plain);
    free(bias);
    return rc;
}

struct packed *ds_onednn_find_packed(struct ds_session *s, const struct op *op,
                                     const struct ds_net *net, const struct ds_layer *l,
                                     struct ds_error *err)
{
    int8_t *int8 = op->scale ? net->quant->layer[l - net->layer].weights : NULL;
    struct packed *p = ds_alloc(1, sizeof *p, err);
    if (!p)
        return NULL;
    p->key.weights = ds_weight_key(net, l);
    p->key.layout = op->layout;
    if (int8)
        p->key.int8 = XXH3_64bits(int8, ds_weight_count(&p->key.weights)) | 1;
    struct packed **at = tsearch(p, &s->packed, compare_packed);
    if (at && *at != p) {
        free(p);
        return *at;
    }
    int rc = !at    ? ds_no_memory(err)
             : int8 ? pack(s, p, op, int8, err)
                    : pack_own(s, p, op, net, l, err);
    if (rc == 0)
        return p;
    if (at)
        tdelete(p, &s->packed, compare_packed);
    ds_onednn_free_packed(p);
    return NULL;
}

bool ds_onednn_packed_stays(const struct packed *p)
{
    return p->key.weights.given == 0;
}

void ds_onednn_forget_packed(struct ds_session *s, struct packed *p)
{
    tdelete(p, &s->packed, compare_packed);
    ds_onednn_free_packed(p);
}

/* Memory of n floats, to be written at *to. */
static int make_floats(struct ds_session *s, int n, dnnl_memory_t *memory, float **to,
                       struct ds_error *err)
{
    desc_t desc = NULL;
    dnnl_dims_t dims = {n};
    void *data = NULL;
    dnnl_status_t status = dnnl_memory_desc_create_with_tag(&desc, 1, dims, dnnl_f32, dnnl_a);
    if (status == dnnl_success)
        status = dnnl_memory_create(memory, desc, s->engine, DNNL_MEMORY_ALLOCATE);
    if (status == dnnl_success)
        status = dnnl_memory_get_data_handle(*memory, &data);
    if (desc)
        dnnl_memory_desc_destroy(desc);
    *to = data;
    return ds_onednn_check(status, "memory for biases", err);
}

int ds_onednn_int8_bias(struct ds_session *s, const struct op *op,
                        const struct ds_quant_layer *layer, dnnl_memory_t *bias,
                        dnnl_memory_t *scales, struct ds_error *err)
{
    float *to, *to_scales = NULL;
    *bias = *scales = NULL;
    if (make_floats(s, op->key.cout, bias, &to, err) ||
        (SCALES_ARG && make_floats(s, op->key.cout, scales, &to_scales, err)))
        return -1;
    for (int o = 0; o < op->key.cout; o++) {
        to[o] = (float)layer->bias[o] * (BIAS_IS_SCALED ? op->scale[o] : 1);
        if (to_scales)
            to_scales[o] = op->scale[o];
    }
    return 0;
}

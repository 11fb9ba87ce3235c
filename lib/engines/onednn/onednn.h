/* What the files of the oneDNN engine share. Internal to it. */
#ifndef DS_ENGINES_ONEDNN_H
#define DS_ENGINES_ONEDNN_H

#include "engines/engine.h"
#include "engines/onednn/version.h"
#include "engines/placement.h"
#include "network/weights.h"
#include "quantize/quantize.h"

/* Everything a primitive is made from, but the scales of output channels; compared with memcmp. */
struct op_key {
    int32_t op, act, cin, hin, win, cout, hout, wout, kernel, stride, pad, groups, sum, bias;
    int32_t in_type, in2_type, out_type; /* dnnl_data_type_t; in2: of the residual, or the gate */
    float sum_scale;                     /* int8: what the residual's elements stand for */
    float factor; /* int8: what the result is multiplied by at last; 0: nothing */
};

/* A primitive; all layers of one key share one, unless it is scaled: scales are in it. */
struct op {
    struct op_key key;
    float *scale; /* [cout]: what an accumulator of int8 stands for; NULL: not int8 */
    dnnl_primitive_t primitive;
    desc_t in, in2, out; /* in2 of binary primitives */
    desc_t scratch;      /* memory it works in; NULL: none */
    int32_t layout;      /* of convolutions: that of weights, in the session's list */
    desc_t bias;
};

struct packed_key {
    struct ds_weight_key weights;
    int32_t layout;
    uint64_t int8; /* hash of the weights in int8; 0: of other types */
};

/* Weights packed for primitives of one layout. */
struct packed {
    struct packed_key key;       /* compared with memcmp */
    dnnl_memory_t weights, bias; /* bias NULL: int8, it belongs to the model */
    void *room;                  /* of the weights */
    int models; /* that use it, where it is given back: see ds_onednn_packed_stays */
};

struct ds_session {
    struct ds_engine_options options;
    char version[64];
    const char *isa; /* NULL: not known */
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    void *ops;      /* tree of struct op */
    void *packed;   /* tree of struct packed */
    desc_t *layout; /* [nlayouts], all different */
    int32_t nlayouts;
    size_t layout_room;
    struct ds_arena arena, scratch;
    struct ds_model *current; /* whose input is in the arena */
    struct ds_input input;    /* what every run starts from */
};

int ds_onednn_check(dnnl_status_t status, const char *what, struct ds_error *err);

/* ---- primitives.c ---- */

/* The type of a tensor's elements in a session of this number format. */
enum ds_element ds_onednn_element(const struct ds_session *s, const struct ds_net *net, int tensor);

/* Whether the layer is a primitive: in int8, some are plain loops (plain.h). */
bool ds_onednn_has_op(const struct ds_session *s, const struct ds_net *net,
                      const struct ds_layer *l);

/*
 * The primitive of a layer, made at first use; NULL on failure. *own: it is scaled, belongs to the
 * model and is to be freed by it.
 */
struct op *ds_onednn_find_op(struct ds_session *s, const struct ds_net *net,
                             const struct ds_layer *l, bool *own, struct ds_error *err);
void ds_onednn_free_op(void *op);

/* ---- layout.c ---- */

/*
 * Writes plain weights (f32 for layouts of f32 and bf16, else s8), dense and in the order of their
 * dimensions, into a layout of oneDNN's, padding being zero.
 */
int ds_onednn_lay_out(const_desc_t layout, const void *plain, void *room, struct ds_error *err);

/* ---- packed.c ---- */

/* The packed weights of a layer, made at first use; NULL on failure. */
struct packed *ds_onednn_find_packed(struct ds_session *s, const struct op *op,
                                     const struct ds_net *net, const struct ds_layer *l,
                                     struct ds_error *err);

/* Whether the session keeps it to its end; else it goes with the last model that uses it. */
bool ds_onednn_packed_stays(const struct packed *p);
void ds_onednn_forget_packed(struct ds_session *s, struct packed *p);
void ds_onednn_free_packed(void *packed);

/* Memory of a bias of int8, and of the scales of channels where they are arguments (else NULL). */
int ds_onednn_int8_bias(struct ds_session *s, const struct op *op,
                        const struct ds_quant_layer *layer, dnnl_memory_t *bias,
                        dnnl_memory_t *scales, struct ds_error *err);

#endif

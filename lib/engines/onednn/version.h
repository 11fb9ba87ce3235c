/*
 * oneDNN 2 and 3 under one set of names: the engine is written for version 3, and what version 2
 * calls otherwise is here. In version 2 a memory descriptor is a plain struct, and a primitive is
 * described in two steps.
 */
#ifndef DS_ENGINES_ONEDNN_VERSION_H
#define DS_ENGINES_ONEDNN_VERSION_H

#include <dnnl.h>
#include <stdlib.h>
#include <string.h>

/* Instruction sets are numbers whose bits are what they have. */
#define ISA_VNNI 0x67u
#define ISA_BF16 0xe7u

/* A dense layout in blocks. */
struct blocking {
    int ndims, nblocks;
    const dnnl_dim_t *dims, *padded, *strides; /* strides: of the outermost blocks */
    const dnnl_dim_t *block, *of;              /* [nblocks]: sizes, and of which dimension */
    dnnl_data_type_t type;
};

static inline int isa_has_bf16(unsigned isa)
{
    return (isa & ISA_BF16) == ISA_BF16;
}

static inline int isa_has_vnni(unsigned isa)
{
    return (isa & ISA_VNNI) == ISA_VNNI ||
           (isa & dnnl_cpu_isa_avx2_vnni) == (unsigned)dnnl_cpu_isa_avx2_vnni;
}

/* As oneDNN calls it; NULL: one that is not known, or that of another kind of processor. */
static inline const char *isa_name(unsigned isa)
{
    switch (isa) {
    case dnnl_cpu_isa_sse41:
        return "sse41";
    case dnnl_cpu_isa_avx:
        return "avx";
    case dnnl_cpu_isa_avx2:
        return "avx2";
    case dnnl_cpu_isa_avx2_vnni:
        return "avx2_vnni";
    case dnnl_cpu_isa_avx512_core:
        return "avx512_core";
    case dnnl_cpu_isa_avx512_core_vnni:
        return "avx512_core_vnni";
    case dnnl_cpu_isa_avx512_core_bf16:
        return "avx512_core_bf16";
    case dnnl_cpu_isa_avx512_core_amx:
        return "avx512_core_amx";
#if DNNL_VERSION_MAJOR >= 3
    case dnnl_cpu_isa_avx2_vnni_2:
        return "avx2_vnni_2";
    case dnnl_cpu_isa_avx512_core_fp16:
        return "avx512_core_fp16";
    case dnnl_cpu_isa_avx512_core_amx_fp16:
        return "avx512_core_amx_fp16";
#endif
    }
    return NULL;
}

#if DNNL_VERSION_MAJOR >= 3

typedef dnnl_memory_desc_t desc_t;
typedef const_dnnl_memory_desc_t const_desc_t;

/* Version 3 takes the scales of channels as an argument, and adds a bias after scaling. */
#define SCALES_ARG (DNNL_ARG_ATTR_SCALES | DNNL_ARG_WEIGHTS)
#define BIAS_IS_SCALED 1

/* -1: it is no such layout. */
static inline int blocking_of(const_desc_t desc, struct blocking *b)
{
    dnnl_format_kind_t kind;
    dnnl_dims_t *dims, *padded, *strides, *block, *of;
    if (dnnl_memory_desc_query(desc, dnnl_query_format_kind, &kind) || kind != dnnl_blocked ||
        dnnl_memory_desc_query(desc, dnnl_query_data_type, &b->type) ||
        dnnl_memory_desc_query(desc, dnnl_query_ndims_s32, &b->ndims) ||
        dnnl_memory_desc_query(desc, dnnl_query_inner_nblks_s32, &b->nblocks) ||
        dnnl_memory_desc_query(desc, dnnl_query_dims, &dims) ||
        dnnl_memory_desc_query(desc, dnnl_query_padded_dims, &padded) ||
        dnnl_memory_desc_query(desc, dnnl_query_strides, &strides) ||
        dnnl_memory_desc_query(desc, dnnl_query_inner_blks, &block) ||
        dnnl_memory_desc_query(desc, dnnl_query_inner_idxs, &of))
        return -1;
    b->dims = *dims;
    b->padded = *padded;
    b->strides = *strides;
    b->block = *block;
    b->of = *of;
    return 0;
}

static inline dnnl_status_t set_channel_scales(dnnl_primitive_attr_t attr, int n,
                                               const float *scale, int grouped)
{
    (void)n;
    (void)scale;
    return dnnl_primitive_attr_set_scales_mask(attr, DNNL_ARG_WEIGHTS, grouped ? 3 : 1);
}

#else

typedef dnnl_memory_desc_t *desc_t;
typedef const dnnl_memory_desc_t *const_desc_t;

/* Version 2 has the scales of channels in the primitive, and adds a bias before scaling. */
#define SCALES_ARG 0
#define BIAS_IS_SCALED 0

static inline int blocking_of(const_desc_t desc, struct blocking *b)
{
    const dnnl_blocking_desc_t *blocking = &desc->format_desc.blocking;
    if (desc->format_kind != dnnl_blocked)
        return -1;
    *b = (struct blocking){desc->ndims,          blocking->inner_nblks, desc->dims,
                           desc->padded_dims,    blocking->strides,     blocking->inner_blks,
                           blocking->inner_idxs, desc->data_type};
    return 0;
}

static inline dnnl_status_t set_channel_scales(dnnl_primitive_attr_t attr, int n,
                                               const float *scale, int grouped)
{
    (void)grouped;
    return dnnl_primitive_attr_set_output_scales(attr, n, 1 << 1, scale);
}

static inline dnnl_status_t dnnl_memory_desc_create_with_tag(desc_t *desc, int ndims,
                                                             const dnnl_dims_t dims,
                                                             dnnl_data_type_t type,
                                                             dnnl_format_tag_t tag)
{
    *desc = calloc(1, sizeof **desc);
    return *desc ? dnnl_memory_desc_init_by_tag(*desc, ndims, dims, type, tag) : dnnl_out_of_memory;
}

static inline dnnl_status_t dnnl_memory_desc_clone(desc_t *desc, const_desc_t from)
{
    *desc = malloc(sizeof **desc);
    if (!*desc)
        return dnnl_out_of_memory;
    memcpy(*desc, from, sizeof **desc);
    return dnnl_success;
}

static inline dnnl_status_t dnnl_memory_desc_destroy(desc_t desc)
{
    free(desc);
    return dnnl_success;
}

static inline dnnl_status_t dnnl_convolution_forward_primitive_desc_create(
    dnnl_primitive_desc_t *pd, dnnl_engine_t engine, dnnl_prop_kind_t prop, dnnl_alg_kind_t alg,
    const_desc_t in, const_desc_t weights, const_desc_t bias, const_desc_t out,
    const dnnl_dims_t strides, const dnnl_dims_t dilates, const dnnl_dims_t before,
    const dnnl_dims_t after, const_dnnl_primitive_attr_t attr)
{
    dnnl_convolution_desc_t desc;
    dnnl_status_t status = dnnl_dilated_convolution_forward_desc_init(
        &desc, prop, alg, in, weights, bias, out, strides, dilates, before, after);
    return status ? status : dnnl_primitive_desc_create(pd, &desc, attr, engine, NULL);
}

/* Not dilated. */
static inline dnnl_status_t dnnl_pooling_forward_primitive_desc_create(
    dnnl_primitive_desc_t *pd, dnnl_engine_t engine, dnnl_prop_kind_t prop, dnnl_alg_kind_t alg,
    const_desc_t in, const_desc_t out, const dnnl_dims_t strides, const dnnl_dims_t kernel,
    const dnnl_dims_t dilates, const dnnl_dims_t before, const dnnl_dims_t after,
    const_dnnl_primitive_attr_t attr)
{
    dnnl_pooling_desc_t desc;
    (void)dilates;
    dnnl_status_t status =
        dnnl_pooling_forward_desc_init(&desc, prop, alg, in, out, strides, kernel, before, after);
    return status ? status : dnnl_primitive_desc_create(pd, &desc, attr, engine, NULL);
}

static inline dnnl_status_t dnnl_binary_primitive_desc_create(dnnl_primitive_desc_t *pd,
                                                              dnnl_engine_t engine,
                                                              dnnl_alg_kind_t alg, const_desc_t in,
                                                              const_desc_t in2, const_desc_t out,
                                                              const_dnnl_primitive_attr_t attr)
{
    dnnl_binary_desc_t desc;
    dnnl_status_t status = dnnl_binary_desc_init(&desc, alg, in, in2, out);
    return status ? status : dnnl_primitive_desc_create(pd, &desc, attr, engine, NULL);
}

/* Version 2 takes the output's descriptor for the input's. */
static inline dnnl_status_t dnnl_shuffle_forward_primitive_desc_create(
    dnnl_primitive_desc_t *pd, dnnl_engine_t engine, dnnl_prop_kind_t prop, const_desc_t in,
    const_desc_t out, int axis, dnnl_dim_t group, const_dnnl_primitive_attr_t attr)
{
    dnnl_shuffle_desc_t desc;
    (void)out;
    dnnl_status_t status = dnnl_shuffle_forward_desc_init(&desc, prop, in, axis, group);
    return status ? status : dnnl_primitive_desc_create(pd, &desc, attr, engine, NULL);
}

#define dnnl_post_ops_append_eltwise(ops, alg, alpha, beta)                                        \
    dnnl_post_ops_append_eltwise(ops, 1, alg, alpha, beta)
#define dnnl_post_ops_append_sum(ops, scale, zero, type)                                           \
    dnnl_post_ops_append_sum_v2(ops, scale, type)

#endif
#endif

/*
 * Whether this machine has a oneDNN that the engine can be built with: what it calls.
 * libraries: -ldnnl -lgomp
 */
#include "engines/onednn/version.h"

void omp_set_num_threads(int);

int main(void)
{
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_memory_t memory;
    dnnl_primitive_attr_t attr;
    dnnl_post_ops_t ops;
    dnnl_primitive_desc_t pd;
    dnnl_primitive_t primitive;
    desc_t desc, copy;
    dnnl_dims_t dims = {1, 1, 1, 1};
    dnnl_exec_arg_t args[1];
    struct blocking blocking;
    void *data;
    float scale = 1;

    omp_set_num_threads(dnnl_version()->major);
    dnnl_set_primitive_cache_capacity(1);
    dnnl_engine_create(&engine, dnnl_cpu, 0);
    dnnl_stream_create(&stream, engine, dnnl_stream_default_flags);
    dnnl_memory_desc_create_with_tag(&desc, 4, dims, dnnl_f32, dnnl_nhwc);
    dnnl_memory_desc_clone(&copy, desc);
    dnnl_memory_desc_equal(copy, desc);
    dnnl_memory_desc_get_size(desc);
    dnnl_primitive_attr_create(&attr);
    dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user);
    dnnl_post_ops_create(&ops);
    set_channel_scales(attr, 1, &scale, dnnl_get_effective_cpu_isa() == dnnl_cpu_isa_avx2_vnni);
    dnnl_post_ops_append_sum(ops, 1, 0, dnnl_u8);
    dnnl_post_ops_append_eltwise(ops, dnnl_eltwise_hardswish, 1.0f / 6, 0.5f);
    dnnl_primitive_attr_set_post_ops(attr, ops);
    dnnl_convolution_forward_primitive_desc_create(&pd, engine, dnnl_forward_inference,
                                                   dnnl_convolution_direct, desc, desc, desc, desc,
                                                   dims, dims, dims, dims, attr);
    dnnl_pooling_forward_primitive_desc_create(&pd, engine, dnnl_forward_inference,
                                               dnnl_pooling_avg_exclude_padding, desc, desc, dims,
                                               dims, dims, dims, dims, attr);
    dnnl_binary_primitive_desc_create(&pd, engine, dnnl_binary_mul, desc, desc, desc, attr);
    dnnl_shuffle_forward_primitive_desc_create(&pd, engine, dnnl_forward_inference, desc, desc, 1,
                                               1, attr);
    blocking_of(dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0), &blocking);
    dnnl_primitive_create(&primitive, pd);
    dnnl_memory_create(&memory, desc, engine, DNNL_MEMORY_ALLOCATE);
    dnnl_memory_get_data_handle(memory, &data);
    dnnl_memory_set_data_handle(memory, data);
    dnnl_primitive_execute(primitive, stream, 1, args);
    return dnnl_stream_wait(stream) == dnnl_success;
}

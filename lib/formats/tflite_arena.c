/* The memory that TensorFlow Lite's interpreter plans for a model. */
#include "base/grow.h"
#include "formats/tflite.h"
#include "formats/tflite_graph.h"
#include "network/memory_plan.h"

#include <stdlib.h>

enum { ALIGN = 64 /* kDefaultTensorAlignment */, MOST_SCRATCH = 3 /* of an operator */ };

static uint64_t tensor_bytes(const struct ds_tflite_tensor *t)
{
    uint64_t bytes = ds_tflite_type_size(t->numbers.type);
    for (int i = 0; i < t->rank; i++)
        bytes *= (uint64_t)t->shape[i];
    return bytes;
}

/*
 * What the kernels of version 2.9 work in: convolutions write their windows out, unless these are
 * single pixels; means have an index, the axes, and sums. Gives the number of buffers.
 */
static int scratch_of(const struct ds_tflite_graph *g, const struct ds_tflite_operation *o,
                      uint64_t size[MOST_SCRATCH])
{
    const struct ds_tflite_tensor *x = &g->tensor[o->input[0]], *y = &g->tensor[o->output[0]];
    if (o->code == DS_TFLITE_OP_CONV_2D) {
        const struct ds_tflite_tensor *w = &g->tensor[o->input[1]]; /* [cout][k][k][cin] */
        uint64_t window = (uint64_t)w->shape[1] * (uint64_t)w->shape[2] * (uint64_t)w->shape[3];
        size[0] = tensor_bytes(y) / (uint64_t)y->shape[3] * window;
        return w->shape[1] > 1 || x->shape[1] != y->shape[1]; /* else stride and kernel are 1 */
    }
    if (o->code != DS_TFLITE_OP_MEAN)
        return 0;
    size[0] = (uint64_t)x->rank * sizeof(int32_t);
    size[1] = tensor_bytes(&g->tensor[o->input[1]]);
    size[2] = tensor_bytes(y);
    return 3;
}

/* Room for the buffers of all tensors and of scratch. */
static size_t most_buffers(const struct ds_tflite_graph *g)
{
    return g->ntensors + MOST_SCRATCH * g->noperations;
}

/* The buffers of all tensors that are no constants, and of scratch; how many. */
static int list_buffers(const struct ds_tflite_graph *g, struct ds_buffer *buffer)
{
    int n = 0, number = (int)g->ntensors;
    for (size_t i = 0; i < g->ntensors; i++) /* each at its tensor's place until they are listed */
        buffer[i] = (struct ds_buffer){
            .size = tensor_bytes(&g->tensor[i]), .last = DS_BUFFER_KEPT, .number = (int)i};
    for (size_t i = 0; i < g->noperations; i++) {
        const struct ds_tflite_operation *o = &g->operation[i];
        for (int k = 0; k < o->noutputs; k++)
            buffer[o->output[k]].first = (int)i;
        for (int k = 0; k < o->ninputs; k++)
            buffer[o->input[k]].last = (int)i;
    }
    buffer[g->input].last = buffer[g->output].last = DS_BUFFER_KEPT;
    for (size_t i = 0; i < g->ntensors; i++)
        if (!g->tensor[i].data)
            buffer[n++] = buffer[i];
    for (size_t i = 0; i < g->noperations; i++) {
        uint64_t size[MOST_SCRATCH];
        int nsizes = scratch_of(g, &g->operation[i], size);
        for (int k = 0; k < nsizes; k++)
            buffer[n++] = (struct ds_buffer){
                .size = size[k], .first = (int)i, .last = (int)i, .number = number++};
    }
    return n;
}

int ds_tflite_arena(const struct ds_space *space, const struct ds_net *net,
                    const struct ds_model_options *options, uint64_t *bytes, struct ds_error *err)
{
    struct ds_tflite_graph graph;
    int rc = ds_tflite_graph_build(space, net, options, false, &graph, err);
    struct ds_buffer *buffer = rc == 0 ? ds_alloc(most_buffers(&graph), sizeof *buffer, err) : NULL;
    if (buffer)
        *bytes = ds_memory_plan(buffer, list_buffers(&graph, buffer), ALIGN);
    else
        rc = -1;
    free(buffer);
    ds_tflite_graph_free(&graph);
    return rc;
}

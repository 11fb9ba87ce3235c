/*
 * Whether this machine has an XNNPACK that the engine can be built with: all operators it uses.
 * libraries: -lXNNPACK -lpthreadpool
 */
#include "engines/xnnpack/operators.h"

int main(void)
{
    struct window w = {1, 1, 0, 0, 0, 0};
    struct conv_shape conv = {w, 1, 1, 1};
    struct operands o = {0};
    xnn_operator_t op;
    float x = 0;

    o.threads = pthreadpool_create(1);
    return xnn_initialize(NULL) || create_conv(&conv, &x, &x, 0, 1, &op) ||
           create_max_pool(&w, 1, 0, 1, &op) || create_average_pool(&w, 1, 0, 1, &op) ||
           create_global_pool(1, 0, 1, &op) || create_binary(BINARY_ADD, 0, 1, &op) ||
           create_shuffle(1, 1, &op) || create_hardswish(1, &op) || create_clamp(1, 0, 1, &op) ||
           set_up_conv(op, &o) || set_up_max_pool(op, &o) || set_up_average_pool(op, &o) ||
           set_up_global_pool(op, &o) || set_up_binary(op, BINARY_ADD, false, &o) ||
           set_up_shuffle(op, &o) || set_up_hardswish(op, &o) || set_up_clamp(op, &o) ||
           xnn_run_operator(op, o.threads) || xnn_delete_operator(op);
}

/* of the library, which is not built yet */
int ds_arena_reserve(struct ds_arena *arena, size_t size, struct ds_error *err)
{
    return arena && size && err;
}

/*
 * Buffers laid out in one block of memory, the arena, as TensorFlow Lite's ArenaPlanner does it
 * (tensorflow/lite/arena_planner.cc, simple_memory_arena.cc; "greedy by size" of Pisarchyk and Lee,
 * Efficient Memory Management for Deep Neural Net Inference, 2020). Buffers that are never in use
 * at the same time may share memory.
 */
#ifndef DS_NETWORK_MEMORY_PLAN_H
#define DS_NETWORK_MEMORY_PLAN_H

#include <limits.h>
#include <stdint.h>

#define DS_BUFFER_KEPT INT_MAX /* as `last`: until the network has run */

struct ds_buffer {
    uint64_t size;   /* bytes */
    int first, last; /* the steps that write it and that read it last; both included */
    int number;      /* which it is, for whoever planned */
    uint64_t offset; /* set by the plan */
};

/*
 * Gives every buffer its offset, a multiple of `align` (64 in TensorFlow Lite, 16 on
 * microcontrollers), and puts the buffers in the order of their offsets. Those in use all the time
 * come first, in the order of their numbers; then the larger before the smaller, and of one size
 * the one that is written earlier, each into the tightest gap between those that are in use at the
 * same time, else behind them. Returns the bytes of the arena.
 */
uint64_t ds_memory_plan(struct ds_buffer *buffer, int n, uint64_t align);

/* What no plan can do without: the most bytes that are in use in any one step. */
uint64_t ds_memory_least(const struct ds_buffer *buffer, int n);

#endif

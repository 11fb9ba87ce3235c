/*
 * The operators of XNNPACK that the engine uses, under one set of names: creating one, and pointing
 * it at its tensors. The library has no version number, and its functions change from year to
 * year: the two files included here offer the same functions for those of 2022 and of 2024.
 */
#ifndef DS_ENGINES_XNNPACK_OPERATORS_H
#define DS_ENGINES_XNNPACK_OPERATORS_H

#include "engines/placement.h"

#include <pthreadpool.h>
#include <xnnpack.h>

/* A square window that moves over an image. */
struct window {
    uint32_t kernel, stride, top, right, bottom, left; /* the last four: padding */
};

enum binary { BINARY_ADD, BINARY_MULTIPLY };

struct conv_shape {
    struct window window;
    uint32_t groups;
    size_t cin, cout;
};

/* What an operator works on: x (and x2) of n images of h * w pixels of c channels, into y. */
struct operands {
    size_t n, h, w, c;
    const float *x, *x2;
    float *y;
    struct ds_arena *scratch; /* memory to work in, which grows as needed and may move */
    pthreadpool_t threads;
};

#ifdef XNN_FLAG_KEEP_DIMS /* newer than 2022 */
#include "engines/xnnpack/operators_2024.h"
#else
#include "engines/xnnpack/operators_2022.h"
#endif

#endif

/*
 * The OpenCL engine's own kernels: all that is not a matrix product. One is compiled at a time
 * (-D DEPTHWISE and so on), for its window, stride and activation, by
 *   VEC      channels that an item takes at once: 4, or 1 where they are no multiple of 4
 *   GROUP    items in a work group
 *   ACT      enum ds_act of the result; IN_ACT: what is still to be done to what is read (below)
 *   RESIDUAL where a tensor of the result's shape is added before the activation
 * Images are [n][h][w][c]. Channel counts `c`, places (`_at`) and indices are in units of VEC.
 *
 * A matrix product leaves its bias and activation to the kernel that reads it, where there is
 * just one: with IN_ACT that one reads act(x + bias). Padding is zero after that, not before.
 */
#if VEC == 4
typedef float4 vec;
#else
typedef float vec;
#endif

#define CAT_(a, b) a##b
#define CAT(a, b) CAT_(a, b)
#define ACTIVATE(x) CAT(act, ACT)(x)

/* by the numbers of enum ds_act: none, relu, relu6, hswish, hsigmoid */
#define act0(x) (x)
#define act1(x) fmax(x, 0.0f)
#define act2(x) clamp(x, 0.0f, 6.0f)
#define act3(x) ((x) * clamp((x) + 3.0f, 0.0f, 6.0f) * (1.0f / 6))
#define act4(x) (clamp((x) + 3.0f, 0.0f, 6.0f) * (1.0f / 6))

#ifdef IN_ACT
#define IN_ARGS , __global const vec *restrict in_bias, uint in_bias_at
#define READ(x, channel) CAT(act, IN_ACT)((x) + in_bias[in_bias_at + (channel)])
#else
#define IN_ARGS
#define READ(x, channel) (x)
#endif

#ifdef RESIDUAL
#define RESIDUAL_ARGS , __global const vec *restrict other, uint other_at
#define ADD_RESIDUAL(i) +other[other_at + (i)]
#else
#define RESIDUAL_ARGS
#define ADD_RESIDUAL(i)
#endif

#define KERNEL __kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
#define X __global const vec *restrict x, uint x_at
#define Y __global vec *restrict y, uint y_at
#define WEIGHTS __global const vec *restrict weights, uint bias_at

#ifdef EPILOGUE
/* In place: bias, residual and activation of a matrix product. */
KERNEL void epilogue(Y, __global const vec *restrict bias, uint bias_at RESIDUAL_ARGS, uint c,
                     uint items)
{
    uint i = get_global_id(0);
    if (i >= items)
        return;
    vec value = y[y_at + i] + bias[bias_at + i % c] ADD_RESIDUAL(i);
    y[y_at + i] = ACTIVATE(value);
}
#endif

#ifdef DEPTHWISE
/* K x K, stride S. An item makes TILE neighbours in a row; weights are [K][K][c]. */
KERNEL void depthwise(X, Y, WEIGHTS IN_ARGS RESIDUAL_ARGS, int h, int w, uint c, uint ho, uint wo,
                      int pad, uint items)
{
    uint i = get_global_id(0), tiles = (wo + TILE - 1) / TILE;
    if (i >= items)
        return;
    uint channel = i % c;
    i /= c;
    uint ox = i % tiles * TILE;
    i /= tiles;
    uint oy = i % ho, n = i / ho;
    int left = (int)ox * S - pad, top = (int)oy * S - pad;

    vec sum[TILE];
    for (int t = 0; t < TILE; t++)
        sum[t] = weights[bias_at + channel];
    for (int ky = 0; ky < K; ky++) {
        if (top + ky < 0 || top + ky >= h)
            continue;
        vec row[K];
#pragma unroll
        for (int kx = 0; kx < K; kx++)
            row[kx] = weights[(uint)(ky * K + kx) * c + channel];
        uint line = x_at + ((n * (uint)h + (uint)(top + ky)) * (uint)w) * c + channel;
#pragma unroll
        for (int j = 0; j < (TILE - 1) * S + K; j++) {
            if (left + j < 0 || left + j >= w)
                continue;
            vec in = x[line + (uint)(left + j) * c];
            vec value = READ(in, channel);
#pragma unroll
            for (int t = 0; t < TILE; t++)
                if (j >= t * S && j < t * S + K)
                    sum[t] += value * row[j - t * S];
        }
    }
    uint out = ((n * ho + oy) * wo + ox) * c + channel;
    for (int t = 0; t < TILE; t++, out += c)
        if (ox + t < wo) {
            vec value = sum[t] ADD_RESIDUAL(out);
            y[y_at + out] = ACTIVATE(value);
        }
}
#endif

#ifdef IM2COL
/*
 * What K x K windows of stride S cover, for a matrix product: [pixel][group][K][K][cg] of the
 * images from `first` on; c = groups * cg.
 */
KERNEL void im2col(X, Y IN_ARGS, int h, int w, uint c, uint cg, uint ho, uint wo, int pad,
                   uint first, uint items)
{
    uint i = get_global_id(0), at = i;
    if (i >= items)
        return;
    uint channel = i % cg;
    i /= cg;
    int kx = (int)(i % K);
    i /= K;
    int ky = (int)(i % K);
    i /= K;
    channel += i % (c / cg) * cg;
    i /= c / cg;
    int ix = (int)(i % wo) * S + kx - pad;
    i /= wo;
    int iy = (int)(i % ho) * S + ky - pad;
    uint n = first + i / ho;
    vec value = 0;
    if (ix >= 0 && ix < w && iy >= 0 && iy < h) {
        vec in = x[x_at + ((n * (uint)h + (uint)iy) * (uint)w + (uint)ix) * c + channel];
        value = READ(in, channel);
    }
    y[y_at + at] = value;
}
#endif

#ifdef POOL
/* K x K, stride S: the greatest (MAX) or the mean of what is inside. */
KERNEL void pool(X, Y, int h, int w, uint c, uint ho, uint wo, int pad, uint items)
{
    uint i = get_global_id(0), at = i;
    if (i >= items)
        return;
    uint channel = i % c;
    i /= c;
    int left = (int)(i % wo) * S - pad;
    i /= wo;
    int top = (int)(i % ho) * S - pad;
    uint image = x_at + i / ho * (uint)(h * w) * c + channel;
    vec sum = 0, most = -INFINITY;
    int n = 0;
    for (int iy = max(top, 0); iy < min(top + K, h); iy++)
        for (int ix = max(left, 0); ix < min(left + K, w); ix++, n++) {
            vec in = x[image + (uint)(iy * w + ix) * c];
            sum += in;
            most = fmax(most, in);
        }
    vec value = MAX ? most : sum / (float)n;
    y[y_at + at] = ACTIVATE(value);
}
#endif

#if defined GLOBAL_POOL || defined CONNECT
/* Sums what the slices of a group hold for each of its LANES; valid in slice 0. */
#define SLICES (GROUP / LANES)
float sum_slices(float mine, __local float *part)
{
    uint me = get_local_id(0);
    part[me] = mine;
    barrier(CLK_LOCAL_MEM_FENCE);
    float sum = 0;
    for (uint s = me; s < GROUP; s += LANES)
        sum += part[s];
    return sum;
}
#endif

#ifdef GLOBAL_POOL
/* The mean over `area` pixels. A group: LANES channels of image get_group_id(1); VEC is 1. */
KERNEL void global_pool(X, Y, uint area, uint c)
{
    __local float part[GROUP];
    uint lane = get_local_id(0) % LANES, slice = get_local_id(0) / LANES, n = get_group_id(1);
    uint channel = get_group_id(0) * LANES + lane;
    float sum = 0;
    for (uint i = slice; i < area && channel < c; i += SLICES)
        sum += x[x_at + (n * area + i) * c + channel];
    sum = sum_slices(sum, part);
    if (slice == 0 && channel < c) {
        float value = sum / (float)area;
        y[y_at + n * c + channel] = ACTIVATE(value);
    }
}
#endif

#ifdef CONNECT
/* A fully connected layer of a few images: LANES outputs of one a group. Weights [cin][cout]. */
KERNEL void connect(X, Y, WEIGHTS RESIDUAL_ARGS, uint cin, uint cout)
{
    __local float part[GROUP];
    uint lane = get_local_id(0) % LANES, slice = get_local_id(0) / LANES, n = get_group_id(1);
    uint o = get_group_id(0) * LANES + lane;
    float sum = 0;
    for (uint i = slice; i < cin && o < cout; i += SLICES)
        sum += x[x_at + n * cin + i] * weights[i * cout + o];
    sum = sum_slices(sum, part);
    if (slice == 0 && o < cout) {
        float value = sum + weights[bias_at + o] ADD_RESIDUAL(n * cout + o);
        y[y_at + n * cout + o] = ACTIVATE(value);
    }
}
#endif

#ifdef SCALE
/* Every image times its channel's scale; `image` is the size of one. */
KERNEL void scale(X, Y, __global const vec *restrict scales, uint scales_at, uint image, uint c,
                  uint items)
{
    uint i = get_global_id(0);
    if (i >= items)
        return;
    vec value = x[x_at + i] * scales[scales_at + i / image * c + i % c];
    y[y_at + i] = ACTIVATE(value);
}
#endif

#ifdef ADD
KERNEL void add(X, Y RESIDUAL_ARGS, uint items)
{
    uint i = get_global_id(0);
    if (i >= items)
        return;
    vec value = x[x_at + i] ADD_RESIDUAL(i);
    y[y_at + i] = ACTIVATE(value);
}
#endif

#ifdef SHUFFLE
/* Channel i * groups + g of the result is channel g * (c / groups) + i; VEC is 1. */
KERNEL void shuffle_channels(X, Y IN_ARGS, uint c, uint groups, uint items)
{
    uint i = get_global_id(0);
    if (i >= items)
        return;
    uint channel = i % c, from = channel % groups * (c / groups) + channel / groups;
    vec in = x[x_at + i - channel + from];
    vec value = READ(in, from);
    y[y_at + i] = ACTIVATE(value);
}
#endif

#include "npu/tile.h"

#include <math.h>

static int ceil_div(int a, int b)
{
    return (a + b - 1) / b;
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

static int whole(const struct ds_npu *npu, enum ds_npu_key key)
{
    return (int)npu->value[key];
}

int ds_npu_padded(const struct ds_npu *npu, int channels)
{
    int block = whole(npu, DS_NPU_CHANNEL_BLOCK);
    return ceil_div(channels, block) * block;
}

/* Steps over h x w pixels, `at_once` of them each. */
static double pixel_steps(const struct ds_npu *npu, int h, int w, int at_once)
{
    if (npu->value[DS_NPU_PIXELS_IN_ROW])
        return (double)h * ceil_div(w, at_once);
    return ceil((double)h * w / at_once);
}

double ds_npu_vector_steps(const struct ds_npu *npu, struct ds_tensor t)
{
    return pixel_steps(npu, t.h, t.w, whole(npu, DS_NPU_VECTOR_PIXELS)) *
           ceil_div(t.c, whole(npu, DS_NPU_VECTOR_CHANNELS));
}

/*
 * The channels of a convolution as the cube works on them. Groups with fewer channels than the
 * cube takes are put side by side, the weights between them being zeros: `bundles` of `merged`
 * groups. So a depthwise convolution uses the diagonal alone.
 */
struct blocks {
    int merged, bundles;
    int in, out; /* channels of a bundle */
    int k, n;    /* blocks of them that the cube takes */
};

static struct blocks blocks_of(const struct ds_npu *npu, const struct ds_npu_conv *c)
{
    int cube_k = whole(npu, DS_NPU_CUBE_K), cube_n = whole(npu, DS_NPU_CUBE_N);
    int in = c->in.c / c->groups, out = c->out.c / c->groups;
    struct blocks b = {.merged = 1};
    while (b.merged < c->groups && (b.merged + 1) * in <= cube_k && (b.merged + 1) * out <= cube_n)
        b.merged++;
    b.bundles = ceil_div(c->groups, b.merged);
    b.in = b.merged * in;
    b.out = b.merged * out;
    b.k = ceil_div(b.in, cube_k);
    b.n = ceil_div(b.out, cube_n);
    return b;
}

/* A tiling and what it takes. */
struct trial {
    int rows, channels, splits;
    int row_tiles, channel_tiles;
    double cube_cycles, feed_cycles;
    double move_ms, bytes;
};

/*
 * Cycles to load the cube's operands from the large buffer into its own. A tile of mi x ni steps
 * shares loads: an operand of A serves ni steps, one of B serves mi. The best such tile that fits
 * the buffers counts.
 */
static double feed_cycles(const struct ds_npu *npu, double steps, double m_steps, int n_steps)
{
    double a_rate = npu->value[DS_NPU_L0A_BYTES], b_rate = npu->value[DS_NPU_L0B_BYTES];
    double m = npu->value[DS_NPU_CUBE_M], k = npu->value[DS_NPU_CUBE_K];
    double n = npu->value[DS_NPU_CUBE_N], bytes = npu->value[DS_NPU_ELEMENT_BYTES];
    double best = HUGE_VAL;
    if (a_rate == 0 || b_rate == 0)
        return 0;
    /* two of each, so that one is loaded while the other is used; accumulators have 4 bytes */
    double most_a = floor(1024 * npu->value[DS_NPU_L0A_KB] / (2 * m * k * bytes));
    double most_b = floor(1024 * npu->value[DS_NPU_L0B_KB] / (2 * k * n * bytes));
    double most_c = floor(1024 * npu->value[DS_NPU_L0C_KB] / (2 * m * n * 4));
    for (int parts = 1; parts <= n_steps; parts *= 2) {
        double ni = ceil_div(n_steps, parts);
        double mi = fmin(fmin(most_a, floor(most_c / ni)), m_steps);
        if (ni > most_b || mi < 1)
            continue;
        double a = steps / ni * m * k * bytes / a_rate, b = steps / mi * k * n * bytes / b_rate;
        best = fmin(best, fmax(a, b));
    }
    return best;
}

/*
 * Whether the tile fits, with room for two of each operand that is loaded while the cube works on
 * the other.
 */
static bool fits(const struct ds_npu *npu, const struct ds_npu_conv *c, const struct blocks *b,
                 const struct trial *t)
{
    double bytes = npu->value[DS_NPU_ELEMENT_BYTES];
    int in_rows = least((t->rows - 1) * c->stride + c->kernel, c->in.h);
    int bundles = c->groups == 1 ? 1 : ceil_div(t->channels, b->out);
    int in_channels =
        ceil_div(ds_npu_padded(npu, c->groups == 1 ? c->in.c : bundles * b->in), t->splits);
    int out_channels = ds_npu_padded(npu, least(t->channels, c->out.c));
    double in = (double)in_rows * c->in.w * in_channels * bytes;
    double of_one = c->groups == 1 ? in_channels : c->in.c / c->groups;
    double weights = of_one * out_channels * c->kernel * c->kernel * bytes;
    double out = (double)t->rows * c->out.w * out_channels * bytes;
    bool one_channel_tile = t->channel_tiles == 1 && t->splits == 1;
    bool one_row_tile = t->row_tiles == 1 && t->splits == 1;
    bool one_tile = t->row_tiles == 1 && t->channel_tiles == 1;
    bool in_stays = c->groups == 1 ? one_row_tile : one_tile;
    /* partial sums wait for the next part of the input channels */
    double sums = t->splits == 1 ? 0 : out / bytes * 4, room = npu->value[DS_NPU_L0C_KB];
    if (room > 0 && sums > 1024 * room)
        return false;
    return (in_stays ? 1 : 2) * in + (one_channel_tile ? 1 : 2) * weights <=
               1024 * npu->value[DS_NPU_L1_KB] &&
           (one_tile ? 1 : 2) * out <= 1024 * npu->value[DS_NPU_UB_KB];
}

/* Traffic to read the input and the weights, in the better of the two orders of the loops. */
static void traffic(const struct ds_npu *npu, const struct ds_npu_conv *c, struct trial *t)
{
    double bytes = npu->value[DS_NPU_ELEMENT_BYTES];
    int cin = c->groups == 1 ? ds_npu_padded(npu, c->in.c) : c->in.c / c->groups;
    double weights = (double)cin * ds_npu_padded(npu, c->out.c) * c->kernel * c->kernel * bytes;
    double weights_ms = weights / npu->value[DS_NPU_WEIGHTS_GB_S] / 1e6;
    /* rows that two tiles need are read twice */
    double shared = (double)(t->row_tiles - 1) * fmax(c->kernel - c->stride, 0) / c->in.h;
    double in_times = 1 + shared, weight_times = 1, channel_times = 1;
    bool dense = c->groups == 1;
    if (t->splits > 1) { /* nothing stays */
        channel_times = dense ? t->channel_tiles : 1;
        weight_times = t->row_tiles;
    } else if (t->row_tiles > 1 && t->channel_tiles > 1) {
        double again_in = dense ? (t->channel_tiles - 1) * in_times * c->in_ms : 0;
        double again_weights = (t->row_tiles - 1) * weights_ms;
        if (again_in < again_weights)
            channel_times = dense ? t->channel_tiles : 1;
        else
            weight_times = t->row_tiles;
    }
    in_times *= channel_times;
    t->move_ms = in_times * c->in_ms + weight_times * weights_ms + c->fixed_ms;
    t->bytes = in_times * c->in_bytes + weight_times * weights + c->fixed_bytes;
}

static void work(const struct ds_npu *npu, const struct ds_npu_conv *c, const struct blocks *b,
                 struct trial *t)
{
    int m = whole(npu, DS_NPU_CUBE_M), last = c->out.h - (t->row_tiles - 1) * t->rows;
    double tile_m = pixel_steps(npu, t->rows, c->out.w, m);
    double m_steps = (t->row_tiles - 1) * tile_m + pixel_steps(npu, last, c->out.w, m);
    double steps = m_steps * c->kernel * c->kernel * b->k * b->n * b->bundles;
    t->cube_cycles = t->feed_cycles = 0;
    if (c->on_vector)
        return;
    t->cube_cycles = steps * npu->value[DS_NPU_CUBE_CYCLES] / npu->value[DS_NPU_CUBE_EFFICIENCY];
    int n_steps = c->groups == 1 ? ceil_div(t->channels, whole(npu, DS_NPU_CUBE_N)) : b->n;
    t->feed_cycles = feed_cycles(npu, steps, tile_m, n_steps);
}

double ds_npu_slowest(const struct ds_npu_time *t)
{
    return fmax(fmax(t->cube, t->vector), fmax(t->feed, t->move));
}

int ds_npu_conv_time(const struct ds_npu *npu, const struct ds_npu_conv *c,
                     struct ds_npu_time *time, struct ds_npu_tile *tile, struct ds_error *err)
{
    struct blocks b = blocks_of(npu, c);
    double per_ms = 1e3 * npu->value[DS_NPU_CLOCK_MHZ];
    /* channels come in what the cube takes at once */
    int unit = c->groups == 1 ? least(whole(npu, DS_NPU_CUBE_N), c->out.c) : b.out;
    int units = ceil_div(c->out.c, unit), blocks = ceil_div(c->in.c, whole(npu, DS_NPU_CUBE_K));
    bool found = false;
    for (int splits = 1; splits == 1 || (!found && c->groups == 1 && splits < 2 * blocks);
         splits *= 2)
        for (int rp = 1; rp < 2 * c->out.h; rp *= 2)
            for (int cp = 1; cp < 2 * units; cp *= 2) {
                struct trial t = {.rows = ceil_div(c->out.h, rp),
                                  .channels = unit * ceil_div(units, cp),
                                  .splits = least(splits, blocks)};
                t.row_tiles = ceil_div(c->out.h, t.rows);
                t.channel_tiles = ceil_div(c->out.c, t.channels);
                if (!fits(npu, c, &b, &t))
                    continue;
                traffic(npu, c, &t);
                work(npu, c, &b, &t);
                struct ds_npu_time now = {.cube = t.cube_cycles / per_ms,
                                          .vector = c->vector_cycles /
                                                    npu->value[DS_NPU_VECTOR_EFFICIENCY] / per_ms,
                                          .feed = t.feed_cycles / per_ms,
                                          .move = t.move_ms,
                                          .bytes = t.bytes};
                now.ms = ds_npu_slowest(&now);
                if (!isfinite(now.ms) || (found && now.ms >= time->ms))
                    continue;
                found = true;
                *time = now;
                if (tile)
                    *tile = (struct ds_npu_tile){t.rows, least(t.channels, c->out.c), t.splits};
            }
    if (found)
        return 0;
    return ds_fail(err,
                   "no tiling of a %dx%d convolution of %dx%dx%d to %dx%dx%d fits the buffers of "
                   "%s (l0a_kb, l0b_kb, l0c_kb, l1_kb, ub_kb)",
                   c->kernel, c->kernel, c->in.c, c->in.h, c->in.w, c->out.c, c->out.h, c->out.w,
                   npu->name);
}

#include "network/build.h"
#include "npu/fit.h"
#include "npu/model.h"
#include "space/arch.h"
#include "tap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A device whose numbers are easy to count with: 1 MHz, so that a cycle is a microsecond. */
static struct ds_npu plain(void)
{
    struct ds_npu npu = {.name = (char *)"plain"};
    for (int i = 0; i < DS_NPU_KEYS; i++)
        npu.value[i] = 0;
    npu.value[DS_NPU_CLOCK_MHZ] = npu.value[DS_NPU_ELEMENT_BYTES] = 1;
    npu.value[DS_NPU_CHANNEL_BLOCK] = 16;
    npu.value[DS_NPU_CUBE_M] = npu.value[DS_NPU_CUBE_K] = npu.value[DS_NPU_CUBE_N] = 16;
    npu.value[DS_NPU_CUBE_CYCLES] = npu.value[DS_NPU_CUBE_EFFICIENCY] = 1;
    npu.value[DS_NPU_DEPTHWISE_ON_CUBE] = 1;
    npu.value[DS_NPU_VECTOR_PIXELS] = 8;
    npu.value[DS_NPU_VECTOR_CHANNELS] = 16;
    npu.value[DS_NPU_VECTOR_EFFICIENCY] = 1;
    npu.value[DS_NPU_L1_KB] = npu.value[DS_NPU_UB_KB] = 1e6;
    npu.value[DS_NPU_MEMORY_GB_S] = npu.value[DS_NPU_WEIGHTS_GB_S] = 1e6;
    return npu;
}

/* One layer of one or two inputs, on tensors of its own. */
struct one {
    struct ds_net net;
    struct ds_layer layer;
    struct ds_tensor tensor[3];
};

static struct ds_net *make(struct one *o, struct ds_layer layer, struct ds_tensor in,
                           struct ds_tensor out)
{
    o->layer = layer;
    o->layer.in2 = layer.in2 ? 2 : -1;
    o->layer.in = 0;
    o->layer.out = 1;
    o->layer.pad = layer.kernel / 2;
    o->tensor[0] = in;
    o->tensor[1] = o->tensor[2] = out;
    o->net = (struct ds_net){.nlayers = 1,
                             .ntensors = 3,
                             .layer = &o->layer,
                             .tensor = o->tensor,
                             .input = 0,
                             .output = 1};
    return &o->net;
}

static struct ds_npu_time timed(const struct ds_npu *npu, const struct ds_net *net)
{
    struct ds_npu_time t = {.ms = NAN};
    struct ds_error err;
    if (ds_npu_layer(npu, net, 0, true, &t, NULL, &err))
        printf("# %s\n", err.text);
    return t;
}

static bool near(double a, double b)
{
    return fabs(a - b) <= 1e-9 * fabs(b);
}

static struct ds_layer conv(int kernel, int stride, int groups)
{
    return (struct ds_layer){
        .op = DS_OP_CONV, .kernel = kernel, .stride = stride, .groups = groups};
}

static void cube(void)
{
    struct ds_npu npu = plain();
    struct one o;
    struct ds_tensor t32 = {32, 8, 8}, t64 = {64, 8, 8};
    struct ds_npu_time t = timed(&npu, make(&o, conv(1, 1, 1), t32, t64));
    CHECK(near(t.cube, 0.032) && near(t.ms, 0.032), "1x1: 4 x 2 x 4 steps of 16^3");
    t = timed(&npu, make(&o, conv(1, 1, 1), (struct ds_tensor){17, 8, 8}, t64));
    CHECK(near(t.cube, 0.032), "17 channels fill as many blocks as 32");
    t = timed(&npu, make(&o, conv(3, 1, 1), t32, t64));
    CHECK(near(t.cube, 9 * 0.032), "3x3: nine times the steps");
    t = timed(&npu,
              make(&o, conv(1, 1, 1), (struct ds_tensor){32, 1, 1}, (struct ds_tensor){64, 1, 1}));
    CHECK(near(t.cube, 0.008), "fully connected: one pixel of sixteen");

    npu.value[DS_NPU_PIXELS_IN_ROW] = 1;
    t = timed(&npu, make(&o, conv(1, 1, 1), t32, t64));
    CHECK(near(t.cube, 0.064), "rows of 8 fill half of 16 pixels");
    npu.value[DS_NPU_CUBE_CYCLES] = 2;
    npu.value[DS_NPU_CUBE_EFFICIENCY] = 0.5;
    t = timed(&npu, make(&o, conv(1, 1, 1), t32, t64));
    CHECK(near(t.cube, 4 * 0.064), "cycles of a step, and the share of the peak");
}

static void depthwise(void)
{
    struct ds_npu npu = plain();
    struct one o;
    struct ds_tensor t32 = {32, 8, 8};
    struct ds_npu_time t = timed(&npu, make(&o, conv(3, 1, 32), t32, t32));
    double macs = (double)ds_layer_macs(&o.net, &o.layer);
    CHECK(near(t.cube, 0.072) && near(macs / (1e3 * t.cube * 4096), 1.0 / 16),
          "depthwise on the cube: a sixteenth of it");
    t = timed(&npu, make(&o, conv(3, 1, 4), t32, t32));
    CHECK(near(t.cube, 0.072), "groups of 8: two side by side fill a block");
    t = timed(&npu, make(&o, conv(3, 1, 2), t32, t32));
    CHECK(near(t.cube, 0.072), "groups of 16: one block each");

    npu.value[DS_NPU_DEPTHWISE_ON_VECTOR] = 1;
    npu.value[DS_NPU_PASS_DRAIN] = 1;
    t = timed(&npu, make(&o, conv(3, 1, 32), t32, t32));
    CHECK(near(t.cube, 0.072) && near(t.vector, 0.016), "the faster unit: here the cube");
    npu.value[DS_NPU_VECTOR_PIXELS] = 32;
    t = timed(&npu, make(&o, conv(3, 1, 32), t32, t32));
    CHECK(t.cube == 0 && near(t.vector, 0.040), "and here the vector unit: 4 steps, 9 + 1 passes");
}

static void vector(void)
{
    struct ds_npu npu = plain();
    struct one o;
    struct ds_tensor t32 = {32, 8, 8}, c32 = {32, 1, 1}, half = {32, 4, 4}; /* 16, 2, 4 steps */
    npu.value[DS_NPU_PASS_DRAIN] = 1;
    npu.value[DS_NPU_PASS_RELU] = 2;
    npu.value[DS_NPU_PASS_HSIGMOID] = 4;
    npu.value[DS_NPU_PASS_SCALE] = 3;
    npu.value[DS_NPU_PASS_ADD] = 5;
    npu.value[DS_NPU_PASS_POOL] = 0.5;
    npu.value[DS_NPU_PASS_SHUFFLE] = 7;
    static const struct {
        struct ds_layer layer;
        double passes;
        const char *what;
    } cases[] = {
        {{.op = DS_OP_CONV, .kernel = 1, .stride = 1, .groups = 1}, 1, "drain"},
        {{.op = DS_OP_CONV, .kernel = 1, .stride = 1, .groups = 1, .act = DS_ACT_RELU6},
         3,
         "ReLU6"},
        {{.op = DS_OP_CONV, .kernel = 1, .stride = 1, .groups = 1, .act = DS_ACT_HSWISH},
         8,
         "h_swish is h_sigmoid and a product"},
        {{.op = DS_OP_CONV, .kernel = 1, .stride = 1, .groups = 1, .in2 = 1}, 6, "residual sum"},
        {{.op = DS_OP_ADD, .in2 = 1, .act = DS_ACT_RELU}, 7, "sum and ReLU"},
        {{.op = DS_OP_SCALE, .in2 = 1}, 3, "scale"},
        {{.op = DS_OP_SHUFFLE, .groups = 4}, 7, "shuffle"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ds_npu_time t = timed(&npu, make(&o, cases[i].layer, t32, t32));
        CHECK(near(t.vector, 0.016 * cases[i].passes), "vector: %s", cases[i].what);
    }
    struct ds_npu_time t =
        timed(&npu, make(&o, (struct ds_layer){.op = DS_OP_GLOBAL_POOL}, t32, c32));
    CHECK(near(t.vector, 0.016 * 0.5), "vector: a global pool reads its input");
    t = timed(&npu, make(&o, (struct ds_layer){.op = DS_OP_AVG_POOL, .kernel = 2, .stride = 2}, t32,
                         half));
    CHECK(near(t.vector, 0.004 * 4 * 0.5), "vector: a pool reads its windows");
    npu.value[DS_NPU_SEPARATE_ACTIVATIONS] = 1;
    npu.value[DS_NPU_LAYER_US] = 1000;
    npu.value[DS_NPU_MEMORY_GB_S] = 1e-3; /* a byte takes a microsecond */
    t = timed(&npu, make(&o, cases[2].layer, t32, t32));
    CHECK(near(t.vector, 0.016 * 8) && near(t.bytes, 2048.0 * (2 + 2 + 3) + 32 * 32) &&
              fabs(t.ms - 3 - 2.048 * 7) < 0.02,
          "h_swish apart: three layers, seven passes over the map");
}

static void traffic(void)
{
    struct ds_npu npu = plain();
    struct one o;
    struct ds_tensor in = {64, 16, 16}, out = {128, 16, 16};
    double maps = 16384 + 32768, weights = 8192;
    npu.value[DS_NPU_MEMORY_GB_S] = npu.value[DS_NPU_WEIGHTS_GB_S] = 1e-3;
    struct ds_npu_time t = timed(&npu, make(&o, conv(1, 1, 1), in, out));
    CHECK(near(t.bytes, maps + weights) && near(t.move, t.bytes / 1e3) && t.ms == t.move,
          "everything once; slower than the cube");
    t = timed(&npu, make(&o, conv(1, 1, 1), (struct ds_tensor){50, 16, 16}, out));
    CHECK(near(t.bytes, maps + weights), "channels filled up to blocks of 16");

    npu.value[DS_NPU_L1_KB] = 12;
    t = timed(&npu, make(&o, conv(1, 1, 1), in, out));
    CHECK(near(t.bytes, maps + weights), "two rows at a time, the weights stay: still once");
    npu.value[DS_NPU_L1_KB] = 6;
    struct ds_npu_tile tile;
    struct ds_error err;
    int rc = ds_npu_layer(&npu, &o.net, 0, true, &t, &tile, &err);
    CHECK(rc == 0 && near(t.bytes, maps + weights + 3 * 16384) && tile.rows == 1 &&
              tile.channels == 32 && tile.splits == 1,
          "four tiles of channels, the input again for each: by hand the best");
    npu.value[DS_NPU_L1_KB] = 0.25;
    CHECK(ds_npu_layer(&npu, &o.net, 0, true, &t, &tile, &err) < 0 &&
              strstr(err.text, "no tiling of a 1x1 convolution of 64x16x16 to 128x16x16 fits"),
          "where none fits: %s", err.text);
    npu.value[DS_NPU_L1_KB] = 2;
    rc = ds_npu_layer(&npu, &o.net, 0, true, &t, &tile, &err);
    CHECK(rc == 0 && tile.splits > 1, "input channels in parts where nothing else fits");
    npu.value[DS_NPU_L0C_KB] = 0.5;
    CHECK(ds_npu_layer(&npu, &o.net, 0, true, &t, &tile, &err) < 0,
          "whose partial sums must fit the accumulators");

    npu = plain();
    npu.value[DS_NPU_MEMORY_GB_S] = npu.value[DS_NPU_WEIGHTS_GB_S] = 1e-3;
    npu.value[DS_NPU_KEEP_KB] = 16;
    npu.value[DS_NPU_KEEP_GB_S] = 2e-3;
    rc = ds_npu_layer(&npu, &o.net, 0, false, &t, NULL, &err);
    CHECK(rc == 0 && near(t.bytes, 32768 + weights) && near(t.move, (t.bytes + 16384 / 2.0) / 1e3),
          "16 KiB stay on the chip, 32 do not");
}

static void feed(void)
{
    struct ds_npu npu = plain();
    struct one o;
    npu.value[DS_NPU_L0A_BYTES] = npu.value[DS_NPU_L0B_BYTES] = 256;
    npu.value[DS_NPU_L0A_KB] = npu.value[DS_NPU_L0B_KB] = npu.value[DS_NPU_L0C_KB] = 1024;
    /* 4 x 4 x 4 steps; with room for all, each operand of 4 x 4 x 256 bytes is loaded once */
    struct ds_npu_time t = timed(
        &npu, make(&o, conv(1, 1, 1), (struct ds_tensor){64, 8, 8}, (struct ds_tensor){64, 8, 8}));
    CHECK(near(t.feed, 0.016), "operands that are shared by all steps");
    npu.value[DS_NPU_L0C_KB] = 2; /* two of 1 KB: one step's */
    t = timed(&npu, &o.net);
    CHECK(near(t.feed, 0.064), "operands that each step loads");
    npu.value[DS_NPU_L0C_KB] = 1;
    struct ds_error err;
    CHECK(ds_npu_layer(&npu, &o.net, 0, true, &t, NULL, &err) < 0, "no step fits: %s", err.text);
}

/* Whatever grows, no layer gets slower: buffers and rates. */
static void monotone(void)
{
    static const enum ds_npu_key grow[] = {DS_NPU_L1_KB,       DS_NPU_UB_KB,  DS_NPU_KEEP_KB,
                                           DS_NPU_MEMORY_GB_S, DS_NPU_L0A_KB, DS_NPU_L0A_BYTES,
                                           DS_NPU_CLOCK_MHZ};
    struct ds_error err;
    struct ds_npu *npu = ds_npu_load("kirin9000-lite", &err);
    struct ds_space *space = ds_space_load("ofa-mbv3", &err);
    struct ds_net net = {0};
    uint8_t choice[DS_MAX_SITES];
    struct ds_random r;
    CHECK(npu && space, "kirin9000-lite and ofa-mbv3 load");
    if (!npu || !space)
        return;
    ds_random_init(&r, 1, 0, 0);
    ds_arch_sample(space, &r, choice);
    CHECK(ds_net_build(space, choice, &net, &err) == 0, "a network");
    for (size_t g = 0; g < sizeof grow / sizeof *grow; g++) {
        double was = npu->value[grow[g]];
        int slower = 0;
        for (int i = 0; i < net.nlayers; i++) {
            struct ds_npu_time a, b;
            npu->value[grow[g]] = was;
            int bad = ds_npu_layer(npu, &net, i, false, &a, NULL, &err);
            npu->value[grow[g]] = 2 * was;
            bad |= ds_npu_layer(npu, &net, i, false, &b, NULL, &err);
            slower += bad || b.ms > a.ms * (1 + 1e-12);
        }
        npu->value[grow[g]] = was;
        CHECK(slower == 0, "twice the %s: no layer slower", ds_npu_key_name(grow[g]));
    }
    ds_net_free(&net);
    ds_space_free(space);
    ds_npu_free(npu);
}

/* Parts timed once each give what the whole network gives. */
static void costers(void)
{
    static const char *const spaces[] = {"ofa-mbv3", "resnet50", "fbnet", "proxylessnas",
                                         "mobilenet-v2"};
    static const char *const npus[] = {"kirin9000-lite", "dpu-b2304"};
    struct ds_error err;
    for (size_t d = 0; d < 2; d++)
        for (size_t s = 0; s < sizeof spaces / sizeof *spaces; s++) {
            struct ds_npu *npu = ds_npu_load(npus[d], &err);
            struct ds_space *space = ds_space_load(spaces[s], &err);
            struct ds_net net = {0};
            int same = 0;
            if (!npu || !space) {
                CHECK(false, "%s", err.text);
                break;
            }
            npu->value[DS_NPU_KEEP_KB] = 0; /* the result too goes to the memory, then */
            struct ds_npu_coster *c = ds_npu_coster_new(npu, space);
            for (uint64_t i = 0; i < 20; i++) {
                uint8_t choice[DS_MAX_SITES];
                struct ds_random r;
                struct ds_npu_time whole;
                double ms = -1;
                ds_random_init(&r, 7, i, 0);
                ds_arch_sample(space, &r, choice);
                if (ds_net_build(space, choice, &net, &err) ||
                    ds_npu_net(npu, &net, &whole, &err) || ds_npu_coster_ms(c, choice, &ms, &err))
                    printf("# %s\n", err.text);
                else
                    same += near(ms, whole.ms) && isfinite(ms) && ms > 0;
            }
            CHECK(same == 20, "%s on %s: parts and whole agree", spaces[s], npus[d]);
            ds_npu_coster_free(c);
            ds_net_free(&net);
            ds_space_free(space);
            ds_npu_free(npu);
        }
}

/* A table that the model itself made, of other parameters: the fit finds what it predicts. */
static void fit(void)
{
    static const char *const shape[] = {"56x56x56", "24x28x28", "96x14x14", "48x28x28", "192x7x7"};
    char path[] = "/tmp/npu-fit-XXXXXX.csv";
    struct ds_error err;
    struct ds_npu_blocks blocks = {0};
    struct ds_npu *npu = ds_npu_load("dpu-b2304", &err);
    int fd = mkstemps(path, 4);
    FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;
    CHECK(npu && f, "a device and a file");
    if (!npu || !f)
        return;
    fprintf(f, "Kernel Name,Average Time (ms)\nLinear_in-8_out-8,1\n");
    for (int s = 0; s < 5; s++)
        for (int k = 3; k < 8; k += 2)
            for (int e = 3; e < 7; e++)
                fprintf(f, "ResidualBlock-in_%s-out_96-k_%d-e_%d-s_1-act_%s-use_se_%s,1\n",
                        shape[s], k, e, s % 2 ? "h_swish" : "relu", e % 2 ? "True" : "False");
    fclose(f);
    int rc = ds_npu_blocks_read(&blocks, path, &err);
    remove(path);
    CHECK(rc == 0 && blocks.n == 60, "60 blocks of the table, the rest left out");
    if (rc) {
        printf("# %s\n", err.text);
        return;
    }
    npu->value[DS_NPU_MEMORY_GB_S] = 5;
    npu->value[DS_NPU_CUBE_EFFICIENCY] = 0.3;
    npu->value[DS_NPU_NETWORK_US] = 30;
    npu->value[DS_NPU_PASS_SCALE] = 8;
    for (int i = 0; i < blocks.n; i++) {
        struct ds_npu_time t;
        ds_npu_net(npu, &blocks.block[i].net, &t, &err);
        blocks.block[i].ms = t.ms;
    }
    bool half[60], other[60];
    int n = 0, moved = 0;
    struct ds_npu_error e;
    ds_npu_blocks_split(&blocks, 0, half, &err);
    ds_npu_blocks_split(&blocks, 1, other, &err);
    for (int i = 0; i < 60; i++) {
        n += half[i];
        moved += half[i] != other[i];
    }
    CHECK(n == 30 && moved > 10, "a split halves; another split otherwise");
    rc = ds_npu_fit(npu, &blocks, half, &err);
    CHECK(rc == 0 && ds_npu_blocks_check(npu, &blocks, half, false, &e, &err) == 0 && e.n == 30 &&
              e.mape < 1 && e.spearman > 0.999,
          "fitted to one half: %.3f%% off on the other, Spearman %.5f", e.mape, e.spearman);
    CHECK(fabs(npu->value[DS_NPU_NETWORK_US] / 30 - 1) < 0.1, "the start of a network is found: %g",
          npu->value[DS_NPU_NETWORK_US]);
    memset(npu->free, 0, sizeof npu->free);
    CHECK(ds_npu_fit(npu, &blocks, half, &err) < 0, "%s", err.text);
    ds_npu_blocks_free(&blocks);
    ds_npu_free(npu);
}

int main(void)
{
    cube();
    depthwise();
    vector();
    traffic();
    feed();
    monotone();
    costers();
    fit();
    return TAP_END();
}

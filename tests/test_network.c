#include "network/build.h"
#include "network/cost.h"
#include "space/arch.h"
#include "tap.h"

#include <math.h>
#include <string.h>

/* Channels as MobileNet rounds them, written anew. */
static int make_divisible(double v)
{
    int n = (int)((v + 4) / 8) * 8;
    if (n < 8)
        n = 8;
    return n < 0.9 * v ? n + 8 : n;
}

/*
 * MACs and parameters of an OFA-MBv3 network (width 1.2), counted from the published description
 * without lib/network: a formula for each block.
 */
static void count_ofa(int resolution, const int *depth, const int *ks, const int *e, double *macs,
                      double *params)
{
    static const int width[] = {32, 48, 96, 136, 192}, stride[] = {2, 2, 2, 1, 2};
    static const int se[] = {0, 1, 0, 1, 1};
    int size = (resolution + 1) / 2, cin = 24;
    *macs = 27.0 * 24 * size * size + (9.0 * 24 + 24 * 24) * size * size;
    *params = 27 * 24 + 2 * 24 + 9 * 24 + 2 * 24 + 24 * 24 + 2 * 24;
    for (int u = 0; u < 5; u++)
        for (int l = 0; l < depth[u]; l++) {
            int k = ks[4 * u + l], mid = make_divisible(cin * e[4 * u + l]), cout = width[u];
            int out = l == 0 && stride[u] == 2 ? (size + 1) / 2 : size;
            int sq = make_divisible(mid / 4);
            *macs += (double)cin * mid * size * size + (double)k * k * mid * out * out +
                     (double)mid * cout * out * out + (se[u] ? 2.0 * mid * sq : 0);
            *params += cin * mid + 2 * mid + k * k * mid + 2 * mid + mid * cout + 2 * cout +
                       (se[u] ? 2 * mid * sq + mid + sq : 0);
            cin = cout;
            size = out;
        }
    *macs += 192.0 * 1152 * size * size + 1152.0 * 1536 + 1536.0 * 1000;
    *params += 192 * 1152 + 2 * 1152 + 1152 * 1536 + 1536 * 1000 + 1000;
}

static void against_formula(const struct ds_space *s)
{
    struct ds_error err;
    struct ds_net net = {0};
    int right = 0;
    for (uint64_t i = 0; i < 10; i++) {
        uint8_t choice[DS_MAX_SITES];
        int depth[5], ks[20] = {0}, e[20] = {0};
        struct ds_random r;
        struct ds_cost cost;
        double macs, params;
        ds_random_init(&r, 1, i, 0);
        ds_arch_sample(s, &r, choice);
        for (int u = 0; u < 5; u++) {
            depth[u] = ds_arch_depth(s, choice, u);
            for (int l = 0; l < depth[u]; l++) {
                int block =
                    s->site[s->unit[u].layer_site + l].value[choice[s->unit[u].layer_site + l]];
                sscanf(s->block[block].name, "mbconv3_e%d_k%d", &e[4 * u + l], &ks[4 * u + l]);
            }
        }
        count_ofa(ds_arch_resolution(s, choice), depth, ks, e, &macs, &params);
        if (ds_net_build(s, choice, &net, &err) == 0) {
            ds_net_cost(&net, &cost);
            right += (double)cost.macs == macs && (double)cost.params == params;
        }
    }
    CHECK(right == 10, "MACs and parameters of 10 random networks as by formula (%d)", right);
    ds_net_free(&net);
}

static void extremes(const struct ds_space *s)
{
    static const double millions[] = {193, 843};
    struct ds_error err;
    struct ds_net net = {0};
    for (int big = 0; big < 2; big++) {
        uint8_t choice[DS_MAX_SITES];
        struct ds_cost cost = {0};
        for (int i = 0; i < s->nsites; i++)
            choice[i] = (uint8_t)(big ? s->site[i].nchoices - 1 : 0);
        choice[0] = 4; /* 224 */
        ds_arch_canon(s, choice, &err);
        if (ds_net_build(s, choice, &net, &err) == 0)
            ds_net_cost(&net, &cost);
        CHECK(fabs((double)cost.macs / 1e6 - millions[big]) < 0.5, "%s OFA-MBv3 at 224: %.3fM MACs",
              big ? "largest" : "smallest", (double)cost.macs / 1e6);
        const struct ds_tensor *out = &net.tensor[net.output];
        CHECK(out->c == 1000 && out->h == 1 && out->w == 1, "1000 logits");
    }
    ds_net_free(&net);
}

/* Everything a space can have, at odd sizes. */
static const char *const odd_space =
    "{\"dstools_space\":1,\"name\":\"odd\",\"resolution\":[33,47,50],"
    "\"blocks\":[{\"name\":\"m\",\"type\":\"mbconv\",\"expand\":3,\"kernel\":5},"
    "{\"name\":\"g\",\"type\":\"mbconv\",\"expand\":1,\"kernel\":3,\"groups\":2,\"se\":true},"
    "{\"name\":\"n\",\"type\":\"bottleneck\",\"expand\":0.35,\"kernel\":3},"
    "{\"name\":\"s\",\"type\":\"skip\"}],"
    "\"stem\":[{\"op\":\"conv\",\"kernel\":3,\"stride\":2,\"width\":[16,24],\"act\":\"relu\"},"
    "{\"op\":\"conv\",\"kernel\":3,\"act\":\"relu\",\"residual\":true,\"repeat\":[0,1,2]},"
    "{\"op\":\"maxpool\",\"kernel\":3,\"stride\":2}],"
    "\"units\":[{\"width\":[16,32],\"depth\":[1,2,3],\"stride\":2},"
    "{\"width\":[24,40],\"depth\":[1,2],\"stride\":2,\"se\":true,\"act\":\"hswish\"}],"
    "\"head\":[{\"op\":\"pool\"},{\"op\":\"linear\",\"width\":10}]}";

static void memo(const struct ds_space *s, int n)
{
    struct ds_error err = {""};
    struct ds_net net = {0};
    struct ds_coster *coster = ds_coster_new(s);
    int right = 0, reached = 0;
    for (int i = 0; i < n; i++) {
        uint8_t choice[DS_MAX_SITES];
        struct ds_random r;
        struct ds_cost a, b;
        ds_random_init(&r, 5, (uint64_t)i, 0);
        ds_arch_sample(s, &r, choice);
        if (ds_net_build(s, choice, &net, &err) || ds_coster_cost(coster, choice, &b, &err))
            break;
        ds_net_cost(&net, &a);
        right += a.macs == b.macs && a.params == b.params && a.peak == b.peak;
        reached = i + 1;
    }
    CHECK(right == n, "%s: looked-up costs are those of the whole network (%d of %d; %s)", s->name,
          right, reached, err.text);
    ds_coster_free(coster);
    ds_net_free(&net);
}

/* input 33 -> conv s2 17 -> maxpool s2 9 -> unit s2 5 -> unit s2 3 */
static void odd_sizes(const struct ds_space *s)
{
    struct ds_error err;
    struct ds_net net = {0};
    uint8_t choice[DS_MAX_SITES] = {0};
    ds_arch_canon(s, choice, &err);
    CHECK(ds_net_build(s, choice, &net, &err) == 0, "odd sizes");
    static const int sizes[] = {17, 9, 5, 3};
    int next = 0;
    for (int i = 0; i < net.nlayers && next < 4; i++)
        if (net.layer[i].stride == 2 && net.layer[i].op != DS_OP_AVG_POOL)
            next += net.tensor[net.layer[i].out].h == sizes[next];
    CHECK(next == 4, "strides of 2 round up: 33, 17, 9, 5, 3");
    ds_net_free(&net);
}

/* What cannot be built, and what its message must say. */
static void impossible(void)
{
    static const struct {
        const char *stem, *unit, *head, *says;
    } bad[] = {
        {"", "\"width\":8,\"depth\":1,\"blocks\":[\"g\"]", "",
         "unit0.layer0: g of 3x65536x65536: 2 groups do not divide 3 input and 8 output channels"},
        {"{\"op\":\"conv\",\"kernel\":1,\"width\":16,\"residual\":true}", "\"width\":8,\"depth\":1",
         "", "stem[0] of 3x65536x65536: a residual step changes 3x65536x65536 to 16x65536x65536"},
        {"", "\"width\":8,\"depth\":1", "{\"op\":\"linear\",\"width\":8}",
         "head[0] of 8x65536x65536: a linear step reads 8x65536x65536"},
        {"", "\"width\":512,\"depth\":[1]", "",
         "unit0.layer0: a of 3x65536x65536: a tensor of 512x65536x65536"},
        {"{\"op\":\"pool\"}", "\"width\":1048576,\"depth\":2,\"blocks\":[\"w\"]", "",
         "unit0.layer1: w of 1048576x1x1: a convolution of 1048576x1x1 to 67108864x1x1 is too "
         "large"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char json[1000];
        snprintf(json, sizeof json,
                 "{\"dstools_space\":1,\"name\":\"t\",\"resolution\":65536,\"blocks\":["
                 "{\"name\":\"a\",\"type\":\"mbconv\",\"expand\":1,\"kernel\":3},"
                 "{\"name\":\"w\",\"type\":\"mbconv\",\"expand\":64,\"kernel\":3},"
                 "{\"name\":\"g\",\"type\":\"mbconv\",\"expand\":1,\"expand_conv\":true,"
                 "\"kernel\":3,\"groups\":2}],\"stem\":[%s],\"units\":[{%s}],\"head\":[%s]}",
                 bad[i].stem, bad[i].unit, bad[i].head);
        struct ds_error err = {"no error"}, same = {""};
        struct ds_space *s = ds_space_parse(json, strlen(json), &err);
        struct ds_coster *coster = s ? ds_coster_new(s) : NULL;
        struct ds_net net = {0};
        struct ds_cost cost;
        uint8_t choice[DS_MAX_SITES] = {0};
        CHECK(s && ds_arch_canon(s, choice, &err) == 0 && ds_net_build(s, choice, &net, &err) < 0 &&
                  strstr(err.text, bad[i].says) &&
                  ds_coster_cost(coster, choice, &cost, &same) < 0 &&
                  strcmp(err.text, same.text) == 0,
              "refused: %s", err.text);
        ds_coster_free(coster);
        ds_net_free(&net);
        ds_space_free(s);
    }
}

/* Layers that add another tensor, in a network of two mbconv of one shape. */
static int sums(const char *shortcut)
{
    struct ds_error err;
    struct ds_net net = {0};
    uint8_t choice[DS_MAX_SITES] = {0};
    char json[400];
    snprintf(json, sizeof json,
             "{\"dstools_space\":1,\"name\":\"two\",\"resolution\":8,\"blocks\":["
             "{\"name\":\"a\",\"type\":\"mbconv\",\"expand\":2,\"kernel\":3%s}],"
             "\"stem\":[{\"op\":\"mbconv\",\"expand\":1,\"kernel\":3%s}],"
             "\"units\":[{\"width\":3,\"depth\":1}],\"head\":[]}",
             shortcut, shortcut);
    struct ds_space *s = ds_space_parse(json, strlen(json), &err);
    int n = s && ds_net_build(s, choice, &net, &err) == 0 ? 0 : -1;
    for (int i = 0; n >= 0 && i < net.nlayers; i++)
        n += net.layer[i].in2 >= 0;
    ds_net_free(&net);
    ds_space_free(s);
    return n;
}

/* Convolutions of two units of two bottlenecks that keep the shape. */
static int bottleneck_convs(const char *extra)
{
    struct ds_error err;
    struct ds_net net = {0};
    uint8_t choice[DS_MAX_SITES] = {0};
    char json[400];
    snprintf(json, sizeof json,
             "{\"dstools_space\":1,\"name\":\"two\",\"resolution\":8,\"input_channels\":16,"
             "\"blocks\":[{\"name\":\"a\",\"type\":\"bottleneck\",\"expand\":0.5%s}],\"stem\":[],"
             "\"units\":[{\"width\":16,\"depth\":2},{\"width\":16,\"depth\":2}],\"head\":[]}",
             extra);
    struct ds_space *s = ds_space_parse(json, strlen(json), &err);
    int n = s && ds_net_build(s, choice, &net, &err) == 0 ? 0 : -1;
    for (int i = 0; n >= 0 && i < net.nlayers; i++)
        n += net.layer[i].op == DS_OP_CONV;
    ds_net_free(&net);
    ds_space_free(s);
    return n;
}

static void shortcuts(void)
{
    CHECK(bottleneck_convs("") == 12, "bottlenecks that keep the shape: three convolutions each");
    CHECK(bottleneck_convs(",\"project\":true") == 14, "and one more in a unit's first");

    CHECK(sums("") == 2 && sums(",\"shortcut\":\"identity\"") == 2,
          "mbconv adds its input where the shape stays");
    CHECK(sums(",\"shortcut\":\"none\"") == 0, "but not without a shortcut");
}

static void rounding(void)
{
    CHECK(ds_round_channels(19.2, 8) == 24 && ds_round_channels(134.4, 8) == 136 &&
              ds_round_channels(20, 8) == 24 && ds_round_channels(3, 8) == 8 &&
              ds_round_channels(249.6, 8) == 248,
          "channels are rounded to multiples of 8, never below 90%%");
}

int main(void)
{
    struct ds_error err;
    struct ds_space *ofa = ds_space_load("ofa-mbv3", &err);
    struct ds_space *odd = ds_space_parse(odd_space, strlen(odd_space), &err);
    CHECK(ofa && odd, "spaces: %s", ofa && odd ? "both" : err.text);
    if (!ofa || !odd)
        return TAP_END();
    rounding();
    shortcuts();
    impossible();
    extremes(ofa);
    against_formula(ofa);
    odd_sizes(odd);
    memo(ofa, 300);
    memo(odd, 500);
    ds_space_free(ofa);
    ds_space_free(odd);
    return TAP_END();
}

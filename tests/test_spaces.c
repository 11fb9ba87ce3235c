/* The shipped design spaces: costs against the literature, ranges, and both engines on each. */
#include "engines.h"
#include "network/build.h"
#include "network/cost.h"
#include "network/cost_range.h"
#include "space/arch.h"
#include "space/shipped.h"
#include "tap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#ifdef __SANITIZE_ADDRESS__
#define NETWORKS 1
#else
#define NETWORKS 2
#endif
#define TOLERANCE 1e-3 /* between engines, as a share of the largest logit */

static struct ds_space *load(const char *name)
{
    struct ds_error err;
    struct ds_space *space = ds_space_load(name, &err);
    CHECK(space, "space %s: %s", name, space ? "loaded" : err.text);
    return space;
}

/* Makes a choice by name; unit, layer and option sites alike. */
static bool set(const struct ds_space *space, uint8_t *choice, const char *site, const char *value)
{
    int s = ds_space_site(space, site, strlen(site));
    for (int c = 0; s >= 0 && c < space->site[s].nchoices; c++) {
        char label[200];
        ds_site_print(space, s, c, label, sizeof label);
        if (strcmp(label, value) == 0) {
            choice[s] = (uint8_t)c;
            return true;
        }
    }
    return false;
}

static struct ds_cost cost_of(const struct ds_space *space, uint8_t *choice)
{
    struct ds_net net = {0};
    struct ds_cost cost = {0};
    struct ds_error err;
    if (ds_arch_canon(space, choice, &err) == 0 && ds_net_build(space, choice, &net, &err) == 0)
        ds_net_cost(&net, &cost);
    ds_net_free(&net);
    return cost;
}

/* ---- against the literature ---- */

/*
 * MACs as the papers give them; parameters as torchvision counts them. The paper of MobileNetV3
 * says 219M, 1.1% more than its table of layers has: 216.59M, with parameters equal to the last.
 */
static void single_networks(void)
{
    static const struct {
        const char *name;
        double macs, within; /* millions, share */
        uint64_t params;     /* 0: not published */
    } known[] = {
        {"mobilenet-v2", 300, 0.01, 3504872}, {"mobilenet-v3-large", 219, 0.012, 5483032},
        {"ofa-230m", 230, 0.001, 0},          {"ofa-595m", 595, 0.001, 0},
        {"resnet-50", 4100, 0.01, 25557032},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        uint8_t choice[DS_MAX_SITES] = {0};
        struct ds_space *space = load(known[i].name);
        if (!space)
            continue;
        struct ds_cost cost = cost_of(space, choice);
        char *size = ds_space_size(space);
        double macs = (double)cost.macs / 1e6;
        CHECK(strcmp(size, "1") == 0, "%s is one network", known[i].name);
        CHECK(fabs(macs / known[i].macs - 1) < known[i].within, "%s: %.2fM MACs, published %gM",
              known[i].name, macs, known[i].macs);
        CHECK(!known[i].params || cost.params == known[i].params, "%s: %llu parameters",
              known[i].name, (unsigned long long)cost.params);
        free(size);
        ds_space_free(space);
    }
}

/* FBNet-A, -B, -C as published with the paper; MACs of its Table 3. */
static void fbnets(void)
{
    static const struct {
        const char *name, *layers;
        double macs, within, params; /* millions; 0: not compared */
    } known[] = {
        {"FBNet-A",
         "skip/k3_e3 k3_e1 skip skip/k5_e6 k3_e3 k5_e1 k3_e3/k5_e6 k5_e3 k5_e1_g2 k5_e6/"
         "k3_e6 k5_e1_g2 k5_e1 k3_e1_g2/k5_e6 k5_e6 k5_e3 k5_e6/k5_e6",
         249, 0.01, 0},
        {"FBNet-B",
         "k3_e1/k3_e6 k5_e1 k3_e1 k3_e1/k5_e6 k5_e3 k3_e6 k5_e6/k5_e6 k5_e1 skip k5_e3/"
         "k5_e6 k3_e1 k5_e1 k5_e3/k5_e6 k5_e1 k5_e6 k5_e6/k3_e6",
         295, 0.01, 0},
        {"FBNet-C",
         "k3_e1/k3_e6 skip k3_e1 k3_e1/k5_e6 k5_e3 k5_e6 k3_e6/k5_e6 k5_e3 k5_e6 k5_e6/"
         "k5_e6 k5_e6 k5_e6 k5_e3/k5_e6 k5_e6 k5_e6 k5_e6/k3_e6",
         375, 0.03, 5.57},
    };
    struct ds_space *space = load("fbnet");
    if (!space)
        return;
    char *size = ds_space_size(space);
    CHECK(strcmp(size, "984770902183611232881") == 0, "FBNet's space has 9^22 architectures");
    free(size);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        uint8_t choice[DS_MAX_SITES] = {0};
        int unit = 0, layer = 0, n, found = 0;
        char word[32], site[64], block[64];
        for (const char *at = known[i].layers; sscanf(at, "%31[^/ ]%n", word, &n) == 1;) {
            snprintf(site, sizeof site, "unit%d.layer%d", unit, layer++);
            snprintf(block, sizeof block, "%s%s", strcmp(word, "skip") ? "fb_" : "", word);
            found += set(space, choice, site, block);
            at += n;
            if (*at == '/') {
                unit++;
                layer = 0;
            }
            if (*at)
                at++;
        }
        struct ds_cost cost = cost_of(space, choice);
        double macs = (double)cost.macs / 1e6, params = (double)cost.params / 1e6;
        CHECK(found == 22 && fabs(macs / known[i].macs - 1) < known[i].within,
              "%s: %.2fM MACs, published %gM", known[i].name, macs, known[i].macs);
        if (known[i].params > 0)
            CHECK(fabs(params - known[i].params) < 0.005, "%s: %.4fM parameters", known[i].name,
                  params);
    }
    ds_space_free(space);
}

/*
 * MACs and parameters of an OFA-ResNet50 network, counted from its description without lib/network:
 * batch norm counts two parameters a channel, the average pool none of either.
 */
static void count_resnet(const struct ds_space *space, const uint8_t *choice, double *macs,
                         double *params)
{
    static const int stride[] = {1, 2, 2, 2};
    const uint8_t *at = choice;
    const struct ds_site *site = space->site;
    int size = site[0].value[at[0]] / 2, mid = site[1].value[at[1]], n = site[2].value[at[2]];
    int cin = site[3].value[at[3]];
    double stem = 27.0 * mid + n * 9.0 * mid * mid + 9.0 * mid * cin;
    *macs = stem * size * size;
    *params = stem + 2 * mid + n * 2 * mid + 2 * cin;
    size /= 2;
    for (int u = 0; u < 4; u++) {
        int cout = ds_arch_width(space, choice, u), depth = ds_arch_depth(space, choice, u);
        for (int l = 0; l < depth; l++) {
            double e = space
                           ->block[site[space->unit[u].layer_site + l]
                                       .value[choice[space->unit[u].layer_site + l]]]
                           .expand;
            int b = (int)(floor(cout * e + 0.5) + 4) / 8 * 8;
            if (b < 0.9 * floor(cout * e + 0.5))
                b += 8;
            int out = l == 0 ? (size + stride[u] - 1) / stride[u] : size;
            *macs += (double)cin * b * size * size + (9.0 * b * b + (double)b * cout) * out * out;
            *params += (double)cin * b + 9.0 * b * b + (double)b * cout + 4 * b + 2 * cout;
            if (l == 0) {
                *macs += (double)cin * cout * out * out;
                *params += (double)cin * cout + 2 * cout;
            }
            cin = cout;
            size = out;
        }
    }
    *macs += 1000.0 * cin;
    *params += 1000.0 * cin + 1000;
}

static void resnets(void)
{
    struct ds_space *space = load("resnet50");
    if (!space)
        return;
    int right = 0;
    for (uint64_t i = 0; i < 50; i++) {
        uint8_t choice[DS_MAX_SITES];
        struct ds_random r;
        double macs, params;
        ds_random_init(&r, 2, i, 0);
        ds_arch_sample(space, &r, choice);
        struct ds_cost cost = cost_of(space, choice);
        count_resnet(space, choice, &macs, &params);
        right += (double)cost.macs == macs && (double)cost.params == params;
    }
    CHECK(right == 50, "MACs and parameters of 50 OFA-ResNet50 networks as by formula (%d)", right);

    /* ResNet-50-D is one of them: 25.58M parameters, 4.35G MACs by other programs */
    static const char *const d[][2] = {
        {"resolution", "224"},  {"stem0.width", "32"},   {"stem1.repeat", "1"},
        {"stem2.width", "64"},  {"unit0.depth", "3"},    {"unit1.depth", "4"},
        {"unit2.depth", "6"},   {"unit3.depth", "3"},    {"unit0.width", "256"},
        {"unit1.width", "512"}, {"unit2.width", "1024"}, {"unit3.width", "2048"}};
    uint8_t choice[DS_MAX_SITES] = {0};
    size_t found = 0;
    for (int s = 0; s < space->nsites; s++)
        if (space->site[s].kind == DS_SITE_BLOCK)
            set(space, choice, space->site[s].name, "bottleneck_e0.25");
    for (size_t i = 0; i < sizeof d / sizeof *d; i++)
        found += set(space, choice, d[i][0], d[i][1]);
    struct ds_cost cost = cost_of(space, choice);
    CHECK(found == sizeof d / sizeof *d && cost.params == 25576264 &&
              fabs((double)cost.macs / 4.35e9 - 1) < 0.01,
          "ResNet-50-D: %.2fM MACs, %.3fM parameters", (double)cost.macs / 1e6,
          (double)cost.params / 1e6);
    ds_space_free(space);
}

/* ---- ranges ---- */

static const char odd_space[] =
    "{\"dstools_space\":1,\"name\":\"odd\",\"resolution\":[33,47],"
    "\"blocks\":[{\"name\":\"m\",\"type\":\"mbconv\",\"expand\":3,\"kernel\":5},"
    "{\"name\":\"g\",\"type\":\"mbconv\",\"expand\":1,\"kernel\":3,\"groups\":2,"
    "\"expand_conv\":true,\"shuffle\":true,\"se\":true},"
    "{\"name\":\"n\",\"type\":\"bottleneck\",\"expand\":0.35,\"shortcut\":\"conv\"},"
    "{\"name\":\"s\",\"type\":\"skip\"}],"
    "\"stem\":[{\"op\":\"conv\",\"kernel\":3,\"stride\":2,\"width\":[24,16],\"act\":\"relu\"},"
    "{\"op\":\"conv\",\"kernel\":3,\"act\":\"relu\",\"residual\":true,\"repeat\":[2,0]}],"
    "\"units\":[{\"width\":[48,16],\"depth\":[3,1],\"stride\":2},"
    "{\"width\":[24,40],\"depth\":[1,2],\"stride\":2,\"se\":true,\"act\":\"hswish\","
    "\"blocks\":[\"s\",\"m\"]}],"
    "\"head\":[{\"op\":\"pool\"},{\"op\":\"linear\",\"width\":10}]}";

static void widen(struct ds_cost *least, struct ds_cost *greatest, const struct ds_cost *c)
{
    least->macs = c->macs < least->macs ? c->macs : least->macs;
    least->params = c->params < least->params ? c->params : least->params;
    least->peak = c->peak < least->peak ? c->peak : least->peak;
    greatest->macs = c->macs > greatest->macs ? c->macs : greatest->macs;
    greatest->params = c->params > greatest->params ? c->params : greatest->params;
    greatest->peak = c->peak > greatest->peak ? c->peak : greatest->peak;
}

/* The next architecture, as an odometer counts; false past the last. */
static bool next_choice(const struct ds_space *space, uint8_t *choice)
{
    for (int s = 0; s < space->nsites; s++) {
        if (choice[s] != DS_INACTIVE && ++choice[s] < space->site[s].nchoices)
            return true;
        choice[s] = 0;
    }
    return false;
}

static void range_of_all(void)
{
    struct ds_error err = {""};
    struct ds_space *space = ds_space_parse(odd_space, strlen(odd_space), &err);
    CHECK(space, "the space of the test is one: %s", space ? "yes" : err.text);
    if (!space)
        return;
    struct ds_cost least = {UINT64_MAX, UINT64_MAX, UINT64_MAX}, greatest = {0, 0, 0}, a, b, cost;
    struct ds_coster *coster = ds_coster_new(space);
    uint8_t odometer[DS_MAX_SITES] = {0}, choice[DS_MAX_SITES];
    long seen = 0;
    do {
        memcpy(choice, odometer, sizeof choice);
        if (ds_arch_canon(space, choice, &err) || ds_coster_cost(coster, choice, &cost, &err))
            break;
        widen(&least, &greatest, &cost);
        seen++;
    } while (next_choice(space, odometer));
    /* each combination, inactive layers counted too: 2 x (2 x 2) x (2 x 2 x 4^3) x (2 x 2 x 2^2) */
    CHECK(seen == 2 * 4 * 256 * 16, "every architecture was looked at (%ld) %s", seen, err.text);
    CHECK(ds_space_range(space, &a, &b, &err) == 0, "range: %s", err.text);
    CHECK(a.macs == least.macs && a.params == least.params && a.peak == least.peak,
          "the least of all: %llu MACs", (unsigned long long)a.macs);
    CHECK(b.macs == greatest.macs && b.params == greatest.params && b.peak == greatest.peak,
          "the greatest of all: %llu MACs", (unsigned long long)b.macs);
    ds_coster_free(coster);
    ds_space_free(space);
}

static void unbuildable(const char *json, const char *names)
{
    struct ds_error err = {""};
    struct ds_cost a, b;
    struct ds_space *space = ds_space_parse(json, strlen(json), &err);
    CHECK(space && ds_space_range(space, &a, &b, &err) && strstr(err.text, names),
          "cannot be built: %s", err.text);
    ds_space_free(space);
}

static void unbuildable_spaces(void)
{
    unbuildable("{\"dstools_space\":1,\"name\":\"x\",\"resolution\":32,\"blocks\":["
                "{\"name\":\"g\",\"type\":\"mbconv\",\"expand\":2,\"kernel\":3,\"groups\":3}],"
                "\"stem\":[{\"op\":\"conv\",\"kernel\":1,\"width\":12}],"
                "\"units\":[{\"width\":24,\"depth\":2},{\"width\":32,\"depth\":1}],\"head\":[]}",
                "unit1.layer0: g of 24x32x32: 3 groups do not divide");
    unbuildable(
        "{\"dstools_space\":1,\"name\":\"x\",\"resolution\":32,\"blocks\":["
        "{\"name\":\"s\",\"type\":\"skip\"}],\"stem\":[],"
        "\"units\":[{\"width\":24,\"depth\":1}],\"head\":[{\"op\":\"linear\",\"width\":10}]}",
        "head[0] of 24x32x32: a linear step reads");
    unbuildable("{\"dstools_space\":1,\"name\":\"x\",\"resolution\":32,\"blocks\":["
                "{\"name\":\"s\",\"type\":\"skip\"}],"
                "\"stem\":[{\"op\":\"conv\",\"kernel\":1,\"width\":[3,8],\"residual\":true}],"
                "\"units\":[{\"width\":24,\"depth\":1}],\"head\":[]}",
                "stem[0] of 3x32x32: a residual step changes");
}

/* ---- every shipped space ---- */

static void samples_in_range(const struct ds_space *space)
{
    struct ds_error err = {""};
    struct ds_cost least, greatest, cost;
    struct ds_coster *coster = ds_coster_new(space);
    int inside = 0;
    int rc = ds_space_range(space, &least, &greatest, &err);
    for (uint64_t i = 0; i < 200 && rc == 0; i++) {
        uint8_t choice[DS_MAX_SITES];
        struct ds_random r;
        ds_random_init(&r, 4, i, 0);
        ds_arch_sample(space, &r, choice);
        rc = ds_coster_cost(coster, choice, &cost, &err);
        inside += cost.macs >= least.macs && cost.macs <= greatest.macs &&
                  cost.params >= least.params && cost.params <= greatest.params &&
                  cost.peak >= least.peak && cost.peak <= greatest.peak;
    }
    CHECK(rc == 0 && inside == 200, "%s: the costs of 200 architectures are in the range %s",
          space->name, err.text);
    ds_coster_free(coster);
}

static float *logits(const char *engine, const struct ds_net *net, size_t *count,
                     struct ds_error *err)
{
    const struct ds_engine *e = ds_engine_find(ds_all_engines, engine);
    struct ds_engine_options options = {.threads = 1, .batch = 1, .seed = 3, .device = TEST_DEVICE};
    struct ds_session *s = e->open(&options, err);
    struct ds_model *m = s ? e->load(s, net, err) : NULL;
    float *copy = NULL;
    if (m && e->run(m, NULL, err) == 0) {
        const float *out = e->output(m, count);
        if ((copy = malloc(*count * sizeof *copy)))
            memcpy(copy, out, *count * sizeof *copy);
    }
    if (m)
        e->unload(m);
    if (s)
        e->close(s);
    return copy;
}

static void engines_agree(const struct ds_space *space, const char *first, const char *second)
{
    const char *lack;
    if (!engine_there(first, &lack) || !engine_there(second, &lack)) {
        printf("ok %d # skip %s: %s or %s %s\n", ++tap_count, space->name, first, second, lack);
        return;
    }
    struct ds_error err = {""};
    double worst = 0, scale = 0;
    for (uint64_t i = 0; i < NETWORKS; i++) {
        uint8_t choice[DS_MAX_SITES];
        struct ds_random r;
        struct ds_net net = {0};
        size_t n = 0, m = 0;
        ds_random_init(&r, 6, i, 0);
        ds_arch_sample(space, &r, choice);
        choice[space->resolution_site] = 0; /* the least: quick */
        if (ds_net_build(space, choice, &net, &err))
            break;
        float *x = logits(first, &net, &n, &err), *y = logits(second, &net, &m, &err);
        double d = 0, most = 0;
        for (size_t k = 0; x && y && k < n && n == m; k++) {
            d = isfinite(x[k]) && isfinite(y[k]) ? fmax(d, fabs((double)x[k] - y[k])) : INFINITY;
            most = fmax(most, fabs((double)y[k]));
        }
        scale += most > 0;
        worst = x && y && n == m ? fmax(worst, d / most) : INFINITY;
        free(x);
        free(y);
        ds_net_free(&net);
    }
    if (strstr(err.text, "this machine tells programs no sizes of caches")) {
        printf("ok %d # skip %s: %s\n", ++tap_count, space->name, err.text);
        return;
    }
    CHECK(scale == NETWORKS && worst < TOLERANCE,
          "%s: logits of %s and %s differ by %.2g of the largest %s", space->name, first, second,
          worst, err.text);
}

int main(void)
{
    single_networks();
    fbnets();
    resnets();
    range_of_all();
    unbuildable_spaces();

    size_t n;
    char **names = ds_shipped_names("spaces", &n);
    CHECK(n >= 8, "%zu spaces are shipped", n);
    for (size_t i = 0; i < n; i++) {
        struct ds_space *space = load(names[i]);
        if (!space)
            continue;
        samples_in_range(space);
        engines_agree(space, "onednn", "xnnpack");
        engines_agree(space, "onednn", "opencl");
        ds_space_free(space);
    }
    ds_shipped_free_names(names, n);
    return TAP_END();
}

/* Engines against a naive reference, and against each other. */
#include "base/clock.h"
#include "engines.h"
#include "int8.h"
#include "networks.h"
#include "tap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TOLERANCE 1e-3 /* largest difference, as a share of the largest output */

static const char *const engines[] = {"onednn", "xnnpack", "opencl"};
enum { ENGINES = sizeof engines / sizeof *engines };

static struct ds_session *open_session(const char *name, int batch, int threads)
{
    struct ds_error err;
    struct ds_engine_options options = {
        .threads = threads, .batch = batch, .seed = SEED, .device = TEST_DEVICE};
    return must(ds_engine_find(ds_all_engines, name)->open(&options, &err));
}

/* Runs the model and copies its output, to be freed; NULL and the reason on failure. */
static float *run(const struct ds_engine *e, struct ds_model *model, size_t *count,
                  struct ds_error *err)
{
    if (e->run(model, NULL, err))
        return NULL;
    const float *out = e->output(model, count);
    return memcpy(must(malloc(*count * sizeof *out)), out, *count * sizeof *out);
}

static float *load_and_run(const struct ds_engine *e, struct ds_session *s,
                           const struct ds_net *net, size_t *count, struct ds_error *err)
{
    struct ds_model *model = e->load(s, net, err);
    float *out = model ? run(e, model, count, err) : NULL;
    if (model)
        e->unload(model);
    return out;
}

static void small_network(const char *name, const struct small *test, int h, int w, int batch)
{
    const struct ds_engine *e = ds_engine_find(ds_all_engines, name);
    struct ds_session *s = open_session(name, batch, 1);
    struct ds_net net = small_net(test, h, w);
    struct ds_error err = {""};
    size_t count = 0;
    float *expected = reference(&net, batch);
    float *out = load_and_run(e, s, &net, &count, &err);
    CHECK(out && count == floats(&net, net.output, batch) &&
              difference(out, expected, count) < TOLERANCE,
          "%s: %s, %dx%d, batch %d %s", name, test->name, h, w, batch, out ? "" : err.text);
    free(out);
    free(expected);
    e->close(s);
    small_free(&net);
}

/* ---- whole networks ---- */

static void whole_networks(const char *name)
{
    struct ds_error err = {""};
    struct ds_space *space = ds_space_parse(odd_space, strlen(odd_space), &err);
    CHECK(space, "the space of the test is one: %s", space ? "yes" : err.text);
    if (!space)
        return;
    const struct ds_engine *e = ds_engine_find(ds_all_engines, name);
    struct ds_session *s = open_session(name, 2, 1);
    double worst = 0;
    for (uint64_t i = 0; i < 20; i++) {
        struct ds_net net = {0};
        size_t count = 0;
        random_net(space, i, -1, &net);
        float *expected = reference(&net, 2);
        float *out = load_and_run(e, s, &net, &count, &err);
        worst = out ? fmax(worst, difference(out, expected, count)) : INFINITY;
        free(out);
        free(expected);
        ds_net_free(&net);
    }
    CHECK(worst < TOLERANCE, "%s: 20 networks of odd sizes, worst %g %s", name, worst, err.text);
    e->close(s);
    ds_space_free(space);
}

/* Gives the network weights of another seed. */
static struct ds_layer_weights *give(struct ds_net *net, uint64_t seed)
{
    struct ds_layer_weights *given = must(calloc((size_t)net->nlayers, sizeof *given));
    for (int i = 0; i < net->nlayers; i++) {
        if (net->layer[i].op != DS_OP_CONV)
            continue;
        struct ds_weight_key key = ds_weight_key(net, &net->layer[i]);
        float *weights = must(malloc(ds_weight_count(&key) * sizeof *weights));
        float *bias = must(malloc((size_t)key.cout * sizeof *bias));
        ds_weights_fill(&key, seed, weights, bias);
        given[i] = (struct ds_layer_weights){weights, bias};
    }
    ds_net_give(net, given);
    return given;
}

static void take_back(struct ds_net *net, struct ds_layer_weights *given)
{
    for (int i = 0; i < net->nlayers; i++) {
        free((float *)given[i].weights);
        free((float *)given[i].bias);
    }
    free(given);
    ds_net_give(net, NULL);
}

/* Runs the model on an input of this seed, where the engine takes any. */
static float *run_on(const struct ds_engine *e, struct ds_model *model, uint64_t seed,
                     size_t *count, struct ds_error *err)
{
    struct ds_input images = {0};
    size_t n;
    float *to = e->input ? e->input(model, &n, err) : NULL;
    if (to && ds_input_reserve(&images, seed, n, err) == 0)
        memcpy(to, images.data, n * sizeof *to);
    ds_input_free(&images);
    return e->input && !to ? NULL : run(e, model, count, err);
}

/* Models of given weights between those of seeded ones, loaded and unloaded, on inputs given. */
static void given_weights(const char *name)
{
    struct ds_error err = {""};
    struct ds_space *space = must(ds_space_parse(odd_space, strlen(odd_space), &err));
    const struct ds_engine *e = ds_engine_find(ds_all_engines, name);
    struct ds_session *s = open_session(name, 2, 1);
    struct ds_net net = {0};
    random_net(space, 3, -1, &net);
    float *seeded = reference(&net, 2);
    struct ds_model *model = must(e->load(s, &net, &err));
    double worst = 0, other = INFINITY;
    for (uint64_t seed = 100; seed < 103; seed++) {
        size_t count = 0;
        uint64_t input = e->input ? seed : SEED;
        struct ds_layer_weights *given = give(&net, seed);
        float *expected = reference_on(&net, 2, input);
        struct ds_model *own = must(e->load(s, &net, &err)), *twin = must(e->load(s, &net, &err));
        take_back(&net, given);
        e->unload(twin);
        float *a = run_on(e, own, seed, &count, &err), *b = run(e, model, &count, &err);
        worst =
            a && b ? fmax(worst, fmax(difference(a, expected, count), difference(b, seeded, count)))
                   : INFINITY;
        other = b ? fmin(other, difference(b, expected, count)) : 0;
        e->unload(own);
        free(a);
        free(b);
        free(expected);
    }
    CHECK(worst < TOLERANCE && other > 10 * TOLERANCE,
          "%s: given weights and inputs, worst %g, from seeded ones at least %g %s", name, worst,
          other, err.text);
    e->unload(model);
    e->close(s);
    free(seeded);
    ds_net_free(&net);
    ds_space_free(space);
}

/* The same function on both, on `n` networks. */
static void engines_agree(const char *first, const char *second, const struct ds_space *space,
                          int threads, int networks)
{
    const char *lack;
    if (!engine_there(first, &lack) || !engine_there(second, &lack))
        return;
    const struct ds_engine *a = ds_engine_find(ds_all_engines, first),
                           *b = ds_engine_find(ds_all_engines, second);
    struct ds_session *s = open_session(first, 1, 1), *t = open_session(second, 1, threads);
    struct ds_error err = {""};
    for (int i = 0; i < networks; i++) {
        struct ds_net net = {0};
        size_t n = 0, m = 0;
        random_net(space, (uint64_t)i, i % 2, &net);
        float *x = load_and_run(a, s, &net, &n, &err), *y = load_and_run(b, t, &net, &m, &err);
        double d = x && y && n == m ? difference(x, y, n) : INFINITY;
        CHECK(d < TOLERANCE, "%s network %d: %s and %s differ by %g %s", space->name, i, first,
              second, d, err.text);
        free(x);
        free(y);
        ds_net_free(&net);
    }
    a->close(s);
    b->close(t);
}

/* ---- number formats ---- */

static struct ds_session *open_narrow(const char *name, enum ds_dtype dtype, struct ds_error *err)
{
    struct ds_engine_options options = {
        .threads = 1, .batch = 1, .seed = SEED, .device = TEST_DEVICE, .dtype = dtype};
    return ds_engine_find(ds_all_engines, name)->open(&options, err);
}

/*
 * The network up to each of its modules, on the engine and in integers: the largest difference, in
 * quanta where the module writes 8 bits, else as a share of the largest value.
 */
static void int8_differences(struct ds_session *s, const struct ds_net *net,
                             const struct ds_quant *q, double *quanta, double *share,
                             struct ds_error *err)
{
    const struct ds_engine *e = ds_engine_find(ds_all_engines, "onednn");
    struct ds_input image = {0};
    if (ds_input_reserve(&image, SEED, floats(net, net->input, 1), err))
        abort();
    struct int8_tensor *all = int8_run(net, q, image.data);
    for (int m = 0; m < net->nmodules; m++) {
        struct ds_net part = *net;
        size_t n = 0;
        part.nmodules = m + 1;
        part.nlayers = net->module[m].first + net->module[m].count;
        part.output = part.layer[part.nlayers - 1].out;
        part.quant = q;
        float *out = load_and_run(e, s, &part, &n, err);
        struct ds_quant_tensor type = q->tensor[part.output];
        double most = out ? 0 : INFINITY, scale = 0;
        for (size_t i = 0; i < n; i++) {
            most = fmax(most, fabs((double)out[i] - all[part.output].x[i]));
            scale = fmax(scale, fabs(all[part.output].x[i]));
        }
        if (type.element == DS_ELEMENT_F32)
            *share = fmax(*share, most / scale);
        else
            *quanta = fmax(*quanta, most / (double)type.scale);
        free(out);
    }
    int8_free(net, all);
    ds_input_free(&image);
}

/* A value near the middle of two quanta may be rounded otherwise, and what follows is then off. */
#define QUANTUM 1.001
#define INT8_TOLERANCE 0.01

static void int8_network(struct ds_session *s, const char *what, const struct ds_net *net)
{
    struct ds_quant q = {0};
    struct ds_error err = {""};
    double quanta = 0, share = 0;
    int rc = ds_quantize(net, SEED, NULL, &q, &err);
    if (rc == 0)
        int8_differences(s, net, &q, &quanta, &share, &err);
    /* what oneDNN 2 has no code for (groups on AVX2) is refused, not measured */
    bool refused = strstr(err.text, "has only reference code for");
    CHECK(refused || (rc == 0 && quanta < QUANTUM && share < INT8_TOLERANCE),
          "int8: %s, off by %.3g quanta, and %.2g of f32 %s", what, quanta, share, err.text);
    ds_quant_free(&q);
}

static double bf16_off(struct ds_session *s, const struct ds_net *net, struct ds_error *err)
{
    size_t count = 0;
    float *expected = reference(net, 1);
    float *out = load_and_run(ds_engine_find(ds_all_engines, "onednn"), s, net, &count, err);
    double off = out ? difference(out, expected, count) : INFINITY;
    free(out);
    free(expected);
    return off;
}

/* bf16 has 8 bits of significand; errors of a few layers add up. It must not be f32, either. */
static void bf16_network(struct ds_session *s, const char *what, const struct ds_net *net)
{
    struct ds_error err = {""};
    double off = bf16_off(s, net, &err);
    CHECK(off < 8.0 / 256 && off > 1e-4, "bf16: %s, off by %.2g %s", what, off, err.text);
}

static void narrow(enum ds_dtype dtype,
                   void (*test)(struct ds_session *s, const char *what, const struct ds_net *net))
{
    struct ds_error err = {""};
    struct ds_space *space = must(ds_space_parse(odd_space, strlen(odd_space), &err));
    struct ds_session *s = open_narrow("onednn", dtype, &err);
    if (!s) {
        bool named =
            strstr(err.text, ds_dtype_name(dtype)) && strstr(err.text, "wants a processor");
        CHECK(named, "refused: %s", err.text);
    }
    for (int t = 0; t < SMALL && s; t++) {
        struct ds_net net = small_net(&small[t], 17, 14);
        test(s, small[t].name, &net);
        small_free(&net);
    }
    for (uint64_t i = 0; i < 10 && s; i++) {
        char name[40];
        struct ds_net net = {0};
        snprintf(name, sizeof name, "network %d", (int)i);
        random_net(space, i, -1, &net);
        test(s, name, &net);
        ds_net_free(&net);
    }
    if (s)
        ds_engine_find(ds_all_engines, "onednn")->close(s);
    ds_space_free(space);
}

/* A network without scales, and engines that have f32 only. */
static void narrow_refusals(void)
{
    struct ds_error err = {""};
    const char *lack;
    for (int i = 0; i < ENGINES; i++) {
        struct ds_session *s;
        if (!engine_there(engines[i], &lack))
            continue;
        if (strcmp(engines[i], "onednn") != 0) {
            s = open_narrow(engines[i], DS_DTYPE_INT8, &err);
            CHECK(!s && strstr(err.text, "int8"), "%s", err.text);
            s = open_narrow(engines[i], DS_DTYPE_BF16, &err);
            CHECK(!s && strstr(err.text, "bf16"), "%s", err.text);
        } else if ((s = open_narrow(engines[i], DS_DTYPE_INT8, &err))) {
            struct ds_net net = small_net(&small[0], 9, 9);
            const struct ds_engine *e = ds_engine_find(ds_all_engines, engines[i]);
            CHECK(!e->load(s, &net, &err) && strstr(err.text, "no scales"), "%s", err.text);
            e->close(s);
            small_free(&net);
        }
    }
}

/* Models of one session in int8: those of given and of seeded weights, loaded and unloaded. */
static void int8_models(void)
{
    struct ds_error err = {""};
    const struct ds_engine *e = ds_engine_find(ds_all_engines, "onednn");
    struct ds_session *s = open_narrow("onednn", DS_DTYPE_INT8, &err);
    if (!s)
        return;
    struct ds_space *space = must(ds_space_parse(odd_space, strlen(odd_space), &err));
    struct ds_net net = {0}, other = {0};
    struct ds_quant q = {0}, given_q = {0};
    size_t n = 0;
    random_net(space, 3, -1, &net);
    random_net(space, 3, -1, &other);
    struct ds_layer_weights *given = give(&other, 100);
    if (ds_quantize(&net, SEED, NULL, &q, &err) || ds_quantize(&other, SEED, NULL, &given_q, &err))
        abort();
    net.quant = &q;
    other.quant = &given_q;
    struct ds_model *a = must(e->load(s, &net, &err)), *b = must(e->load(s, &other, &err));
    struct ds_model *c = must(e->load(s, &other, &err));
    take_back(&other, given);
    ds_quant_free(&given_q);
    float *first = must(run(e, a, &n, &err)), *second = must(run(e, b, &n, &err));
    e->unload(b);
    float *third = must(run(e, c, &n, &err)), *again = must(run(e, a, &n, &err));
    CHECK(memcmp(first, again, n * sizeof *first) == 0 &&
              memcmp(second, third, n * sizeof *second) == 0 &&
              difference(first, second, n) > 10 * INT8_TOLERANCE,
          "int8: models of given and of seeded weights");
    e->unload(a);
    e->unload(c);
    free(first);
    free(second);
    free(third);
    free(again);
    e->close(s);
    ds_quant_free(&q);
    ds_net_free(&net);
    ds_net_free(&other);
    ds_space_free(space);
}

/* Models of a session share memory and weights: one must not spoil another's result. */
static void models_share(const char *name, const struct ds_space *space)
{
    const struct ds_engine *e = ds_engine_find(ds_all_engines, name);
    struct ds_session *s = open_session(name, 1, 1);
    struct ds_error err;
    struct ds_net small_net = {0}, large_net = {0};
    random_net(space, 5, 0, &small_net);
    random_net(space, 6, 4, &large_net);
    struct ds_model *a = must(e->load(s, &small_net, &err));
    size_t n = 0, m = 0, k = 0;
    float *first = must(run(e, a, &n, &err));
    struct ds_model *b = must(e->load(s, &large_net, &err)); /* a larger one: memory moves */
    float *again = must(run(e, a, &m, &err));
    CHECK(n == m && memcmp(first, again, n * sizeof *first) == 0,
          "%s: the same bits after another model was loaded", name);
    free(again);
    free(must(run(e, b, &k, &err)));
    again = must(run(e, a, &m, &err));
    CHECK(memcmp(first, again, n * sizeof *first) == 0, "%s: and after it ran", name);
    free(again);
    e->unload(b);
    again = must(run(e, a, &m, &err));
    CHECK(memcmp(first, again, n * sizeof *first) == 0, "%s: and after it was unloaded", name);
    free(again);
    free(first);
    e->unload(a);
    e->close(s);
    ds_net_free(&small_net);
    ds_net_free(&large_net);
}

/* Times of the modules: all counted, none twice. */
static void module_times(const char *name, const struct ds_space *space)
{
    const struct ds_engine *e = ds_engine_find(ds_all_engines, name);
    struct ds_session *s = open_session(name, 1, 1);
    struct ds_error err;
    struct ds_net net = {0};
    random_net(space, 1, 0, &net);
    struct ds_model *model = must(e->load(s, &net, &err));
    double *ms = must(calloc((size_t)net.nmodules, sizeof *ms)), sum = 0;
    double before = ds_now_ms();
    int rc = e->run(model, ms, &err), positive = 0, with_layers = 0;
    double all = ds_now_ms() - before;
    for (int i = 0; i < net.nmodules; i++) {
        sum += ms[i];
        positive += ms[i] > 0;
        with_layers += net.module[i].count > 0;
    }
    CHECK(rc == 0 && positive == with_layers, "%s: a time for each of %d modules", name, positive);
    CHECK(sum > 0 && sum <= all, "%s: together they take no longer than the whole", name);
    free(ms);
    e->unload(model);
    e->close(s);
    ds_net_free(&net);
}

static void names(void)
{
    const struct ds_engine *first = ds_engine_find(ds_all_engines, NULL);
    CHECK(!ds_engine_find(ds_all_engines, "abacus"), "an engine that there is not");
    CHECK(first ? strstr(ds_engine_names(ds_all_engines), first->name) ==
                      ds_engine_names(ds_all_engines)
                : strcmp(ds_engine_names(ds_all_engines), "none") == 0,
          "names of the engines built in: %s", ds_engine_names(ds_all_engines));
}

static void weights(void)
{
    struct ds_weight_key key = {.cin = 64, .cout = 128, .kernel = 3, .groups = 1, .bias = 1};
    struct ds_weight_key other = key;
    size_t n = ds_weight_count(&key);
    float *w = must(malloc(n * sizeof *w)), *again = must(malloc(n * sizeof *w)), bias[128];
    ds_weights_fill(&key, 1, w, bias);
    ds_weights_fill(&key, 1, again, bias);
    CHECK(n == 64 * 128 * 9 && memcmp(w, again, n * sizeof *w) == 0, "weights: by the seed");
    double mean = 0, square = 0;
    for (size_t i = 0; i < n; i++) {
        mean += w[i] / (double)n;
        square += (double)w[i] * w[i] / (double)n;
    }
    CHECK(fabs(mean) < 1e-3 && fabs(square * 64 * 9 / 2 - 1) < 0.02,
          "weights: mean 0, variance 2 / fan-in");
    ds_weights_fill(&key, 2, again, bias);
    CHECK(memcmp(w, again, n * sizeof *w) != 0, "weights: another seed, other weights");
    other.instance = 1;
    ds_weights_fill(&other, 1, again, bias);
    CHECK(memcmp(w, again, n * sizeof *w) != 0, "weights: another instance, other weights");
    key.bias = 0;
    ds_weights_fill(&key, 1, again, bias);
    bool zero = true;
    for (int i = 0; i < 128; i++)
        zero = zero && bias[i] == 0;
    CHECK(zero, "weights: no bias where there is none");
    free(w);
    free(again);
}

int main(void)
{
    struct ds_error err = {""};
    struct ds_space *space = ds_space_load("ofa-mbv3", &err);
    CHECK(space, "ofa-mbv3: %s", space ? "loaded" : err.text);
    names();
    weights();
    for (int i = 0; i < ENGINES && space; i++) {
        const char *lack;
        if (!engine_there(engines[i], &lack)) {
            printf("ok %d # skip %s %s\n", ++tap_count, engines[i], lack);
            continue;
        }
        for (int t = 0; t < SMALL; t++) {
            small_network(engines[i], &small[t], 17, 14, 1);
            small_network(engines[i], &small[t], 12, 9, 3);
        }
        whole_networks(engines[i]);
        given_weights(engines[i]);
        models_share(engines[i], space);
        module_times(engines[i], space);
    }
    const char *lack;
    if (engine_there("onednn", &lack)) {
        narrow(DS_DTYPE_INT8, int8_network);
        narrow(DS_DTYPE_BF16, bf16_network);
        int8_models();
    }
    narrow_refusals();
    if (space) {
        engines_agree("onednn", "xnnpack", space, 1, 3);
        engines_agree("onednn", "xnnpack", space, 2, 3);
        engines_agree("onednn", "opencl", space, 1, 2);
    }
    ds_space_free(space);
    return TAP_END();
}

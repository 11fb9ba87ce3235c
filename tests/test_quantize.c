/* The f32 run in plain loops, and int8 forms of networks. */
#include "int8.h"
#include "networks.h"
#include "quantize/f32.h"
#include "tap.h"

/* The first image of the seed; to be freed. */
static float *image_of(const struct ds_net *net)
{
    struct ds_input input = {0};
    struct ds_error err;
    if (ds_input_reserve(&input, SEED, floats(net, net->input, 1), &err))
        abort();
    return input.data;
}

static double f32_off(const struct ds_net *net)
{
    struct ds_error err;
    float *image = image_of(net), *expected = reference(net, 1);
    struct ds_f32 *f = must(ds_f32_open(net, SEED, &err));
    size_t n;
    ds_f32_run(f, image);
    const float *x = ds_f32_tensor(f, net->output, &n);
    double off = difference(x, expected, n);
    ds_f32_free(f);
    free(expected);
    free(image);
    return off;
}

/* What the definition in quantize.h says of the parts, whatever the numbers. */
static bool well_formed(const struct ds_net *net, const struct ds_quant *q)
{
    bool good = q->ntensors == net->ntensors && q->nlayers == net->nlayers;
    for (int t = 0; t < net->ntensors; t++)
        good = good && q->tensor[t].scale > 0;
    for (int i = 0; i < net->nlayers && good; i++) {
        const struct ds_layer *l = &net->layer[i];
        enum ds_element in = q->tensor[l->in].element, out = q->tensor[l->out].element;
        good = q->layer[i].int8 == (l->op == DS_OP_CONV && ds_element_is_8bit(in));
        if (in == DS_ELEMENT_F32 || l->op == DS_OP_GLOBAL_POOL)
            good = good && out == DS_ELEMENT_F32;
        else if ((l->act == DS_ACT_RELU || l->act == DS_ACT_RELU6) && l->out != net->output)
            good = good && out == DS_ELEMENT_U8;
        else if (l->op == DS_OP_CONV && l->out != net->output)
            good = good && out == DS_ELEMENT_S8;
        else if (l->op != DS_OP_CONV && l->op != DS_OP_ADD && l->op != DS_OP_SCALE)
            good = good && out == in && q->tensor[l->out].scale == q->tensor[l->in].scale;
        for (int o = 0; q->layer[i].int8 && o < net->tensor[l->out].c; o++) {
            size_t each = (size_t)(net->tensor[l->in].c / l->groups * l->kernel * l->kernel);
            int most = 0;
            for (size_t k = 0; k < each; k++)
                most = (int)fmax(most, abs(q->layer[i].weights[(size_t)o * each + k]));
            good = good && most == 127 && q->layer[i].weight_scale[o] > 0;
        }
    }
    return good;
}

/*
 * How far the int8 network, run in integers, is from the f32 one: root of the mean square of
 * differences, as a share of that of the outputs.
 */
static double int8_off(const struct ds_net *net, bool *good)
{
    struct ds_quant q = {0};
    struct ds_error err;
    if (ds_quantize(net, SEED, NULL, &q, &err)) {
        printf("# %s\n", err.text);
        *good = false;
        return INFINITY;
    }
    *good = well_formed(net, &q) && q.images == DS_QUANT_SEEDED;
    float *image = image_of(net), *expected = reference(net, 1);
    struct int8_tensor *all = int8_run(net, &q, image);
    double off = 0, sum = 0;
    for (size_t i = 0; i < floats(net, net->output, 1); i++) {
        off += pow(all[net->output].x[i] - (double)expected[i], 2);
        sum += pow((double)expected[i], 2);
    }
    int8_free(net, all);
    free(image);
    free(expected);
    ds_quant_free(&q);
    return sqrt(off / sum);
}

static void check_net(const char *name, const struct ds_net *net)
{
    bool good;
    double off = f32_off(net), off8 = int8_off(net, &good);
    CHECK(off < 1e-5, "%s: the f32 run is the reference's (off by %.2g)", name, off);
    CHECK(good && off8 < 0.1 && off8 > 1e-6, "%s: int8 is near it (%.2g)", name, off8);
}

static void fill_large(void *context, size_t first, size_t n, float *out)
{
    const struct ds_net *net = context;
    size_t each = floats(net, net->input, 1);
    for (size_t i = 0; i < n * each; i++)
        out[i] = first + i / each == 2 ? -8 : 0.5f; /* the third has what the others lack */
}

static void images_tell_ranges(void)
{
    struct ds_error err;
    struct ds_net net = small_net(&small[0], 9, 9);
    struct ds_image_source two = {2, &net, fill_large}, three = {3, &net, fill_large};
    struct ds_quant q = {0};
    int rc = ds_quantize(&net, SEED, &two, &q, &err);
    CHECK(rc == 0 && q.tensor[net.input].scale == 0.5f / 127 && q.images == 2,
          "ranges of images given");
    rc = ds_quantize(&net, SEED, &three, &q, &err);
    CHECK(rc == 0 && q.tensor[net.input].scale == 8.0f / 127 && q.images == 3, "of all of them");
    three.n = 0;
    CHECK(ds_quantize(&net, SEED, &three, &q, &err), "no images: %s", err.text);
    ds_quant_free(&q);
    small_free(&net);
}

/* Weights next to nothing beside their bias: the bias must not overflow 32 bits. */
static void dead_channel(void)
{
    struct ds_error err;
    struct ds_net net = small_net(&small[1], 9, 9);
    float weights[13 * 3] = {0}, bias[13] = {0};
    struct ds_layer_weights given = {weights, bias};
    struct ds_quant q = {0};
    weights[3] = 1e-30f;
    bias[1] = -3;
    bias[2] = 2;
    ds_net_give(&net, &given);
    int rc = ds_quantize(&net, SEED, NULL, &q, &err);
    CHECK(rc == 0, "dead channels %s", rc ? err.text : "");
    for (int o = 0; o < 3 && rc == 0; o++) {
        double is = (double)ds_quant_scale(&net, &q, &net.layer[0], o) * q.layer[0].bias[o];
        CHECK(fabs(is - (double)bias[o]) <= 1e-6 && abs(q.layer[0].bias[o]) <= 1 << 30,
              "channel %d: bias %g is %g", o, (double)bias[o], is);
    }
    ds_quant_free(&q);
    small_free(&net);
}

int main(void)
{
    struct ds_error err;
    struct ds_space *space = must(ds_space_parse(odd_space, strlen(odd_space), &err));
    for (int i = 0; i < SMALL; i++) {
        struct ds_net net = small_net(&small[i], 17, 14);
        check_net(small[i].name, &net);
        small_free(&net);
    }
    for (uint64_t i = 0; i < 5; i++) {
        char name[40];
        struct ds_net net = {0};
        snprintf(name, sizeof name, "network %d", (int)i);
        random_net(space, i, -1, &net);
        check_net(name, &net);
        ds_net_free(&net);
    }
    images_tell_ranges();
    dead_channel();
    ds_space_free(space);
    return TAP_END();
}

#include "network/weights.h"

#include "base/grow.h"
#include "base/random.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct ds_weight_key ds_weight_key(const struct ds_net *net, const struct ds_layer *layer)
{
    struct ds_weight_key key;
    memset(&key, 0, sizeof key);
    key.cin = net->tensor[layer->in].c;
    key.cout = net->tensor[layer->out].c;
    key.kernel = layer->kernel;
    key.groups = layer->groups;
    key.instance = layer->instance;
    key.bias = layer->bias || layer->bn;
    key.given = net->given_number;
    return key;
}

size_t ds_weight_count(const struct ds_weight_key *key)
{
    return (size_t)key->cout * (size_t)(key->cin / key->groups) * (size_t)key->kernel *
           (size_t)key->kernel;
}

/* Uniform in [-bound, bound]. */
static void fill(struct ds_random *r, float bound, float *x, size_t n)
{
    uint32_t word[1024];
    for (size_t done = 0, some; done < n; done += some) {
        some = n - done < 1024 ? n - done : 1024;
        ds_random_words(r, word, some);
        for (size_t i = 0; i < some; i++)
            x[done + i] = ((float)(word[i] >> 8) * 0x1p-23f - 1) * bound;
    }
}

/* A number for the counter of the generator, from what the key holds of seeded weights. */
static uint64_t key_number(const struct ds_weight_key *key)
{
    const int32_t field[] = {key->cin,    key->cout,     key->kernel,
                             key->groups, key->instance, key->bias};
    uint64_t number = 0;
    for (size_t i = 0; i < sizeof field / sizeof *field; i++)
        number = (number ^ (uint32_t)field[i]) * 0x9E3779B97F4A7C15u;
    return number;
}

void ds_weights_fill(const struct ds_weight_key *key, uint64_t seed, float *weights, float *bias)
{
    struct ds_random r;
    double fan_in = (double)(key->cin / key->groups) * key->kernel * key->kernel;
    ds_random_init(&r, seed, key_number(key), DS_DRAW_WEIGHT);
    fill(&r, sqrtf(6.0f / (float)fan_in), weights, ds_weight_count(key));
    ds_random_init(&r, seed, key_number(key), DS_DRAW_BIAS);
    fill(&r, key->bias ? 0.1f : 0, bias, (size_t)key->cout);
}

void ds_weights_of(const struct ds_net *net, const struct ds_layer *layer, uint64_t seed,
                   float *weights, float *bias)
{
    struct ds_weight_key key = ds_weight_key(net, layer);
    if (!net->given) {
        ds_weights_fill(&key, seed, weights, bias);
        return;
    }
    const struct ds_layer_weights *given = &net->given[layer - net->layer];
    memcpy(weights, given->weights, ds_weight_count(&key) * sizeof *weights);
    memcpy(bias, given->bias, (size_t)key.cout * sizeof *bias);
}

uint64_t ds_weights_total(const struct ds_net *net)
{
    uint64_t sum = 0;
    for (int i = 0; i < net->nlayers; i++)
        if (net->layer[i].op == DS_OP_CONV) {
            struct ds_weight_key key = ds_weight_key(net, &net->layer[i]);
            sum += ds_weight_count(&key) + (uint64_t)key.cout;
        }
    return sum;
}

int ds_input_reserve(struct ds_input *images, uint64_t seed, size_t count, struct ds_error *err)
{
    if (count <= images->count)
        return 0;
    if (ds_resize(&images->data, count, sizeof *images->data, err))
        return -1;
    images->count = count;
    struct ds_random r;
    ds_random_init(&r, seed, 0, DS_DRAW_INPUT);
    fill(&r, 1, images->data, count);
    return 0;
}

void ds_input_free(struct ds_input *images)
{
    free(images->data);
    *images = (struct ds_input){0};
}

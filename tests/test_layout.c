/* Weights in oneDNN's layouts: every one at its place, and padding zero. */
#include "tap.h"

#ifdef DS_ENGINE_onednn
#include "engines/onednn/onednn.h"

#include <stdlib.h>
#include <string.h>

enum { G, O, I, Y, X }; /* dimensions; one group where weights have none */

/* In which order elements stand, from the outermost: a dimension, and the size of its blocks. */
struct order {
    const char *name;
    dnnl_format_tag_t tag;
    bool grouped;
    struct {
        int dim, block; /* 0: all that its inner blocks leave */
    } step[8];
};

static const struct order orders[] = {
    {"Acdb32a", dnnl_Acdb32a, false, {{O, 0}, {Y, 0}, {X, 0}, {I, 0}, {O, 32}}},
    {"ABcd16b16a", dnnl_ABcd16b16a, false, {{O, 0}, {I, 0}, {Y, 0}, {X, 0}, {I, 16}, {O, 16}}},
    {"AcdB16a2b", dnnl_AcdB16a2b, false, {{O, 0}, {Y, 0}, {X, 0}, {I, 0}, {O, 16}, {I, 2}}},
    {"ABcd4b16a4b",
     dnnl_ABcd4b16a4b,
     false,
     {{O, 0}, {I, 0}, {Y, 0}, {X, 0}, {I, 4}, {O, 16}, {I, 4}}},
    {"aBCde16c16b",
     dnnl_aBCde16c16b,
     true,
     {{G, 0}, {O, 0}, {I, 0}, {Y, 0}, {X, 0}, {I, 16}, {O, 16}}},
    {"Abcde16a", dnnl_Abcde16a, true, {{G, 0}, {O, 0}, {I, 0}, {Y, 0}, {X, 0}, {G, 16}}},
};

static int inner(const struct order *o, int dim)
{
    int n = 1;
    for (int k = 0; k < 8; k++)
        if (o->step[k].dim == dim && o->step[k].block)
            n *= o->step[k].block;
    return n;
}

/* The weight that stands at a place, counted from 1 in the order of dimensions; 0: padding. */
static int weight_at(const struct order *o, const int *n, size_t place)
{
    int at[5] = {0}, within[5] = {1, 1, 1, 1, 1};
    for (int k = 7; k >= 0; k--) {
        int dim = o->step[k].dim, block = o->step[k].block;
        if (k && !dim && !block)
            continue; /* no step */
        int length = block ? block : (n[dim] + inner(o, dim) - 1) / inner(o, dim);
        at[dim] += (int)(place % (size_t)length) * within[dim];
        within[dim] *= length;
        place /= (size_t)length;
    }
    int weight = 0;
    for (int d = 0; d < 5; d++) {
        if (at[d] >= n[d])
            return 0;
        weight = weight * n[d] + at[d];
    }
    return weight + 1;
}

static int differing(const struct order *o, const int *n, dnnl_data_type_t type)
{
    desc_t layout = NULL;
    struct ds_error err;
    dnnl_dims_t dims = {n[O], n[I], n[Y], n[X]}, grouped = {n[G], n[O], n[I], n[Y], n[X]};
    if (dnnl_memory_desc_create_with_tag(&layout, o->grouped ? 5 : 4, o->grouped ? grouped : dims,
                                         type, o->tag))
        return -1;
    size_t size = dnnl_memory_desc_get_size(layout), each = type == dnnl_f32    ? 4
                                                            : type == dnnl_bf16 ? 2
                                                                                : 1;
    int count = n[G] * n[O] * n[I] * n[Y] * n[X], bad = 0;
    float *from = malloc((size_t)count * sizeof *from);
    int8_t *small = malloc((size_t)count);
    unsigned char *to = malloc(size);
    for (int i = 0; i < count; i++) {
        from[i] = (float)(1 + i % 100); /* as exact in bf16 */
        small[i] = (int8_t)(1 + i % 100);
    }
    memset(to, 0x55, size);
    if (ds_onednn_lay_out(layout, type == dnnl_s8 ? (void *)small : from, to, &err))
        bad = -1;
    for (size_t place = 0; bad >= 0 && place < size / each; place++) {
        int weight = weight_at(o, n, place), want = weight ? 1 + (weight - 1) % 100 : 0;
        float got = 0;
        if (type == dnnl_s8)
            got = ((int8_t *)to)[place];
        else
            memcpy((unsigned char *)&got + 4 - each, to + place * each, each);
        bad += got != (float)want;
    }
    free(from);
    free(small);
    free(to);
    dnnl_memory_desc_destroy(layout);
    return bad;
}

static void rounds_to_even(void)
{
    static const struct {
        float x, to;
    } cases[] = {{1.00390625f, 1}, {1.01171875f, 1.015625f}, {1.00390637f, 1.0078125f}, {-3, -3}};
    desc_t layout = NULL;
    struct ds_error err;
    dnnl_dims_t dims = {1, 1, 1, 1};
    CHECK(dnnl_memory_desc_create_with_tag(&layout, 4, dims, dnnl_bf16, dnnl_oihw) == 0, "bf16");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint16_t to = 0;
        float got = 0;
        int rc = ds_onednn_lay_out(layout, &cases[i].x, &to, &err);
        memcpy((char *)&got + 2, &to, 2);
        CHECK(rc == 0 && got == cases[i].to, "bf16 of %.9g is %.9g", (double)cases[i].x,
              (double)got);
    }
    dnnl_memory_desc_destroy(layout);
}

int main(void)
{
    static const int sizes[][5] = {
        {1, 40, 24, 1, 1}, {3, 12, 6, 3, 3}, {1, 1, 1, 7, 7}, {35, 1, 1, 5, 5}, {2, 33, 65, 1, 1}};
    static const dnnl_data_type_t types[] = {dnnl_f32, dnnl_bf16, dnnl_s8};
    for (size_t k = 0; k < sizeof orders / sizeof *orders; k++)
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
            for (int t = 0; t < 3; t++) {
                int n[5];
                memcpy(n, sizes[i], sizeof n);
                if (!orders[k].grouped)
                    n[G] = 1;
                CHECK(differing(&orders[k], n, types[t]) == 0, "%s, %dx%dx%dx%dx%d, type %d",
                      orders[k].name, n[0], n[1], n[2], n[3], n[4], (int)types[t]);
            }
    rounds_to_even();
    return TAP_END();
}
#else
int main(void)
{
    printf("ok 1 - layouts of weights # skip built without oneDNN\n1..1\n");
    return 0;
}
#endif

#include "network/images.h"

#include <string.h>

static void fill(void *context, size_t first, size_t n, float *out)
{
    const struct ds_seeded_images *images = context;
    memcpy(out, images->input.data + first * images->each, n * images->each * sizeof *out);
}

int ds_seeded_images(struct ds_seeded_images *images, const struct ds_net *net, uint64_t seed,
                     size_t n, struct ds_error *err)
{
    struct ds_tensor t = net->tensor[net->input];
    *images = (struct ds_seeded_images){.each = (size_t)t.c * (size_t)t.h * (size_t)t.w};
    images->source = (struct ds_image_source){n, images, fill};
    return ds_input_reserve(&images->input, seed, n * images->each, err);
}

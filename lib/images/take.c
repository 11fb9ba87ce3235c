/* Subsets of images, every class with its share. */
#include "images/source.h"

#include "base/grow.h"
#include "base/random.h"
#include <stdlib.h>

struct place {
    uint32_t image, draw;
    uint16_t label;
    double at;
};

static int by_label_and_draw(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (x->label != y->label)
        return x->label < y->label ? -1 : 1;
    if (x->draw != y->draw)
        return x->draw < y->draw ? -1 : 1;
    return x->image < y->image ? -1 : 1;
}

static int by_place(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    return x->image < y->image ? -1 : 1;
}

/*
 * Puts the images of each class, in random order, at even distances into 0..1, from a random start.
 * So the first k of all images by place hold of every class its share, give or take one, for any k.
 */
static void place_all(const struct image_source *s, uint64_t seed, struct place *place)
{
    struct ds_random r;
    for (size_t i = 0; i < s->n; i++) {
        ds_random_init(&r, seed, i, DS_DRAW_TAKE);
        place[i] = (struct place){(uint32_t)i, ds_random_u32(&r), s->entry[i].label, 0};
    }
    qsort(place, s->n, sizeof *place, by_label_and_draw);
    for (size_t begin = 0, end; begin < s->n; begin = end) {
        for (end = begin; end < s->n && place[end].label == place[begin].label;)
            end++;
        ds_random_init(&r, seed, place[begin].label, DS_DRAW_TAKE_START);
        double start = ds_random_unit(&r);
        for (size_t i = begin; i < end; i++)
            place[i].at = ((double)(i - begin) + start) / (double)(end - begin);
    }
    qsort(place, s->n, sizeof *place, by_place);
}

int ds_images_take(struct image_source *s, size_t take, uint64_t seed, struct ds_error *err)
{
    if (take > s->n)
        return ds_fail(err, "%zu images are to be taken, but there are only %zu", take, s->n);
    struct place *place = ds_alloc(s->n, sizeof *place, err);
    uint8_t *left_out = ds_alloc(s->n, 1, err);
    int rc = place && left_out ? 0 : -1;
    if (rc == 0) {
        place_all(s, seed, place);
        for (size_t i = 0; i < s->n; i++)
            left_out[place[i].image] = i >= take;
        ds_images_leave_out(s, left_out);
    }
    free(place);
    free(left_out);
    return rc;
}

#include "images/resize.h"

#include "base/grow.h"
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Pillow's resampling in whole numbers: weights times 2^22, sums rounded to 8 bits. */
#define PRECISION 22
#define MOST_LENGTH 1000000000 /* of a resized side; only what is cropped is ever computed */
#define HALF (1 << (PRECISION - 1))

/* Which pixels of a line each pixel of the resized line is made of, and with what weights. */
struct filter {
    int taps; /* weights a pixel at most */
    int *first, *count;
    int32_t *weight; /* [pixels][taps] */
};

static void filter_free(struct filter *f)
{
    free(f->first);
    free(f->count);
    free(f->weight);
}

/*
 * The triangle filter, widened where the line shrinks, for pixels from .. from+n of a line of
 * `length` pixels resized to `resized`. Bounds and rounding are Pillow's precompute_coeffs.
 */
static int filter_make(struct filter *f, int length, int resized, int from, int n,
                       struct ds_error *err)
{
    double scale = (double)length / resized, support = scale < 1 ? 1 : scale;
    f->taps = (int)ceil(support) * 2 + 1;
    f->first = ds_alloc((size_t)n, sizeof *f->first, err);
    f->count = ds_alloc((size_t)n, sizeof *f->count, err);
    f->weight = ds_alloc((size_t)n * (size_t)f->taps, sizeof *f->weight, err);
    double *share = ds_alloc((size_t)f->taps, sizeof *share, err);
    if (!f->first || !f->count || !f->weight || !share) {
        free(share);
        return -1;
    }
    for (int x = 0; x < n; x++) {
        double centre = (from + x + 0.5) * scale, sum = 0;
        int first = (int)(centre - support + 0.5), end = (int)(centre + support + 0.5);
        first = first < 0 ? 0 : first;
        end = end > length ? length : end;
        for (int i = first; i < end; i++) {
            double distance = fabs((i - centre + 0.5) * (1 / support));
            share[i - first] = distance < 1 ? 1 - distance : 0;
            sum += share[i - first];
        }
        for (int i = 0; i < end - first; i++)
            f->weight[x * f->taps + i] = (int32_t)(0.5 + share[i] / sum * (1 << PRECISION));
        f->first[x] = first;
        f->count[x] = end - first;
    }
    free(share);
    return 0;
}

/* Weights sum to 1 but for their rounding and are never negative: only above is there to clip. */
static uint8_t rounded(int32_t sum)
{
    sum >>= PRECISION;
    return sum > 255 ? 255 : (uint8_t)sum;
}

/* Rows from .. from+rows of `in`, resized to f's n pixels. */
static void resize_rows(const struct pixels *in, int from, int rows, const struct filter *f, int n,
                        uint8_t *out)
{
    int c = in->channels;
    size_t pitch = (size_t)in->width * (size_t)c;
    for (int y = 0; y < rows; y++)
        for (int x = 0; x < n; x++, out += c) {
            const uint8_t *at = in->data + (size_t)(from + y) * pitch + f->first[x] * c;
            const int32_t *weight = f->weight + (size_t)x * (size_t)f->taps;
            int32_t sum[3] = {HALF, HALF, HALF};
            for (int i = 0; i < f->count[x]; i++, at += c)
                for (int k = 0; k < c; k++)
                    sum[k] += at[k] * weight[i];
            for (int k = 0; k < c; k++)
                out[k] = rounded(sum[k]);
        }
}

/* n rows out of rows of `pitch` bytes, of which the first is row `from` of the image. */
static void resize_columns(const uint8_t *in, int from, int pitch, const struct filter *f, int n,
                           int32_t *sum, uint8_t *out)
{
    for (int y = 0; y < n; y++, out += pitch) {
        for (int x = 0; x < pitch; x++)
            sum[x] = HALF;
        for (int i = 0; i < f->count[y]; i++) {
            const uint8_t *row = in + (size_t)(f->first[y] - from + i) * (size_t)pitch;
            int32_t weight = f->weight[(size_t)y * (size_t)f->taps + (size_t)i];
            for (int x = 0; x < pitch; x++)
                sum[x] += row[x] * weight;
        }
        for (int x = 0; x < pitch; x++)
            out[x] = rounded(sum[x]);
    }
}

/* Where a crop begins: Python's round(), a half to the even neighbour. */
static int offset(int length, int size)
{
    return (int)nearbyint((length - size) / 2.0);
}

/* Pixels left .. left+n of rows from .. from+rows, as they are. */
static void copy_rows(const struct pixels *in, int from, int rows, int left, int n, uint8_t *out)
{
    size_t c = (size_t)in->channels, pitch = (size_t)n * c;
    for (int y = 0; y < rows; y++)
        memcpy(out + (size_t)y * pitch,
               in->data + ((size_t)(from + y) * (size_t)in->width + (size_t)left) * c, pitch);
}

/* The crop of size x size whose corner is (left, top) of the image resized to width x height. */
static int resize_to(const struct pixels *in, int width, int height, int left, int top, int size,
                     uint8_t *out, struct ds_error *err)
{
    struct filter across = {0}, down = {0};
    uint8_t *middle = NULL;
    int32_t *sum = NULL;
    int rc = -1, pitch = size * in->channels;
    if (filter_make(&across, in->width, width, left, size, err) ||
        filter_make(&down, in->height, height, top, size, err))
        goto done;
    /* only those rows are resized that the crop's are made of */
    bool tall = height != in->height;
    int from = tall ? down.first[0] : top;
    int rows = tall ? down.first[size - 1] + down.count[size - 1] - from : size;
    middle = ds_alloc((size_t)rows, (size_t)pitch, err);
    sum = ds_alloc((size_t)pitch, sizeof *sum, err);
    if (!middle || !sum)
        goto done;
    if (width != in->width)
        resize_rows(in, from, rows, &across, size, middle);
    else
        copy_rows(in, from, rows, left, size, middle);
    if (tall)
        resize_columns(middle, from, pitch, &down, size, sum, out);
    else
        memcpy(out, middle, (size_t)size * (size_t)pitch);
    rc = 0;
done:
    filter_free(&across);
    filter_free(&down);
    free(middle);
    free(sum);
    return rc;
}

int ds_image_resize_crop(const struct pixels *in, int short_side, int size, uint8_t *out,
                         struct ds_error *err)
{
    bool wide = in->width > in->height;
    int64_t shorter = wide ? in->height : in->width, longer = wide ? in->width : in->height;
    longer = short_side * longer / shorter;
    if (longer > MOST_LENGTH)
        return ds_fail(err, "%dx%d pixels are too narrow to be resized", in->width, in->height);
    int width = wide ? (int)longer : short_side, height = wide ? short_side : (int)longer;
    return resize_to(in, width, height, offset(width, size), offset(height, size), size, out, err);
}

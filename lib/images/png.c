/* PNG by libpng, to the RGB that Pillow gives. */
#include "images/decode.h"

#include "base/grow.h"
#include <png.h>
#include <stdlib.h>
#include <string.h>

struct reading {
    const uint8_t *at;
    size_t left;
    struct ds_error *err;
};

static void read_bytes(png_structp png, png_bytep to, size_t n)
{
    struct reading *r = png_get_io_ptr(png);
    if (n > r->left)
        png_error(png, "the file is cut off");
    memcpy(to, r->at, n);
    r->at += n;
    r->left -= n;
}

static void leave(png_structp png, png_const_charp why)
{
    struct reading *r = png_get_error_ptr(png);
    ds_fail(r->err, "%s", why);
    png_longjmp(png, 1);
}

/* libpng warns of what does not change the pixels: odd colour profiles, chunks out of place. */
static void ignore(png_structp png, png_const_charp why)
{
    (void)png;
    (void)why;
}

/* Has libpng give 8 bits RGB of all kinds: palettes looked up, grey thrice, alpha dropped. */
static void to_rgb(png_structp png, png_infop info)
{
    int type = png_get_color_type(png, info), depth = png_get_bit_depth(png, info);
    if (depth == 16 && !(type & PNG_COLOR_MASK_COLOR))
        png_error(png, "16 bits of grey, which have no one meaning in 8: convert it");
    if (type == PNG_COLOR_TYPE_PALETTE)
        png_set_palette_to_rgb(png);
    if (type == PNG_COLOR_TYPE_GRAY && depth < 8)
        png_set_expand_gray_1_2_4_to_8(png);
    png_set_strip_16(png);
    png_set_strip_alpha(png);
    png_set_gray_to_rgb(png);
}

static void read_rows(png_structp png, png_infop info, struct pixels *out, struct ds_error *err)
{
    png_read_info(png, info);
    to_rgb(png, info);
    int passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    if (ds_image_allocate(out, png_get_image_width(png, info), png_get_image_height(png, info), 3,
                          err))
        png_longjmp(png, 1);
    size_t row = (size_t)out->width * 3;
    if (png_get_rowbytes(png, info) != row)
        png_error(png, "an unexpected kind of pixels");
    for (int pass = 0; pass < passes; pass++)
        for (int y = 0; y < out->height; y++)
            png_read_row(png, out->data + (size_t)y * row, NULL);
    png_read_end(png, NULL);
}

int ds_image_decode_png(const uint8_t *file, size_t size, struct pixels *out, struct ds_error *err)
{
    struct reading reading = {file, size, err};
    out->data = NULL;
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &reading, leave, ignore);
    if (!png)
        return ds_no_memory(err);
    png_infop info = png_create_info_struct(png);
    if (!info)
        ds_no_memory(err);
    if (!info || setjmp(png_jmpbuf(png))) {
        png_destroy_read_struct(&png, &info, NULL);
        free(out->data);
        out->data = NULL;
        return -1;
    }
    png_set_read_fn(png, &reading, read_bytes);
    png_set_user_limits(png, 0x7fffffff, 0x7fffffff); /* ds_image_allocate bounds the pixels */
    read_rows(png, info, out, err);
    png_destroy_read_struct(&png, &info, NULL);
    return 0;
}

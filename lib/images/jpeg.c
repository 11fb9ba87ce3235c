/* JPEG by libjpeg(-turbo), with the settings of Pillow: its defaults. */
#include "images/decode.h"

#include "base/grow.h"
#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
/* after stdio.h and stdlib.h, whose types it uses */
#include <jerror.h>
#include <jpeglib.h>

/* libjpeg leaves through error_exit, which may not return. */
struct leaving {
    struct jpeg_error_mgr manager;
    jmp_buf to;
    struct ds_error *err;
};

static void leave(j_common_ptr info)
{
    struct leaving *l = (struct leaving *)info->err;
    char why[JMSG_LENGTH_MAX];
    info->err->format_message(info, why);
    ds_fail(l->err, "%s", why);
    longjmp(l->to, 1);
}

/*
 * libjpeg warns of damage, fills in grey and goes on. What concerns the pixels is an error here;
 * the rest (bytes between markers, odd versions) changes none.
 */
static void judge(j_common_ptr info, int level)
{
    int code = info->err->msg_code;
    if (level < 0 && code != JWRN_EXTRANEOUS_DATA && code != JWRN_JFIF_MAJOR &&
        code != JWRN_ADOBE_XFORM && code != JWRN_BOGUS_PROGRESSION)
        leave(info);
}

/* A file of few bytes can make a decoder work for hours by thousands of scans of a large image. */
#define MOST_SCANS 500

static void count_scans(j_common_ptr info)
{
    if (info->is_decompressor && ((j_decompress_ptr)info)->input_scan_number > MOST_SCANS) {
        ds_fail(((struct leaving *)info->err)->err, "more than %d scans", MOST_SCANS);
        longjmp(((struct leaving *)info->err)->to, 1);
    }
}

/* a * b / 255, rounded, as Pillow does it */
static uint8_t product(unsigned a, unsigned b)
{
    unsigned t = a * b + 128;
    return (uint8_t)((t + (t >> 8)) >> 8);
}

static void rgb_of_cmyk(const uint8_t *cmyk, uint8_t *rgb, unsigned width, bool inverted)
{
    for (unsigned x = 0; x < width; x++, cmyk += 4, rgb += 3) {
        unsigned flip = inverted ? 255 : 0, light = 255 - (cmyk[3] ^ flip);
        for (int c = 0; c < 3; c++)
            rgb[c] = (uint8_t)(light - product(cmyk[c] ^ flip, light));
    }
}

/* CMYK reads into a row of its own, all else straight into the image. */
static void read_rows(struct jpeg_decompress_struct *info, struct pixels *out, uint8_t *row)
{
    while (info->output_scanline < info->output_height) {
        uint8_t *to = out->data + (size_t)info->output_scanline * (size_t)out->width * 3;
        JSAMPROW rows[1] = {row ? row : to};
        jpeg_read_scanlines(info, rows, 1);
        if (row)
            rgb_of_cmyk(row, to, info->output_width, info->saw_Adobe_marker);
    }
}

int ds_image_decode_jpeg(const uint8_t *file, size_t size, struct pixels *out, struct ds_error *err)
{
    struct jpeg_decompress_struct info;
    struct leaving leaving = {.err = err};
    struct jpeg_progress_mgr progress = {.progress_monitor = count_scans};
    uint8_t *volatile row = NULL;
    out->data = NULL;

    info.err = jpeg_std_error(&leaving.manager);
    leaving.manager.error_exit = leave;
    leaving.manager.emit_message = judge;
    if (setjmp(leaving.to)) {
        jpeg_destroy_decompress(&info);
        free(row);
        free(out->data);
        out->data = NULL;
        return -1;
    }
    jpeg_create_decompress(&info);
    info.progress = &progress;
    jpeg_mem_src(&info, file, (unsigned long)size);
    jpeg_read_header(&info, TRUE);

    bool cmyk = info.jpeg_color_space == JCS_CMYK || info.jpeg_color_space == JCS_YCCK;
    info.out_color_space = cmyk ? JCS_CMYK : JCS_RGB;
    bool failed = ds_image_allocate(out, info.image_width, info.image_height, 3, err) != 0;
    if (!failed && cmyk)
        failed = !(row = ds_alloc((size_t)info.image_width * 4, 1, NULL)) && ds_no_memory(err);
    if (!failed) {
        jpeg_start_decompress(&info);
        read_rows(&info, out, row);
        jpeg_finish_decompress(&info);
    }
    jpeg_destroy_decompress(&info);
    free(row);
    if (failed) {
        free(out->data);
        out->data = NULL;
    }
    return failed ? -1 : 0;
}

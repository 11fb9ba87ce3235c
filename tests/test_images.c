/*
 * Images: sources, subsets, broken files, and pixels against torchvision's (reference data, if
 * there is any). What is written here goes below a folder of its own.
 */
#include "base/file.h"
#include "images/decode.h"
#include "images/images.h"
#include "tap.h"

#include <jansson.h>
#include <math.h>
#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
/* after stdio.h, whose types it uses */
#include <jpeglib.h>

static char folder[] = "/tmp/dstools-images-XXXXXX";
static struct ds_error err;

/* A path below the folder; good for eight calls. */
static char *at(const char *name)
{
    static char path[8][256];
    static int next;
    char *p = path[next++ % 8];
    snprintf(p, sizeof path[0], "%s/%s", folder, name);
    return p;
}

static void write_file(const char *name, const void *data, size_t size)
{
    if (ds_file_write(at(name), data, size, &err)) {
        printf("Bail out! %s\n", err.text);
        exit(1);
    }
}

static bool says(const char *text)
{
    if (strstr(err.text, text))
        return true;
    printf("# '%s' is not in: %s\n", text, err.text);
    return false;
}

static struct ds_images *open_at(const char *name, struct ds_images_options options)
{
    err.text[0] = 0;
    return ds_images_open(at(name), &options, &err);
}

/* Whether opening fails, and says so. */
static bool refused(const char *name, const char *text)
{
    struct ds_images *images = open_at(name, (struct ds_images_options){0});
    bool ok = !images && says(text);
    ds_images_free(images);
    return ok;
}

/* ---- files to read ---- */

static void write_jpeg(const char *name, int width, int height, int value)
{
    struct jpeg_compress_struct info;
    struct jpeg_error_mgr errors;
    unsigned char *data = NULL, *row = malloc((size_t)width * 3);
    unsigned long size = 0;
    info.err = jpeg_std_error(&errors);
    jpeg_create_compress(&info);
    jpeg_mem_dest(&info, &data, &size);
    info.image_width = (JDIMENSION)width;
    info.image_height = (JDIMENSION)height;
    info.input_components = 3;
    info.in_color_space = JCS_RGB;
    jpeg_set_defaults(&info);
    jpeg_start_compress(&info, TRUE);
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width * 3; x++)
            row[x] = (unsigned char)(value + 7 * x + 13 * y);
        jpeg_write_scanlines(&info, &row, 1);
    }
    jpeg_finish_compress(&info);
    jpeg_destroy_compress(&info);
    write_file(name, data, size);
    free(data);
    free(row);
}

/* A PNG of 3x2 pixels of a colour type and depth, its rows given as bytes. */
static void write_png(const char *name, int type, int depth, int interlace, const char *rows,
                      size_t pitch)
{
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    FILE *f = fopen(at(name), "wb");
    png_init_io(png, f);
    png_set_IHDR(png, info, 3, 2, depth, type, interlace, 0, 0);
    png_color palette[4] = {{1, 2, 3}, {4, 5, 6}, {7, 8, 9}, {250, 251, 252}};
    png_byte clear[4] = {0, 128, 255, 255};
    if (type == PNG_COLOR_TYPE_PALETTE) {
        png_set_PLTE(png, info, palette, 4);
        png_set_tRNS(png, info, clear, 4, NULL);
    }
    png_bytep row[2] = {(png_bytep)rows, (png_bytep)rows + pitch};
    png_set_rows(png, info, row);
    png_write_png(png, info, 0, NULL);
    png_destroy_write_struct(&png, &info);
    fclose(f);
}

static void write_idx(const char *name, const uint8_t *values, int ndims, const int *dim, bool gz)
{
    uint8_t head[16] = {0, 0, 8, (uint8_t)ndims};
    size_t n = 1;
    for (int i = 0; i < ndims; i++) {
        head[4 + 4 * i + 2] = (uint8_t)(dim[i] >> 8);
        head[4 + 4 * i + 3] = (uint8_t)dim[i];
        n *= (size_t)dim[i];
    }
    gzFile f = gzopen(at(name), gz ? "wb" : "wbT");
    gzwrite(f, head, 4 + 4 * (unsigned)ndims);
    gzwrite(f, values, (unsigned)n);
    gzclose(f);
}

/* ---- tests ---- */

static void check_idx(void)
{
    uint8_t pixels[5 * 2 * 3], labels[5] = {3, 0, 1, 1, 2};
    for (int i = 0; i < 30; i++)
        pixels[i] = (uint8_t)(i * 8);
    write_idx("t-images-idx3-ubyte", pixels, 3, (int[]){5, 2, 3}, false);
    write_idx("t-labels-idx1-ubyte", labels, 1, (int[]){5}, false);
    write_idx("z-images-idx3-ubyte.gz", pixels, 3, (int[]){5, 2, 3}, true);
    write_idx("z-labels-idx1-ubyte.gz", labels, 1, (int[]){5}, true);

    struct ds_images *a = open_at("t-images-idx3-ubyte", (struct ds_images_options){0});
    struct ds_images *b = open_at("z-images-idx3-ubyte.gz", (struct ds_images_options){0});
    CHECK(a && b, "IDX opens, gzipped or not");
    CHECK(ds_images_count(a) == 5 && ds_images_classes(a) == 4 && ds_images_channels(a) == 1,
          "IDX: images, classes, channels");
    CHECK(ds_images_key(a) == ds_images_key(b), "the key is of the content");
    const struct ds_image_set *set = ds_images_at(a, 2, &err);
    CHECK(set && set->n == 5 && memcmp(set->labels, (uint16_t[]){3, 0, 1, 1, 2}, 10) == 0,
          "IDX: labels");
    /* 3 wide, cropped to 2 from round(0.5) = 0 */
    CHECK(set && memcmp(set->pixels + 4, (uint8_t[]){48, 56, 72, 80}, 4) == 0, "IDX: pixels");
    ds_images_free(a);
    ds_images_free(b);

    struct ds_images *rgb =
        open_at("t-images-idx3-ubyte", (struct ds_images_options){.channels = 3});
    set = ds_images_at(rgb, 2, &err);
    CHECK(set && memcmp(set->pixels + 12, (uint8_t[]){48, 48, 48, 56, 56, 56}, 6) == 0,
          "grey as RGB");
    CHECK(strstr(ds_images_name(rgb, 4), "idx3-ubyte, image 4"), "the name of an image in a file");
    ds_images_free(rgb);
}

static void check_idx_errors(void)
{
    uint8_t values[16] = {0};
    write_idx("none-images-idx3-ubyte", values, 3, (int[]){0, 28, 28}, false);
    write_idx("none-labels-idx1-ubyte", values, 1, (int[]){0}, false);
    CHECK(refused("none-images-idx3-ubyte", "no images"), "no images");
    write_idx("few-images-idx3-ubyte", values, 3, (int[]){2, 2, 2}, false);
    CHECK(refused("few-images-idx3-ubyte", "few-labels-idx1-ubyte: No such file"), "no labels");
    write_idx("few-labels-idx1-ubyte", values, 1, (int[]){3}, false);
    CHECK(refused("few-images-idx3-ubyte", "3 labels, but 2 images"), "too many labels");
    write_idx("name", values, 3, (int[]){2, 2, 2}, false);
    CHECK(refused("name", "images-idx3"), "IDX by another name");
    write_file("cut-images-idx3-ubyte", "\0\0\10\3\0\0\0\2\0\0\0\2\0\0\0\2abc", 19);
    CHECK(refused("cut-images-idx3-ubyte", "than the 3 that follow"), "an IDX file that is cut");
    write_file("big-images-idx3-ubyte", "\0\0\10\3\377\377\377\377\377\377\377\377\0\0\1\0abc", 19);
    CHECK(refused("big-images-idx3-ubyte", "than the 3"), "an IDX head of 2^72 bytes");
    size_t size;
    char *gz = ds_file_read(at("z-images-idx3-ubyte.gz"), &size, &err);
    write_file("y-images-idx3-ubyte.gz", gz, size - 9);
    CHECK(refused("y-images-idx3-ubyte.gz", "cut off"), "a gzip file that is cut");
    gz[size - 5] ^= 1;
    write_file("y-images-idx3-ubyte.gz", gz, size);
    CHECK(refused("y-images-idx3-ubyte.gz", "y-images"), "a gzip file that is damaged");
    free(gz);
}

static void check_cifar(void)
{
    static uint8_t ten[2 * 3073], hundred[3074 * 3];
    ten[0] = 9;
    for (int i = 0; i < 3072; i++)
        ten[1 + i] = (uint8_t)(i / 1024 * 50 + i % 1024 % 5);
    hundred[1] = 99;
    write_file("ten.bin", ten, sizeof ten);
    write_file("hundred.bin", hundred, sizeof hundred);
    write_file("odd.bin", ten, 3000);
    struct ds_images *images = open_at("ten.bin", (struct ds_images_options){0});
    const struct ds_image_set *set = images ? ds_images_at(images, 32, &err) : NULL;
    CHECK(set && set->n == 2 && set->channels == 3 && set->labels[0] == 9, "CIFAR-10");
    CHECK(set && memcmp(set->pixels, (uint8_t[]){0, 50, 100, 1, 51, 101}, 6) == 0,
          "CIFAR's planes");
    CHECK(images && ds_images_classes(images) == 10, "CIFAR-10 has ten classes");
    ds_images_free(images);
    images = open_at("hundred.bin", (struct ds_images_options){.channels = 1});
    set = images ? ds_images_at(images, 32, &err) : NULL;
    CHECK(set && set->n == 3 && set->channels == 1 && set->labels[0] == 99, "CIFAR-100, as grey");
    ds_images_free(images);
    CHECK(refused("odd.bin", "3000 bytes"), "a size that is not CIFAR's");
    ten[3073] = 10;
    write_file("label.bin", ten, sizeof ten);
    CHECK(refused("label.bin", "image 1: label 10 is out of range"), "a label out of range");
}

/* Two classes, one with a folder in it and files that are no images. */
static void make_folder(const char *name)
{
    char path[64];
    const char *const folders[] = {"", "/b", "/b/deep", "/a", "/.hidden"};
    for (int i = 0; i < 5; i++) {
        snprintf(path, sizeof path, "%s%s", name, folders[i]);
        mkdir(at(path), 0777);
    }
    const char *const files[] = {"/b/2.jpg", "/b/10.JPEG", "/b/deep/0.jpeg", "/a/z.png"};
    for (int i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s%s", name, files[i]);
        write_jpeg(path, 20 + i, 30 - i, i * 40);
    }
    snprintf(path, sizeof path, "%s/a/README.txt", name);
    write_file(path, "x", 1);
}

static void check_folder(void)
{
    make_folder("val");
    struct ds_images *images = open_at("val", (struct ds_images_options){.threads = 3});
    CHECK(images && ds_images_classes(images) == 2 && ds_images_count(images) == 4,
          "a folder a class: %s", images ? "" : err.text);
    const char *const names[] = {"a/z.png", "b/10.JPEG", "b/2.jpg", "b/deep/0.jpeg"};
    bool same = images;
    for (size_t i = 0; same && i < 4; i++)
        same = strcmp(ds_images_name(images, i), names[i]) == 0;
    CHECK(same, "images by class and name");
    const struct ds_image_set *set = images ? ds_images_at(images, 16, &err) : NULL;
    CHECK(set && memcmp(set->labels, (uint16_t[]){0, 1, 1, 1}, 8) == 0, "labels by folder");
    struct ds_images *one = open_at("val", (struct ds_images_options){0});
    const struct ds_image_set *again = one ? ds_images_at(one, 16, &err) : NULL;
    CHECK(set && again && memcmp(set->pixels, again->pixels, 4 * 16 * 16 * 3) == 0,
          "three threads give the same as one");
    ds_images_free(one);
    ds_images_free(images);

    write_file("val/b/photo.webp", "RIFF", 4);
    CHECK(refused("val", "val/b/photo.webp: only JPEG and PNG"),
          "a kind of image that is not read");
    unlink(at("val/b/photo.webp"));
    mkdir(at("val/c"), 0777);
    CHECK(refused("val", "val/c: a class without images"), "an empty class");
    rmdir(at("val/c"));
    CHECK(refused("val/a", "no folders in it"), "a folder of images");
    CHECK(refused("nothing", "No such file"), "no folder");
    if (symlink("..", at("val/b/round")) == 0)
        CHECK(refused("val", "folders in one another"), "folders that go round");
    unlink(at("val/b/round"));
    chmod(at("val/b"), 0);
    if (geteuid() == 0)
        printf("ok %d # skip root reads everything\n", ++tap_count);
    else
        CHECK(refused("val", "val/b: Permission denied"), "a folder that cannot be read");
    chmod(at("val/b"), 0777);
}

static void check_list(void)
{
    static const char good[] = "# comment\n\nval/b/2.jpg 7\r\n  val/a/z.png\t0 \n";
    write_file("list", good, sizeof good - 1);
    struct ds_images *images = open_at("list", (struct ds_images_options){0});
    const struct ds_image_set *set = images ? ds_images_at(images, 8, &err) : NULL;
    CHECK(set && set->n == 2 && set->labels[0] == 7 && set->labels[1] == 0, "a list");
    CHECK(images && ds_images_classes(images) == 8, "its classes");
    ds_images_free(images);

    char absolute[300], bad[64];
    int n = snprintf(absolute, sizeof absolute, "%s 1\n", at("val/b/2.jpg"));
    write_file("absolute", absolute, (size_t)n);
    images = open_at("absolute", (struct ds_images_options){0});
    CHECK(images && ds_images_at(images, 8, &err), "absolute paths");
    ds_images_free(images);

    const char *const wrong[][2] = {{"x.jpg", "list:2: not a path and a label"},
                                    {"x.jpg -1", "list:2: not a path"},
                                    {"x.jpg 1x", "list:2: not a path"},
                                    {"x.jpg 65536", "list:2: label 65536 is out of range"},
                                    {"x.jpg 99999999999999999999", "out of range"},
                                    {"5", "list:2: not a path"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        n = snprintf(bad, sizeof bad, "a 1\n%s\n", wrong[i][0]);
        write_file("list", bad, (size_t)n);
        CHECK(refused("list", wrong[i][1]), "a line '%s'", wrong[i][0]);
    }
    write_file("list", "a\0b 1\n", 6);
    CHECK(refused("list", "neither a list"), "bytes of another kind");
    write_file("list", "", 0);
    CHECK(refused("list", "no images"), "an empty list");
}

static void check_broken(void)
{
    size_t size;
    char *whole = ds_file_read(at("val/b/2.jpg"), &size, &err);
    write_file("val/b/cut.jpg", whole, size / 2);
    free(whole);
    write_file("val/a/empty.jpg", "", 0);
    write_file("val/b/text.jpg", "hello", 5);

    struct ds_images *images = open_at("val", (struct ds_images_options){.threads = 2});
    CHECK(images && !ds_images_at(images, 8, &err) && says("val/a/empty.jpg: an empty file"),
          "a broken image is named, the first of several");
    ds_images_free(images);

    images = open_at("val", (struct ds_images_options){.skip_broken = true});
    CHECK(images && ds_images_count(images) == 7, "before they are looked at");
    const struct ds_image_set *set = images ? ds_images_at(images, 8, &err) : NULL;
    CHECK(set && set->n == 4 && ds_images_skipped(images) == 3, "broken ones are left out");
    CHECK(set && memcmp(set->labels, (uint16_t[]){0, 1, 1, 1}, 8) == 0, "with their labels");
    struct ds_images *other = NULL;
    unlink(at("val/a/empty.jpg"));
    unlink(at("val/b/text.jpg"));
    unlink(at("val/b/cut.jpg"));
    other = open_at("val", (struct ds_images_options){0});
    const struct ds_image_set *clean = other ? ds_images_at(other, 8, &err) : NULL;
    CHECK(set && clean && memcmp(set->pixels, clean->pixels, 4 * 8 * 8 * 3) == 0,
          "and their pixels");
    ds_images_free(other);

    write_file("val/a/z.png", "gone", 4);
    CHECK(images && !ds_images_at(images, 9, &err) && says("val/a/z.png: neither"),
          "an image that breaks later is an error");
    ds_images_free(images);
    write_jpeg("val/a/z.png", 23, 27, 120);

    mkdir(at("bad"), 0777);
    mkdir(at("bad/x"), 0777);
    write_file("bad/x/1.jpg", "no", 2);
    images = open_at("bad", (struct ds_images_options){.skip_broken = true});
    CHECK(images && !ds_images_at(images, 8, &err) && says("no image that can be decoded"),
          "all are broken");
    ds_images_free(images);
}

static void check_memory(void)
{
    struct ds_images *images =
        open_at("val", (struct ds_images_options){.memory = 4 * 3 * (16 * 16 + 8 * 8)});
    CHECK(images && !ds_images_at(images, 18, &err) && says("allowed: take fewer"),
          "more than is allowed");
    const struct ds_image_set *set = ds_images_at(images, 16, &err);
    const uint8_t *pixels = set ? set->pixels : NULL;
    set = ds_images_at(images, 8, &err);
    CHECK(set && set->resolution == 8 && ds_images_at(images, 16, &err)->pixels == pixels,
          "two resolutions are kept where there is room");
    CHECK(ds_images_at(images, 9, &err) && ds_images_at(images, 16, &err)->resolution == 16,
          "else the one used longest ago is dropped, and made again");
    CHECK(!ds_images_at(images, 0, &err) && says("out of range"), "no pixels");
    CHECK(!ds_images_at(images, 100000, &err) && says("out of range"), "too many pixels");
    ds_images_free(images);
}

static void check_take(void)
{
    static uint8_t labels[1000], pixels[1000];
    for (int i = 0; i < 1000; i++) {
        labels[i] = (uint8_t)(i % 10 < 6 ? 0 : i % 10 - 5);
        pixels[i] = (uint8_t)(i / 4);
    }
    write_idx("take-images-idx3-ubyte", pixels, 3, (int[]){1000, 1, 1}, false);
    write_idx("take-labels-idx1-ubyte", labels, 1, (int[]){1000}, false);
    bool seen[1000] = {false}, nested = true, ordered = true, counted = true, shares = true;
    size_t sizes[] = {1000, 500, 101, 10, 1};
    for (int k = 0; k < 5; k++) {
        struct ds_images *images = open_at("take-images-idx3-ubyte",
                                           (struct ds_images_options){.take = sizes[k], .seed = 7});
        const struct ds_image_set *set = ds_images_at(images, 1, &err);
        size_t count[5] = {0};
        int last = -1;
        bool now[1000] = {false};
        counted = counted && set->n == sizes[k];
        for (size_t i = 0; i < set->n; i++) {
            int image = atoi(strstr(ds_images_name(images, i), "image ") + 6);
            now[image] = true;
            nested = nested && (k == 0 || seen[image]);
            ordered = ordered && image > last && set->labels[i] == labels[image];
            last = image;
            count[set->labels[i]]++;
        }
        for (int c = 0; c < 5; c++)
            shares = shares && fabs((double)count[c] - (c ? 0.1 : 0.6) * (double)sizes[k]) <= 1;
        memcpy(seen, now, sizeof seen);
        ds_images_free(images);
    }
    CHECK(counted, "so many are taken");
    CHECK(shares, "of every class its share");
    CHECK(nested, "fewer are among more");
    CHECK(ordered, "in their order, with their labels");

    struct ds_images *a =
        open_at("take-images-idx3-ubyte", (struct ds_images_options){.take = 100});
    struct ds_images *b =
        open_at("take-images-idx3-ubyte", (struct ds_images_options){.take = 100, .seed = 2});
    CHECK(ds_images_key(a) != ds_images_key(b), "another seed, another choice");
    ds_images_free(a);
    ds_images_free(b);
    a = open_at("take-images-idx3-ubyte", (struct ds_images_options){.take = 1001});
    CHECK(!a && says("1001 images are to be taken, but there are only 1000"), "too many to take");
}

/* A PNG of each kind against the RGB that Pillow gives for it. */
static void check_png(void)
{
    static const struct {
        const char *what;
        int type, depth, interlace;
        const char *rows;
        size_t pitch;
        uint8_t first[6]; /* two pixels */
    } cases[] = {
        {"RGB", PNG_COLOR_TYPE_RGB, 8, 0, "\1\2\3\4\5\6\7\10\11abcabcabc", 9, {1, 2, 3, 4, 5, 6}},
        {"RGB, interlaced",
         PNG_COLOR_TYPE_RGB,
         8,
         1,
         "\1\2\3\4\5\6\7\10\11abcabcabc",
         9,
         {1, 2, 3, 4, 5, 6}},
        {"RGBA",
         PNG_COLOR_TYPE_RGBA,
         8,
         0,
         "\1\2\3\0\4\5\6\177\1\1\1\1abcdabcdabcd",
         12,
         {1, 2, 3, 4, 5, 6}},
        {"grey", PNG_COLOR_TYPE_GRAY, 8, 0, "\5\6\7abc", 3, {5, 5, 5, 6, 6, 6}},
        {"grey with alpha", PNG_COLOR_TYPE_GA, 8, 0, "\5\0\6\1\7\2abcdef", 6, {5, 5, 5, 6, 6, 6}},
        {"1 bit", PNG_COLOR_TYPE_GRAY, 1, 0, "\x40\x80", 1, {0, 0, 0, 255, 255, 255}},
        {"2 bits", PNG_COLOR_TYPE_GRAY, 2, 0, "\x60\x80", 1, {85, 85, 85, 170, 170, 170}},
        {"4 bits", PNG_COLOR_TYPE_GRAY, 4, 0, "\x12\x30\x45\x60", 2, {17, 17, 17, 34, 34, 34}},
        {"palette, some of it clear",
         PNG_COLOR_TYPE_PALETTE,
         8,
         0,
         "\3\1\2\0\0\0",
         3,
         {250, 251, 252, 4, 5, 6}},
        {"palette of 2 bits",
         PNG_COLOR_TYPE_PALETTE,
         2,
         0,
         "\xd0\x00",
         1,
         {250, 251, 252, 4, 5, 6}},
        {"RGB of 16 bits",
         PNG_COLOR_TYPE_RGB,
         16,
         0,
         "\1\377\2\377\3\377\4\0\5\0\6\0\0\0\0\0\0\0abcdefabcdefabcdef",
         18,
         {1, 2, 3, 4, 5, 6}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pixels p = {0};
        size_t size;
        write_png("t.png", cases[i].type, cases[i].depth, cases[i].interlace, cases[i].rows,
                  cases[i].pitch);
        uint8_t *file = (uint8_t *)ds_file_read(at("t.png"), &size, &err);
        int rc = ds_image_decode(file, size, &p, &err);
        CHECK(rc == 0 && p.width == 3 && p.height == 2 && memcmp(p.data, cases[i].first, 6) == 0,
              "PNG: %s%s%s", cases[i].what, rc ? ": " : "", rc ? err.text : "");
        free(p.data);
        free(file);
    }
    write_png("t.png", PNG_COLOR_TYPE_GRAY, 16, 0, "abcdefabcdef", 6);
    size_t size;
    struct pixels p = {0};
    uint8_t *file = (uint8_t *)ds_file_read(at("t.png"), &size, &err);
    CHECK(ds_image_decode(file, size, &p, &err) && says("16 bits of grey"), "PNG: 16 bits of grey");
    CHECK(ds_image_decode(file, size / 2, &p, &err) && p.data == NULL, "PNG: cut");
    free(file);
}

/* Whatever is done to a file, it is decoded or refused, in bounds (sanitizers watch). */
static void check_damage(void)
{
    const char *const names[] = {"val/b/2.jpg", "t.png"};
    unsigned state = 1;
    int decoded = 0, refusals = 0;
    write_png("t.png", PNG_COLOR_TYPE_PALETTE, 8, 1, "\3\1\2\0\0\0", 3);
    for (int f = 0; f < 2; f++) {
        size_t size;
        uint8_t *whole = (uint8_t *)ds_file_read(at(names[f]), &size, &err);
        uint8_t *hurt = malloc(size);
        for (int i = 0; i < 400; i++) {
            struct pixels p = {0};
            memcpy(hurt, whole, size);
            for (int k = 0; k < 1 + i % 3; k++) {
                state = state * 1664525 + 1013904223;
                hurt[(state >> 8) % size] = (uint8_t)(state >> 24);
            }
            size_t length = i % 4 ? size : (state >> 4) % size;
            /* a large head is honest: it says how much memory it wants */
            int rc = ds_image_decode(hurt, length, &p, &err);
            decoded += rc == 0;
            refusals += rc != 0;
            free(p.data);
        }
        free(hurt);
        free(whole);
    }
    CHECK(decoded > 20 && refusals > 20, "damaged files: %d decoded, %d refused", decoded,
          refusals);
}

/* ---- torchvision's pixels ---- */

/* The bytes of an .npy file of uint8 or float32, past its head. */
static const uint8_t *array(const char *npy)
{
    return (const uint8_t *)npy + 10 + (uint8_t)npy[8] + ((uint8_t)npy[9] << 8);
}

static unsigned long crc_of(const json_t *of, const char *key)
{
    const char *text = json_string_value(json_object_get(of, key));
    return text ? strtoul(text, NULL, 16) : 0;
}

/* An image as a tensor [3][R][R], as torchvision has it. */
static unsigned long crc_of_tensor(const uint8_t *pixels, int size)
{
    static const float mean[] = {0.485f, 0.456f, 0.406f}, deviation[] = {0.229f, 0.224f, 0.225f};
    size_t n = (size_t)size * (size_t)size;
    float *in = malloc(n * 3 * sizeof *in), *out = malloc(n * 3 * sizeof *out);
    ds_images_normalise(pixels, 1, size, 3, mean, deviation, in);
    for (size_t i = 0; i < n * 3; i++)
        out[i % 3 * n + i / 3] = in[i];
    unsigned long crc = crc32(0, (const Bytef *)out, (uInt)(n * 3 * sizeof *out));
    free(in);
    free(out);
    return crc;
}

static int decoded_as_pillow(const char *folder_of_images, const json_t *line)
{
    char path[512];
    struct pixels p = {0};
    size_t size;
    snprintf(path, sizeof path, "%s/%s", folder_of_images,
             json_string_value(json_object_get(line, "file")));
    uint8_t *file = (uint8_t *)ds_file_read(path, &size, &err);
    bool same = file && ds_image_decode(file, size, &p, &err) == 0 &&
                crc32(0, p.data, (uInt)(p.width * p.height * 3)) == crc_of(line, "decoded_crc32");
    free(p.data);
    free(file);
    return same;
}

static void check_reference(void)
{
    static const char reference[] = "../shared/reference/supernet";
    static const int resolutions[] = {96, 128, 160};
    char path[256], *npy[3], line[4096];
    size_t size, i = 0;
    snprintf(path, sizeof path, "%s/images", reference);
    if (access(path, R_OK)) {
        printf("ok %d # skip no %s\n", ++tap_count, reference);
        return;
    }
    struct ds_images *images = ds_images_open(path, &(struct ds_images_options){0}, &err);
    for (int r = 0; r < 3; r++) {
        snprintf(path, sizeof path, "%s/images_%d.npy", reference, resolutions[r]);
        npy[r] = ds_file_read(path, &size, &err);
        const struct ds_image_set *set = ds_images_at(images, resolutions[r], &err);
        size = set ? set->n * 3 * (size_t)resolutions[r] * (size_t)resolutions[r] : 0;
        CHECK(set && set->n == 12 && memcmp(set->pixels, array(npy[r]), size) == 0,
              "the bytes of torchvision at %d: %s", resolutions[r], set ? "" : err.text);
        free(npy[r]);
    }
    snprintf(path, sizeof path, "%s/images.jsonl", reference);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f)) {
        json_t *json = json_loads(line, 0, NULL), *wanted = json_object_get(json, "at");
        const char *name = json_string_value(json_object_get(json, "file"));
        snprintf(path, sizeof path, "%s/images", reference);
        CHECK(decoded_as_pillow(path, json), "%s is decoded as by Pillow", name);
        CHECK(strcmp(name, ds_images_name(images, i)) == 0, "%s is image %zu", name, i);
        bool same = true;
        for (int r = 0; r < 3; r++) {
            const struct ds_image_set *set = ds_images_at(images, resolutions[r], &err);
            int n = resolutions[r];
            snprintf(path, sizeof path, "%d", n);
            same = same && set->labels[i] == json_integer_value(json_object_get(json, "label")) &&
                   crc_of_tensor(set->pixels + i * 3 * (size_t)n * (size_t)n, n) ==
                       crc_of(json_object_get(wanted, path), "f32_crc32");
        }
        CHECK(same, "%s: label, and tensors as torchvision's", name);
        json_decref(json);
        i++;
    }
    if (f)
        fclose(f);
    CHECK(i == 12, "12 images");
    ds_images_free(images);
}

int main(void)
{
    if (!mkdtemp(folder))
        return 1;
    check_idx();
    check_idx_errors();
    check_cifar();
    check_folder();
    check_list();
    check_broken();
    check_memory();
    check_take();
    check_png();
    check_damage();
    check_reference();
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    if (system(command))
        printf("# %s remains\n", folder);
    return TAP_END();
}

/* Subnets of supernets, against what Once-for-All's own code computes (reference/supernet). */
#include "base/file.h"
#include "engines.h"
#include "formats/ofa.h"
#include "network/build.h"
#include "network/cost.h"
#include "supernet/calibrate.h"
#include "supernet/evaluate.h"
#include "tap.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REFERENCE "../shared/reference/supernet/"
#define TOLERANCE 1e-4 /* as a share of the largest logit: what float32 can do (its README) */
#define IMAGES 8

static const char *const nets[] = {"mbv3", "proxyless", "resnet50"};
static const char *const engines[] = {"onednn", "xnnpack"};

static void *must(const void *p, const struct ds_error *err)
{
    if (!p) {
        printf("Bail out! %s\n", err ? err->text : "out of memory");
        exit(1);
    }
    return (void *)p;
}

/* ---- reference files ---- */

/* The numbers of an .npy file, which are what follows its header. */
static void *npy(const char *name, size_t element, size_t *count)
{
    char path[256];
    struct ds_error err;
    size_t size;
    snprintf(path, sizeof path, REFERENCE "%s", name);
    char *bytes = must(ds_file_read(path, &size, &err), &err);
    size_t header = 10 + (size_t)(uint8_t)bytes[8] + 256 * (size_t)(uint8_t)bytes[9];
    *count = (size - header) / element;
    void *out = must(malloc(size), NULL);
    memcpy(out, bytes + header, size - header);
    free(bytes);
    return out;
}

/* From [n][c][h][w] to [n][h][w][c]. */
static float *to_nhwc(const float *from, size_t n, size_t c, size_t area)
{
    float *to = must(malloc(n * c * area * sizeof *to), NULL);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < c; k++)
            for (size_t p = 0; p < area; p++)
                to[(i * area + p) * c + k] = *from++;
    return to;
}

struct images {
    float *data;
    size_t each; /* floats of one */
};

static void fill(void *context, size_t first, size_t n, float *out)
{
    const struct images *images = context;
    memcpy(out, images->data + first * images->each, n * images->each * sizeof *out);
}

static struct images load_images(const char *kind, int r)
{
    char name[64];
    size_t count, area = (size_t)r * (size_t)r;
    snprintf(name, sizeof name, "%s_%d.npy", kind, r);
    float *nchw = npy(name, sizeof *nchw, &count);
    struct images images = {to_nhwc(nchw, count / (3 * area), 3, area), 3 * area};
    free(nchw);
    return images;
}

static json_t *line_of(FILE *f)
{
    static char *line;
    static size_t room;
    return getline(&line, &room, f) > 0 ? json_loads(line, 0, NULL) : NULL;
}

static FILE *open_lines(const char *net, const char *kind)
{
    char path[256];
    snprintf(path, sizeof path, REFERENCE "%s.%s.jsonl", net, kind);
    return must(fopen(path, "r"), NULL);
}

/* ---- architectures ---- */

static int entry(const json_t *arch, const char *key, size_t i)
{
    return (int)json_integer_value(json_array_get(json_object_get(arch, key), i));
}

static void choose(const struct ds_space *space, const char *site, int value, uint8_t *choice)
{
    int s = ds_space_site(space, site, strlen(site));
    choice[s] = (uint8_t)ds_site_choice(&space->site[s], value);
}

/* A dictionary of the small ResNet, whose widths are not the published ones. */
static void read_resnet(const struct ds_space *space, const json_t *arch, uint8_t *choice)
{
    static const int mid[] = {24, 24, 32}, stem[] = {40, 48, 64}, base[] = {2, 2, 4, 2};
    static const int first[] = {0, 4, 8, 14};
    choose(space, "stem0.width", mid[entry(arch, "w", 0)], choice);
    choose(space, "stem2.width", stem[entry(arch, "w", 1)], choice);
    choose(space, "stem1.repeat", entry(arch, "d", 0) == 2, choice);
    for (int u = 0; u < 4; u++) {
        const struct ds_unit *unit = &space->unit[u];
        int depth = base[u] + entry(arch, "d", (size_t)u + 1);
        choice[unit->depth_site] = (uint8_t)ds_site_choice(&space->site[unit->depth_site], depth);
        choice[unit->width_site] = (uint8_t)entry(arch, "w", (size_t)u + 2);
        for (int l = 0; l < depth; l++) {
            double e = json_number_value(
                json_array_get(json_object_get(arch, "e"), (size_t)(first[u] + l)));
            const struct ds_site *s = &space->site[unit->layer_site + l];
            for (int c = 0; c < s->nchoices; c++)
                if (space->block[s->value[c]].expand == e)
                    choice[unit->layer_site + l] = (uint8_t)c;
        }
    }
}

static void read_arch(const struct ds_space *space, json_t *arch, int r, uint8_t *choice)
{
    struct ds_error err;
    memset(choice, 0, DS_MAX_SITES);
    json_object_set_new(arch, "r", json_integer(r));
    if (json_object_get(arch, "w")) {
        read_resnet(space, arch, choice);
        choose(space, "resolution", r, choice);
        must(ds_arch_canon(space, choice, &err) == 0 ? "" : NULL, &err);
    } else {
        must(ds_ofa_read(space, arch, choice, &err) == 0 ? "" : NULL, &err);
    }
}

/* ---- one supernet on one engine ---- */

struct bench {
    const char *net;
    const struct ds_engine *engine;
    struct ds_session *session;
    struct ds_space *space;
    struct ds_supernet *supernet;
    struct ds_subnet subnet;
    struct ds_net built;
};

static void open_bench(struct bench *b, const char *net, const char *file, const char *engine)
{
    char path[256];
    struct ds_error err;
    struct ds_engine_options options = {.threads = 1, .batch = 1, .seed = 1};
    *b = (struct bench){.net = net, .engine = ds_engine_find(ds_all_engines, engine)};
    snprintf(path, sizeof path, "tests/spaces/small-%s.json", net);
    b->space = must(ds_space_load(path, &err), &err);
    snprintf(path, sizeof path, REFERENCE "%s.pth", file);
    b->supernet = must(ds_supernet_load(path, 0, &err), &err);
    must(ds_supernet_bind(b->supernet, b->space, &err) == 0 ? "" : NULL, &err);
    b->session = must(b->engine->open(&options, &err), &err);
}

static void close_bench(struct bench *b)
{
    ds_subnet_free(&b->subnet);
    ds_net_free(&b->built);
    b->engine->close(b->session);
    ds_supernet_free(b->supernet);
    ds_space_free(b->space);
}

static void take(struct bench *b, json_t *line, int r)
{
    struct ds_error err;
    uint8_t choice[DS_MAX_SITES];
    read_arch(b->space, json_object_get(line, "arch"), r, choice);
    must(ds_net_build(b->space, choice, &b->built, &err) == 0 &&
                 ds_supernet_take(b->supernet, choice, &b->built, &b->subnet, &err) == 0
             ? ""
             : NULL,
         &err);
}

/* Largest difference from the expected logits, as a share of the largest of them. */
static double compare(struct bench *b, const struct images *images, const json_t *expected)
{
    struct ds_error err;
    double most = 0, scale = 0;
    must(ds_subnet_give(&b->subnet, &b->built, &err) == 0 ? "" : NULL, &err);
    struct ds_model *model = must(b->engine->load(b->session, &b->built, &err), &err);
    for (size_t i = 0; i < json_array_size(expected); i++) {
        size_t count;
        fill((void *)images, i, 1, must(b->engine->input(model, &count, &err), &err));
        must(b->engine->run(model, NULL, &err) == 0 ? "" : NULL, &err);
        const float *logit = b->engine->output(model, &count);
        json_t *row = json_array_get(expected, i);
        for (size_t k = 0; k < count; k++) {
            double x = json_number_value(json_array_get(row, k));
            most = fmax(most, fabs(x - (double)logit[k]));
            scale = fmax(scale, fabs(x));
        }
        if (count != json_array_size(row))
            most = INFINITY;
    }
    b->engine->unload(model);
    return scale > 0 ? most / scale : INFINITY;
}

static void calibrate(struct bench *b, struct images *images, int batch)
{
    struct ds_error err;
    struct ds_image_source source = {32, images, fill};
    must(ds_subnet_calibrate(&b->subnet, &b->built, b->engine, b->session, &source, batch, &err) ==
                 0
             ? ""
             : NULL,
         &err);
}

/* All subnets: the checkpoint's statistics, re-calibrated in even and in uneven batches. */
static void subnets(const char *net, const char *file, const char *engine, int most)
{
    struct bench b;
    double plain = 0, calibrated = 0, uneven = 0;
    int n = 0, nuneven = 0;
    open_bench(&b, net, file, engine);
    FILE *f = open_lines(net, "float64"), *g = open_lines(net, "uneven.float64");
    struct images input[2] = {load_images("input", 80), load_images("input", 112)};
    struct images more[2] = {load_images("calibration", 80), load_images("calibration", 112)};
    json_t *other = line_of(g);
    for (json_t *line; n < most && (line = line_of(f)); n++) {
        int r = (int)json_integer_value(json_object_get(line, "r")), at = r == 112;
        take(&b, line, r);
        plain = fmax(plain, compare(&b, &input[at], json_object_get(line, "logits")));
        calibrate(&b, &more[at], 16);
        calibrated = fmax(calibrated, compare(&b, &input[at], json_object_get(line, "calibrated")));
        if (other && json_integer_value(json_object_get(other, "id")) == n) {
            calibrate(&b, &more[at], 20);
            uneven = fmax(uneven, compare(&b, &input[at], json_object_get(other, "calibrated")));
            json_decref(other);
            other = line_of(g);
            nuneven++;
        }
        json_decref(line);
    }
    CHECK(n > 0 && plain < TOLERANCE, "%s, %s: %d subnets, logits differ by %.1e", file, engine, n,
          plain);
    CHECK(n > 0 && calibrated < TOLERANCE, "%s, %s: re-calibrated, by %.1e", file, engine,
          calibrated);
    CHECK(nuneven > 0 && uneven < TOLERANCE, "%s, %s: in %d uneven batches, by %.1e", file, engine,
          nuneven, uneven);
    for (int i = 0; i < 2; i++) {
        free(input[i].data);
        free(more[i].data);
    }
    json_decref(other);
    fclose(f);
    fclose(g);
    close_bench(&b);
}

/* The architecture of a subnet's number, from the file that has all. */
static json_t *subnet_line(const char *net, int id)
{
    FILE *f = open_lines(net, "float64");
    json_t *line = line_of(f);
    while (line && json_integer_value(json_object_get(line, "id")) != id) {
        json_decref(line);
        line = line_of(f);
    }
    fclose(f);
    return must(line, NULL);
}

/* Logits of the images in folders, from their bytes after resize and crop. */
static void image_logits(const char *net)
{
    static const float mean[] = {0.485f, 0.456f, 0.406f}, deviation[] = {0.229f, 0.224f, 0.225f};
    struct bench b;
    double worst = 0;
    int n = 0;
    open_bench(&b, net, net, engines[0]);
    FILE *f = open_lines(net, "images.float64");
    for (json_t *line; (line = line_of(f)); n++) {
        char name[64];
        size_t count;
        int r = (int)json_integer_value(json_object_get(line, "r"));
        json_t *whole = subnet_line(net, (int)json_integer_value(json_object_get(line, "id")));
        take(&b, whole, r);
        snprintf(name, sizeof name, "images_%d.npy", r);
        uint8_t *bytes = npy(name, 1, &count);
        struct images images = {must(malloc(count * sizeof(float)), NULL),
                                3 * (size_t)r * (size_t)r};
        for (size_t i = 0; i < count; i++)
            images.data[i] = ((float)bytes[i] / 255 - mean[i % 3]) / deviation[i % 3];
        worst = fmax(worst, compare(&b, &images, json_object_get(line, "logits")));
        free(images.data);
        free(bytes);
        json_decref(line);
        json_decref(whole);
    }
    CHECK(n == 9 && worst < TOLERANCE, "%s: logits of images at %d sizes and subnets, by %.1e", net,
          n, worst);
    fclose(f);
    close_bench(&b);
}

/* The numbers are the same in every kind of file. */
static void kinds_of_files(const char *net, const char *file)
{
    struct bench a, b;
    open_bench(&a, net, net, engines[0]);
    open_bench(&b, net, file, engines[0]);
    int n = 0, same = 0;
    for (int id = 4; id < 8; id++, n++) {
        json_t *line = subnet_line(net, id);
        take(&a, line, 80);
        take(&b, line, 80);
        bool equal = a.subnet.nlayers == b.subnet.nlayers;
        for (int i = 0; i < a.subnet.nlayers && equal; i++) {
            const struct ds_subnet_layer *x = &a.subnet.layer[i], *y = &b.subnet.layer[i];
            size_t size = (size_t)x->cout * sizeof(float);
            equal = !x->weights == !y->weights && !x->gamma == !y->gamma &&
                    (!x->weights ||
                     (x->weights[0] == y->weights[0] && memcmp(x->bias, y->bias, size) == 0)) &&
                    (!x->gamma || memcmp(x->variance, y->variance, size) == 0);
        }
        same += equal;
        json_decref(line);
    }
    CHECK(same == n, "%s.pth holds the subnets of %s.pth", file, net);
    close_bench(&a);
    close_bench(&b);
}

static const struct ds_subnet_layer *next_norm(const struct bench *b, int *layer)
{
    while (++*layer < b->subnet.nlayers)
        if (b->subnet.layer[*layer].gamma)
            return &b->subnet.layer[*layer];
    return NULL;
}

static double worst_share(const json_t *expected, const float *got, int n)
{
    double most = 0, scale = 1e-3;
    for (int i = 0; i < n; i++) {
        double x = json_number_value(json_array_get(expected, (size_t)i));
        most = fmax(most, fabs(x - (double)got[i]));
        scale = fmax(scale, fabs(x));
    }
    return json_array_size(expected) == (size_t)n ? most / scale : INFINITY;
}

/* The lines of the file, a block's downsample before its conv3 as in our networks. */
static int statistics_lines(const char *net, json_t **line, int most)
{
    FILE *f = open_lines(net, "statistics");
    int n = 0;
    while (n < most && (line[n] = line_of(f))) {
        const char *name = json_string_value(json_object_get(line[n], "bn"));
        if (strstr(name, ".downsample.")) {
            json_t *conv3 = line[n - 1];
            line[n - 1] = line[n];
            line[n] = conv3;
        }
        n++;
    }
    fclose(f);
    return n;
}

/* The re-calibrated statistics of every batch norm of subnet 5, to find the first that differs. */
static void statistics(const char *net)
{
    struct bench b;
    open_bench(&b, net, net, engines[0]);
    json_t *whole = subnet_line(net, 5);
    int r = (int)json_integer_value(json_object_get(whole, "r")), layer = -1;
    struct images images = load_images("calibration", r);
    take(&b, whole, r);
    calibrate(&b, &images, 16);
    json_t *lines[100];
    int n = statistics_lines(net, lines, 100);
    double mean = 0, variance = 0;
    const char *first = "";
    char name[100] = "";
    for (int i = 0; i < n; i++) {
        const json_t *line = lines[i];
        const struct ds_subnet_layer *l = next_norm(&b, &layer);
        double m = l ? worst_share(json_object_get(line, "mean"), l->mean, l->cout) : INFINITY;
        double v = l ? worst_share(json_object_get(line, "var"), l->variance, l->cout) : INFINITY;
        if (!first[0] && (m > TOLERANCE || v > TOLERANCE))
            first = strcpy(name, json_string_value(json_object_get(line, "bn")));
        mean = fmax(mean, m);
        variance = fmax(variance, v);
        json_decref(lines[i]);
    }
    CHECK(n > 10 && !next_norm(&b, &layer) && mean < TOLERANCE && variance < TOLERANCE,
          "%s: %d batch norms re-calibrated, means by %.1e, variances by %.1e%s%s", net, n, mean,
          variance, first[0] ? ", from " : "", first);
    free(images.data);
    json_decref(whole);
    close_bench(&b);
}

/* Multiply-accumulates and parameters as Once-for-All's own counters have them. */
static void costs(const char *net)
{
    struct bench b;
    int n = 0, right = 0;
    open_bench(&b, net, net, engines[0]);
    FILE *f = must(fopen(REFERENCE "macs.jsonl", "r"), NULL);
    for (json_t *line; (line = line_of(f)); json_decref(line)) {
        if (strcmp(json_string_value(json_object_get(line, "net")), net))
            continue;
        json_t *whole = subnet_line(net, (int)json_integer_value(json_object_get(line, "id")));
        int r = (int)json_integer_value(json_object_get(whole, "r"));
        char key[8];
        struct ds_cost cost;
        snprintf(key, sizeof key, "%d", r);
        take(&b, whole, r);
        ds_net_cost(&b.built, &cost);
        json_t *at = json_object_get(json_object_get(line, "macs"), key);
        right += (json_int_t)cost.macs == json_integer_value(json_object_get(at, "exact")) &&
                 (json_int_t)cost.params == json_integer_value(json_object_get(line, "params"));
        n++;
        json_decref(whole);
    }
    CHECK(n == 3 && right == n, "%s: %d of %d MACs and parameters are Once-for-All's", net, right,
          n);
    fclose(f);
    close_bench(&b);
}

int main(void)
{
    if (access(REFERENCE "README.md", R_OK)) {
        printf("ok 1 # skip no reference data\n1..1\n");
        return 0;
    }
    for (size_t e = 0; e < sizeof engines / sizeof *engines; e++) {
        const char *lack;
        if (!engine_there(engines[e], &lack)) {
            CHECK(true, "# skip %s %s", engines[e], lack);
            continue;
        }
        for (int i = 0; i < 3; i++)
            subnets(nets[i], nets[i], engines[e], e == 0 ? 100 : 6);
    }
    bool there = ds_engine_find(ds_cpu_engines, engines[0]);
    for (int i = 0; i < 3 && there; i++) {
        char legacy[32];
        snprintf(legacy, sizeof legacy, "%s_legacy", nets[i]);
        image_logits(nets[i]);
        statistics(nets[i]);
        costs(nets[i]);
        kinds_of_files(nets[i], legacy);
    }
    if (there)
        kinds_of_files("mbv3", "mbv3_oldkeys");
    return TAP_END();
}

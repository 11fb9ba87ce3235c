/* What reads data of others, each as a function of bytes: for libFuzzer (fuzz.c), and for the test
 * that replays what is in corpus/ (tests/test_fuzz.c). */
#include "formats/latency_table.h"
#include "formats/network_table.h"
#include "formats/ofa.h"
#include "formats/pytorch.h"
#include "images/decode.h"
#include "images/images.h"
#include "images/pixels.h"
#include "images/source.h"
#include "measure/answer.h"
#include "npu/device.h"
#include "profile/predictor.h"
#include "profile/profile.h"
#include "space/rule.h"
#include "stream/json.h"
#include "stream/json_read.h"
#include "stream/stream.h"
#include "study/aggregate.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const char small_space[] =
    "{\"dstools_space\":1,\"name\":\"t\",\"resolution\":[32,64],\"blocks\":[{\"name\":\"a\","
    "\"type\":\"mbconv\",\"expand\":3,\"kernel\":3},{\"name\":\"b\",\"type\":\"skip\"}],"
    "\"stem\":[],\"head\":[],\"units\":[{\"width\":8,\"depth\":[1,2]}]}";

static const struct ds_space *some_space(void)
{
    static struct ds_space *space;
    struct ds_error err;
    if (!space && !(space = ds_space_parse(small_space, strlen(small_space), &err)))
        abort();
    return space;
}

/* A file of these bytes, by its name; close the descriptor. */
static int as_file(const uint8_t *data, size_t size, char name[32])
{
    int fd = memfd_create("fuzz", 0);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET))
        abort();
    snprintf(name, 32, "/proc/self/fd/%d", fd);
    return fd;
}

static void pack(const struct ds_record *rec)
{
    struct ds_error err;
    msgpack_sbuffer out;
    msgpack_sbuffer_init(&out);
    ds_record_pack(rec, &out, &err);
    msgpack_sbuffer_destroy(&out);
}

/* What is written of it as JSON is what Jansson writes of what it reads of that. */
static void print(const struct ds_record *rec)
{
    struct ds_error err;
    struct ds_json_text text = {0};
    if (ds_record_json(&text, rec, &err) == 0) {
        json_t *json =
            json_loadb(text.text, text.size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
        char *again = json ? json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
        bool nul = memmem(text.text, text.size, "\\u0000", 6); /* which Jansson reads in no key */
        if (again ? strlen(again) != text.size || memcmp(again, text.text, text.size) : !nul)
            abort();
        free(again);
        json_decref(json);
    }
    free(text.text);
}

static void fuzz_stream(const uint8_t *data, size_t size)
{
    struct ds_error err;
    struct ds_record *rec;
    char name[32], *names[] = {name};
    int fd = as_file(data, size, name);
    struct ds_reader *r = ds_reader_open(names, 1, &err);
    while (r && ds_reader_next(r, &rec, &err) > 0) {
        pack(rec);
        print(rec);
    }
    ds_reader_close(r);
    close(fd);
}

/* A record whose block has the right checksum. */
static void fuzz_record(const uint8_t *data, size_t size)
{
    struct ds_error err;
    struct ds_record rec;
    size_t used;
    if (ds_record_init(&rec, &err))
        abort();
    if (ds_record_parse(&rec, some_space(), data, size, &used, &err) == 0) {
        pack(&rec);
        print(&rec);
    }
    ds_record_free(&rec);
}

static void fuzz_space(const uint8_t *data, size_t size)
{
    struct ds_error err;
    struct ds_space *space = ds_space_parse((const char *)data, size, &err);
    if (space) {
        uint8_t choice[DS_MAX_SITES] = {0};
        ds_arch_canon(space, choice, &err);
        free(ds_space_size(space));
    }
    ds_space_free(space);
}

static void fuzz_profile(const uint8_t *data, size_t size)
{
    struct ds_error err;
    char name[32];
    int fd = as_file(data, size, name);
    struct ds_profile *p = ds_profile_load(name, &err);
    if (p) {
        uint8_t choice[DS_MAX_SITES] = {0};
        double value;
        if (ds_profile_bind(p, some_space(), &err) == 0)
            ds_profile_value(p, choice, &value, &err);
        ds_profile_free(p);
    }
    close(fd);
}

static void fuzz_npu(const uint8_t *data, size_t size)
{
    struct ds_error err;
    char name[32];
    int fd = as_file(data, size, name);
    struct ds_npu *npu = ds_npu_load(name, &err);
    if (npu)
        ds_npu_free(npu);
    close(fd);
}

static void fuzz_pytorch(const uint8_t *data, size_t size)
{
    struct ds_error err;
    char name[32];
    int fd = as_file(data, size, name);
    struct ds_pytorch *file = ds_pytorch_load(name, &err);
    if (file)
        ds_pytorch_free(file);
    struct ds_predictor *p = ds_predictor_load(name, &err);
    if (p)
        ds_predictor_free(p);
    close(fd);
}

/* YAML and CSV. */
static void fuzz_table(const uint8_t *data, size_t size)
{
    struct ds_error err;
    char name[32];
    struct ds_latency_table table = {0};
    int fd = as_file(data, size, name);
    ds_latency_table_read(&table, name, &err);
    ds_latency_table_free(&table);
    close(fd);
}

static const char *same_name(void *arg, const char *column)
{
    (void)arg;
    return column;
}

/* CSV of measured networks. */
static void fuzz_networks(const uint8_t *data, size_t size)
{
    struct ds_error err;
    struct ds_network_table table;
    msgpack_sbuffer packed;
    char name[32];
    json_t *record;
    int fd = as_file(data, size, name);
    FILE *f = fdopen(fd, "r");
    if (!f)
        abort();
    int rc = ds_network_table_begin(&table, f, &err) ? -1 : 1;
    while (rc > 0 && (rc = ds_network_table_next(&table, same_name, NULL, &record, &err)) > 0) {
        msgpack_sbuffer_init(&packed);
        ds_record_pack_json(some_space(), record, &packed, &err);
        msgpack_sbuffer_destroy(&packed);
        json_decref(record);
    }
    ds_network_table_end(&table);
    fclose(f);
}

static void fuzz_rule(const uint8_t *data, size_t size)
{
    struct ds_error err;
    char *text = strndup((const char *)data, size);
    struct ds_rule *rule = text ? ds_rule_parse(text, &err) : NULL;
    for (int s = 0; rule && s < some_space()->nsites; s++)
        for (int c = 0; c < some_space()->site[s].nchoices; c++)
            ds_rule_holds(rule, some_space(), s, c);
    if (rule)
        ds_rule_free(rule);
    free(text);
}

static void fuzz_answer(const uint8_t *data, size_t size)
{
    struct ds_error err;
    struct ds_answer answer = {0};
    const struct ds_question question = ds_question_latency("latency.npu");
    char *text = malloc(size + 1);
    if (!text)
        abort();
    memcpy(text, data, size);
    text[size] = 0;
    if (ds_answer_parse(&question, text, size, &answer, &err) == 0)
        ds_answer_free(&answer);
    free(text);
}

static void fuzz_dictionary(const uint8_t *data, size_t size)
{
    struct ds_error err;
    uint8_t choice[DS_MAX_SITES];
    json_t *dict = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(dict))
        ds_ofa_read(some_space(), dict, choice, &err);
    json_decref(dict);
}

static void fuzz_image(const uint8_t *data, size_t size)
{
    struct ds_error err;
    struct pixels pixels = {0};
    if (ds_image_decode(data, size, &pixels, &err) == 0)
        free(pixels.data);
}

/* All images of a file, shrunk to 8x8. */
static void look_at_images(const char *path)
{
    struct ds_error err;
    const struct ds_images_options options = {.memory = 1 << 20, .threads = 1};
    struct ds_images *images = ds_images_open(path, &options, &err);
    const struct ds_image_set *set = images ? ds_images_at(images, 8, &err) : NULL;
    unsigned sum = 0;
    for (size_t i = 0; set && i < set->n; i++)
        sum += set->labels[i] + set->pixels[(i + 1) * 64 * (size_t)set->channels - 1];
    if (sum == UINT_MAX) /* so that they are read */
        abort();
    ds_images_free(images);
}

static void write_file(const char *path, const void *head, size_t n, const void *data, size_t size)
{
    FILE *f = fopen(path, "w");
    if (!f || fwrite(head, 1, n, f) != n || fwrite(data, 1, size, f) != size || fclose(f))
        abort();
}

/*
 * IDX: images behind the head that tells the kind, and in a file beside them their labels, whose
 * length is the first byte.
 */
static void fuzz_idx(const uint8_t *data, size_t size)
{
    char dir[] = "/tmp/fuzz-XXXXXX", images[64], labels[64];
    size_t n = size && data[0] < size ? data[0] : 0;
    if (!mkdtemp(dir))
        abort();
    snprintf(images, sizeof images, "%s/images-idx3", dir);
    snprintf(labels, sizeof labels, "%s/labels-idx1", dir);
    write_file(labels, "", 0, n ? data + 1 : data, n);
    write_file(images, "\0\0\x08\x03", 4, n ? data + 1 + n : data, n ? size - 1 - n : size);
    look_at_images(images);
    unlink(images);
    unlink(labels);
    rmdir(dir);
}

/* CIFAR: bytes that are repeated to whole images, of one kind or the other by the first. */
static void fuzz_cifar(const uint8_t *data, size_t size)
{
    char name[] = "/tmp/fuzz-XXXXXX.bin";
    uint8_t image[2 * 3074] = {0};
    int fd = mkostemps(name, 4, O_CLOEXEC);
    if (fd < 0)
        abort();
    close(fd);
    for (size_t i = 1; size > 1 && i <= sizeof image; i++)
        image[i - 1] = data[1 + i % (size - 1)];
    size_t whole = size && data[0] % 2 ? 3073 : 3074;
    write_file(name, image, size && data[0] & 2 ? 2 * whole : whole, data, size && data[0] > 250);
    look_at_images(name);
    unlink(name);
}

/* A text file of images; none is opened. */
static void fuzz_list(const uint8_t *data, size_t size)
{
    struct ds_error err;
    struct image_source source = {0};
    char *text = malloc(size + 1);
    if (!text)
        abort();
    memcpy(text, data, size);
    text[size] = 0;
    ds_images_from_list(&source, "dir/list", text, size, &err);
    ds_images_source_free(&source);
    free(text);
}

/* A line of JSON, as ds-import json reads it. */
static void fuzz_json(const uint8_t *data, size_t size)
{
    struct ds_error err;
    struct ds_record rec;
    msgpack_sbuffer packed;
    size_t used;
    json_t *object = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
    msgpack_sbuffer_init(&packed);
    if (ds_record_init(&rec, &err))
        abort();
    if (json_is_object(object) && ds_record_pack_json(some_space(), object, &packed, &err) == 0 &&
        ds_record_parse(&rec, some_space(), packed.data, packed.size, &used, &err) == 0) {
        pack(&rec);
        print(&rec);
    }
    ds_record_free(&rec);
    msgpack_sbuffer_destroy(&packed);
    json_decref(object);
}

/* A partial result of ds-aggregate, in the record of a group. */
static void fuzz_partial(const uint8_t *data, size_t size)
{
    struct ds_error err;
    struct ds_record part, group;
    msgpack_object_kv entry = {
        .key = {.type = MSGPACK_OBJECT_STR, .via.str = {.size = 7, .ptr = "partial"}},
        .val = {.type = MSGPACK_OBJECT_BIN,
                .via.bin = {.size = (uint32_t)size, .ptr = (const char *)data}}};
    struct ds_aggregate *a = ds_aggregate_of_partials(&err);
    if (!a || ds_record_init(&part, &err) || ds_record_init(&group, &err))
        abort();
    ds_record_group(&part, some_space());
    part.extra = (msgpack_object_map){.size = 1, .ptr = &entry};
    int bad = ds_aggregate_merge(a, &part, &err) || ds_aggregate_merge(a, &part, &err);
    int groups = bad ? 0 : ds_aggregate_finish(a, &err);
    for (int g = 0; g < groups; g++)
        if (ds_aggregate_group(a, g, &group, &err) == 0 &&
            ds_aggregate_partial(a, g, &group, &err) == 0)
            pack(&group);
    ds_record_free(&part);
    ds_record_free(&group);
    ds_aggregate_free(a);
}

static const struct target {
    const char *name;
    void (*run)(const uint8_t *data, size_t size);
} targets[] = {
    {"stream", fuzz_stream},         {"record", fuzz_record},     {"space", fuzz_space},
    {"profile", fuzz_profile},       {"npu", fuzz_npu},           {"pytorch", fuzz_pytorch},
    {"table", fuzz_table},           {"networks", fuzz_networks}, {"rule", fuzz_rule},
    {"answer", fuzz_answer},         {"image", fuzz_image},       {"idx", fuzz_idx},
    {"cifar", fuzz_cifar},           {"list", fuzz_list},         {"json", fuzz_json},
    {"dictionary", fuzz_dictionary}, {"partial", fuzz_partial}};
enum { NTARGETS = sizeof targets / sizeof *targets };

/* What reads data of others, each as a function of bytes: for libFuzzer (fuzz.c), and for the test
 * that replays what is in corpus/ (tests/test_fuzz.c). */
#include "formats/latency_table.h"
#include "formats/ofa.h"
#include "formats/pytorch.h"
#include "images/decode.h"
#include "images/pixels.h"
#include "measure/answer.h"
#include "npu/device.h"
#include "profile/predictor.h"
#include "profile/profile.h"
#include "space/rule.h"
#include "stream/stream.h"

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

static void fuzz_stream(const uint8_t *data, size_t size)
{
    struct ds_error err;
    struct ds_record *rec;
    char name[32], *names[] = {name};
    int fd = as_file(data, size, name);
    struct ds_reader *r = ds_reader_open(names, 1, &err);
    while (r && ds_reader_next(r, &rec, &err) > 0)
        pack(rec);
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
    if (ds_record_parse(&rec, some_space(), data, size, &used, &err) == 0)
        pack(&rec);
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

static const struct target {
    const char *name;
    void (*run)(const uint8_t *data, size_t size);
} targets[] = {{"stream", fuzz_stream},
               {"record", fuzz_record},
               {"space", fuzz_space},
               {"profile", fuzz_profile},
               {"npu", fuzz_npu},
               {"pytorch", fuzz_pytorch},
               {"table", fuzz_table},
               {"rule", fuzz_rule},
               {"answer", fuzz_answer},
               {"image", fuzz_image},
               {"dictionary", fuzz_dictionary}};
enum { NTARGETS = sizeof targets / sizeof *targets };

/* Once-for-All's dictionaries: what is read, what is written, and what neither can tell. */
#include "formats/ofa.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

#define DRAWS 200

/* A space whose last unit has one layer: the first unit's width, and the blocks of either unit. */
#define MBCONV(name, e, k)                                                                         \
    "{\"name\":\"" name "\",\"type\":\"mbconv\",\"expand\":" e ",\"kernel\":" k "}"
#define TWIN "{\"name\":\"b_se\",\"type\":\"mbconv\",\"expand\":6,\"kernel\":5,\"se\":true}"
#define SKIP "{\"name\":\"none\",\"type\":\"skip\"}"
#define A MBCONV("a", "3", "3")
#define B MBCONV("b", "6", "5")
#define C MBCONV("c", "0.5", "3")
#define HEAD "\"dstools_space\":1,\"name\":\"t\",\"resolution\":[32,64],\"stem\":[],\"head\":[],"
#define BLOCKS "\"blocks\":[" A "," B "," C "," TWIN "," SKIP "],"
#define FIRST(width, blocks) "{\"width\":" width ",\"depth\":[1,3],\"blocks\":" blocks "}"
#define LAST(blocks) "{\"width\":8,\"depth\":1,\"blocks\":" blocks "}"
#define SPACE(width, first, last)                                                                  \
    "{" HEAD BLOCKS "\"units\":[" FIRST(width, first) "," LAST(last) "]}"
#define PLAIN SPACE("8", "[\"a\",\"b\",\"c\"]", "[\"a\"]")

static struct ds_space *parse(const char *json)
{
    struct ds_error err;
    struct ds_space *space = ds_space_parse(json, strlen(json), &err);
    if (!space)
        printf("# %s\n", err.text);
    return space;
}

static bool is_key(const struct ds_space *space, const char *key)
{
    return ds_ofa_is_key(space, key, strlen(key));
}

/* What is written, as JSON is read; NULL where nothing is. */
static json_t *write_dict(const struct ds_space *space, const uint8_t *choice, struct ds_error *err)
{
    struct ds_json_text text = {0};
    DS_JSON_PUT(&text, "{");
    int rc = ds_ofa_write(space, choice, &text, err);
    DS_JSON_PUT(&text, "}");
    json_t *dict = rc ? NULL : json_loadb(text.text, text.size, JSON_REJECT_DUPLICATES, NULL);
    free(text.text);
    return dict;
}

/* Reads a dictionary; a crash rather than a stale answer when it is no JSON. */
static int take(const struct ds_space *space, const char *text, uint8_t *choice,
                struct ds_error *err)
{
    json_error_t why;
    json_t *dict = json_loads(text, 0, &why);
    if (!dict) {
        printf("# %s: %s\n", text, why.text);
        abort();
    }
    err->text[0] = 0;
    int rc = ds_ofa_read(space, dict, choice, err);
    json_decref(dict);
    return rc;
}

static void keys(void)
{
    struct ds_error err;
    struct ds_space *mbv3 = ds_space_load("ofa-mbv3", &err),
                    *resnet = ds_space_load("resnet50", &err);
    CHECK(is_key(mbv3, "ks") && is_key(mbv3, "r") && !is_key(mbv3, "w") && !is_key(mbv3, "k") &&
              !is_key(mbv3, ""),
          "keys of the architecture");
    CHECK(is_key(resnet, "w") && is_key(resnet, "image_size") && !is_key(resnet, "ks"),
          "those of ResNet50");
    ds_space_free(mbv3);
    ds_space_free(resnet);
}

/* Every architecture of a shipped space comes back as it went; `key` lists `count` numbers. */
static void there_and_back(const char *name, const char *key, int count, int layers, int units)
{
    struct ds_error err;
    struct ds_space *space = ds_space_load(name, &err);
    int same = 0, right = 0;
    CHECK(space, "%s is there", name);
    for (uint64_t i = 0; space && i < DRAWS; i++) {
        struct ds_random r;
        uint8_t choice[DS_MAX_SITES], back[DS_MAX_SITES];
        ds_random_init(&r, 7, i, 0);
        ds_arch_sample(space, &r, choice);
        json_t *dict = write_dict(space, choice, &err);
        right += json_array_size(json_object_get(dict, key)) == (size_t)count &&
                 json_array_size(json_object_get(dict, "e")) == (size_t)layers &&
                 json_array_size(json_object_get(dict, "d")) == (size_t)units;
        same += dict && ds_ofa_read(space, dict, back, &err) == 0 &&
                memcmp(choice, back, (size_t)space->nsites) == 0;
        json_decref(dict);
    }
    CHECK(right == DRAWS, "%s: lists of %d layers and %d units (%d)", name, layers, units, right);
    CHECK(same == DRAWS, "%s: there and back (%d)", name, same);
    ds_space_free(space);
}

/* What entries mean: by hand for one architecture. */
static void meaning(void)
{
    struct ds_space *space = parse(PLAIN);
    struct ds_error err;
    uint8_t c[DS_MAX_SITES];
    const struct ds_unit *u = &space->unit[0];
    CHECK(take(space, "{\"ks\":[3,5,9,3],\"e\":[0.5,6,9,3],\"d\":[3,1],\"r\":[64]}", c, &err) == 1,
          "the third layer is looked at when it is active");
    CHECK(strstr(err.text, "unit0.layer2 of space t has no block of kernel 9 and expansion 9"),
          "and named: %s", err.text);
    CHECK(take(space, "{\"ks\":[3,9,9,3],\"e\":[0.5,9,9,3],\"d\":[1,1],\"r\":[64]}", c, &err) == 0,
          "not when it is inactive: %s", err.text);
    CHECK(ds_arch_resolution(space, c) == 64 && ds_arch_depth(space, c, 0) == 1,
          "resolution and depth");
    CHECK(c[u->layer_site] == 2 && c[u->layer_site + 1] == DS_INACTIVE &&
              c[space->unit[1].layer_site] == 0,
          "block c, inactive, block a");

    json_t *dict = write_dict(space, c, &err);
    json_t *want = json_loads("{\"ks\":[3,3,3,3],\"e\":[0.5,3,3,3],\"d\":[1,1],\"r\":64}", 0, NULL);
    CHECK(dict && want && json_equal(dict, want), "inactive layers get the first block");
    json_decref(dict);
    json_decref(want);
    ds_space_free(space);
}

/* The last unit of one layer and one block, with all and with less said of it. */
static void short_lists(void)
{
    static const char *const same[] = {
        "{\"ks\":[5,3,3,3],\"e\":[6,3,3,3],\"d\":[3,1],\"r\":32}",
        "{\"ks\":[5,3,3],\"e\":[6,3,3],\"d\":[3],\"r\":32}",
        "{\"ks\":[5,3,3],\"e\":[6,3,3,3],\"d\":[3,1],\"r\":[32]}",
        "{\"ks\":[5,3,3,3],\"e\":[6,3,3],\"d\":3,\"r\":32}",
        "{\"ks\":[5,3,3],\"e\":[6,3,3],\"d\":[3,4],\"r\":32.0}",
    };
    struct ds_space *space = parse(PLAIN),
                    *choosy = parse(SPACE("8", "[\"a\",\"b\"]", "[\"a\",\"b\"]"));
    struct ds_error err;
    uint8_t first[DS_MAX_SITES], c[DS_MAX_SITES];
    CHECK(take(space, same[0], first, &err) == 0, "all said");
    for (size_t i = 1; i < sizeof same / sizeof *same; i++)
        CHECK(take(space, same[i], c, &err) == 0 && !memcmp(first, c, (size_t)space->nsites),
              "the same: %s %s", same[i], err.text);
    CHECK(take(choosy, same[0], c, &err) == 0, "a last layer of two blocks, said");
    CHECK(take(choosy, same[1], c, &err) == -1 &&
              !strcmp(err.text, "\"ks\" has 3 numbers; this space has 4"),
          "left out, nothing is made up: %s", err.text);
    ds_space_free(choosy);
    ds_space_free(space);
}

/* 1 where the space lacks it, -1 where it is no dictionary; the message names the key. */
static void refused(void)
{
    static const struct {
        int rc;
        const char *dict, *says;
    } bad[] = {
        {1, "{\"ks\":3,\"e\":3,\"d\":1,\"r\":48}", "\"r\": space t has no resolution 48"},
        {1, "{\"ks\":3,\"e\":3,\"d\":1,\"r\":1e300}", "\"r\": space t has no resolution 1e+300"},
        {1, "{\"ks\":3,\"e\":3,\"d\":2,\"r\":32}", "\"d\": unit 0 of space t cannot have 2 layers"},
        {1, "{\"ks\":3,\"e\":3,\"d\":-1e300,\"r\":32}", "\"d\": unit 0"},
        {1, "{\"ks\":7,\"e\":3,\"d\":1,\"r\":32}", "unit0.layer0 of space t has no block"},
        {1, "{\"ks\":3.5,\"e\":3,\"d\":1,\"r\":32}", "no block of kernel 3.5"},
        {-1, "{\"e\":3,\"d\":1,\"r\":32}", "\"ks\" is missing"},
        {-1, "{\"ks\":3,\"d\":1,\"r\":32}", "\"e\" is missing"},
        {-1, "{\"ks\":3,\"e\":3,\"r\":32}", "\"d\" is missing"},
        {-1, "{\"ks\":3,\"e\":3,\"d\":1}", "\"r\" is missing"},
        {-1, "{\"ks\":null,\"e\":3,\"d\":1,\"r\":32}", "\"ks\" must be numbers"},
        {-1, "{\"ks\":3,\"e\":{},\"d\":1,\"r\":32}", "\"e\" must be numbers"},
        {-1, "{\"ks\":3,\"e\":3,\"d\":[true,1],\"r\":32}", "\"d\" must be numbers"},
        {-1, "{\"ks\":3,\"e\":3,\"d\":1,\"r\":\"32\"}", "\"r\" must be numbers"},
        {-1, "{\"ks\":3,\"e\":3,\"d\":1,\"r\":[32,64]}", "\"r\" has 2 numbers; this space has 1"},
        {-1, "{\"ks\":3,\"e\":[],\"d\":1,\"r\":32}", "\"e\" has 0 numbers; this space has 3 or 4"},
        {-1, "{\"ks\":3,\"e\":3,\"d\":[1,1,1],\"r\":32}", "\"d\" has 3 numbers"},
        {-1, "[]", "\"ks\" is missing"},
    };
    struct ds_space *space = parse(PLAIN);
    struct ds_error err;
    uint8_t c[DS_MAX_SITES];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK(take(space, bad[i].dict, c, &err) == bad[i].rc && strstr(err.text, bad[i].says),
              "%s: %s", bad[i].dict, err.text);
    ds_space_free(space);
}

/* Spaces that a dictionary would not tell the whole truth of: refused both ways. */
static void not_told(void)
{
    static const struct {
        const char *what, *space, *dict, *says;
    } cases[] = {
        {"a width", SPACE("[8,16]", "[\"a\"]", "[\"a\"]"), "{\"ks\":3,\"e\":3,\"d\":1,\"r\":32}",
         "has a choice at unit0.width"},
        {"twins", SPACE("8", "[\"b\",\"b_se\"]", "[\"a\"]"),
         "{\"ks\":[5,5,5],\"e\":[6,6,6],\"d\":[1],\"r\":32}", "has several blocks of kernel 5"},
    };
    struct ds_error err;
    uint8_t c[DS_MAX_SITES];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ds_space *space = parse(cases[i].space);
        struct ds_random r;
        CHECK(take(space, cases[i].dict, c, &err) == -1 && strstr(err.text, cases[i].says),
              "%s, read: %s", cases[i].what, err.text);
        err.text[0] = 0;
        ds_random_init(&r, 1, 0, 0);
        ds_arch_sample(space, &r, c);
        CHECK(!write_dict(space, c, &err) && strstr(err.text, cases[i].says), "%s, written: %s",
              cases[i].what, err.text);
        ds_space_free(space);
    }
}

/* A skip has no kernel: an active one cannot be written, an inactive layer takes another block. */
static void skips(void)
{
    struct ds_space *space = parse(SPACE("8", "[\"none\",\"a\"]", "[\"a\"]"));
    struct ds_error err;
    uint8_t c[DS_MAX_SITES];
    int site = space->unit[0].layer_site;
    CHECK(take(space, "{\"ks\":3,\"e\":3,\"d\":1,\"r\":32}", c, &err) == 0 && c[site] == 1,
          "the skip is not taken for a block of kernel 3: %s", err.text);
    json_t *dict = write_dict(space, c, &err);
    CHECK(dict && json_integer_value(json_array_get(json_object_get(dict, "ks"), 1)) == 3,
          "an inactive layer that could be a skip");
    json_decref(dict);
    c[site] = 0;
    CHECK(!write_dict(space, c, &err) && strstr(err.text, "unit0.layer0 of space t has a block"),
          "an active skip: %s", err.text);
    ds_space_free(space);
}

/* OFA-ResNet50: what entries mean, by hand, and what is refused. */
static void resnet50(void)
{
    static const struct {
        int rc;
        const char *dict, *says;
    } bad[] = {
        {-1, "{\"d\":0,\"e\":0.2,\"r\":128}", "\"w\" is missing"},
        {-1, "{\"d\":[0,0,0,0],\"e\":0.2,\"w\":0,\"r\":128}",
         "\"d\" has 4 numbers; this space has 5"},
        {-1, "{\"d\":0,\"e\":[0.2],\"w\":0,\"r\":128}", "\"e\" has 1 numbers; this space has 18"},
        {-1, "{\"d\":1,\"e\":0.2,\"w\":0,\"r\":128}",
         "\"d\"[0] is 1; for the stem it must be 0 or 2"},
        {-1, "{\"d\":0,\"e\":0.2,\"w\":3,\"r\":128}", "\"w\"[0] is 3; it must be 0, 1 or 2"},
        {-1, "{\"d\":0,\"e\":0.2,\"w\":1e300,\"r\":128}", "\"w\"[0] is 1e+300"},
        {-1, "{\"d\":0,\"e\":null,\"w\":0,\"r\":128}", "\"e\" must be numbers"},
        {1, "{\"d\":[0,3,0,0,0],\"e\":0.2,\"w\":0,\"r\":128}",
         "\"d\"[1] is 3, which space resnet50 does not have at unit0.depth"},
        {1, "{\"d\":0,\"e\":0.3,\"w\":0,\"r\":128}",
         "\"e\"[0] is 0.3, which space resnet50 does not have at unit0.layer0"},
        {1, "{\"d\":0,\"e\":0.2,\"w\":0,\"r\":208}", "\"r\": space resnet50 has no resolution 208"},
    };
    struct ds_error err;
    uint8_t c[DS_MAX_SITES], twin[DS_MAX_SITES];
    struct ds_space *space = ds_space_load("resnet50", &err);
    CHECK(space, "resnet50 is there");
    if (!space)
        return;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK(take(space, bad[i].dict, c, &err) == bad[i].rc && strstr(err.text, bad[i].says),
              "%s: %s", bad[i].dict, err.text);

    static const char dict[] =
        "{\"d\":[2,0,1,2,1],\"w\":[0,1,2,1,0,2],\"e\":[0.2,0.25,9,9,0.35,0.2,0.2,9,"
        "0.25,0.25,0.25,0.25,0.25,0.35,0.2,0.25,0.35,0],\"r\":[192]}";
    CHECK(take(space, dict, c, &err) == 0, "a dictionary: %s", err.text);
    CHECK(ds_arch_depth(space, c, 0) == 2 && ds_arch_depth(space, c, 1) == 3 &&
              ds_arch_depth(space, c, 2) == 6 && ds_arch_depth(space, c, 3) == 3,
          "units of 2 + 0, 2 + 1, 4 + 2, 2 + 1 layers");
    CHECK(ds_arch_width(space, c, 0) == 256 && ds_arch_width(space, c, 1) == 408 &&
              ds_arch_width(space, c, 2) == 664 && ds_arch_width(space, c, 3) == 2048,
          "widths x 1, 0.8, 0.65, 1");
    CHECK(space->site[1].value[c[1]] == 24 && space->site[2].value[c[2]] == 1 &&
              space->site[3].value[c[3]] == 48 && ds_arch_resolution(space, c) == 192,
          "a stem of 24, once more, 48 channels, at 192");
    CHECK(c[space->unit[1].layer_site] == 2 && c[space->unit[2].layer_site + 5] == 2 &&
              c[space->unit[3].layer_site] == 0 && c[space->unit[3].layer_site + 3] == DS_INACTIVE,
          "expansions, unit by unit");
    char second[sizeof dict];
    memcpy(second, dict, sizeof dict);
    *(strstr(second, "\"w\":[0") + 5) = '1';
    CHECK(take(space, second, twin, &err) == 0 && memcmp(c, twin, (size_t)space->nsites) == 0,
          "the first two first widths are the same 24 channels");
    ds_space_free(space);
}

/* Once-for-All's later programs call the resolution so. */
static void image_size(void)
{
    struct ds_space *space = parse(PLAIN);
    struct ds_error err;
    uint8_t c[DS_MAX_SITES];
    CHECK(take(space, "{\"ks\":3,\"e\":3,\"d\":1,\"image_size\":64}", c, &err) == 0 &&
              ds_arch_resolution(space, c) == 64,
          "image_size: %s", err.text);
    CHECK(take(space, "{\"ks\":3,\"e\":3,\"d\":1,\"image_size\":48}", c, &err) == 1 &&
              strstr(err.text, "\"image_size\": space t has no resolution 48"),
          "another: %s", err.text);
    CHECK(take(space, "{\"ks\":3,\"e\":3,\"d\":1,\"r\":64,\"image_size\":64}", c, &err) == -1,
          "not both: %s", err.text);
    ds_space_free(space);
}

int main(void)
{
    keys();
    there_and_back("ofa-mbv3", "ks", 20, 20, 5);
    there_and_back("proxylessnas", "ks", 21, 21, 6);
    there_and_back("resnet50", "w", 6, 18, 5);
    resnet50();
    image_size();
    meaning();
    short_lists();
    refused();
    not_told();
    skips();
    return TAP_END();
}

#include "space/arch.h"
#include "space/space.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

#define HEAD "{\"dstools_space\":1,\"name\":\"t\","
#define RES "\"resolution\":[32,64],"
#define BLOCKS                                                                                     \
    "\"blocks\":[{\"name\":\"a\",\"type\":\"mbconv\",\"expand\":3,\"kernel\":3},"                  \
    "{\"name\":\"b\",\"type\":\"mbconv\",\"expand\":6,\"kernel\":5}],"
#define BLOCK(type, expand, more)                                                                  \
    "\"blocks\":[{\"name\":\"a\",\"type\":\"" type "\",\"expand\":" #expand                        \
    ",\"kernel\":3,\"" more "}]}"
#define ENDS "\"stem\":[],\"head\":[],"
#define UNIT(more) "{\"width\":8,\"depth\":[1,2]" more "}"
#define SPACE(units) HEAD RES BLOCKS ENDS "\"units\":[" units "]}"

static struct ds_space *parse(const char *json, struct ds_error *err)
{
    return ds_space_parse(json, strlen(json), err);
}

/* A broken space, and what its message must name. */
static void broken(void)
{
    static const struct {
        const char *json, *names;
    } bad[] = {
        {"{", "not JSON: line 1"},
        {"[]", "object"},
        {"{}", "dstools_space: missing"},
        {"{\"dstools_space\":2,\"name\":\"t\"}", "newer"},
        {"{\"dstools_space\":1}", "name: missing"},
        {HEAD "\"hat\":1}", "hat: unknown key"},
        {HEAD "\"resolution\":[]}", "resolution: needs at least one choice"},
        {HEAD "\"resolution\":[32,32]}", "resolution: the same choice twice"},
        {HEAD "\"resolution\":\"big\"}", "resolution: must be whole numbers"},
        {HEAD RES "\"blocks\":{}}", "blocks: must be an array"},
        {HEAD RES "\"blocks\":[3]}", "blocks[0]: must be an object"},
        {HEAD RES "\"blocks\":[{\"type\":\"magic\"}]}", "blocks[0].type: must be one of mbconv"},
        {HEAD RES "\"blocks\":[{\"type\":\"mbconv\",\"expand\":3}]}", "blocks[0].kernel: missing"},
        {HEAD RES "\"blocks\":[{\"type\":\"mbconv\",\"expand\":3,\"kernel\":4,\"name\":\"x\"}]}",
         "blocks[0].kernel: must be odd"},
        {HEAD RES BLOCK("mbconv", 3, "shortcut\":\"conv\""),
         "blocks[0].shortcut: must be one of identity, none"},
        {HEAD RES BLOCK("bottleneck", 3, "shortcut\":\"way\""),
         "blocks[0].shortcut: must be one of avgpool, conv"},
        {HEAD RES BLOCK("bottleneck", 3, "expand_conv\":true"),
         "blocks[0].expand_conv: bottleneck has none"},
        {HEAD RES BLOCK("mbconv", 3, "shuffle\":true"),
         "blocks[0].shuffle: needs 2 or more groups"},
        {HEAD RES BLOCK("mbconv", 1, "groups\":2,\"shuffle\":true"),
         "blocks[0].shuffle: needs expand_conv"},
        {HEAD RES BLOCKS "\"stem\":[{\"op\":\"conv\",\"kernel\":3,\"groups\":2}],\"head\":[]}",
         "stem[0].groups: conv has none"},
        {HEAD RES BLOCKS "\"stem\":[{\"op\":\"conv\",\"kernel\":3,\"bias\":true}],\"head\":[]}",
         "stem[0].bias: only a conv without batch norm"},
        {HEAD RES BLOCKS "\"stem\":[{\"op\":\"warp\"}],\"head\":[],\"units\":[]}",
         "stem[0].op: must be one of"},
        {HEAD RES BLOCKS "\"stem\":[],\"head\":[{\"op\":\"linear\"}],\"units\":[]}",
         "head[0].width: missing"},
        {SPACE(""), "units: must be an array of 1 or more"},
        {SPACE("{\"width\":8}"), "units[0].depth: missing"},
        {SPACE("{\"depth\":2}"), "units[0].width: missing"},
        {SPACE(UNIT(",\"stride\":0")), "units[0].stride: must be a whole number from 1"},
        {SPACE(UNIT(",\"act\":\"sine\"")), "units[0].act: must be one of none, relu"},
        {SPACE(UNIT(",\"se\":1")), "units[0].se: must be true or false"},
        {SPACE(UNIT(",\"blocks\":[\"c\"]")), "units[0].blocks: 'c' is not the name of a block"},
        {SPACE(UNIT(",\"blocks\":[]")), "units[0].blocks: needs at least one block"},
        {SPACE(UNIT(",\"blocks\":[\"a\",\"a\"]")), "units[0].blocks: the same choice twice"},
        {SPACE(UNIT(",\"blocks\":[[\"a\"]]")), "units[0].blocks: has lists for 1 layers"},
        {SPACE(UNIT("") "," UNIT(",\"mutate_weight\":2")), "units[1].mutate_weight"},
        {SPACE("{\"width\":8,\"depth\":2,\"depth\":3}"), "not JSON"},
        {SPACE("{\"width\":8,\"depth\":64},"
               "{\"width\":8,\"depth\":64},"
               "{\"width\":8,\"depth\":64},"
               "{\"width\":8,\"depth\":64}"),
         "more than 255 sites"},
        {SPACE("{\"width\":8,\"depth\":65}"), "units[0].depth: must be whole numbers from 1 to 64"},
        {SPACE("{\"width\":8.5,\"depth\":1}"), "units[0].width: must be whole numbers"},
        {SPACE(UNIT("")) "x", "not JSON: line 1"},
        {HEAD "\"resolution\":65537}", "resolution: must be whole numbers from 1 to 65536"},
        {"{\"dstools_space\":1,\"name\":\"a b\"}", "name: must be a word"},
        {"{\"dstools_space\":1,\"name\":7}", "name: must be a word"},
        {HEAD "\"channel_divisor\":0}", "channel_divisor: must be a whole number from 1"},
        {HEAD RES "\"blocks\":[{\"name\":\"s\",\"type\":\"skip\",\"kernel\":5}]}",
         "blocks[0].kernel: skip has none"},
        {HEAD RES
         "\"blocks\":[{\"name\":\"s\",\"type\":\"skip\"},{\"name\":\"s\",\"type\":\"skip\"}]}",
         "blocks[1].name: a second block of this name"},
        {HEAD RES BLOCKS "\"stem\":[],\"head\":[{\"op\":\"pool\",\"width\":[8,16]}]}",
         "head[0].width: pool has none"},
        {HEAD RES BLOCKS "\"stem\":[{\"op\":\"conv\",\"kernel\":3,\"repeat\":2}],\"head\":[]}",
         "stem[0].repeat: must be an array of choices"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct ds_error err = {"no error"};
        struct ds_space *s = parse(bad[i].json, &err);
        CHECK(!s && strstr(err.text, bad[i].names), "refused: %s", err.text);
        ds_space_free(s);
    }
}

/* What there may be at most: choices of a site, bytes of a name, nesting of what is for people. */
static void limits(void)
{
    struct ds_error err = {"no error"};
    char json[8000], name[200], list[1000] = "1";
    for (int more = 0; more < 2; more++) {
        for (int i = 2; i <= DS_MAX_CHOICES + more; i++)
            snprintf(list + strlen(list), 8, ",%d", i);
        snprintf(json, sizeof json,
                 HEAD "\"resolution\":[%s]," BLOCKS ENDS "\"units\":[" UNIT("") "]}", list);
        struct ds_space *s = parse(json, &err);
        CHECK(more ? !s && strstr(err.text, "resolution: more than 128 choices") : s != NULL,
              "%d choices: %s", DS_MAX_CHOICES + more, more ? err.text : "taken");
        ds_space_free(s);
        strcpy(list, "1");

        memset(name, 'n', sizeof name);
        name[100 + more] = 0;
        snprintf(json, sizeof json,
                 HEAD RES "\"blocks\":[{\"name\":\"%s\",\"type\":\"skip\"}]," ENDS
                          "\"units\":[" UNIT("") "]}",
                 name);
        s = parse(json, &err);
        CHECK(more ? !s && strstr(err.text, "blocks[0].name: is longer than 100 bytes") : s != NULL,
              "a name of %d bytes: %s", 100 + more, more ? err.text : "taken");
        ds_space_free(s);
    }
}

/* Options of stem and head are sites between resolution and units. */
static void options(void)
{
    struct ds_error err = {"no error"};
    struct ds_space *s =
        parse(HEAD RES BLOCKS "\"stem\":[{\"op\":\"conv\",\"kernel\":3,\"width\":[8,16,24]},"
                              "{\"op\":\"conv\",\"kernel\":3,\"repeat\":[0,2]}],"
                              "\"head\":[{\"op\":\"pool\"},{\"op\":\"linear\",\"width\":[10,20]}],"
                              "\"units\":[" UNIT("") "]}",
              &err);
    CHECK(s != NULL, "a stem and a head with choices: %s", s ? "taken" : err.text);
    if (!s)
        return;
    static const char *const names[] = {"resolution",   "stem0.width", "stem1.repeat",
                                        "head1.width",  "unit0.depth", "unit0.width",
                                        "unit0.layer0", "unit0.layer1"};
    int right = 0;
    for (int i = 0; i < s->nsites && i < 8; i++)
        right += ds_space_site(s, names[i], strlen(names[i])) == i;
    CHECK(right == 8 && s->nsites == 8, "sites stand in the order that is written down");
    char *size = ds_space_size(s), label[20];
    CHECK(strcmp(size, "144") == 0, "2 x 3 x 2 x 2 x (2 + 2x2) = %s", size);
    ds_site_print(s, 2, 1, label, sizeof label);
    CHECK(strcmp(label, "2") == 0 && s->site[2].kind == DS_SITE_OPTION &&
              ds_site_choice(&s->site[1], 24) == 2 && ds_site_choice(&s->site[1], 25) == -1,
          "their choices are numbers");
    free(size);
    ds_space_free(s);
}

static void ids_survive_pruning(const struct ds_space *s)
{
    struct ds_error err;
    struct ds_space *p = parse(SPACE(UNIT(",\"blocks\":[[\"b\",\"a\"],[\"b\"]]")), &err);
    uint8_t choice[DS_MAX_SITES], there[DS_MAX_SITES], back[DS_MAX_SITES];
    CHECK(p != NULL, "different blocks in each layer");
    char *size = ds_space_size(p);
    CHECK(strcmp(size, "8") == 0, "2 resolutions x (2 + 2x1) = %s", size);
    free(size);

    struct ds_random r;
    int went = 0, stayed = 0, same = 0;
    for (uint64_t i = 0; i < 64; i++) {
        ds_random_init(&r, 1, i, 0);
        ds_arch_sample(s, &r, choice);
        if (ds_arch_translate(s, choice, p, there, &err)) {
            stayed++;
            same += strstr(err.text, "does not allow a at unit0.layer1") != NULL;
            continue;
        }
        went++;
        same += ds_arch_id(s, choice) == ds_arch_id(p, there) &&
                ds_arch_translate(p, there, s, back, &err) == 0 &&
                memcmp(choice, back, (size_t)s->nsites) == 0;
    }
    CHECK(went > 10 && stayed > 5 && same == 64,
          "an architecture keeps its id in a pruned space (%d), or is refused (%d)", went, stayed);
    ds_space_free(p);
}

static void affixing(const struct ds_space *s)
{
    uint8_t base[DS_MAX_SITES], x[DS_MAX_SITES], y[DS_MAX_SITES];
    struct ds_random r;
    int site = ds_space_site(s, "unit2.layer3", 12), between = site - 1;
    int active = 0, all_else_equal = 0, paper_active[2] = {0}, drawn = 0;
    for (uint64_t i = 0; i < 300; i++) {
        ds_random_init(&r, 3, i, 0);
        ds_arch_sample(s, &r, base);
        memcpy(x, base, sizeof x);
        memcpy(y, base, sizeof y);
        ds_arch_affix(s, x, site, 4, false, 9);
        ds_arch_affix(s, y, site, 8, false, 9);
        active += x[site] == 4 && y[site] == 8;
        x[site] = y[site] = 0;
        all_else_equal += memcmp(x, y, (size_t)s->nsites) == 0;
        drawn += base[between] == DS_INACTIVE && x[between] < 9;
        for (int l = 2; l < 4; l++) {
            memcpy(x, base, sizeof x);
            ds_arch_affix(s, x, site - 3 + l, 4, true, 9);
            paper_active[l - 2] += x[site - 3 + l] == 4;
        }
    }
    CHECK(active == 300, "an affixed block is always active");
    CHECK(all_else_equal == 300 && drawn > 50, "all else is equal between blocks at one place");
    CHECK(paper_active[0] > 170 && paper_active[0] < 230,
          "--paper: inactive in a third of the samples at layer 2 (%d of 300 active)",
          paper_active[0]);
    CHECK(paper_active[1] > 70 && paper_active[1] < 130,
          "--paper: inactive in two thirds at layer 3 (%d of 300 active)", paper_active[1]);
}

int main(void)
{
    struct ds_error err;
    struct ds_space *s = ds_space_load("ofa-mbv3", &err);
    CHECK(s != NULL, "ofa-mbv3 is shipped");
    if (!s)
        return TAP_END();
    char *size = ds_space_size(s);
    /* 5 (9^2 + 9^3 + 9^4)^5 */
    CHECK(strcmp(size, "108793277462862429255") == 0, "its size is exact: %s", size);
    free(size);
    CHECK(s->nsites == 1 + 5 * (2 + 4), "its sites");
    affixing(s);
    ds_space_free(s);

    broken();
    limits();
    options();
    s = parse(SPACE(UNIT("")), &err);
    CHECK(s != NULL, "a small space");
    ids_survive_pruning(s);

    uint8_t a[] = {1, 0, 0, 1, 7}, b[] = {1, 0, 0, 1, 0}, c[] = {1, 0, 0, 2, 0};
    CHECK(ds_arch_canon(s, a, &err) == 0 && ds_arch_canon(s, b, &err) == 0 &&
              memcmp(a, b, sizeof a) == 0 && ds_arch_id(s, a) == ds_arch_id(s, b),
          "inactive layers never matter");
    CHECK(ds_arch_canon(s, c, &err) && strstr(err.text, "unit0.layer0"), "a bad choice: %s",
          err.text);
    ds_space_free(s);

    s = parse(HEAD "\"resolution\":224,\"blocks\":[{\"name\":\"a\",\"type\":\"mbconv\","
                   "\"expand\":2.5,\"kernel\":3}],\"stem\":[],\"head\":[],"
                   "\"units\":[{\"width\":8,\"depth\":1}]}",
              &err);
    size = s ? ds_space_size(s) : NULL;
    CHECK(size && strcmp(size, "1") == 0, "a space of one network");
    free(size);
    ds_space_free(s);
    CHECK(!ds_space_load("no-such-space", &err) && strstr(err.text, "ofa-mbv3"),
          "an unknown space lists the known: %s", err.text);
    return TAP_END();
}

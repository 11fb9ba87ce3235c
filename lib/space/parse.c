/* Reads and validates the JSON of a design space. */
#include "base/file.h"
#include "base/grow.h"
#include "space/shipped.h"
#include "space/space.h"

#include "base/json_memory.h"
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define MOST_NAME 100 /* bytes: names are hashed, and shown, whole */

/* A JSON object being read, with the path by which messages name it. */
struct node {
    json_t *json;
    char path[120];
    struct ds_error *err;
};

static int bad(const struct node *n, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int bad(const struct node *n, const char *key, const char *format, ...)
{
    char why[300];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    return ds_fail(n->err, "%s%s%s: %s", n->path, *n->path ? "." : "", key, why);
}

/* Enters element i of the array under `key`, which must be an object with keys among `allowed`. */
static int enter(const struct node *n, const char *key, size_t i, const char *const *allowed,
                 struct node *out)
{
    out->err = n->err;
    out->json = json_array_get(json_object_get(n->json, key), i);
    snprintf(out->path, sizeof out->path, "%s[%zu]", key, i);
    if (!json_is_object(out->json))
        return ds_fail(n->err, "%s: must be an object", out->path);

    const char *name;
    json_t *value;
    json_object_foreach(out->json, name, value)
    {
        const char *const *a = allowed;
        while (*a && strcmp(*a, name))
            a++;
        if (!*a)
            return bad(out, name, "unknown key");
    }
    return 0;
}

/* The array under `key`; its length, or -1. */
static int array(const struct node *n, const char *key, int least)
{
    json_t *v = json_object_get(n->json, key);
    if (!v)
        return bad(n, key, "missing");
    if (!json_is_array(v) || json_array_size(v) < (size_t)least)
        return bad(n, key, "must be an array of %d or more", least);
    if (json_array_size(v) > DS_MAX_SITES)
        return bad(n, key, "has more than %d elements", DS_MAX_SITES);
    return (int)json_array_size(v);
}

/* A whole number in least..most; `otherwise` where the key is missing (-1: it must be there). */
static int whole(const struct node *n, const char *key, int least, int most, int otherwise,
                 int *out)
{
    json_t *v = json_object_get(n->json, key);
    *out = otherwise;
    if (!v)
        return otherwise < 0 ? bad(n, key, "missing") : 0;
    if (!json_is_integer(v) || json_integer_value(v) < least || json_integer_value(v) > most)
        return bad(n, key, "must be a whole number from %d to %d", least, most);
    *out = (int)json_integer_value(v);
    return 0;
}

static int number(const struct node *n, const char *key, double least, double most,
                  double otherwise, double *out)
{
    json_t *v = json_object_get(n->json, key);
    *out = otherwise;
    if (!v)
        return otherwise < 0 ? bad(n, key, "missing") : 0;
    if (!json_is_number(v) || json_number_value(v) < least || json_number_value(v) > most)
        return bad(n, key, "must be a number from %g to %g", least, most);
    *out = json_number_value(v);
    return 0;
}

static int boolean(const struct node *n, const char *key, bool otherwise, bool *out)
{
    json_t *v = json_object_get(n->json, key);
    *out = otherwise;
    if (v && !json_is_boolean(v))
        return bad(n, key, "must be true or false");
    if (v)
        *out = json_is_true(v);
    return 0;
}

/* One of `names` (`count` of them); `otherwise` where missing (-1: it must be there). */
static int word(const struct node *n, const char *key, const char *const *names, int count,
                int otherwise, int *out)
{
    json_t *v = json_object_get(n->json, key);
    *out = otherwise;
    if (!v)
        return otherwise < 0 ? bad(n, key, "missing") : 0;
    char known[200] = "";
    for (int i = 0; i < count; i++) {
        if (json_is_string(v) && strcmp(json_string_value(v), names[i]) == 0) {
            *out = i;
            return 0;
        }
        size_t at = strlen(known);
        snprintf(known + at, sizeof known - at, "%s%s", i ? ", " : "", names[i]);
    }
    return bad(n, key, "must be one of %s", known);
}

static int activation(const struct node *n, int otherwise, int *out)
{
    static const char *const names[] = {"none", "relu", "relu6", "hswish", "hsigmoid"};
    return word(n, "act", names, 5, otherwise, out);
}

static int text(const struct node *n, const char *key, char **out)
{
    json_t *v = json_object_get(n->json, key);
    if (!json_is_string(v) || !*json_string_value(v))
        return bad(n, key, v ? "must be a word" : "missing");
    if (json_string_length(v) > MOST_NAME)
        return bad(n, key, "is longer than %d bytes", MOST_NAME);
    for (const char *c = json_string_value(v); *c; c++)
        if ((unsigned char)*c <= ' ' || *c == '"' || *c == '\\' || *c == 127)
            return bad(n, key, "must be a word, without spaces or quotes");
    if (!(*out = ds_copy_string(json_string_value(v), NULL)))
        return ds_no_memory(n->err);
    return 0;
}

/* Adds a site; its choices follow by add_choice. */
static struct ds_site *add_site(struct ds_space *s, enum ds_site_kind kind, int unit, int layer,
                                struct ds_error *err, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

static struct ds_site *add_site(struct ds_space *s, enum ds_site_kind kind, int unit, int layer,
                                struct ds_error *err, const char *format, ...)
{
    if (s->nsites == DS_MAX_SITES) {
        ds_fail(err, "more than %d sites", DS_MAX_SITES);
        return NULL;
    }
    struct ds_site *site = &s->site[s->nsites];
    *site = (struct ds_site){.kind = kind, .unit = unit, .layer = layer};
    va_list args;
    va_start(args, format);
    int n = vasprintf(&site->name, format, args);
    va_end(args);
    site->value = ds_alloc(DS_MAX_CHOICES, sizeof *site->value, NULL);
    site->hash = ds_alloc(DS_MAX_CHOICES, sizeof *site->hash, NULL);
    if (n < 0)
        site->name = NULL;
    s->nsites++;
    if (n < 0 || !site->value || !site->hash) {
        ds_no_memory(err);
        return NULL;
    }
    return site;
}

static int add_choice(const struct node *n, const char *key, struct ds_space *s,
                      struct ds_site *site, int value)
{
    if (site->nchoices == DS_MAX_CHOICES)
        return bad(n, key, "more than %d choices", DS_MAX_CHOICES);
    if (ds_site_choice(site, value) >= 0)
        return bad(n, key, "the same choice twice");
    site->value[site->nchoices++] = value;

    char label[2 * MOST_NAME], choice[MOST_NAME + 1];
    ds_site_print(s, (int)(site - s->site), site->nchoices - 1, choice, sizeof choice);
    int length = snprintf(label, sizeof label, "%s=%s", site->name, choice);
    site->hash[site->nchoices - 1] = XXH3_64bits(label, (size_t)length);
    return 0;
}

/* A number, or an array of distinct numbers, as the choices of a site. */
static int add_numbers(const struct node *n, const char *key, int least, int most,
                       struct ds_space *s, struct ds_site *site)
{
    json_t *v = json_object_get(n->json, key);
    if (!v)
        return bad(n, key, "missing");
    size_t count = json_is_array(v) ? json_array_size(v) : 1;
    for (size_t i = 0; i < count; i++) {
        json_t *e = json_is_array(v) ? json_array_get(v, i) : v;
        if (!json_is_integer(e) || json_integer_value(e) < least || json_integer_value(e) > most)
            return bad(n, key, "must be whole numbers from %d to %d", least, most);
        if (add_choice(n, key, s, site, (int)json_integer_value(e)))
            return -1;
    }
    return count ? 0 : bad(n, key, "needs at least one choice");
}

/* What steps and blocks of each kind have; another key would count for nothing. */
static const struct {
    const char *kind;
    const char *key[16];
} kinds[] = {
    {"conv", {"kernel", "stride", "width", "act", "bn", "bias", "residual", "repeat"}},
    {"maxpool", {"kernel", "stride", "residual", "repeat"}},
    {"pool", {NULL}},
    {"linear", {"width", "act", "residual", "repeat"}},
    {"mbconv",
     {"kernel", "expand", "groups", "se", "act", "expand_conv", "shuffle", "shortcut", "stride",
      "width", "residual", "repeat"}},
    {"bottleneck",
     {"kernel", "expand", "groups", "act", "shortcut", "project", "stride", "width", "residual",
      "repeat"}},
    {"skip", {"groups", "act", "stride", "width", "residual", "repeat"}},
};

/* Refuses what this kind of step or block does not have. */
static int check_keys(const struct node *n, const char *kind)
{
    size_t k = 0;
    while (strcmp(kinds[k].kind, kind))
        k++;
    const char *name;
    json_t *value;
    json_object_foreach(n->json, name, value)
    {
        const char *const *key = kinds[k].key;
        while (*key && strcmp(*key, name))
            key++;
        if (!*key && strcmp(name, "op") && strcmp(name, "type") && strcmp(name, "name"))
            return bad(n, name, "%s has none", kind);
    }
    return 0;
}

/* What only one type of block has. */
static int block_extras(const struct node *n, struct ds_block *b)
{
    static const char *const shortcuts[] = {"avgpool", "conv", "identity", "none"};
    bool mbconv = b->type == DS_BLOCK_MBCONV;
    int shortcut;
    if (boolean(n, "expand_conv", false, &b->expand_conv) ||
        boolean(n, "shuffle", false, &b->shuffle) || boolean(n, "project", false, &b->project) ||
        word(n, "shortcut", mbconv ? shortcuts + 2 : shortcuts, 2, 0, &shortcut))
        return -1;
    b->conv_shortcut = !mbconv && shortcut == 1;
    b->no_shortcut = mbconv && shortcut == 1;
    if (b->shuffle && b->groups == 1)
        return bad(n, "shuffle", "needs 2 or more groups");
    if (b->shuffle && b->expand == 1 && !b->expand_conv)
        return bad(n, "shuffle", "needs expand_conv where expand is 1");
    return 0;
}

/* What blocks and steps of a block type have in common. */
static int block_shape(const struct node *n, struct ds_block *b)
{
    bool se;
    if (b->type == DS_BLOCK_SKIP)
        b->kernel = 1;
    else if (whole(n, "kernel", 1, 31, b->type == DS_BLOCK_BOTTLENECK ? 3 : -1, &b->kernel) ||
             number(n, "expand", 0.01, 64, -1, &b->expand))
        return -1;
    if (b->kernel % 2 == 0)
        return bad(n, "kernel", "must be odd");
    if (whole(n, "groups", 1, 1024, 1, &b->groups) || activation(n, DS_ACT_NONE, &b->act) ||
        boolean(n, "se", false, &se) || block_extras(n, b))
        return -1;
    b->se = json_object_get(n->json, "se") ? se : -1;
    if (!json_object_get(n->json, "act"))
        b->act = -1;
    return 0;
}

static const char *const block_types[] = {"mbconv", "bottleneck", "skip"};

static int parse_blocks(const struct node *root, struct ds_space *s)
{
    static const char *const keys[] = {"name",        "type",    "expand",  "kernel",
                                       "groups",      "se",      "act",     "shortcut",
                                       "expand_conv", "shuffle", "project", NULL};
    int count = array(root, "blocks", 0);
    if (count < 0)
        return -1;
    for (int i = 0; i < count; i++) {
        struct node n;
        int type;
        struct ds_block b = {0};
        if (enter(root, "blocks", (size_t)i, keys, &n) ||
            word(&n, "type", block_types, 3, -1, &type) || check_keys(&n, block_types[type]))
            return -1;
        b.type = (enum ds_block_type)type;
        if (block_shape(&n, &b) || text(&n, "name", &b.name))
            return -1;
        if (ds_space_block(s, b.name, strlen(b.name)) >= 0) {
            free(b.name);
            return bad(&n, "name", "a second block of this name");
        }
        s->block[s->nblocks++] = b;
    }
    return 0;
}

/* An inline block of a stem or head step; it has no name, so no layer can choose it. */
static int step_block(const struct node *n, struct ds_space *s, struct ds_step *step, int type)
{
    struct ds_block b = {.type = (enum ds_block_type)type, .name = ds_copy_string("", NULL)};
    if (!b.name)
        return ds_no_memory(n->err);
    step->kind = DS_STEP_BLOCK;
    step->block = s->nblocks;
    s->block[s->nblocks++] = b;
    return block_shape(n, &s->block[step->block]);
}

/* Reads a number that may be a choice: one number is fixed, an array makes a site. */
static int fixed_or_site(const struct node *n, const char *key, int least, int most, int otherwise,
                         const char *part, int i, struct ds_space *s, int *fixed, int *site)
{
    *site = -1;
    *fixed = otherwise;
    if (!json_is_array(json_object_get(n->json, key)))
        return whole(n, key, least, most, otherwise, fixed);
    struct ds_site *added = add_site(s, DS_SITE_OPTION, -1, -1, n->err, "%s%d.%s", part, i, key);
    if (!added || add_numbers(n, key, least, most, s, added))
        return -1;
    *site = (int)(added - s->site);
    return 0;
}

static int parse_step(const struct node *n, const char *part, int i, struct ds_space *s,
                      struct ds_step *step)
{
    static const char *const ops[] = {"conv",   "maxpool",    "pool", "linear",
                                      "mbconv", "bottleneck", "skip"};
    static const enum ds_step_kind step_kinds[] = {DS_STEP_CONV, DS_STEP_MAX_POOL, DS_STEP_POOL,
                                                   DS_STEP_LINEAR};
    int op, act, repeat;
    if (word(n, "op", ops, 7, -1, &op))
        return -1;
    if (check_keys(n, ops[op]))
        return -1;
    if (op < 4)
        step->kind = step_kinds[op];
    else if (step_block(n, s, step, op - 4))
        return -1;

    bool convolves = step->kind == DS_STEP_CONV || step->kind == DS_STEP_MAX_POOL;
    if (whole(n, "kernel", 1, 31, convolves ? -1 : 1, &step->kernel) ||
        whole(n, "stride", 1, 8, 1, &step->stride) || activation(n, DS_ACT_NONE, &act) ||
        boolean(n, "se", false, &step->se) || boolean(n, "bn", true, &step->bn) ||
        boolean(n, "bias", false, &step->bias) || boolean(n, "residual", false, &step->residual) ||
        fixed_or_site(n, "width", 1, 1 << 20, step->kind == DS_STEP_LINEAR ? -1 : 0, part, i, s,
                      &step->width, &step->width_site) ||
        fixed_or_site(n, "repeat", 0, 64, 1, part, i, s, &repeat, &step->repeat_site))
        return -1;
    if (step->kernel % 2 == 0)
        return bad(n, "kernel", "must be odd");
    if (repeat != 1 && step->repeat_site < 0)
        return bad(n, "repeat", "must be an array of choices");
    if (step->bias && step->bn)
        return bad(n, "bias", "only a conv without batch norm (\"bn\": false) has one to choose");
    step->act = (enum ds_act)act;
    return 0;
}

static int parse_steps(const struct node *root, const char *part, struct ds_space *s,
                       struct ds_step **steps, int *nsteps)
{
    static const char *const keys[] = {"op",      "bias",   "kernel",   "stride",      "width",
                                       "act",     "se",     "bn",       "expand",      "residual",
                                       "repeat",  "groups", "shortcut", "expand_conv", "shuffle",
                                       "project", NULL};
    int count = array(root, part, 0);
    if (count < 0)
        return -1;
    if (!(*steps = ds_alloc((size_t)count + 1, sizeof **steps, NULL)))
        return ds_no_memory(root->err);
    for (*nsteps = 0; *nsteps < count; ++*nsteps) {
        struct node n;
        if (enter(root, part, (size_t)*nsteps, keys, &n) ||
            parse_step(&n, part, *nsteps, s, &(*steps)[*nsteps]))
            return -1;
    }
    return 0;
}

/* The blocks of one layer: an array of names, or all when `list` is NULL. */
static int layer_blocks(const struct node *n, json_t *list, int nnamed, struct ds_space *s,
                        struct ds_site *site)
{
    if (!list) {
        for (int b = 0; b < nnamed; b++)
            if (add_choice(n, "blocks", s, site, b))
                return -1;
        return nnamed ? 0 : bad(n, "blocks", "the space has no blocks");
    }
    if (json_array_size(list) == 0)
        return bad(n, "blocks", "needs at least one block for %s", site->name);
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *name = json_array_get(list, i);
        int b = json_is_string(name)
                    ? ds_space_block(s, json_string_value(name), json_string_length(name))
                    : -1;
        if (b < 0 || b >= nnamed)
            return bad(n, "blocks", "'%s' is not the name of a block",
                       json_is_string(name) ? json_string_value(name) : "?");
        if (add_choice(n, "blocks", s, site, b))
            return -1;
    }
    return 0;
}

static int unit_layers(const struct node *n, int u, int nnamed, struct ds_space *s)
{
    struct ds_unit *unit = &s->unit[u];
    json_t *blocks = json_object_get(n->json, "blocks");
    if (blocks && !json_is_array(blocks))
        return bad(n, "blocks", "must be an array of names, or of such an array for each layer");
    bool each = blocks && json_is_array(json_array_get(blocks, 0));
    if (each && json_array_size(blocks) != (size_t)unit->max_depth)
        return bad(n, "blocks", "has lists for %zu layers; the greatest depth is %d",
                   json_array_size(blocks), unit->max_depth);

    unit->layer_site = s->nsites;
    for (int l = 0; l < unit->max_depth; l++) {
        json_t *list = each ? json_array_get(blocks, (size_t)l) : blocks;
        struct ds_site *site = add_site(s, DS_SITE_BLOCK, u, l, n->err, "unit%d.layer%d", u, l);
        if (!site)
            return -1;
        if (each && !json_is_array(list))
            return bad(n, "blocks", "must be an array of names for each layer");
        if (layer_blocks(n, list, nnamed, s, site))
            return -1;
    }
    return 0;
}

static int parse_unit(const struct node *n, int u, int nnamed, struct ds_space *s)
{
    struct ds_unit *unit = &s->unit[u];
    int act;
    if (whole(n, "stride", 1, 8, 1, &unit->stride) || activation(n, DS_ACT_RELU, &act) ||
        boolean(n, "se", false, &unit->se) ||
        number(n, "mutate_weight", 0, 1, 1, &unit->mutate_weight))
        return -1;
    unit->act = (enum ds_act)act;

    struct ds_site *depth = add_site(s, DS_SITE_DEPTH, u, -1, n->err, "unit%d.depth", u);
    if (!depth || add_numbers(n, "depth", 1, 64, s, depth))
        return -1;
    unit->depth_site = (int)(depth - s->site);
    for (int i = 0; i < depth->nchoices; i++)
        if (depth->value[i] > unit->max_depth)
            unit->max_depth = depth->value[i];
    if (whole(n, "supernet_depth", unit->max_depth, 64, 0, &unit->supernet_depth))
        return -1;

    struct ds_site *width = add_site(s, DS_SITE_WIDTH, u, -1, n->err, "unit%d.width", u);
    if (!width || add_numbers(n, "width", 1, 1 << 20, s, width))
        return -1;
    unit->width_site = (int)(width - s->site);
    return unit_layers(n, u, nnamed, s);
}

static int parse_units(const struct node *root, int nnamed, struct ds_space *s)
{
    static const char *const keys[] = {"stride",      "width",  "depth",         "act",
                                       "se",          "blocks", "mutate_weight", "supernet_depth",
                                       "description", NULL};
    int count = array(root, "units", 1);
    if (count < 0)
        return -1;
    if (!(s->unit = ds_alloc((size_t)count, sizeof *s->unit, NULL)))
        return ds_no_memory(root->err);
    for (s->nunits = 0; s->nunits < count; s->nunits++) {
        struct node n;
        if (enter(root, "units", (size_t)s->nunits, keys, &n) ||
            parse_unit(&n, s->nunits, nnamed, s))
            return -1;
    }
    return 0;
}

static int parse_root(const struct node *root, struct ds_space *s)
{
    static const char *const keys[] = {"dstools_space",
                                       "name",
                                       "description",
                                       "source",
                                       "reasons",
                                       "input_channels",
                                       "channel_divisor",
                                       "resolution",
                                       "blocks",
                                       "stem",
                                       "units",
                                       "head",
                                       NULL};
    const char *name;
    json_t *value;
    int version;
    if (!json_is_object(root->json))
        return ds_fail(root->err, "a design space is a JSON object");
    if (whole(root, "dstools_space", 1, 1 << 30, -1, &version))
        return -1;
    if (version > 1)
        return bad(root, "dstools_space",
                   "version %d is newer than this dstools reads (1): update dstools", version);
    json_object_foreach(root->json, name, value)
    {
        const char *const *k = keys;
        while (*k && strcmp(*k, name))
            k++;
        if (!*k)
            return bad(root, name, "unknown key");
    }
    if (text(root, "name", &s->name) ||
        whole(root, "input_channels", 1, 4096, 3, &s->input_channels) ||
        whole(root, "channel_divisor", 1, 1024, 8, &s->divisor))
        return -1;

    /* every step may bring a block of its own */
    size_t room = json_array_size(json_object_get(root->json, "blocks")) +
                  json_array_size(json_object_get(root->json, "stem")) +
                  json_array_size(json_object_get(root->json, "head"));
    if (!(s->block = ds_alloc(room + 1, sizeof *s->block, NULL)))
        return ds_no_memory(root->err);

    struct ds_site *resolution = add_site(s, DS_SITE_RESOLUTION, -1, -1, root->err, "resolution");
    if (!resolution || add_numbers(root, "resolution", 1, 1 << 16, s, resolution))
        return -1;
    if (parse_blocks(root, s))
        return -1;
    int nnamed = s->nblocks;
    if (parse_steps(root, "stem", s, &s->stem, &s->nstem) ||
        parse_steps(root, "head", s, &s->head, &s->nhead))
        return -1;
    return parse_units(root, nnamed, s);
}

struct ds_space *ds_space_parse(const char *json, size_t length, struct ds_error *err)
{
    json_error_t why;
    json_t *tree = json_loadb(json, length, JSON_REJECT_DUPLICATES, &why);
    if (!tree) {
        ds_fail(err, "not JSON: line %d, column %d: %s", why.line, why.column, why.text);
        return NULL;
    }
    struct ds_space *s = ds_alloc(1, sizeof *s, NULL);
    struct node root = {.json = tree, .err = err};
    if (!s || ds_json_lacked_memory())
        ds_no_memory(err);
    else if (parse_root(&root, s) == 0)
        s->json = ds_json_dump(tree, JSON_COMPACT, err);
    json_decref(tree);
    if (s && s->json)
        return s;
    ds_space_free(s);
    return NULL;
}

struct ds_space *ds_space_load(const char *name, struct ds_error *err)
{
    size_t size;
    char *path = ds_shipped_path("spaces", name, err);
    if (!path)
        return NULL;
    char *json = ds_file_read(path, &size, err);
    struct ds_space *space = NULL;
    if (json && !(space = ds_space_parse(json, size, err)))
        ds_fail_in(err, "%s", path);
    free(json);
    free(path);
    return space;
}

#include "space/prune.h"

#include "base/grow.h"
#include "base/text.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ds_pruning {
    const struct ds_space *space;
    bool dropped[DS_MAX_SITES][DS_MAX_CHOICES];
    double *weight;
    json_t *reasons;
};

struct ds_pruning *ds_pruning_new(const struct ds_space *space, struct ds_error *err)
{
    struct ds_pruning *p = ds_alloc(1, sizeof *p, NULL);
    double *weight = ds_alloc((size_t)space->nunits, sizeof *weight, NULL);
    json_t *reasons = json_array();
    if (!p || !weight || !reasons) {
        free(p);
        free(weight);
        json_decref(reasons);
        ds_no_memory(err);
        return NULL;
    }
    *p = (struct ds_pruning){.space = space, .weight = weight, .reasons = reasons};
    for (int u = 0; u < space->nunits; u++)
        weight[u] = space->unit[u].mutate_weight;
    return p;
}

void ds_pruning_free(struct ds_pruning *p)
{
    if (!p)
        return;
    free(p->weight);
    json_decref(p->reasons);
    free(p);
}

bool ds_pruning_has(const struct ds_pruning *p, int site, int choice)
{
    return !p->dropped[site][choice];
}

void ds_pruning_drop(struct ds_pruning *p, int site, int choice)
{
    p->dropped[site][choice] = true;
}

int ds_pruning_rule(struct ds_pruning *p, const struct ds_rule *rule, bool keep)
{
    int count = 0;
    for (int s = 0; s < p->space->nsites; s++)
        for (int c = 0; c < p->space->site[s].nchoices; c++) {
            enum ds_truth truth = ds_rule_holds(rule, p->space, s, c);
            if (truth != (keep ? DS_FALSE : DS_TRUE))
                continue;
            p->dropped[s][c] = true;
            count++;
        }
    return count;
}

void ds_pruning_weight(struct ds_pruning *p, int unit, double weight)
{
    p->weight[unit] = weight;
}

int ds_pruning_reason(struct ds_pruning *p, const char *sentence, struct ds_error *err)
{
    if (!ds_text_is_utf8(sentence))
        return ds_fail(err, "a reason that is not UTF-8 cannot be written: %s", sentence);
    return json_array_append_new(p->reasons, json_string(sentence)) ? ds_no_memory(err) : 0;
}

static bool has_reason(const json_t *list, const json_t *reason)
{
    size_t i;
    json_t *at;
    json_array_foreach((json_t *)list, i, at) if (json_equal(at, (json_t *)reason)) return true;
    return false;
}

int ds_pruning_reasons_of(struct ds_pruning *p, const struct ds_space *other, struct ds_error *err)
{
    json_t *ours = json_loads(p->space->json, 0, NULL), *theirs = json_loads(other->json, 0, NULL);
    json_t *reason;
    size_t i;
    int bad = !ours || !theirs;
    json_array_foreach(json_object_get(theirs, "reasons"), i, reason)
    {
        if (!bad && !has_reason(json_object_get(ours, "reasons"), reason))
            bad = json_array_append(p->reasons, reason);
    }
    json_decref(ours);
    json_decref(theirs);
    return bad ? ds_no_memory(err) : 0;
}

const char *ds_pruning_reason_at(const struct ds_pruning *p, int i)
{
    return json_string_value(json_array_get(p->reasons, (size_t)i));
}

/* ---- the file ---- */

/* The most layers that unit u may still have. */
static int depth_left(const struct ds_pruning *p, int u)
{
    int s = p->space->unit[u].depth_site, most = 0;
    const struct ds_site *site = &p->space->site[s];
    for (int c = 0; c < site->nchoices; c++)
        if (!p->dropped[s][c] && site->value[c] > most)
            most = site->value[c];
    return most;
}

static int check(const struct ds_pruning *p, struct ds_error *err)
{
    for (int s = 0; s < p->space->nsites; s++) {
        const struct ds_site *site = &p->space->site[s];
        if (site->kind == DS_SITE_BLOCK && site->layer >= depth_left(p, site->unit))
            continue;
        int left = 0;
        for (int c = 0; c < site->nchoices; c++)
            left += !p->dropped[s][c];
        if (left == 0)
            return ds_fail(err, "nothing would be left at %s", site->name);
    }
    return 0;
}

/* Takes the dropped choices out of the array they were read from, if it is one. */
static void filter(const struct ds_pruning *p, json_t *object, const char *key, int s)
{
    json_t *array = json_object_get(object, key);
    for (int c = p->space->site[s].nchoices; c-- > 0;)
        if (json_is_array(array) && p->dropped[s][c])
            json_array_remove(array, (size_t)c);
}

/* The names of the blocks left at a layer. */
static json_t *names_left(const struct ds_pruning *p, int s)
{
    const struct ds_site *site = &p->space->site[s];
    json_t *names = json_array();
    for (int c = 0; c < site->nchoices; c++)
        if (!p->dropped[s][c])
            json_array_append_new(names, json_string(p->space->block[site->value[c]].name));
    return names;
}

/*
 * One list for all layers where they have the same blocks, else one for each layer; no list where
 * no block was dropped.
 */
static int write_blocks(const struct ds_pruning *p, int u, json_t *unit)
{
    const struct ds_unit *un = &p->space->unit[u];
    bool alike = true;
    json_t *lists = json_array();
    for (int l = 0; l < depth_left(p, u); l++) {
        json_array_append_new(lists, names_left(p, un->layer_site + l));
        alike = alike && json_equal(json_array_get(lists, (size_t)l), json_array_get(lists, 0));
    }
    json_t *blocks = alike ? json_array_get(lists, 0) : lists;
    bool all = alike && !json_object_get(unit, "blocks") &&
               json_array_size(blocks) == (size_t)p->space->site[un->layer_site].nchoices;
    int bad = all ? 0 : json_object_set(unit, "blocks", blocks);
    json_decref(lists);
    return bad;
}

static int write_unit(const struct ds_pruning *p, int u, json_t *unit)
{
    const struct ds_unit *un = &p->space->unit[u];
    if (write_blocks(p, u, unit))
        return -1;
    filter(p, unit, "depth", un->depth_site);
    filter(p, unit, "width", un->width_site);
    if (depth_left(p, u) < un->max_depth && !un->supernet_depth &&
        json_object_set_new(unit, "supernet_depth", json_integer(un->max_depth)))
        return -1;
    if (p->weight[u] != un->mutate_weight)
        return json_object_set_new(unit, "mutate_weight", json_real(p->weight[u]));
    return 0;
}

/* Options of stem and head; their sites are named "stem1.repeat". */
static void filter_options(const struct ds_pruning *p, json_t *tree)
{
    for (int s = 0; s < p->space->nsites; s++) {
        const struct ds_site *site = &p->space->site[s];
        char part[8], key[32];
        unsigned i;
        if (site->kind == DS_SITE_OPTION &&
            sscanf(site->name, "%7[a-z]%u.%31s", part, &i, key) == 3)
            filter(p, json_array_get(json_object_get(tree, part), i), key, s);
    }
}

static int write_reasons(const struct ds_pruning *p, json_t *tree)
{
    json_t *reasons = json_object_get(tree, "reasons");
    if (json_array_size(p->reasons) == 0)
        return 0;
    if (!json_is_array(reasons)) {
        reasons = json_array();
        if (json_object_set_new(tree, "reasons", reasons))
            return -1;
    }
    return json_array_extend(reasons, p->reasons);
}

/* JSON laid out for people: a line for each key, and for each element of an array of objects. */
static char *print(const json_t *tree)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    const char *key, *before = "{\n";
    json_t *value;
    if (!f)
        return NULL;
    json_object_foreach((json_t *)tree, key, value)
    {
        json_t *first = json_array_get(value, 0);
        bool open = json_is_object(first) || (json_is_string(first) && !strcmp(key, "reasons"));
        fprintf(f, "%s  \"%s\": ", before, key);
        before = ",\n";
        if (!open) {
            json_dumpf(value, f, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
            continue;
        }
        for (size_t i = 0; i < json_array_size(value); i++) {
            fputs(i ? ",\n    " : "[\n    ", f);
            json_dumpf(json_array_get(value, i), f, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
        }
        fputs("\n  ]", f);
    }
    fputs("\n}\n", f);
    if (fclose(f)) {
        free(text);
        return NULL;
    }
    return text;
}

char *ds_pruning_json(const struct ds_pruning *p, const char *name, struct ds_error *err)
{
    if (check(p, err))
        return NULL;
    if (!ds_text_is_utf8(name)) {
        ds_fail(err, "name: must be UTF-8");
        return NULL;
    }
    json_t *tree = json_loads(p->space->json, 0, NULL);
    int bad = !tree || json_object_set_new(tree, "name", json_string(name));
    if (!bad) {
        filter(p, tree, "resolution", p->space->resolution_site);
        filter_options(p, tree);
    }
    for (int u = 0; u < p->space->nunits && !bad; u++)
        bad = write_unit(p, u, json_array_get(json_object_get(tree, "units"), (size_t)u));
    bad = bad || write_reasons(p, tree);
    char *text = bad ? NULL : print(tree);
    json_decref(tree);
    if (!text) {
        ds_no_memory(err);
        return NULL;
    }
    /* every tool must be able to read what is written */
    struct ds_space *again = ds_space_parse(text, strlen(text), err);
    if (!again) {
        free(text);
        return NULL;
    }
    ds_space_free(again);
    return text;
}

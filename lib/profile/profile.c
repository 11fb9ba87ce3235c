#include "profile/profile.h"

#include "base/file.h"
#include "base/grow.h"
#include "base/metric.h"
#include "profile/network.h"
#include "space/shipped.h"
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* A table over the choices of two sites; NAN where the profile has no entry. */
struct pair {
    int a, b;
    int width; /* choices of b */
    double *value;
};

struct ds_profile_model {
    const struct ds_space *space;
    bool log;
    double intercept;
    double *term[DS_MAX_SITES]; /* [site][choice]; NULL: the site does not matter */
    struct pair *pair;
    int npairs;
    struct ds_profile_network network;
};

static void unbind(struct ds_profile_model *m)
{
    for (int s = 0; s < DS_MAX_SITES; s++) {
        free(m->term[s]);
        m->term[s] = NULL;
    }
    for (int i = 0; i < m->npairs; i++)
        free(m->pair[i].value);
    free(m->pair);
    m->pair = NULL;
    m->npairs = 0;
    m->space = NULL;
}

void ds_profile_free(struct ds_profile *p)
{
    if (!p)
        return;
    if (p->model) {
        unbind(p->model);
        ds_profile_network_free(&p->model->network);
    }
    free(p->model);
    json_decref(p->json);
    free(p->name);
    free(p->metric);
    free(p->unit);
    free(p->device);
    free(p->space);
    free(p->class);
    free(p);
}

/* ---- reading ---- */

static int text(const json_t *json, const char *key, char **out, struct ds_error *err)
{
    const char *value = json_string_value(json_object_get(json, key));
    if (!value || !*value)
        return ds_fail(err, "%s: %s", key, json_object_get(json, key) ? "must be text" : "missing");
    return (*out = ds_copy_string(value, NULL)) ? 0 : ds_fail(err, "out of memory");
}

/* Every table must hold finite numbers only; JSON has no others. */
static int check_table(const char *path, const char *name, const json_t *table,
                       struct ds_error *err)
{
    const char *choice;
    json_t *value;
    if (!json_is_object(table))
        return ds_fail(err, "model.%s.%s: must be an object of numbers", path, name);
    json_object_foreach((json_t *)table, choice, value) if (!json_is_number(value)) return ds_fail(
        err, "model.%s.%s.%s: must be a number", path, name, choice);
    return 0;
}

static int check_tables(const json_t *model, const char *path, struct ds_error *err)
{
    const char *name;
    json_t *table, *tables = json_object_get(model, path);
    if (tables && !json_is_object(tables))
        return ds_fail(err, "model.%s: must be an object", path);
    json_object_foreach(tables, name, table) if (check_table(path, name, table, err)) return -1;
    return 0;
}

static int read_model(struct ds_profile *p, struct ds_error *err)
{
    const json_t *model = json_object_get(p->json, "model");
    const char *link = json_string_value(json_object_get(model, "link"));
    if (!json_is_object(model))
        return ds_fail(err, "model: missing");
    if (!link || (strcmp(link, "identity") && strcmp(link, "log")))
        return ds_fail(err, "model.link: must be identity or log");
    if (!json_is_number(json_object_get(model, "intercept")))
        return ds_fail(err, "model.intercept: must be a number");
    if (check_tables(model, "terms", err) || check_tables(model, "pairs", err))
        return -1;
    p->model->log = strcmp(link, "log") == 0;
    p->model->intercept = json_number_value(json_object_get(model, "intercept"));
    return ds_profile_network_read(&p->model->network, json_object_get(model, "network"), err);
}

static int read_profile(struct ds_profile *p, struct ds_error *err)
{
    const json_t *version = json_object_get(p->json, "dstools_profile");
    if (!json_is_integer(version))
        return ds_fail(err, "dstools_profile: missing: this is no device profile");
    if (json_integer_value(version) > 1)
        return ds_fail(err, "dstools_profile: version %lld is newer than this dstools reads (1)",
                       (long long)json_integer_value(version));
    if (text(p->json, "name", &p->name, err) || text(p->json, "metric", &p->metric, err) ||
        text(p->json, "unit", &p->unit, err) || text(p->json, "device", &p->device, err) ||
        text(p->json, "space", &p->space, err) || text(p->json, "class", &p->class, err))
        return -1;
    return ds_is_class(p->class) ? read_model(p, err) : ds_fail(err, "class: must be " DS_CLASSES);
}

struct ds_profile *ds_profile_load(const char *name, struct ds_error *err)
{
    size_t size;
    json_error_t why;
    char *path = ds_shipped_path("devices", name, err);
    char *data = path ? ds_file_read(path, &size, err) : NULL;
    struct ds_profile *p = data ? ds_alloc(1, sizeof *p, NULL) : NULL;
    int rc = -1;
    if (p && (p->model = ds_alloc(1, sizeof *p->model, NULL))) {
        p->hash = XXH3_64bits(data, size);
        p->json = json_loadb(data, size, JSON_REJECT_DUPLICATES, &why);
        rc = p->json
                 ? read_profile(p, err)
                 : ds_fail(err, "not JSON: line %d, column %d: %s", why.line, why.column, why.text);
        if (rc)
            ds_fail_in(err, "%s", path);
    } else if (data) {
        ds_fail(err, "out of memory");
    }
    free(path);
    free(data);
    if (rc == 0)
        return p;
    ds_profile_free(p);
    return NULL;
}

/* ---- binding to a space ---- */

/* A choice's entry of a table, NAN where it has none. */
static double entry(const json_t *table, const char *key)
{
    const json_t *v = json_object_get(table, key);
    return v ? json_number_value(v) : NAN;
}

static int bind_site(struct ds_profile_model *m, int site, const json_t *table, bool *knows,
                     struct ds_error *err)
{
    const struct ds_site *s = &m->space->site[site];
    char label[256];
    m->term[site] = ds_alloc((size_t)s->nchoices, sizeof *m->term[site], NULL);
    if (!m->term[site])
        return ds_fail(err, "out of memory");
    for (int c = 0; c < s->nchoices; c++) {
        ds_site_print(m->space, site, c, label, sizeof label);
        m->term[site][c] = entry(table, label);
        *knows = *knows || (s->kind == DS_SITE_BLOCK && !isnan(m->term[site][c]));
    }
    return 0;
}

/* Whether a pair's table has the choice in any combination. */
static bool has_key_ending(const json_t *table, const char *choice)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)table, key, value)
    {
        const char *star = strrchr(key, '*');
        if (star && strcmp(star + 1, choice) == 0)
            return true;
    }
    return false;
}

static int bind_pair(struct ds_profile_model *m, int a, int b, const json_t *table, bool *knows,
                     struct ds_error *err)
{
    const struct ds_site *x = &m->space->site[a], *y = &m->space->site[b];
    char left[256], right[256], key[520];
    struct pair *p = &m->pair[m->npairs];
    *p = (struct pair){.a = a, .b = b, .width = y->nchoices};
    p->value = ds_alloc((size_t)(x->nchoices * y->nchoices), sizeof *p->value, NULL);
    if (!p->value)
        return ds_fail(err, "out of memory");
    m->npairs++;
    for (int i = 0; i < x->nchoices; i++)
        for (int k = 0; k < y->nchoices; k++) {
            ds_site_print(m->space, a, i, left, sizeof left);
            ds_site_print(m->space, b, k, right, sizeof right);
            snprintf(key, sizeof key, "%s*%s", left, right);
            p->value[i * y->nchoices + k] = entry(table, key);
            *knows = *knows || has_key_ending(table, right);
        }
    return 0;
}

/*
 * Refuses a site that the profile does not know, such as a layer too many: whatever is chosen there
 * would count nothing. A depth may be unknown, as it shows in the active layers.
 */
static int check_sites(const struct ds_profile *p, const struct ds_space *space,
                       struct ds_error *err)
{
    const struct ds_profile_model *m = p->model;
    for (int s = 0; s < space->nsites; s++) {
        bool known = m->term[s] || space->site[s].kind == DS_SITE_DEPTH;
        for (int i = 0; i < m->npairs; i++)
            known = known || m->pair[i].a == s || m->pair[i].b == s;
        if (!known)
            return ds_fail(err, "profile %s is of space %s and does not know %s of space %s",
                           p->name, p->space, space->site[s].name, space->name);
    }
    return 0;
}

int ds_profile_bind(struct ds_profile *p, const struct ds_space *space, struct ds_error *err)
{
    struct ds_profile_model *m = p->model;
    const json_t *model = json_object_get(p->json, "model");
    json_t *pairs = json_object_get(model, "pairs"), *table;
    const char *name;
    bool knows = false;
    unbind(m);
    m->space = space;
    for (int s = 0; s < space->nsites; s++) {
        table = json_object_get(json_object_get(model, "terms"), space->site[s].name);
        if (table && bind_site(m, s, table, &knows, err))
            return -1;
    }
    m->pair = ds_alloc(json_object_size(pairs) + 1, sizeof *m->pair, NULL);
    if (!m->pair)
        return ds_fail(err, "out of memory");
    json_object_foreach(pairs, name, table)
    {
        const char *star = strchr(name, '*');
        if (!star)
            return ds_fail(err, "model.pairs.%s: must be SITE*SITE", name);
        int a = ds_space_site(space, name, (size_t)(star - name));
        int b = ds_space_site(space, star + 1, strlen(star + 1));
        if (a >= 0 && b >= 0 && bind_pair(m, a, b, table, &knows, err))
            return -1;
    }
    if (ds_profile_network_bind(&m->network, json_object_get(model, "network"), space, err))
        return ds_fail_in(err, "profile %s", p->name);
    if (!knows)
        return ds_fail(err, "profile %s is of space %s and knows no block of space %s", p->name,
                       p->space, space->name);
    return check_sites(p, space, err);
}

/* ---- values ---- */

/* Names the choice that is missing, which made the sum NAN. */
static int name_missing(const struct ds_profile *p, const uint8_t *choice, struct ds_error *err)
{
    const struct ds_profile_model *m = p->model;
    char left[256], right[256];
    for (int s = 0; s < m->space->nsites; s++)
        if (choice[s] != DS_INACTIVE && ((m->term[s] && isnan(m->term[s][choice[s]])) ||
                                         ds_profile_network_lacks(&m->network, s, choice[s]))) {
            ds_site_print(m->space, s, choice[s], left, sizeof left);
            return ds_fail(err, "profile %s has no entry for %s at %s", p->name, left,
                           m->space->site[s].name);
        }
    for (int i = 0; i < m->npairs; i++) {
        const struct pair *q = &m->pair[i];
        if (choice[q->a] == DS_INACTIVE || choice[q->b] == DS_INACTIVE ||
            !isnan(q->value[choice[q->a] * q->width + choice[q->b]]))
            continue;
        ds_site_print(m->space, q->a, choice[q->a], left, sizeof left);
        ds_site_print(m->space, q->b, choice[q->b], right, sizeof right);
        return ds_fail(err, "profile %s has no entry for %s at %s with %s at %s", p->name, right,
                       m->space->site[q->b].name, left, m->space->site[q->a].name);
    }
    return ds_fail(err, "profile %s gives no finite value", p->name);
}

int ds_profile_value(const struct ds_profile *p, const uint8_t *choice, double *value,
                     struct ds_error *err)
{
    const struct ds_profile_model *m = p->model;
    double sum = m->intercept;
    for (int s = 0; s < m->space->nsites; s++)
        if (m->term[s] && choice[s] != DS_INACTIVE)
            sum += m->term[s][choice[s]];
    for (int i = 0; i < m->npairs; i++) {
        const struct pair *q = &m->pair[i];
        if (choice[q->a] != DS_INACTIVE && choice[q->b] != DS_INACTIVE)
            sum += q->value[choice[q->a] * q->width + choice[q->b]];
    }
    if (m->network.hidden)
        sum += ds_profile_network_value(&m->network, choice);
    *value = m->log ? exp(sum) : sum;
    return isfinite(*value) ? 0 : name_missing(p, choice, err);
}

/* ---- parts of a sum ---- */

int ds_profile_check_sum(const struct ds_profile *p, struct ds_error *err)
{
    const struct ds_profile_model *m = p->model;
    bool others = m->network.hidden > 0;
    for (int i = 0; i < m->npairs; i++)
        others = others || m->pair[i].a != m->space->resolution_site;
    if (m->log || others)
        return ds_fail(
            err,
            "profile %s is no sum of blocks: %s; fit one by ds-fit --family resolution, or "
            "additive",
            p->name,
            m->log ? "it gives the logarithm" : "what a block adds depends on other blocks");
    return 0;
}

double ds_profile_intercept(const struct ds_profile *p)
{
    return p->model->intercept;
}

double ds_profile_part(const struct ds_profile *p, int site, int choice, int resolution)
{
    const struct ds_profile_model *m = p->model;
    double sum = m->term[site] ? m->term[site][choice] : 0;
    for (int i = 0; i < m->npairs; i++)
        if (m->pair[i].b == site)
            sum += m->pair[i].value[resolution * m->pair[i].width + choice];
    return sum;
}

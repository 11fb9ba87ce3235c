#include "profile/fit_json.h"
#include "base/number.h"

#include <stdio.h>
#include <stdlib.h>

/*
 * A site's table. A choice that no architecture had is left out, as the data says nothing of it. A
 * site of one choice has an entry of 0, so that the profile knows the choice and refuses others.
 */
static json_t *site_to_json(const struct ds_solution *found, const struct ds_design *d, int site)
{
    json_t *table = json_object();
    char label[256];
    for (int c = 0; c < d->space->site[site].nchoices; c++) {
        int column = d->single[site] + c;
        ds_site_print(d->space, site, c, label, sizeof label);
        if (d->single[site] < 0)
            json_object_set_new(table, label, json_real(0));
        else if (found->seen[column])
            json_object_set_new(table, label, json_real(found->beta[column]));
    }
    return table;
}

static json_t *pair_to_json(const struct ds_solution *found, const struct ds_design *d,
                            const struct ds_design_pair *p)
{
    const struct ds_space *space = d->space;
    int column = p->column;
    json_t *table = json_object();
    char left[256], right[256], key[600];
    for (int x = 0; x < space->site[p->a].nchoices; x++)
        for (int y = 0; y < space->site[p->b].nchoices; y++, column++) {
            ds_site_print(space, p->a, x, left, sizeof left);
            ds_site_print(space, p->b, y, right, sizeof right);
            snprintf(key, sizeof key, "%s*%s", left, right);
            json_object_set_new(table, key, json_real(found->beta[column]));
        }
    return table;
}

/* Numbers as one text: a network has tens of thousands. */
static json_t *numbers(const float *x, int n, double scale)
{
    enum { DIGITS = 5, WIDTH = DIGITS + 8 };
    char *text = malloc((size_t)n * WIDTH + 1);
    size_t at = 0;
    if (!text)
        return NULL;
    for (int i = 0; i < n; i++) {
        if (i)
            text[at++] = ' ';
        at += (size_t)ds_number_print(text + at, WIDTH, DIGITS, scale * (double)x[i]);
    }
    json_t *json = json_stringn(text, at);
    free(text);
    return json;
}

/* A site's rows of the network's first layer. */
static json_t *rows_to_json(const struct ds_solution *found, const struct ds_design *d, int site)
{
    const struct ds_neural *net = &found->net;
    json_t *table = json_object();
    char label[256];
    for (int c = 0; c < d->space->site[site].nchoices; c++) {
        int column = d->single[site] + c;
        const float *row = net->first + (size_t)column * (size_t)net->hidden;
        ds_site_print(d->space, site, c, label, sizeof label);
        if (found->seen[column])
            json_object_set_new(table, label, numbers(row, net->hidden, 1));
    }
    return table;
}

static json_t *network_to_json(const struct ds_solution *found, const struct ds_design *d)
{
    const struct ds_neural *net = &found->net;
    json_t *first = json_object();
    for (int s = 0; s < d->space->nsites; s++)
        if (d->single[s] >= 0)
            json_object_set_new(first, d->space->site[s].name, rows_to_json(found, d, s));
    return json_pack("{si so so so}", "hidden", net->hidden, "bias",
                     numbers(net->bias, net->hidden, 1), "last",
                     numbers(net->last, net->hidden, found->scale), "first", first);
}

json_t *ds_solution_to_json(const struct ds_solution *found, const struct ds_design *d,
                            const struct ds_family *family)
{
    const struct ds_space *space = d->space;
    double intercept = found->beta[0];
    json_t *terms = json_object(), *pairs = json_object();
    char key[600];
    for (int s = 0; s < space->nsites; s++)
        json_object_set_new(terms, space->site[s].name, site_to_json(found, d, s));
    for (int i = 0; i < d->npairs; i++) {
        snprintf(key, sizeof key, "%s*%s", space->site[d->pair[i].a].name,
                 space->site[d->pair[i].b].name);
        json_object_set_new(pairs, key, pair_to_json(found, d, &d->pair[i]));
    }
    if (family->neural)
        intercept += found->scale * (double)*found->net.out;
    json_t *model = json_pack("{ss ss sf sf so so}", "family", family->name, "link",
                              family->log ? "log" : "identity", "penalty", found->penalty,
                              "intercept", intercept, "terms", terms, "pairs", pairs);
    if (model && family->neural)
        json_object_set_new(model, "network", network_to_json(found, d));
    return model;
}

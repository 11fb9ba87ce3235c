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

json_t *ds_solution_to_json(const struct ds_solution *found, const struct ds_design *d,
                            const struct ds_family *family)
{
    const struct ds_space *space = d->space;
    double intercept = found->beta[0];
    json_t *terms = json_object(), *pairs = json_object(), *network = NULL;
    char key[600];
    for (int s = 0; s < space->nsites; s++)
        json_object_set_new(terms, space->site[s].name, site_to_json(found, d, s));
    for (int i = 0; i < d->npairs; i++) {
        snprintf(key, sizeof key, "%s*%s", space->site[d->pair[i].a].name,
                 space->site[d->pair[i].b].name);
        json_object_set_new(pairs, key, pair_to_json(found, d, &d->pair[i]));
    }
    if (family->net) {
        double rest;
        network = ds_fit_net_to_json(&found->net, d, found->seen, found->scale, &rest);
        intercept += rest;
    }
    json_t *model = json_pack("{ss ss sf sf so so}", "family", family->name, "link",
                              family->log ? "log" : "identity", "penalty", found->penalty,
                              "intercept", intercept, "terms", terms, "pairs", pairs);
    if (model && network)
        json_object_set_new(model, "network", network);
    return model;
}

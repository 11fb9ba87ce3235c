#include "profile/network.h"

#include "base/number.h"
#include "profile/neural.h"
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* The `hidden` numbers of a text, parted by spaces. NULL and `where` in err. */
static float *numbers(const struct ds_profile_network *n, const json_t *json, const char *where,
                      struct ds_error *err)
{
    const char *text = json_string_value(json);
    float *x = malloc((size_t)n->hidden * sizeof *x);
    int found = 0;
    bool good = text && x;
    while (good && *text) {
        const char *end;
        double value = 0;
        good = ds_number_begin(text, &end, &value) == 0 && (*end == ' ' || !*end) &&
               found < n->hidden && fabs(value) <= FLT_MAX;
        if (good)
            x[found++] = (float)value;
        text = end + (*end == ' ');
    }
    if (good && found == n->hidden)
        return x;
    ds_fail(err, "model.network.%s: must be a text of %d finite numbers", where, n->hidden);
    free(x);
    return NULL;
}

int ds_profile_network_read(struct ds_profile_network *n, const json_t *network,
                            struct ds_error *err)
{
    const json_t *hidden = json_object_get(network, "hidden");
    if (!network)
        return 0;
    if (!json_is_integer(hidden) || json_integer_value(hidden) < 1 ||
        json_integer_value(hidden) > DS_NEURAL_MOST)
        return ds_fail(err, "model.network.hidden: must be 1 to %d", DS_NEURAL_MOST);
    if (!json_is_object(json_object_get(network, "first")))
        return ds_fail(err, "model.network.first: must be an object");
    n->hidden = (int)json_integer_value(hidden);
    n->bias = numbers(n, json_object_get(network, "bias"), "bias", err);
    n->last = n->bias ? numbers(n, json_object_get(network, "last"), "last", err) : NULL;
    return n->last ? 0 : -1;
}

static void unbind(struct ds_profile_network *n)
{
    for (int s = 0; s < n->nsites; s++) {
        for (int c = 0; n->row[s] && c < n->nchoices[s]; c++)
            free(n->row[s][c]);
        free(n->row[s]);
        n->row[s] = NULL;
    }
    n->nsites = 0;
}

void ds_profile_network_free(struct ds_profile_network *n)
{
    unbind(n);
    free(n->bias);
    free(n->last);
}

static int bind_site(struct ds_profile_network *n, const struct ds_space *space, int site,
                     const json_t *table, struct ds_error *err)
{
    const struct ds_site *s = &space->site[site];
    char label[256], where[400];
    n->nchoices[site] = s->nchoices;
    n->row[site] = calloc((size_t)s->nchoices, sizeof *n->row[site]);
    if (!n->row[site])
        return ds_fail(err, "out of memory");
    for (int c = 0; c < s->nchoices; c++) {
        ds_site_print(space, site, c, label, sizeof label);
        const json_t *row = json_object_get(table, label);
        snprintf(where, sizeof where, "first.%s.%s", s->name, label);
        if (row && !(n->row[site][c] = numbers(n, row, where, err)))
            return -1;
    }
    return 0;
}

int ds_profile_network_bind(struct ds_profile_network *n, const json_t *network,
                            const struct ds_space *space, struct ds_error *err)
{
    const json_t *first = json_object_get(network, "first");
    unbind(n);
    if (!n->hidden)
        return 0;
    n->nsites = space->nsites;
    for (int s = 0; s < space->nsites; s++) {
        const json_t *table = json_object_get(first, space->site[s].name);
        if (table && bind_site(n, space, s, table, err))
            return -1;
    }
    return 0;
}

bool ds_profile_network_lacks(const struct ds_profile_network *n, int site, int choice)
{
    return n->hidden && n->row[site] && !n->row[site][choice];
}

double ds_profile_network_value(const struct ds_profile_network *n, const uint8_t *choice)
{
    const float *row[DS_MAX_SITES + 1] = {n->bias};
    int nrows = 1;
    for (int s = 0; s < n->nsites; s++) {
        if (!n->row[s] || choice[s] == DS_INACTIVE)
            continue;
        if (!n->row[s][choice[s]])
            return NAN;
        row[nrows++] = n->row[s][choice[s]];
    }
    return ds_neural_output(row, nrows, n->last, n->hidden);
}

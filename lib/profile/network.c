#include "profile/network.h"

#include "base/grow.h"
#include "base/number.h"
#include "profile/chain.h"
#include "profile/neural.h"
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* The n numbers of a text, parted by spaces, into x. -1 and `where` in err. */
static int read_numbers(float *x, int n, const json_t *json, const char *where,
                        struct ds_error *err)
{
    const char *text = json_string_value(json);
    int found = 0;
    bool good = text != NULL;
    while (good && *text) {
        const char *end;
        double value = 0;
        good = ds_number_begin(text, &end, &value) == 0 && (*end == ' ' || !*end) && found < n &&
               fabs(value) <= FLT_MAX;
        if (good)
            x[found++] = (float)value;
        text = end + (*end == ' ');
    }
    if (good && found == n)
        return 0;
    return ds_fail(err, "model.network.%s: must be a text of %d finite numbers", where, n);
}

/* The same, to be freed; NULL on failure. */
static float *numbers(int n, const json_t *json, const char *where, struct ds_error *err)
{
    float *x = ds_alloc((size_t)n, sizeof *x, err);
    if (x && read_numbers(x, n, json, where, err)) {
        free(x);
        return NULL;
    }
    return x;
}

static int read_size(const json_t *network, const char *key, int most, int *size,
                     struct ds_error *err)
{
    const json_t *value = json_object_get(network, key);
    if (!json_is_integer(value) || json_integer_value(value) < 1 ||
        json_integer_value(value) > most)
        return ds_fail(err, "model.network.%s: must be 1 to %d", key, most);
    *size = (int)json_integer_value(value);
    return 0;
}

/* What follows the sum over layers. */
static int read_top(struct ds_profile_network *n, const json_t *network, struct ds_error *err)
{
    const json_t *window = json_object_get(network, "window"),
                 *first = json_object_get(network, "top_first");
    if (!json_is_array(window) || json_array_size(window) < 1 ||
        json_array_size(window) > DS_PROFILE_WINDOW)
        return ds_fail(err, "model.network.window: must be an array of 1 to %d tables",
                       DS_PROFILE_WINDOW);
    n->window = (int)json_array_size(window);
    for (int i = 0; i < n->window; i++)
        if (!json_is_object(json_array_get(window, (size_t)i)))
            return ds_fail(err, "model.network.window[%d]: must be an object", i);
    if (read_size(network, "top", DS_CHAIN_MOST, &n->top, err))
        return -1;
    if (!json_is_array(first) || json_array_size(first) != (size_t)n->top)
        return ds_fail(err, "model.network.top_first: must be an array of %d texts", n->top);
    n->top_first = ds_alloc((size_t)n->top * (size_t)n->hidden, sizeof *n->top_first, err);
    for (int i = 0; i < n->top; i++)
        if (!n->top_first || read_numbers(n->top_first + (size_t)i * (size_t)n->hidden, n->hidden,
                                          json_array_get(first, (size_t)i), "top_first", err))
            return -1;
    n->top_bias = numbers(n->top, json_object_get(network, "top_bias"), "top_bias", err);
    n->top_last =
        n->top_bias ? numbers(n->top, json_object_get(network, "top_last"), "top_last", err) : NULL;
    return n->top_last ? 0 : -1;
}

int ds_profile_network_read(struct ds_profile_network *n, const json_t *network,
                            struct ds_error *err)
{
    if (!network)
        return 0;
    bool chain = json_object_get(network, "window") != NULL;
    if (read_size(network, "hidden", chain ? DS_CHAIN_MOST : DS_NEURAL_MOST, &n->hidden, err))
        return -1;
    if (!chain && !json_is_object(json_object_get(network, "first")))
        return ds_fail(err, "model.network.first: must be an object");
    n->bias = numbers(n->hidden, json_object_get(network, "bias"), "bias", err);
    n->last = n->bias ? numbers(n->hidden, json_object_get(network, "last"), "last", err) : NULL;
    if (!n->last)
        return -1;
    return chain ? read_top(n, network, err) : 0;
}

/* The space that it was bound to may be gone. */
static void unbind(struct ds_profile_network *n)
{
    for (int t = 0; t < DS_PROFILE_WINDOW; t++)
        for (int s = 0; s < DS_MAX_SITES; s++) {
            float **row = n->table[t].row[s];
            for (int c = 0; row && c < n->table[t].nrows[s]; c++)
                free(row[c]);
            free(row);
            n->table[t].row[s] = NULL;
        }
    n->space = NULL;
}

void ds_profile_network_free(struct ds_profile_network *n)
{
    unbind(n);
    free(n->bias);
    free(n->last);
    free(n->top_first);
    free(n->top_last);
    free(n->top_bias);
}

/* A site's rows, by the names of its choices; `what` is the table's name for messages. */
static int bind_site(struct ds_profile_network *n, float ***row, int site, const json_t *table,
                     const char *what, struct ds_error *err)
{
    const struct ds_site *s = &n->space->site[site];
    char label[256], where[400];
    if (!(*row = ds_alloc((size_t)s->nchoices, sizeof **row, err)))
        return -1;
    for (int c = 0; c < s->nchoices; c++) {
        ds_site_print(n->space, site, c, label, sizeof label);
        const json_t *text = json_object_get(table, label);
        snprintf(where, sizeof where, "%s.%s.%s", what, s->name, label);
        if (text && !((*row)[c] = numbers(n->hidden, text, where, err)))
            return -1;
    }
    return 0;
}

static int bind_table(struct ds_profile_network *n, int which, const json_t *sites,
                      const char *what, struct ds_error *err)
{
    for (int s = 0; s < n->space->nsites; s++) {
        const json_t *table = json_object_get(sites, n->space->site[s].name);
        n->table[which].nrows[s] = n->space->site[s].nchoices;
        if (table && bind_site(n, &n->table[which].row[s], s, table, what, err))
            return -1;
    }
    return 0;
}

int ds_profile_network_bind(struct ds_profile_network *n, const json_t *network,
                            const struct ds_space *space, struct ds_error *err)
{
    unbind(n);
    if (!n->hidden)
        return 0;
    n->space = space;
    for (int i = 0; i < n->window; i++) {
        char what[40];
        snprintf(what, sizeof what, "window[%d]", i);
        if (bind_table(n, i, json_array_get(json_object_get(network, "window"), (size_t)i), what,
                       err))
            return -1;
    }
    return n->window ? 0 : bind_table(n, 0, json_object_get(network, "first"), "first", err);
}

bool ds_profile_network_lacks(const struct ds_profile_network *n, int site, int choice)
{
    for (int i = 0; n->hidden && i < DS_PROFILE_WINDOW; i++)
        if (n->table[i].row[site] && !n->table[i].row[site][choice])
            return true;
    return false;
}

/* ---- values ---- */

/* Adds the row of a choice to the list, where the table has its site; false where it lacks it. */
static bool list_row(const struct ds_profile_rows *table, int site, const uint8_t *choice,
                     const float **row, int *nrows)
{
    if (!table->row[site] || choice[site] == DS_INACTIVE)
        return true;
    row[(*nrows)++] = table->row[site][choice[site]];
    return row[*nrows - 1] != NULL;
}

static double neural_value(const struct ds_profile_network *n, const uint8_t *choice)
{
    const float *row[DS_MAX_SITES + 1] = {n->bias};
    int nrows = 1;
    for (int s = 0; s < n->space->nsites; s++)
        if (!list_row(&n->table[0], s, choice, row, &nrows))
            return NAN;
    return ds_neural_output(row, nrows, n->last, n->hidden);
}

/* Adds the last of the layers, with those before it in its window; false where a row is lacking. */
static bool add_layer(const struct ds_profile_network *n, const uint8_t *choice, const int *layer,
                      int which, float *s)
{
    const float *row[DS_MAX_SITES + DS_PROFILE_WINDOW + 2] = {n->bias};
    int nrows = 1, width = n->space->unit[n->space->site[layer[which]].unit].width_site;
    bool all = list_row(&n->table[0], width, choice, row, &nrows);
    for (int k = 0; k < n->space->nsites && n->space->site[k].unit < 0; k++)
        all = all && list_row(&n->table[0], k, choice, row, &nrows);
    for (int back = 0; back < n->window && back <= which; back++)
        all = all && list_row(&n->table[back], layer[which - back], choice, row, &nrows);
    if (all)
        ds_chain_add(row, nrows, s, n->hidden);
    return all;
}

static double chain_value(const struct ds_profile_network *n, const uint8_t *choice)
{
    const struct ds_chain_end end = {n->hidden,    n->top,      n->last,
                                     n->top_first, n->top_last, n->top_bias};
    float sum[DS_CHAIN_MOST] = {0};
    int layer[DS_MAX_SITES], nlayers = 0;
    for (int s = 0; s < n->space->nsites; s++)
        if (n->space->site[s].kind == DS_SITE_BLOCK && choice[s] != DS_INACTIVE)
            layer[nlayers++] = s;
    for (int k = 0; k < nlayers; k++)
        if (!add_layer(n, choice, layer, k, sum))
            return NAN;
    return ds_chain_output(&end, sum);
}

double ds_profile_network_value(const struct ds_profile_network *n, const uint8_t *choice)
{
    return n->window ? chain_value(n, choice) : neural_value(n, choice);
}

#include "profile/fit_net.h"

#include "base/grow.h"
#include "base/number.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEURAL_HIDDEN 256 /* units of the hidden layer */
#define BATCH 256
#define RATE 0.006f

/* A chain: what millions of architectures teach has no room in what thousands can train. */
static const struct chain_size {
    int window, hidden, top;
} chain_of_few = {4, 56, 32}, chain_of_many = {5, 128, 64};

/* ---- architectures ---- */

/* One table's columns: those of single choices come first in a design. */
static int single_columns(const struct ds_design *d)
{
    return d->npairs ? d->pair[0].column : d->columns;
}

/* The columns of a neural network: of all choices, without the intercept. */
static int list_choices(struct ds_fit_net *n, const struct ds_fit_data *data,
                        const struct ds_design *d, struct ds_error *err)
{
    size_t at = 0;
    n->start = ds_alloc(data->n + 1, sizeof *n->start, err);
    n->column = n->start ? ds_alloc(data->n, (size_t)d->most * sizeof *n->column, err) : NULL;
    if (!n->column)
        return -1;
    for (size_t i = 0; i < data->n; i++) {
        for (int s = 0; s < data->space->nsites; s++)
            if (d->single[s] >= 0 && data->choice[i][s] != DS_INACTIVE)
                n->column[at++] = d->single[s] + data->choice[i][s];
        n->start[i + 1] = at;
    }
    return 0;
}

/* The columns of a chain: of choices of no unit, and of each layer. */
static int list_layers(struct ds_fit_net *n, const struct ds_fit_data *data,
                       const struct ds_design *d, struct ds_error *err)
{
    const struct ds_space *space = data->space;
    size_t at = 0, room = 0;
    n->start = ds_alloc(data->n + 1, sizeof *n->start, err);
    if (!n->start)
        return -1;
    for (size_t i = 0; i < data->n; i++) {
        const uint8_t *choice = data->choice[i];
        if (ds_grow(&n->column, &room, at + 2 * (size_t)space->nsites, sizeof *n->column, err))
            return -1;
        for (int s = 0; s < space->nsites; s++)
            if (space->site[s].unit < 0 && d->single[s] >= 0)
                n->column[at++] = d->single[s] + choice[s];
        n->shared = i ? n->shared : (int)at;
        for (int s = 0; s < space->nsites; s++) {
            if (space->site[s].kind != DS_SITE_BLOCK || choice[s] == DS_INACTIVE)
                continue;
            int width = space->unit[space->site[s].unit].width_site;
            n->column[at++] = d->single[s] + choice[s];
            n->column[at++] = d->single[width] < 0 ? -1 : d->single[width] + choice[width];
        }
        n->start[i + 1] = at;
    }
    return 0;
}

int ds_fit_net_init(struct ds_fit_net *n, enum ds_fit_nets kind, const struct ds_fit_data *data,
                    const struct ds_design *d, struct ds_error *err)
{
    const struct chain_size *size = data->n < DS_CHAIN_MANY ? &chain_of_few : &chain_of_many;
    int rc = 0;
    *n = (struct ds_fit_net){.kind = kind, .columns = single_columns(d)};
    if (kind == DS_NET_NEURAL) {
        n->sum = ds_alloc((size_t)d->most + 1, sizeof *n->sum, err);
        if (!n->sum || list_choices(n, data, d, err))
            return -1;
        rc = ds_neural_init(&n->neural, n->columns, NEURAL_HIDDEN);
    } else if (kind == DS_NET_CHAIN) {
        if (list_layers(n, data, d, err))
            return -1;
        rc = ds_chain_init(&n->chain, size->window, n->columns, size->hidden, size->top);
    }
    return rc ? ds_no_memory(err) : 0;
}

void ds_fit_net_free(struct ds_fit_net *n)
{
    ds_neural_free(&n->neural);
    ds_chain_free(&n->chain);
    free(n->start);
    free(n->column);
    free(n->sum);
}

/* ---- learning ---- */

int ds_fit_net_train(struct ds_fit_net *n, const struct ds_fit_training *how, struct ds_error *err)
{
    const struct ds_train_plan plan = {how->epochs, BATCH,           RATE,    (float)how->decay,
                                       1,           how->epoch_done, how->arg};
    int rc;
    if (n->kind == DS_NET_NEURAL) {
        struct ds_neural_data data = {n->start, n->column, how->target};
        rc = ds_neural_train(&n->neural, &data, how->item, how->nitems, &plan);
    } else {
        struct ds_chain_data data = {n->start, n->column, n->shared, how->target};
        rc = ds_chain_train(&n->chain, &data, how->item, how->nitems, &plan);
    }
    return rc ? ds_no_memory(err) : 0;
}

static double neural_value(struct ds_fit_net *n, size_t i)
{
    const struct ds_neural *net = &n->neural;
    int nrows = 0;
    n->sum[nrows++] = net->bias;
    for (size_t k = n->start[i]; k < n->start[i + 1]; k++)
        n->sum[nrows++] = net->first + (size_t)n->column[k] * (size_t)net->hidden;
    return *net->out + ds_neural_output(n->sum, nrows, net->last, net->hidden);
}

double ds_fit_net_value(struct ds_fit_net *n, size_t i)
{
    const struct ds_chain_data data = {n->start, n->column, n->shared, NULL};
    return n->kind == DS_NET_NONE     ? 0
           : n->kind == DS_NET_NEURAL ? neural_value(n, i)
                                      : ds_chain_value(&n->chain, &data, i);
}

/* ---- JSON ---- */

/* Numbers as one text: a network has tens of thousands. */
static json_t *numbers(const float *x, int n, double scale, int digits)
{
    const size_t width = (size_t)digits + 8;
    char *text = ds_alloc((size_t)n * (width + 1) + 1, 1, NULL);
    size_t at = 0;
    if (!text)
        return NULL;
    for (int i = 0; i < n; i++) {
        if (i)
            text[at++] = ' ';
        at += (size_t)ds_number_print(text + at, width, digits, scale * (double)x[i]);
    }
    json_t *json = json_stringn(text, at);
    free(text);
    return json;
}

/* A site's rows of a table, which are [columns][hidden]. */
static json_t *site_to_json(const float *table, int hidden, const struct ds_design *d,
                            const bool *seen, int site, int digits)
{
    json_t *choices = json_object();
    char label[256];
    for (int c = 0; c < d->space->site[site].nchoices; c++) {
        int column = d->single[site] + c;
        ds_site_print(d->space, site, c, label, sizeof label);
        if (seen[column])
            json_object_set_new(
                choices, label,
                numbers(table + (size_t)column * (size_t)hidden, hidden, 1, digits));
    }
    return choices;
}

static json_t *neural_to_json(const struct ds_fit_net *n, const struct ds_design *d,
                              const bool *seen, double scale)
{
    enum { DIGITS = 5 };
    const struct ds_neural *net = &n->neural;
    json_t *first = json_object();
    for (int s = 0; s < d->space->nsites; s++)
        if (d->single[s] >= 0)
            json_object_set_new(first, d->space->site[s].name,
                                site_to_json(net->first, net->hidden, d, seen, s, DIGITS));
    return json_pack("{si so so so}", "hidden", net->hidden, "bias",
                     numbers(net->bias, net->hidden, 1, DIGITS), "last",
                     numbers(net->last, net->hidden, scale, DIGITS), "first", first);
}

/* Whether the table of layers so far back has rows of a site. */
static bool in_window(const struct ds_space *space, const struct ds_design *d, int site, int back)
{
    const struct ds_site *s = &space->site[site];
    if (d->single[site] < 0 || s->kind == DS_SITE_DEPTH)
        return false;
    return s->kind == DS_SITE_BLOCK || back == 0;
}

static json_t *chain_to_json(const struct ds_fit_net *n, const struct ds_design *d,
                             const bool *seen, double scale)
{
    enum { DIGITS = 3 };
    const struct ds_chain *net = &n->chain;
    json_t *window = json_array(), *top_first = json_array();
    for (int back = 0; back < n->chain.window; back++) {
        const float *table = net->first + (size_t)back * (size_t)n->columns * (size_t)net->hidden;
        json_t *sites = json_object();
        for (int s = 0; s < d->space->nsites; s++)
            if (in_window(d->space, d, s, back))
                json_object_set_new(sites, d->space->site[s].name,
                                    site_to_json(table, net->hidden, d, seen, s, DIGITS));
        json_array_append_new(window, sites);
    }
    for (int k = 0; k < net->top; k++)
        json_array_append_new(top_first, numbers(net->top_first + (size_t)k * (size_t)net->hidden,
                                                 net->hidden, 1, DIGITS));
    return json_pack("{si si so so so so so so}", "hidden", net->hidden, "top", net->top, "bias",
                     numbers(net->bias, net->hidden, 1, DIGITS), "last",
                     numbers(net->last, net->hidden, scale, DIGITS), "top_bias",
                     numbers(net->top_bias, net->top, 1, DIGITS), "top_last",
                     numbers(net->top_last, net->top, scale, DIGITS), "top_first", top_first,
                     "window", window);
}

json_t *ds_fit_net_to_json(const struct ds_fit_net *n, const struct ds_design *d, const bool *seen,
                           double scale, double *rest)
{
    *rest = scale * (double)(n->kind == DS_NET_NEURAL ? *n->neural.out : *n->chain.out);
    return n->kind == DS_NET_NEURAL ? neural_to_json(n, d, seen, scale)
                                    : chain_to_json(n, d, seen, scale);
}

#include "network/cost_range.h"

#include "base/grow.h"
#include "network/blocks.h"
#include <stdlib.h>

/*
 * A tensor shape that is possible before a module of the space, and the range of the costs of all
 * choices that lead to it.
 */
struct state {
    struct ds_tensor shape;
    struct ds_cost least, greatest;
};

struct states {
    struct state *at;
    int n;
    size_t room;
};

struct traversal {
    const struct ds_space *space;
    struct states now; /* before the next module */
    struct ds_net net; /* one module at a time */
    struct ds_error *err;
};

static uint64_t lower(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t higher(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Adds a state, or widens the range of one of its shape. */
static int add(struct traversal *t, struct states *list, struct state s)
{
    for (int i = 0; i < list->n; i++) {
        struct state *x = &list->at[i];
        if (x->shape.c != s.shape.c || x->shape.h != s.shape.h || x->shape.w != s.shape.w)
            continue;
        x->least.macs = lower(x->least.macs, s.least.macs);
        x->least.params = lower(x->least.params, s.least.params);
        x->least.peak = lower(x->least.peak, s.least.peak);
        x->greatest.macs = higher(x->greatest.macs, s.greatest.macs);
        x->greatest.params = higher(x->greatest.params, s.greatest.params);
        x->greatest.peak = higher(x->greatest.peak, s.greatest.peak);
        return 0;
    }
    if (ds_grow(&list->at, &list->room, (size_t)list->n + 1, sizeof *list->at, t->err))
        return -1;
    list->at[list->n++] = s;
    return 0;
}

static int add_all(struct traversal *t, struct states *list, const struct states *more)
{
    for (int i = 0; i < more->n; i++)
        if (add(t, list, more->at[i]))
            return -1;
    return 0;
}

static void add_cost(struct ds_cost *sum, const struct ds_cost *cost)
{
    sum->macs += cost->macs;
    sum->params += cost->params;
    sum->peak = higher(sum->peak, cost->peak); /* modules run one after the other */
}

/* Runs the module on every state of `from`, and adds the states after it to `to`. */
static int pass(struct traversal *t, const struct ds_module_spec *spec, const struct states *from,
                struct states *to)
{
    for (int i = 0; i < from->n; i++) {
        struct state s = from->at[i];
        struct ds_cost cost;
        if (ds_net_start(&t->net, s.shape, t->err) ||
            ds_module_build(t->space, spec, &t->net, t->err))
            return -1;
        ds_net_cost(&t->net, &cost);
        add_cost(&s.least, &cost);
        add_cost(&s.greatest, &cost);
        s.shape = t->net.tensor[t->net.output];
        if (add(t, to, s))
            return -1;
    }
    return 0;
}

/* Replaces the states by those of `next`, which is emptied. */
static void replace(struct states *list, struct states *next)
{
    free(list->at);
    *list = *next;
    *next = (struct states){0};
}

/* Adds to `out` the states after a module ran as often as each choice of its repetitions says.
 */
static int repeat(struct traversal *t, const struct ds_module_spec *spec, int repeat_site,
                  struct states *out)
{
    const struct ds_site *site = repeat_site < 0 ? NULL : &t->space->site[repeat_site];
    struct states now = {0}, next = {0};
    int most = 1, rc = add_all(t, &now, &t->now);
    for (int i = 0; site && i < site->nchoices; i++)
        most = i == 0 || site->value[i] > most ? site->value[i] : most;
    for (int n = 0; n <= most && rc == 0; n++) {
        if (site ? ds_site_choice(site, n) >= 0 : n == 1)
            rc = add_all(t, out, &now);
        if (n < most && rc == 0 && (rc = pass(t, spec, &now, &next)) == 0)
            replace(&now, &next);
    }
    free(now.at);
    free(next.at);
    return rc;
}

static int steps(struct traversal *t, const struct ds_step *step, int n)
{
    for (int i = 0; i < n; i++) {
        struct states out = {0};
        int widths = step[i].width_site < 0 ? 1 : t->space->site[step[i].width_site].nchoices;
        int rc = 0;
        for (int c = 0; c < widths && rc == 0; c++) {
            struct ds_module_spec spec = ds_step_module(t->space, &step[i], c);
            rc = repeat(t, &spec, step[i].repeat_site, &out);
        }
        replace(&t->now, &out);
        if (rc)
            return -1;
    }
    return 0;
}

/* Adds to `out` the states after each depth of a unit of this width. */
static int layers(struct traversal *t, int u, int width, struct states *out)
{
    const struct ds_unit *unit = &t->space->unit[u];
    struct states now = {0}, next = {0};
    int rc = add_all(t, &now, &t->now);
    for (int l = 0; l < unit->max_depth && rc == 0; l++) {
        const struct ds_site *site = &t->space->site[unit->layer_site + l];
        for (int c = 0; c < site->nchoices && rc == 0; c++) {
            struct ds_module_spec spec = ds_layer_module(t->space, u, l, width, c);
            rc = pass(t, &spec, &now, &next);
        }
        replace(&now, &next);
        if (rc == 0 && ds_site_choice(&t->space->site[unit->depth_site], l + 1) >= 0)
            rc = add_all(t, out, &now);
    }
    free(now.at);
    free(next.at);
    return rc;
}

static int units(struct traversal *t)
{
    for (int u = 0; u < t->space->nunits; u++) {
        struct states out = {0};
        int rc = 0, widths = t->space->site[t->space->unit[u].width_site].nchoices;
        for (int c = 0; c < widths && rc == 0; c++)
            rc = layers(t, u, c, &out);
        replace(&t->now, &out);
        if (rc)
            return -1;
    }
    return 0;
}

int ds_space_range(const struct ds_space *space, struct ds_cost *least, struct ds_cost *greatest,
                   struct ds_error *err)
{
    struct traversal t = {.space = space, .err = err};
    struct states all = {0};
    const struct ds_site *resolution = &space->site[space->resolution_site];
    int rc = 0;
    for (int i = 0; i < resolution->nchoices && rc == 0; i++) {
        int size = resolution->value[i];
        rc = add(&t, &t.now, (struct state){.shape = {space->input_channels, size, size}});
    }
    if (rc == 0)
        rc = steps(&t, space->stem, space->nstem);
    if (rc == 0)
        rc = units(&t);
    if (rc == 0)
        rc = steps(&t, space->head, space->nhead);
    for (int i = 0; i < t.now.n && rc == 0; i++) { /* the range over all shapes */
        t.now.at[i].shape = (struct ds_tensor){0, 0, 0};
        rc = add(&t, &all, t.now.at[i]);
    }
    if (rc == 0) {
        *least = all.at[0].least;
        *greatest = all.at[0].greatest;
    }
    free(all.at);
    free(t.now.at);
    ds_net_free(&t.net);
    return rc;
}

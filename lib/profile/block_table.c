#include "profile/block_table.h"

#include "base/grow.h"
#include "base/number.h"
#include "base/stats.h"
#include "formats/latency_keys.h"
#include "network/build.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One line of a table. */
struct entry {
    char *name;
    double work; /* multiply-accumulates and elements read: tells blocks of one name apart */
    struct ds_moments ms; /* n = 0: not known */
};

/* A choice at a layer, and the entry that it has. */
struct place {
    int site, choice, entry;
    double ms, share; /* while a profile is read: what it says; how often the layer is there */
};

/* The table of one resolution. */
struct table {
    struct entry *entry;
    struct place *place;
    int nentries, nplaces;
    size_t entry_room, place_room;
};

struct ds_block_table {
    const struct ds_space *space;
    struct table *table; /* [resolutions] */
    bool measured;
    struct ds_net net; /* of the architecture in hand, and its entries */
    struct ds_latency_key *key;
    size_t key_room;
    int nkeys;
};

/* ---- which entries a space has ---- */

static int build(struct ds_block_table *t, const struct ds_space *space, const uint8_t *choice,
                 struct ds_error *err)
{
    if (ds_net_build(space, choice, &t->net, err) ||
        ds_grow(&t->key, &t->key_room, (size_t)t->net.nmodules, sizeof *t->key, err))
        return -1;
    t->nkeys = ds_latency_keys(space, &t->net, t->key, err);
    return t->nkeys < 0 ? -1 : 0;
}

static double work_of(const struct ds_net *net, const struct ds_latency_key *key)
{
    double work = 0;
    for (int m = key->module; m < key->module + key->nmodules; m++)
        for (int i = 0; i < net->module[m].count; i++) {
            const struct ds_layer *l = &net->layer[net->module[m].first + i];
            const struct ds_tensor in = net->tensor[l->in];
            work += (double)ds_layer_macs(net, l) + (double)in.c * in.h * in.w;
        }
    return work;
}

static int find(const struct table *table, const char *name)
{
    for (int i = 0; i < table->nentries; i++)
        if (strcmp(table->entry[i].name, name) == 0)
            return i;
    return -1;
}

/* The entry's number: a new one, unless it is there. -1 on failure. */
static int add_entry(struct table *table, const struct ds_space *space, const struct ds_net *net,
                     const struct ds_latency_key *key, struct ds_error *err)
{
    double work = work_of(net, key);
    int i = find(table, key->name);
    if (i >= 0 && table->entry[i].work != work)
        return ds_fail(err, "space %s has several blocks that a table calls %s", space->name,
                       key->name);
    if (i >= 0)
        return i;
    if (ds_grow(&table->entry, &table->entry_room, (size_t)table->nentries + 1,
                sizeof *table->entry, err))
        return -1;
    table->entry[table->nentries] =
        (struct entry){.name = ds_copy_string(key->name, NULL), .work = work};
    if (!table->entry[table->nentries].name)
        return ds_no_memory(err);
    return table->nentries++;
}

static int add_place(struct table *table, int site, int choice, int entry, struct ds_error *err)
{
    for (int i = 0; i < table->nplaces; i++)
        if (table->place[i].site == site && table->place[i].choice == choice)
            return 0;
    if (ds_grow(&table->place, &table->place_room, (size_t)table->nplaces + 1, sizeof *table->place,
                err))
        return -1;
    table->place[table->nplaces++] = (struct place){.site = site, .choice = choice, .entry = entry};
    return 0;
}

static int list_entries(struct ds_block_table *t, int r, struct ds_error *err)
{
    const struct ds_space *space = t->space;
    uint8_t choice[DS_MAX_SITES];
    for (int c = 0; c < space->nblocks; c++) {
        ds_arch_deepest(space, r, c, choice);
        if (build(t, space, choice, err))
            return -1;
        for (int k = 0; k < t->nkeys; k++) {
            const struct ds_module *m = &t->net.module[t->key[k].module];
            int entry = add_entry(&t->table[r], space, &t->net, &t->key[k], err);
            if (entry < 0)
                return -1;
            if (m->unit < 0 || m->unit >= space->nunits)
                continue;
            int site = space->unit[m->unit].layer_site + m->layer;
            if (add_place(&t->table[r], site, choice[site], entry, err))
                return -1;
        }
    }
    return 0;
}

/* Widths and options would be names of other entries, of which none is told here. */
static int check_sites(const struct ds_space *space, struct ds_error *err)
{
    for (int s = 0; s < space->nsites; s++) {
        const struct ds_site *site = &space->site[s];
        if ((site->kind == DS_SITE_WIDTH || site->kind == DS_SITE_OPTION) && site->nchoices > 1)
            return ds_fail(err, "space %s has a choice at %s, which these tables do not have",
                           space->name, site->name);
    }
    return 0;
}

static int nresolutions(const struct ds_block_table *t)
{
    return t->space->site[t->space->resolution_site].nchoices;
}

struct ds_block_table *ds_block_table_new(const struct ds_space *space, struct ds_error *err)
{
    if (check_sites(space, err))
        return NULL;
    struct ds_block_table *t = ds_alloc(1, sizeof *t, err);
    if (!t)
        return NULL;
    t->space = space;
    t->table = ds_alloc((size_t)nresolutions(t), sizeof *t->table, err);
    int rc = t->table ? 0 : -1;
    for (int r = 0; rc == 0 && r < nresolutions(t); r++)
        rc = list_entries(t, r, err);
    if (rc == 0)
        return t;
    ds_block_table_free(t);
    return NULL;
}

void ds_block_table_free(struct ds_block_table *t)
{
    if (!t)
        return;
    for (int r = 0; t->table && r < nresolutions(t); r++) {
        for (int i = 0; i < t->table[r].nentries; i++)
            free(t->table[r].entry[i].name);
        free(t->table[r].entry);
        free(t->table[r].place);
    }
    free(t->table);
    free(t->key);
    ds_net_free(&t->net);
    free(t);
}

/* ---- from measured blocks ---- */

/* What the record says of the modules of an entry together; as ds_record_value. */
static int read_key(const struct ds_block_table *t, const struct ds_record *rec, const char *metric,
                    const struct ds_latency_key *key, double *ms, struct ds_error *err)
{
    *ms = 0;
    for (int m = key->module; m < key->module + key->nmodules; m++) {
        char module[DS_MODULE_NAME], name[256];
        double one;
        ds_module_name(rec->space, &t->net, m, module, sizeof module);
        if (snprintf(name, sizeof name, "%s.%s", metric, module) >= (int)sizeof name)
            return ds_fail(err, "the name of metric %.100s is too long", metric);
        int known = ds_record_value(rec, name, &one, err);
        if (known <= 0)
            return known;
        *ms += one;
    }
    return *ms > 0 ? 1 : ds_fail(err, "%s: %g is no latency", key->name, *ms);
}

int ds_block_table_add(struct ds_block_table *t, const struct ds_record *rec, const char *metric,
                       struct ds_error *err)
{
    double whole, ms;
    if (ds_record_need_arch(rec, err))
        return -1;
    int r = ds_site_choice(&t->space->site[t->space->resolution_site],
                           ds_arch_resolution(rec->space, rec->choice));
    int known = ds_record_value(rec, metric, &whole, err);
    if (known <= 0 || r < 0)
        return known < 0 ? -1 : 0;
    if (build(t, rec->space, rec->choice, err))
        return -1;
    t->measured = true;
    for (int k = 0; k < t->nkeys; k++) {
        int entry = find(&t->table[r], t->key[k].name);
        if (entry < 0)
            continue;
        if (read_key(t, rec, metric, &t->key[k], &ms, err) <= 0)
            return -1;
        ds_moments_add(&t->table[r].entry[entry].ms, ms);
    }
    return 1;
}

/* ---- from a profile ---- */

/* The choice of the greatest depth below that of choice c; -1: c is the least. */
static int depth_below(const struct ds_site *depth, int c)
{
    int below = -1;
    for (int i = 0; i < depth->nchoices; i++)
        if (depth->value[i] < depth->value[c] &&
            (below < 0 || depth->value[i] > depth->value[below]))
            below = i;
    return below;
}

/* What the depth itself costs from this layer on: the last one that a greater depth brings pays. */
static double depth_part(const struct ds_space *space, const struct ds_profile *p, int site, int r)
{
    const struct ds_unit *unit = &space->unit[space->site[site].unit];
    const struct ds_site *depth = &space->site[unit->depth_site];
    for (int c = 0; c < depth->nchoices; c++) {
        int below = depth_below(depth, c);
        if (below >= 0 && depth->value[c] == space->site[site].layer + 1)
            return ds_profile_part(p, unit->depth_site, c, r) -
                   ds_profile_part(p, unit->depth_site, below, r);
    }
    return 0;
}

/* In which share of a unit's depths the layer is there. */
static double share_of(const struct ds_space *space, int site)
{
    const struct ds_site *depth = &space->site[space->unit[space->site[site].unit].depth_site];
    int with = 0;
    for (int c = 0; c < depth->nchoices; c++)
        with += depth->value[c] > space->site[site].layer;
    return (double)with / depth->nchoices;
}

/* What is in every network whatever its blocks; NAN where the profile lacks the resolution. */
static double sum_fixed(const struct ds_space *space, const struct ds_profile *p, int r)
{
    double sum = ds_profile_intercept(p);
    for (int s = 0; s < space->nsites; s++) {
        const struct ds_site *site = &space->site[s];
        if (site->kind == DS_SITE_RESOLUTION)
            sum += ds_profile_part(p, s, r, r);
        else if (site->kind == DS_SITE_DEPTH)
            for (int c = 0; c < site->nchoices; c++)
                sum += depth_below(site, c) < 0 ? ds_profile_part(p, s, c, r) : 0;
        else if (site->kind != DS_SITE_BLOCK)
            sum += ds_profile_part(p, s, 0, r);
    }
    return sum;
}

static int read_places(struct ds_block_table *t, const struct ds_profile *p, int r,
                       struct ds_error *err)
{
    struct table *table = &t->table[r];
    char label[256];
    for (int i = 0; i < table->nplaces; i++) {
        struct place *at = &table->place[i];
        at->share = share_of(t->space, at->site);
        at->ms = ds_profile_part(p, at->site, at->choice, r) + depth_part(t->space, p, at->site, r);
        if (isfinite(at->ms))
            continue;
        ds_site_print(t->space, at->site, at->choice, label, sizeof label);
        return ds_fail(err, "profile %s has no entry for %s at %s at resolution %d", p->name, label,
                       t->space->site[at->site].name,
                       t->space->site[t->space->resolution_site].value[r]);
    }
    return 0;
}

/* The mean over a site's choices of what its places say, or of their entries. */
static double mean_at(const struct table *table, int site, double (*of)(const struct table *, int))
{
    struct ds_mean mean = {0};
    for (int i = 0; i < table->nplaces; i++)
        if (table->place[i].site == site)
            ds_mean_add(&mean, of(table, i));
    return mean.mean;
}

static double place_ms(const struct table *table, int i)
{
    return table->place[i].ms;
}

static double entry_ms(const struct table *table, int i)
{
    return table->entry[table->place[i].entry].ms.mean;
}

static double entry_work(const struct table *table, int i)
{
    return table->entry[table->place[i].entry].work;
}

/* The mean over architectures drawn uniformly of what layers cost. */
static double sum_at(const struct ds_block_table *t, int r, double (*of)(const struct table *, int))
{
    double sum = 0;
    for (int s = 0; s < t->space->nsites; s++)
        if (t->space->site[s].kind == DS_SITE_BLOCK)
            sum += share_of(t->space, s) * mean_at(&t->table[r], s, of);
    return sum;
}

/* Where all places of an entry say the same. */
static void copy_places(struct table *table)
{
    for (int i = 0; i < table->nplaces; i++)
        table->entry[table->place[i].entry].ms =
            (struct ds_moments){.n = 1, .mean = table->place[i].ms};
}

/* Every entry of a layer gets the mean of its places, each by how often it is there. */
static void merge_places(struct table *table)
{
    for (int e = 0; e < table->nentries; e++) {
        double sum = 0, shares = 0;
        for (int i = 0; i < table->nplaces; i++) {
            const struct place *at = &table->place[i];
            sum += at->entry == e ? at->share * at->ms : 0;
            shares += at->entry == e ? at->share : 0;
        }
        if (shares > 0)
            table->entry[e].ms = (struct ds_moments){.n = 1, .mean = sum / shares};
    }
}

static bool is_of_layer(const struct table *table, int entry)
{
    for (int i = 0; i < table->nplaces; i++)
        if (table->place[i].entry == entry)
            return true;
    return false;
}

/* Stem and head share their sum. */
static void share_rest(struct table *table, double rest)
{
    double work = 0;
    for (int e = 0; e < table->nentries; e++)
        work += is_of_layer(table, e) ? 0 : table->entry[e].work;
    for (int e = 0; e < table->nentries; e++)
        if (!is_of_layer(table, e))
            table->entry[e].ms =
                (struct ds_moments){.n = 1, .mean = rest * table->entry[e].work / work};
}

/*
 * Whether the profile is a table already: what it says of one shape is one positive number. It may
 * be without stem and head, as that of a DPU's blocks.
 */
static bool is_table(const struct table *table, double rest)
{
    for (int i = 0; i < table->nplaces; i++)
        for (int k = 0; k < table->nplaces; k++)
            if (table->place[i].ms <= 0 || (table->place[i].entry == table->place[k].entry &&
                                            table->place[i].ms != table->place[k].ms))
                return false;
    return rest >= 0;
}

/*
 * How much less a layer that is always there costs than those of its shape that are not: true, and
 * the mean over its choices; false where there are none.
 */
static bool below_optional(const struct table *table, int site, double *shift)
{
    struct ds_mean mean = {0};
    for (int i = 0; i < table->nplaces; i++) {
        double sum = 0, shares = 0;
        for (int k = 0; k < table->nplaces && table->place[i].site == site; k++) {
            const struct place *other = &table->place[k];
            if (other->entry != table->place[i].entry || other->share == 1)
                continue;
            sum += other->share * other->ms;
            shares += other->share;
        }
        if (shares > 0)
            ds_mean_add(&mean, sum / shares - table->place[i].ms);
    }
    *shift = mean.mean;
    return mean.n > 0;
}

static void shift_site(struct table *table, int site, double ms)
{
    for (int i = 0; i < table->nplaces; i++)
        if (table->place[i].site == site)
            table->place[i].ms += ms;
}

/* Tells apart, as block_table.h says, what is in every network. */
static void share_fixed(struct ds_block_table *t, int r, double rest)
{
    struct table *table = &t->table[r];
    double work = 0, ms;
    bool shares[DS_MAX_SITES] = {false};
    for (int e = 0; e < table->nentries; e++)
        work += is_of_layer(table, e) ? 0 : table->entry[e].work;
    for (int s = 0; s < t->space->nsites; s++) {
        if (t->space->site[s].kind != DS_SITE_BLOCK || share_of(t->space, s) < 1)
            continue;
        shares[s] = !below_optional(table, s, &ms);
        if (shares[s]) {
            ms = -mean_at(table, s, place_ms);
            work += mean_at(table, s, entry_work);
        }
        shift_site(table, s, ms);
        rest -= ms;
    }
    for (int s = 0; s < t->space->nsites; s++)
        if (shares[s])
            shift_site(table, s, rest * mean_at(table, s, entry_work) / work);
}

static int check_positive(const struct ds_block_table *t, const struct ds_profile *p, int r,
                          bool table, struct ds_error *err)
{
    for (int e = 0; e < t->table[r].nentries; e++) {
        double ms = t->table[r].entry[e].ms.mean;
        if (!(ms > 0 || (ms == 0 && table)))
            return ds_fail(
                err,
                "profile %s gives %g ms for %s at resolution %d, which is no latency: was "
                "it fitted to enough networks?",
                p->name, ms, t->table[r].entry[e].name,
                t->space->site[t->space->resolution_site].value[r]);
    }
    return 0;
}

int ds_block_table_fill(struct ds_block_table *t, const struct ds_profile *p, struct ds_error *err)
{
    if (ds_profile_check_sum(p, err))
        return -1;
    for (int r = 0; r < nresolutions(t); r++) {
        if (isnan(ds_profile_part(p, t->space->resolution_site, r, r)))
            continue;
        if (read_places(t, p, r, err))
            return -1;
        double rest = sum_fixed(t->space, p, r), mean = rest + sum_at(t, r, place_ms);
        bool table = is_table(&t->table[r], rest);
        if (table) {
            copy_places(&t->table[r]);
        } else {
            share_fixed(t, r, rest);
            merge_places(&t->table[r]);
            rest = mean - sum_at(t, r, entry_ms);
        }
        share_rest(&t->table[r], rest);
        if (check_positive(t, p, r, table, err))
            return -1;
    }
    return 0;
}

/* ---- what is in the tables ---- */

bool ds_block_table_has(const struct ds_block_table *t, int resolution)
{
    for (int i = 0; i < t->table[resolution].nentries; i++)
        if (t->table[resolution].entry[i].ms.n > 0)
            return true;
    return false;
}

int ds_block_table_check(const struct ds_block_table *t, struct ds_error *err)
{
    for (int r = 0; r < nresolutions(t); r++)
        for (int i = 0; i < t->table[r].nentries && ds_block_table_has(t, r); i++)
            if (t->table[r].entry[i].ms.n == 0)
                return ds_fail(err, "no network has %s at resolution %d", t->table[r].entry[i].name,
                               t->space->site[t->space->resolution_site].value[r]);
    return 0;
}

int ds_block_table_value(struct ds_block_table *t, const uint8_t *choice, double *ms,
                         struct ds_error *err)
{
    const struct table *table = &t->table[choice[t->space->resolution_site]];
    *ms = 0;
    if (build(t, t->space, choice, err))
        return -1;
    for (int k = 0; k < t->nkeys; k++) {
        int entry = find(table, t->key[k].name);
        if (entry < 0 || table->entry[entry].ms.n == 0)
            return ds_fail(err, "the table has no entry %s", t->key[k].name);
        *ms += table->entry[entry].ms.mean;
    }
    return 0;
}

/* YAML 1.1, as most of its readers, knows an exponent only behind a point. */
static void print_number(FILE *out, const char *key, double x)
{
    char text[40];
    ds_number_print(text, sizeof text, 0, x);
    size_t digits = strcspn(text, "e");
    const char *point = strchr(text, '.') ? "" : ".0";
    fprintf(out, "  %s: %.*s%s%s\n", key, (int)digits, text, point, text + digits);
}

void ds_block_table_write(const struct ds_block_table *t, int resolution, FILE *out)
{
    const struct table *table = &t->table[resolution];
    for (int i = 0; i < table->nentries; i++) {
        const struct entry *e = &table->entry[i];
        fprintf(out, "%s:\n", e->name);
        if (t->measured)
            fprintf(out, "  count: %zu\n", e->ms.n);
        print_number(out, "mean", e->ms.mean);
        if (e->ms.n > 1)
            print_number(out, "std", ds_moments_sd(&e->ms));
    }
}

#include "study/aggregate_parts.h"

#include "base/grow.h"
#include <stdlib.h>
#include <string.h>

int ds_aggregate_find_metric(struct ds_aggregate *a, const char *name, size_t n)
{
    for (int i = 0; i < a->nmetrics; i++)
        if (strlen(a->metric[i].name) == n && memcmp(a->metric[i].name, name, n) == 0)
            return i;
    if (ds_grow(&a->metric, &a->metric_room, (size_t)a->nmetrics + 1, sizeof *a->metric, NULL))
        return -1;
    a->metric[a->nmetrics] = (struct metric){.name = ds_copy_text(name, n, NULL)};
    return a->metric[a->nmetrics].name ? a->nmetrics++ : -1;
}

static int rehash(struct ds_aggregate *a)
{
    int buckets = a->buckets ? 4 * a->buckets : 1024;
    int *more = ds_alloc((size_t)buckets, sizeof *more, NULL);
    if (!more)
        return -1;
    for (int g = 0; g < a->ngroups; g++) {
        int b = (int)(ds_group_keys_hash(&a->keys, a->group[g].key) & (unsigned)(buckets - 1));
        while (more[b])
            b = (b + 1) & (buckets - 1);
        more[b] = g + 1;
    }
    free(a->bucket);
    a->bucket = more;
    a->buckets = buckets;
    return 0;
}

int ds_aggregate_find_group(struct ds_aggregate *a, const double *key)
{
    if (2 * a->ngroups >= a->buckets && rehash(a))
        return -1;
    int b = (int)(ds_group_keys_hash(&a->keys, key) & (unsigned)(a->buckets - 1));
    for (; a->bucket[b]; b = (b + 1) & (a->buckets - 1))
        if (ds_group_keys_compare(&a->keys, a->group[a->bucket[b] - 1].key, key) == 0)
            return a->bucket[b] - 1;
    if (ds_grow(&a->group, &a->group_room, (size_t)a->ngroups + 1, sizeof *a->group, NULL))
        return -1;
    struct group *g = &a->group[a->ngroups++];
    *g = (struct group){0};
    memcpy(g->key, key, sizeof g->key);
    a->bucket[b] = a->ngroups;
    return a->ngroups - 1;
}

int ds_aggregate_begin_space(struct ds_aggregate *a, const struct ds_space *space,
                             struct ds_error *err)
{
    if (a->space)
        return a->space == space
                   ? 0
                   : ds_fail(err, "a second design space: %s after %s; aggregate them apart",
                             space->name, a->space->name);
    for (int s = 0; s < space->nsites; s++) {
        a->first_choice[s] = a->nchoices;
        a->nchoices += space->site[s].nchoices;
    }
    a->affixed = ds_alloc((size_t)space->nsites, sizeof *a->affixed, err);
    if (!a->affixed)
        return -1;
    int resolutions = space->site[space->resolution_site].nchoices;
    a->group_of = ds_alloc((size_t)(resolutions * a->nchoices), sizeof *a->group_of, err);
    a->space = a->group_of ? space : NULL;
    return a->space ? 0 : -1;
}

int ds_aggregate_group_of(struct ds_aggregate *a, const struct ds_record *rec, int site, int choice)
{
    int resolution = rec->choice[rec->space->resolution_site];
    int *known = &a->group_of[resolution * a->nchoices + a->first_choice[site] + choice];
    double key[DS_MOST_GROUP_KEYS] = {0};
    if (*known)
        return *known > 0 ? *known - 1 : -1;
    if (!ds_group_keys_values(&a->keys, rec, site, choice, key)) {
        *known = -1;
        return -1;
    }
    int g = ds_aggregate_find_group(a, key);
    if (g < 0)
        return -2;
    *known = g + 1;
    return g;
}

struct ds_tally *ds_aggregate_tally(struct ds_aggregate *a, struct group *g, int metric)
{
    if (metric >= g->nmetrics) {
        struct ds_tally **more = ds_alloc((size_t)a->nmetrics, sizeof(void *), NULL);
        if (!more)
            return NULL;
        if (g->nmetrics)
            memcpy(more, g->metric, (size_t)g->nmetrics * sizeof *more);
        free(g->metric);
        g->metric = more;
        g->nmetrics = a->nmetrics;
    }
    if (!g->metric[metric])
        g->metric[metric] = ds_tallies_new(&a->tallies, NULL);
    return g->metric[metric];
}

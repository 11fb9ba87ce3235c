#include "space/like.h"

#include "base/random.h"
#include <string.h>

/* Which choices of a site a space still has. */
struct kept {
    bool at[DS_MAX_CHOICES];
    int n;
};

/* What `like` keeps of site s of `space`, which is its own site t. */
static int find_kept(const struct ds_space *space, int s, const struct ds_space *like, int t,
                     struct kept *kept, struct ds_error *err)
{
    char wanted[256], label[256];
    *kept = (struct kept){0};
    for (int i = 0; i < like->site[t].nchoices; i++) {
        int c = 0;
        ds_site_print(like, t, i, wanted, sizeof wanted);
        for (; c < space->site[s].nchoices; c++) {
            ds_site_print(space, s, c, label, sizeof label);
            if (strcmp(label, wanted) == 0)
                break;
        }
        if (c == space->site[s].nchoices)
            return ds_fail(err, "%s is not %s pruned: at %s it has %s, which %s has not",
                           like->name, space->name, like->site[t].name, wanted, space->name);
        kept->at[c] = true;
        kept->n++;
    }
    return 0;
}

/* The site of `like` from which site s of `space` takes its number of choices, or -1. */
static int counterpart(const struct ds_space *space, int s, const struct ds_space *like)
{
    const struct ds_site *site = &space->site[s];
    if (site->kind == DS_SITE_BLOCK && site->layer >= like->unit[site->unit].max_depth)
        return like->unit[site->unit].layer_site + like->unit[site->unit].max_depth - 1;
    return ds_space_site(like, site->name, strlen(site->name));
}

static void drop(struct ds_pruning *p, const struct ds_site *site, int s, const struct kept *kept)
{
    for (int c = 0; c < site->nchoices; c++)
        if (!kept->at[c])
            ds_pruning_drop(p, s, c);
}

/* Draws n choices of site s. */
static void draw(const struct ds_site *site, int s, int n, uint64_t seed, struct kept *drawn)
{
    struct ds_random r;
    uint32_t order[DS_MAX_CHOICES];
    *drawn = (struct kept){.n = n};
    for (int c = 0; c < site->nchoices; c++)
        order[c] = (uint32_t)c;
    ds_random_init(&r, seed, (uint64_t)s, DS_DRAW_LIKE);
    ds_random_shuffle(&r, order, (uint32_t)site->nchoices);
    for (int i = 0; i < n; i++)
        drawn->at[order[i]] = true;
}

static bool same_values(const struct ds_site *a, const struct ds_site *b)
{
    return a->nchoices == b->nchoices &&
           memcmp(a->value, b->value, (size_t)a->nchoices * sizeof *a->value) == 0;
}

/* The first layer of the unit of site s that chooses from the same blocks in both spaces. */
static int first_alike(const struct ds_space *space, const struct kept *kept, int s)
{
    const struct ds_site *site = &space->site[s];
    int first = s;
    if (site->kind == DS_SITE_BLOCK)
        for (int i = s; i-- > space->unit[site->unit].layer_site;)
            if (same_values(&space->site[i], site) &&
                memcmp(kept[i].at, kept[s].at, sizeof kept[s].at) == 0)
                first = i;
    return first;
}

int ds_pruning_like(struct ds_pruning *p, const struct ds_space *space, const struct ds_space *like,
                    uint64_t seed, struct ds_error *err)
{
    struct kept kept[DS_MAX_SITES], drawn;
    if (like->nunits != space->nunits)
        return ds_fail(err, "%s is not %s pruned: it has %d units instead of %d", like->name,
                       space->name, like->nunits, space->nunits);
    for (int s = 0; s < space->nsites; s++) {
        int t = counterpart(space, s, like);
        if (t < 0)
            return ds_fail(err, "%s is not %s pruned: it has no %s", like->name, space->name,
                           space->site[s].name);
        if (find_kept(space, s, like, t, &kept[s], err))
            return -1;
        draw(&space->site[s], first_alike(space, kept, s), kept[s].n, seed, &drawn);
        drop(p, &space->site[s], s, &drawn);
    }
    for (int u = 0; u < space->nunits; u++)
        ds_pruning_weight(p, u, like->unit[u].mutate_weight);
    return 0;
}

#include "base/id_map.h"

#include "base/grow.h"
#include <stdlib.h>
#include <string.h>

#define LEAST_ROOM 64
#define BEHIND 256 /* places behind the room, at least */

/* Tells all ids apart; only 0 has 0. */
static uint64_t hash_of(uint64_t id)
{
    return id * 0x9E3779B97F4A7C15u;
}

/* Where, of so many places, a hash would stand if nothing were in its way. */
static size_t home(size_t room, uint64_t hash)
{
    return (size_t)((unsigned __int128)hash * room >> 64);
}

/* Where a hash stands, or would be put in. */
static size_t place(const struct ds_id_map *set, uint64_t hash)
{
    size_t i = home(set->room, hash);
    while (set->hash[i] && set->hash[i] < hash)
        i++;
    return i;
}

static void move(struct ds_id_map *set, size_t from, size_t to)
{
    uint64_t hash = set->hash[from];
    uint32_t number = set->number ? set->number[from] : 0;
    set->hash[from] = 0;
    set->hash[to] = hash;
    if (set->number)
        set->number[to] = number;
}

/* Makes the arrays longer, the new places free. */
static int lengthen(struct ds_id_map *set, size_t places)
{
    if (ds_resize(&set->hash, places, sizeof *set->hash, NULL) ||
        (set->number && ds_resize(&set->number, places, sizeof *set->number, NULL)))
        return -1;
    memset(set->hash + set->places, 0, (places - set->places) * sizeof *set->hash);
    set->places = places;
    return 0;
}

/* How many places are used when hashes choose of so many. */
static size_t places_for(const struct ds_id_map *set, size_t room)
{
    size_t at = 0;
    for (size_t i = 0; i < set->places; i++)
        if (set->hash[i]) {
            size_t to = home(room, set->hash[i]);
            at = (to > at ? to : at) + 1;
        }
    return at > room ? at : room;
}

static int grow(struct ds_id_map *set)
{
    size_t old = set->places, at = 0;
    size_t room = set->room ? set->room + set->room / 4 : LEAST_ROOM;
    size_t places = places_for(set, room) + BEHIND;
    if (places > old && lengthen(set, places))
        return -1;
    /* all to the end, then, from the first on, each to its place: which is never behind where it
     * stands then, for all that follow it have places behind that */
    size_t end = set->places;
    for (size_t i = old; i-- > 0;)
        if (set->hash[i])
            move(set, i, --end);
    set->room = room;
    for (size_t i = end; i < set->places; i++) {
        size_t to = home(room, set->hash[i]);
        at = to > at ? to : at;
        move(set, i, at++);
    }
    return 0;
}

/* Puts a hash in at a place, what stands there and behind moving up. -1 when there is no room. */
static int put(struct ds_id_map *set, size_t at, uint64_t hash, uint32_t number)
{
    size_t end = at;
    while (set->hash[end])
        end++;
    if (end + 1 == set->places) /* the last place stays free: it ends every search */
        return -1;
    memmove(set->hash + at + 1, set->hash + at, (end - at) * sizeof *set->hash);
    set->hash[at] = hash;
    if (!set->number)
        return 0;
    memmove(set->number + at + 1, set->number + at, (end - at) * sizeof *set->number);
    set->number[at] = number;
    return 0;
}

int ds_id_map_add(struct ds_id_map *set, uint64_t id, uint32_t number)
{
    uint64_t hash = hash_of(id);
    if (hash == 0) {
        bool is_new = !set->has_zero;
        if (is_new)
            set->zero_number = number;
        set->has_zero = true;
        return is_new;
    }
    if (set->count >= set->room - set->room / 5 && grow(set))
        return -1;
    if (number && !set->number) {
        set->number = ds_alloc(set->places, sizeof *set->number, NULL);
        if (!set->number)
            return -1;
    }
    size_t at = place(set, hash);
    if (set->hash[at] == hash)
        return 0;
    while (put(set, at, hash, number)) {
        if (grow(set))
            return -1;
        at = place(set, hash);
    }
    set->count++;
    return 1;
}

int64_t ds_id_map_find(const struct ds_id_map *set, uint64_t id)
{
    uint64_t hash = hash_of(id);
    if (hash == 0)
        return set->has_zero ? (int64_t)set->zero_number : -1;
    if (!set->room)
        return -1;
    size_t at = place(set, hash);
    if (set->hash[at] != hash)
        return -1;
    return set->number ? (int64_t)set->number[at] : 0;
}

void ds_id_map_free(struct ds_id_map *set)
{
    free(set->hash);
    free(set->number);
    *set = (struct ds_id_map){0};
}

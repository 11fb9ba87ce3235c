#include "study/clusters.h"

#include "base/grow.h"
#include "base/sort_keys.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TOO_LARGE 0x1p40

/* The finaliser of SplitMix64. */
uint64_t ds_cluster_key(uint64_t id)
{
    id = (id ^ id >> 30) * 0xBF58476D1CE4E5B9u;
    id = (id ^ id >> 27) * 0x94D049BB133111EBu;
    return id ^ id >> 31;
}

/* A random sign of a base. */
static int sign_of(uint64_t key)
{
    return ds_cluster_key(key + 1) >> 63 ? -1 : 1;
}

/* In its random group: 1 and the number of zeros that follow the group's bits in the hash. */
static uint64_t rank_of(uint64_t key, int bits)
{
    uint64_t rest = key << bits;
    return rest ? (uint64_t)__builtin_clzll(rest) + 1 : 65u - (unsigned)bits;
}

int ds_fixed(double x, double noise, struct ds_fixed *out)
{
    if (!(fabs(x) < TOO_LARGE))
        return -1;
    out->x = (__int128)rint(x * 0x1p64);
    out->noise = isfinite(noise) && fabs(noise) < 0x1p20 ? (int64_t)rint(noise * 0x1p32) : 0;
    return 0;
}

static __int128 sum_of(const struct ds_cluster *c)
{
    return (__int128)((unsigned __int128)c->high << 64 | c->low);
}

/* Adds to the sums of a cluster. */
static int add_sums(struct ds_cluster *c, __int128 x, int64_t noise, uint64_t n)
{
    __int128 sum;
    bool over = __builtin_add_overflow(sum_of(c), x, &sum) ||
                __builtin_add_overflow(c->noise, noise, &c->noise) ||
                __builtin_add_overflow(c->n, n, &c->n);
    c->low = (uint64_t)sum;
    c->high = (uint64_t)(sum >> 64);
    return over ? -2 : 0;
}

static int set_room(struct ds_clusters *c, size_t room)
{
    if (ds_resize(&c->at, room, sizeof *c->at, NULL))
        return -1;
    c->room = room;
    return 0;
}

/* Adds to the random group of a base. */
static int add_dealt(struct ds_clusters *c, uint64_t key, __int128 x, int64_t noise, uint64_t n)
{
    struct ds_cluster *at = &c->at[key >> (64 - c->bits)];
    uint64_t rank = rank_of(key, c->bits);
    at->key = rank > at->key ? rank : at->key;
    return add_sums(at, x, noise ? noise * sign_of(key) : 0, n);
}

/* Makes room for all random groups, empty. */
static int open_groups(struct ds_clusters *c)
{
    struct ds_cluster *at = ds_alloc((size_t)1 << c->bits, sizeof *at, NULL);
    if (!at)
        return -1;
    c->at = at;
    c->n = c->tidy = c->room = (size_t)1 << c->bits;
    return 0;
}

/* Appends a cluster, in whatever order. */
static int append(struct ds_clusters *c, const struct ds_cluster *cluster)
{
    if (c->n == c->room) {
        int rc = ds_clusters_tidy(c);
        if (rc)
            return rc;
        if (2 * c->n >= c->room && set_room(c, 2 * c->n + 4))
            return -1;
    }
    c->at[c->n++] = *cluster;
    return 0;
}

void ds_clusters_expect(const struct ds_clusters *c, uint64_t key)
{
    if (c->bits && c->at)
        __builtin_prefetch(&c->at[key >> (64 - c->bits)], 1);
}

int ds_clusters_add(struct ds_clusters *c, uint64_t key, const struct ds_fixed *value,
                    uint64_t times)
{
    __int128 x;
    int64_t noise;
    if (__builtin_mul_overflow(value->x, (__int128)times, &x) ||
        __builtin_mul_overflow(value->noise, (int64_t)times, &noise))
        return -2;
    if (c->bits && !c->at && open_groups(c))
        return -1;
    if (c->bits)
        return add_dealt(c, key, x, noise, times);
    struct ds_cluster *last = c->n ? &c->at[c->n - 1] : NULL;
    if (last && last->key == key) /* as when a base's records follow one another */
        return add_sums(last, x, noise, times);
    struct ds_cluster one = {.key = key};
    add_sums(&one, x, noise, times);
    return append(c, &one);
}

int ds_clusters_tidy(struct ds_clusters *c)
{
    int rc = 0;
    size_t n = c->n - c->tidy;
    if (!n)
        return 0;
    struct ds_cluster *late = ds_alloc(n, sizeof *late, NULL), *at = c->at;
    if (!late)
        return -1;
    ds_sort_keys(at + c->tidy, late, n, sizeof *late);
    memcpy(late, at + c->tidy, n * sizeof *late);
    /* joined from the back, where they stand */
    size_t i = c->tidy, out = c->n;
    while (n || (i && out < c->n && at[i - 1].key == at[out].key)) {
        struct ds_cluster next = !n || (i && at[i - 1].key > late[n - 1].key) ? at[--i] : late[--n];
        if (out < c->n && at[out].key == next.key)
            rc = add_sums(&at[out], sum_of(&next), next.noise, next.n) ? -2 : rc;
        else
            at[--out] = next;
    }
    memmove(at + i, at + out, (c->n - out) * sizeof *at);
    c->n = c->tidy = i + c->n - out;
    free(late);
    return rc;
}

void ds_clusters_trim(struct ds_clusters *c)
{
    size_t room = c->n + c->n / 4 + 4;
    if (!c->bits && room < c->room)
        set_room(c, room); /* or else it stays */
}

/* Joins random groups two by two. */
static int halve(struct ds_clusters *c)
{
    int rc = 0;
    size_t half = c->n / 2;
    for (size_t i = 0; i < half; i++) {
        struct ds_cluster a = c->at[2 * i], b = c->at[2 * i + 1];
        /* what was a bit of the group is now the first that follows it: 0, one zero more, or 1 */
        uint64_t rank = a.key ? a.key + 1 : 0;
        rc = add_sums(&a, sum_of(&b), b.noise, b.n) ? -2 : rc;
        a.key = !rank && b.key ? 1 : rank;
        c->at[i] = a;
    }
    c->n = c->tidy = half;
    c->bits--;
    set_room(c, half);
    return rc;
}

int ds_clusters_deal(struct ds_clusters *c, int bits)
{
    int rc = 0;
    if (!c->bits) {
        struct ds_clusters groups = {.bits = bits};
        if (c->n && open_groups(&groups))
            return -1;
        for (size_t i = 0; i < c->n; i++) {
            const struct ds_cluster *at = &c->at[i];
            rc = add_dealt(&groups, at->key, sum_of(at), at->noise, at->n) ? -2 : rc;
        }
        free(c->at);
        *c = groups;
    }
    while (c->bits > bits && c->at && rc == 0)
        rc = halve(c);
    if (!c->at)
        c->bits = bits;
    return rc;
}

int ds_clusters_join(struct ds_clusters *c, struct ds_clusters *other)
{
    int rc = ds_clusters_tidy(c);
    rc = rc ? rc : ds_clusters_tidy(other);
    if (rc == 0 && (c->bits || other->bits)) {
        int bits = !c->bits || (other->bits && other->bits < c->bits) ? other->bits : c->bits;
        rc = ds_clusters_deal(c, bits);
        rc = rc ? rc : ds_clusters_deal(other, bits);
        if (rc == 0 && other->n && !c->at && open_groups(c))
            rc = -1;
        for (size_t i = 0; i < other->n && rc == 0; i++) {
            const struct ds_cluster *from = &other->at[i];
            struct ds_cluster *to = &c->at[i];
            to->key = from->key > to->key ? from->key : to->key;
            rc = add_sums(to, sum_of(from), from->noise, from->n);
        }
        return rc;
    }
    for (size_t i = 0; i < other->n && rc == 0; i++)
        rc = append(c, &other->at[i]);
    return rc ? rc : ds_clusters_tidy(c);
}

/* ---- what they say ---- */

static double sigma(double x)
{
    double y = 1, z = x, before;
    if (x >= 1)
        return INFINITY;
    do {
        x *= x;
        before = z;
        z += x * y;
        y += y;
    } while (z != before);
    return z;
}

static double tau(double x)
{
    double y = 1, z = 1 - x, before;
    if (x <= 0 || x >= 1)
        return 0;
    do {
        x = sqrt(x);
        before = z;
        y /= 2;
        z -= (1 - x) * (1 - x) * y;
    } while (z != before);
    return z / 3;
}

/* Ertl's improved raw estimator, algorithm 6, of how many bases were dealt. */
static double estimate(const struct ds_clusters *c)
{
    uint64_t count[66] = {0};
    double m = (double)c->n;
    int q = 64 - c->bits;
    for (size_t i = 0; i < c->n; i++)
        count[c->at[i].key]++;
    double z = m * tau(1 - (double)count[q + 1] / m);
    for (int k = q; k >= 1; k--)
        z = (z + (double)count[k]) / 2;
    z += m * sigma((double)count[0] / m);
    return m * m / (2 * M_LN2 * z);
}

struct ds_cluster_error ds_clusters_error(const struct ds_clusters *c, double mean)
{
    struct ds_cluster_error e = {0};
    for (size_t i = 0; i < c->n; i++) {
        const struct ds_cluster *at = &c->at[i];
        double off = (double)sum_of(at) * 0x1p-64 - (double)at->n * mean;
        double noise = (double)at->noise * 0x1p-32;
        e.clusters += at->n > 0;
        e.squares += off * off;
        e.noise += noise * noise;
    }
    e.bases = c->bits && c->n ? round(estimate(c)) : e.clusters;
    return e;
}

struct ds_cluster_error ds_clusters_difference(const struct ds_clusters *c, double mean,
                                               const struct ds_clusters *all, double *of_all)
{
    struct ds_cluster_error e = {0};
    double sum = 0, n = 0, n_all = 0;
    for (size_t i = 0; i < c->n; i++)
        n += (double)c->at[i].n;
    for (size_t i = 0; i < all->n; i++) {
        sum += (double)sum_of(&all->at[i]) * 0x1p-64;
        n_all += (double)all->at[i].n;
    }
    *of_all = sum / n_all;
    for (size_t i = 0, k = 0; i < all->n; i++) {
        const struct ds_cluster *whole = &all->at[i], *part = NULL;
        if (c->bits)
            part = &c->at[i];
        else if (k < c->n && c->at[k].key == whole->key)
            part = &c->at[k++];
        double off = ((double)sum_of(whole) * 0x1p-64 - (double)whole->n * *of_all) / n_all;
        if (part)
            off -= ((double)sum_of(part) * 0x1p-64 - (double)part->n * mean) / n;
        e.clusters += whole->n > 0;
        e.squares += off * off;
    }
    return e;
}

/* ---- as bytes ---- */

/* The low and the high half of a sum, so that small ones of either sign are short. */
static void pack_sum(const struct ds_cluster *c, struct ds_bytes *out)
{
    __int128 sum = sum_of(c);
    unsigned __int128 size = (unsigned __int128)sum << 1 ^ (sum < 0 ? ~(unsigned __int128)0 : 0);
    ds_bytes_uint(out, (uint64_t)(size >> 64));
    ds_bytes_uint(out, (uint64_t)size);
}

static void unpack_sum(struct ds_cluster *c, struct ds_bytes_in *in)
{
    uint64_t high = ds_bytes_get_uint(in), low = ds_bytes_get_uint(in);
    bool negative = low & 1;
    c->low = (low >> 1 | high << 63) ^ (negative ? UINT64_MAX : 0);
    c->high = high >> 1 ^ (negative ? UINT64_MAX : 0);
}

void ds_clusters_pack(const struct ds_clusters *c, struct ds_bytes *out)
{
    uint64_t last = 0;
    ds_bytes_uint(out, (uint64_t)c->bits);
    ds_bytes_uint(out, c->n);
    for (size_t i = 0; i < c->n; i++) {
        const struct ds_cluster *at = &c->at[i];
        ds_bytes_uint(out, c->bits ? at->key : at->key - last);
        last = at->key;
        ds_bytes_uint(out, at->n);
        if (at->n)
            pack_sum(at, out);
        if (at->n)
            ds_bytes_int(out, at->noise);
    }
}

int ds_clusters_unpack(struct ds_clusters *c, struct ds_bytes_in *in)
{
    uint64_t bits = ds_bytes_get_uint(in), n = ds_bytes_get_uint(in), key = 0;
    in->bad = in->bad || bits > DS_CLUSTERS_MOST_BITS || (bits && n && n != (uint64_t)1 << bits);
    c->bits = in->bad ? 0 : (int)bits;
    for (uint64_t i = 0; i < n && !in->bad; i++) {
        struct ds_cluster one = {.key = ds_bytes_get_uint(in)};
        one.n = ds_bytes_get_uint(in);
        if (one.n)
            unpack_sum(&one, in);
        if (one.n)
            one.noise = ds_bytes_get_int(in);
        if (bits) {
            in->bad = in->bad || one.key > 65 - bits || (one.key == 0) != (one.n == 0);
        } else {
            in->bad = in->bad || (i && !one.key) || one.key > UINT64_MAX - key || !one.n;
            key = one.key += key;
        }
        int rc = in->bad ? 0 : append(c, &one);
        if (rc)
            return rc;
        if (bits)
            c->tidy = c->n;
    }
    return in->bad ? 0 : ds_clusters_tidy(c);
}

void ds_clusters_free(struct ds_clusters *c)
{
    free(c->at);
    *c = (struct ds_clusters){0};
}

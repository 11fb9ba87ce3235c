#include "study/tally.h"

#include "base/grow.h"
#include <math.h>
#include <stdlib.h>

#define BINS_A_BASE 4 /* as many bins as bases are kept: a base is larger */

int ds_tally_value(double x, double noise, struct ds_tally_value *out, struct ds_error *err)
{
    out->x = x;
    out->term = ds_exact_term(x, 1);
    out->square = ds_exact_term(x, x);
    out->has_noise = isfinite(noise);
    if (ds_fixed(x, noise, &out->fixed))
        return ds_fail(err, "a value of %g is too large: give the metric in a greater unit", x);
    return 0;
}

void ds_tallies_begin(struct ds_tallies *all, uint64_t keep)
{
    *all = (struct ds_tallies){
        .keep = keep, .most_bins = 2 * keep, .most_bases = 2 * keep / BINS_A_BASE};
}

static int fail(int rc, struct ds_error *err)
{
    return rc == -2 ? ds_fail(err, "a sum is too large: give the metric in a greater unit")
                    : ds_no_memory(err);
}

/* ---- keeping within the room ---- */

/* As many random groups for every tally as there is room for. */
static int fitting_bits(const struct ds_tallies *all)
{
    int bits = DS_CLUSTERS_MOST_BITS;
    while (bits > DS_CLUSTERS_LEAST_BITS && all->n << bits > all->keep)
        bits--;
    return bits;
}

static int deal(struct ds_tallies *all, int bits, struct ds_error *err)
{
    all->bits = bits;
    for (size_t i = 0; i < all->n; i++) {
        int rc = ds_clusters_deal(&all->at[i]->bases, bits);
        if (rc)
            return fail(rc, err);
    }
    return 0;
}

struct ds_tally *ds_tallies_new(struct ds_tallies *all, struct ds_error *err)
{
    if (ds_grow(&all->at, &all->room, all->n + 1, sizeof *all->at, err))
        return NULL;
    struct ds_tally *t = ds_alloc(1, sizeof *t, err);
    if (!t)
        return NULL;
    t->values.shift = all->shift;
    t->bases.bits = all->bits;
    all->at[all->n++] = t;
    if (all->bits && fitting_bits(all) < all->bits && deal(all, fitting_bits(all), err))
        return NULL;
    return t;
}

/* Coarser histograms, as far as there are too many bins. */
static int fit_bins(struct ds_tallies *all, struct ds_error *err)
{
    uint64_t n = 0;
    for (size_t i = 0; i < all->n; i++) {
        if (ds_histogram_tidy(&all->at[i]->values))
            return ds_no_memory(err);
        n += all->at[i]->values.n;
    }
    while (n > all->keep && all->shift < DS_HISTOGRAM_MOST_SHIFT) {
        n = 0;
        all->shift++;
        for (size_t i = 0; i < all->n; i++) {
            ds_histogram_coarsen(&all->at[i]->values, all->shift);
            n += all->at[i]->values.n;
        }
    }
    all->bins = 0;
    for (size_t i = 0; i < all->n; i++) {
        ds_histogram_trim(&all->at[i]->values);
        all->bins += all->at[i]->values.room;
    }
    all->most_bins = 2 * (all->bins > all->keep ? all->bins : all->keep);
    return 0;
}

/* Random groups, where there are too many bases. */
static int fit_bases(struct ds_tallies *all, struct ds_error *err)
{
    uint64_t n = 0, keep = all->keep / BINS_A_BASE;
    for (size_t i = 0; i < all->n; i++) {
        int rc = ds_clusters_tidy(&all->at[i]->bases);
        if (rc)
            return fail(rc, err);
        n += all->at[i]->bases.n;
    }
    if (n > keep)
        return deal(all, fitting_bits(all), err);
    all->bases = 0;
    for (size_t i = 0; i < all->n; i++) {
        ds_clusters_trim(&all->at[i]->bases);
        all->bases += all->at[i]->bases.room;
    }
    all->most_bases = 2 * (all->bases > keep ? all->bases : keep);
    return 0;
}

int ds_tally_add(struct ds_tallies *all, struct ds_tally *t, uint64_t base,
                 const struct ds_tally_value *value, uint64_t times, struct ds_error *err)
{
    uint64_t bins = t->values.room, bases = t->bases.room;
    t->n += times;
    t->noisy += value->has_noise ? times : 0;
    if (ds_exact_sum_add(&t->sum, &value->term, times) ||
        ds_exact_sum_add(&t->squares, &value->square, times) ||
        ds_histogram_add(&t->values, value->x, times))
        return ds_no_memory(err);
    int rc = ds_clusters_add(&t->bases, base, &value->fixed, times);
    if (rc)
        return fail(rc, err);
    all->bins += t->values.room - bins;
    if (all->bins > all->most_bins && fit_bins(all, err))
        return -1;
    if (all->bits)
        return 0;
    all->bases += t->bases.room - bases;
    return all->bases > all->most_bases ? fit_bases(all, err) : 0;
}

int ds_tallies_finish(struct ds_tallies *all, struct ds_error *err)
{
    return fit_bins(all, err) || (!all->bits && fit_bases(all, err)) ? -1 : 0;
}

/* ---- as bytes ---- */

int ds_tally_pack(struct ds_tally *t, struct ds_bytes *out, struct ds_error *err)
{
    ds_bytes_uint(out, t->n);
    ds_bytes_uint(out, t->noisy);
    if (ds_exact_sum_pack(&t->sum, out) || ds_exact_sum_pack(&t->squares, out))
        return ds_no_memory(err);
    ds_histogram_pack(&t->values, out);
    ds_clusters_pack(&t->bases, out);
    return out->failed ? ds_no_memory(err) : 0;
}

/* Whether its parts count the same values. */
static bool is_sound(const struct ds_tally *t)
{
    uint64_t values = 0, bases = 0;
    bool over = false;
    for (size_t i = 0; i < t->values.n; i++)
        values += t->values.bin[i].n;
    for (size_t i = 0; i < t->bases.n; i++)
        over = __builtin_add_overflow(bases, t->bases.at[i].n, &bases) || over;
    return t->n && !over && t->n <= INT64_MAX && values == t->n && bases == t->n &&
           t->noisy <= t->n;
}

static void free_parts(struct ds_tally *t)
{
    ds_exact_sum_free(&t->sum);
    ds_exact_sum_free(&t->squares);
    ds_histogram_free(&t->values);
    ds_clusters_free(&t->bases);
}

/* Adds another; both come out with the coarser bins and the fewer random groups of the two. */
static int join(struct ds_tallies *all, struct ds_tally *t, struct ds_tally *more,
                struct ds_error *err)
{
    uint64_t bins = t->values.room, bases = t->bases.room;
    if (more->n > INT64_MAX - t->n)
        return ds_fail(err, "damaged: too many values");
    t->n += more->n;
    t->noisy += more->noisy;
    if (ds_exact_sum_join(&t->sum, &more->sum) || ds_exact_sum_join(&t->squares, &more->squares) ||
        ds_histogram_join(&t->values, &more->values))
        return ds_no_memory(err);
    int rc = ds_clusters_join(&t->bases, &more->bases);
    if (rc)
        return fail(rc, err);
    all->bins += t->values.room - bins;
    all->bases += t->bases.room - bases;
    return 0;
}

int ds_tally_join(struct ds_tallies *all, struct ds_tally *t, struct ds_bytes_in *in,
                  struct ds_error *err)
{
    struct ds_tally more = {.n = ds_bytes_get_uint(in)};
    more.noisy = ds_bytes_get_uint(in);
    int rc = ds_exact_sum_unpack(&more.sum, in) || ds_exact_sum_unpack(&more.squares, in) ||
             ds_histogram_unpack(&more.values, in) || ds_clusters_unpack(&more.bases, in);
    if (rc)
        ds_no_memory(err);
    else if (in->bad || !is_sound(&more))
        rc = ds_fail(err, "damaged: what it counts does not fit");
    /* a part that is coarser than this makes all tallies so: the whole could not be finer */
    for (size_t i = 0; i < all->n && rc == 0 && more.values.shift > all->shift; i++) {
        rc = ds_histogram_tidy(&all->at[i]->values) ? ds_no_memory(err) : 0;
        ds_histogram_coarsen(&all->at[i]->values, more.values.shift);
    }
    all->shift = more.values.shift > all->shift ? more.values.shift : all->shift;
    if (rc == 0 && more.bases.bits && !all->bits)
        rc = deal(all, fitting_bits(all), err);
    if (rc == 0 && more.bases.bits && more.bases.bits < all->bits)
        rc = deal(all, more.bases.bits, err);
    rc = rc ? rc : join(all, t, &more, err);
    free_parts(&more);
    if (rc == 0 && all->bins > all->most_bins)
        rc = fit_bins(all, err);
    if (rc == 0 && !all->bits && all->bases > all->most_bases)
        rc = fit_bases(all, err);
    return rc ? -1 : 0;
}

void ds_tallies_free(struct ds_tallies *all)
{
    for (size_t i = 0; i < all->n; i++) {
        free_parts(all->at[i]);
        free(all->at[i]);
    }
    free(all->at);
    *all = (struct ds_tallies){0};
}

/*
 * Choosing records as they are read: a Pareto front, or the best of one metric. Held are the
 * records that no other record so far beats, and new ones that have not been compared yet.
 */
#ifndef DS_SEARCH_SELECTION_H
#define DS_SEARCH_SELECTION_H

#include "stream/held.h"

struct ds_selection {
    struct ds_held held;
    int m;      /* objectives */
    size_t top; /* how many of the best; 0: the front */
    double *x;  /* [held.n][m], less being better */
    size_t room;
    size_t next_cull; /* when there are so many, those that are beaten are dropped */
    double *champion; /* [nchampions][m]: what a new record is compared with first */
    size_t nchampions;
    double limit; /* `top`: what is worse cannot be among the best */
};

/* For m objectives; `top` best of one, with all that tie with the last of them, or 0: the front. */
void ds_selection_init(struct ds_selection *s, int m, size_t top);

/* Adds the record that the reader just gave, with its objectives x[m]. */
int ds_selection_add(struct ds_selection *s, const struct ds_reader *in,
                     const struct ds_record *rec, const double *x, struct ds_error *err);

/* Leaves what is chosen. */
int ds_selection_cull(struct ds_selection *s, struct ds_error *err);

void ds_selection_free(struct ds_selection *s);

#endif

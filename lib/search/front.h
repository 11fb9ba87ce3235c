/*
 * The fronts that searches found, to be compared. Searches that carry one label are repetitions of
 * the same search under several seeds.
 */
#ifndef DS_SEARCH_FRONT_H
#define DS_SEARCH_FRONT_H

#include "measure/relative.h"
#include "search/objective.h"
#include "stream/stream.h"

/* What one search found. */
struct ds_front {
    int label;
    size_t n, room;
    double *x; /* [n][objectives], less being better, in lexicographic order */
};

/* Zero-initialise. */
struct ds_fronts {
    int n, nlabels;
    struct ds_front *at;
    char **label; /* in the order of their first front */
    int *count;   /* [nlabels]: fronts of a label */
    size_t room, label_room, count_room;
    struct ds_relative *relative; /* the scale of latencies; NULL: as they are */
};

/*
 * Reads a search's records and keeps their front, under a label of `length` bytes. *failed gets
 * how many records were passed over, as an objective could not be measured. Returns 1 where no
 * record is left, -1 on an unreadable stream or a missing metric.
 */
int ds_fronts_add(struct ds_fronts *fronts, const struct ds_objectives *o, const char *label,
                  size_t length, struct ds_reader *in, uint64_t *failed, struct ds_error *err);

/*
 * The best (least) value of objective `want` among the points of a front whose objective `axis`
 * is at most `limit`; infinity where there is none.
 */
double ds_front_best(const struct ds_front *front, const struct ds_objectives *o, int want,
                     int axis, double limit);

void ds_fronts_free(struct ds_fronts *fronts);

#endif

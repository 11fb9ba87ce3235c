/* Metrics that a choice is made by: which way is better (--better, --worse), limits, tolerance. */
#ifndef DS_OBJECTIVE_H
#define DS_OBJECTIVE_H

#include "output.h"

#define MOST_OBJECTIVES 16

struct objective {
    const char *name;
    bool more; /* more of it is better */
    double by; /* what stood behind '=', else 0 */
};

/* What "METRIC=V" says. */
struct bound {
    const char *name;
    double value;
    bool is_max;
};

struct objectives {
    int n;
    struct objective at[MOST_OBJECTIVES];
    int nbounds;
    struct bound *bound;
};

/*
 * Takes METRIC or, where `with_value`, METRIC=V from --better and --worse. Dies when there are
 * none, or one twice.
 */
void objectives_parse(struct objectives *o, const struct cli_list *better,
                      const struct cli_list *worse, bool with_value);

/* Takes METRIC=V from --max and --min. */
void objectives_bounds(struct objectives *o, const struct cli_list *max,
                       const struct cli_list *min);

/* "METRIC=V,METRIC=V": a value for every objective, turned as by objectives_read. */
void objectives_point(const struct objectives *o, const char *option, const char *text, double *x);

/*
 * Reads the objectives of a record into x[o->n], turned so that less is better: 1; 0 where the
 * record says that one could not be measured; -1 where one is missing or no number.
 */
int objectives_read(const struct objectives *o, const struct ds_record *rec, double *x,
                    struct ds_error *err);

/*
 * By how much a record is outside the bounds, as the sum of the shares of each bound (0: it keeps
 * them), into *excess. Returns as objectives_read.
 */
int objectives_excess(const struct objectives *o, const struct ds_record *rec, double *excess,
                      struct ds_error *err);

void objectives_free(struct objectives *o);

#endif

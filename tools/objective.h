/* The options by which records are chosen: --better, --worse, --max, --min. */
#ifndef DS_OBJECTIVE_H
#define DS_OBJECTIVE_H

#include "output.h"
#include "search/objective.h"

/*
 * Takes METRIC or, where `with_value`, METRIC=V from --better and --worse. Dies when there are
 * none, or one twice.
 */
void objectives_parse(struct ds_objectives *o, const struct cli_list *better,
                      const struct cli_list *worse, bool with_value);

/* Takes METRIC=V from --max and --min. */
void objectives_bounds(struct ds_objectives *o, const struct cli_list *max,
                       const struct cli_list *min);

/* "METRIC=V,METRIC=V": a value for every objective, turned as by ds_objectives_read. */
void objectives_point(const struct ds_objectives *o, const char *option, const char *text,
                      double *x);

#endif

/* Operands LABEL=FILE: the fronts of searches that are compared. */
#ifndef DS_FRONTS_H
#define DS_FRONTS_H

#include "objective.h"
#include "search/front.h"

/*
 * Reads the fronts of the files; a file without label is its own. Dies on unreadable files,
 * missing metrics, and files without records. No operands: standard input, labelled "-".
 */
void fronts_read(struct ds_fronts *fronts, const struct ds_objectives *o, char *const *operands,
                 int n);

#endif

/* Pruning a design space: dropping choices, and the JSON of the space that is left. */
#ifndef DS_SPACE_PRUNE_H
#define DS_SPACE_PRUNE_H

#include "space/rule.h"
#include "space/space.h"

/* A space and which of its choices stay. */
struct ds_pruning;

/* All choices stay. `space` must outlive it. NULL when out of memory. */
struct ds_pruning *ds_pruning_new(const struct ds_space *space, struct ds_error *err);
void ds_pruning_free(struct ds_pruning *p);

bool ds_pruning_has(const struct ds_pruning *p, int site, int choice);
void ds_pruning_drop(struct ds_pruning *p, int site, int choice);

/*
 * Drops the choices for which the rule is true or, with `keep`, those for which it is false.
 * Choices to which it does not apply stay. Returns how many choices of the whole space meet the
 * condition, whether they were dropped before or not.
 */
int ds_pruning_rule(struct ds_pruning *p, const struct ds_rule *rule, bool keep);

/* Sets how likely a search is to mutate a unit: 0 to 1. */
void ds_pruning_weight(struct ds_pruning *p, int unit, double weight);

/* Adds a sentence to the reasons that the space will hold. -1 where it is not UTF-8. */
int ds_pruning_reason(struct ds_pruning *p, const char *sentence, struct ds_error *err);

/* Adds the reasons of another space that ours does not hold itself. -1 when out of memory. */
int ds_pruning_reasons_of(struct ds_pruning *p, const struct ds_space *other, struct ds_error *err);

/* The i-th of them, or NULL past the last. */
const char *ds_pruning_reason_at(const struct ds_pruning *p, int i);

/*
 * The JSON of the space that is left, under this name, to be freed. NULL when a site that an
 * architecture needs has nothing left: `err` names it.
 */
char *ds_pruning_json(const struct ds_pruning *p, const char *name, struct ds_error *err);

#endif

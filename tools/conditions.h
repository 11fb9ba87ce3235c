/* Whether the values of a metric that a tool puts together were measured alike. */
#ifndef DS_CONDITIONS_H
#define DS_CONDITIONS_H

#include "study/conditions.h"

/* Of one metric. Zero-initialise. */
struct conditions {
    struct ds_value_conditions values;
    struct ds_mixture mixture;
};

/* Adds a record's value; one that has none says nothing. */
void conditions_add(struct conditions *c, const struct ds_record *rec, const char *metric);

/*
 * When all are added: dies where they are of several devices, engines, profiles or the like, and
 * warns where only settings differ. `verb`: what to do with them apart, as "fit".
 */
void conditions_end(struct conditions *c, const char *metric, const char *verb);

/* The same, of a sentence about what is mixed; NULL: nothing is. */
void conditions_mixed(const char *mixed, bool of_devices, const char *verb);

/* "device X, engine Y, threads 1": what all values share. */
const char *conditions_text(const struct conditions *c, char *out, size_t size);

void conditions_free(struct conditions *c);

#endif

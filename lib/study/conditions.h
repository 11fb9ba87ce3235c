/*
 * The conditions that the values of a metric were measured under ("engine", "threads", ...), and
 * whether they differ.
 */
#ifndef DS_STUDY_CONDITIONS_H
#define DS_STUDY_CONDITIONS_H

#include "base/bytes.h"
#include "stream/record.h"

#define DS_MOST_CONDITIONS 16 /* further ones are not compared */

/* Of one metric. Zero-initialise. */
struct ds_value_conditions {
    struct ds_value_condition {
        char *key, *text; /* as the first value has it */
        bool is_count;
        int64_t count;
        size_t times; /* values measured under it */
    } condition[DS_MOST_CONDITIONS];
    int n;
    size_t times; /* values in all */
};

/* Values that should not be mixed. Zero-initialise. */
struct ds_mixture {
    char text[640];  /* a sentence about them; "": there are none */
    bool of_devices; /* of different devices, engines and the like; else of different settings */
};

/* Adds a value of `metric` by the metric's details; a difference becomes the mixture. */
int ds_value_conditions_add(struct ds_value_conditions *v, const char *metric,
                            msgpack_object_map detail, struct ds_mixture *mixture);

/* When all are added: a condition that only some values name becomes the mixture, too. */
void ds_value_conditions_compare(const struct ds_value_conditions *v, const char *metric,
                                 struct ds_mixture *mixture);

/* Adds the conditions that all values share to a metric of a record. -1 when out of memory. */
int ds_value_conditions_describe(const struct ds_value_conditions *v, struct ds_record *rec,
                                 struct ds_metric *metric);

/*
 * As bytes, and adding such of other values; a difference becomes the mixture. -1 when out of
 * memory; what is damaged is told by `in`.
 */
void ds_value_conditions_pack(const struct ds_value_conditions *v, struct ds_bytes *out);
int ds_value_conditions_join(struct ds_value_conditions *v, const char *metric,
                             struct ds_bytes_in *in, struct ds_mixture *mixture);

void ds_value_conditions_free(struct ds_value_conditions *v);

#endif

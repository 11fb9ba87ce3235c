/*
 * What groups of an aggregation are made by: "unit,block". Internal to the room.
 */
#ifndef DS_STUDY_GROUP_KEYS_H
#define DS_STUDY_GROUP_KEYS_H

#include "stream/record.h"

#define DS_MOST_GROUP_KEYS 8

struct ds_group_keys {
    int key[DS_MOST_GROUP_KEYS];
    int n;
};

/* Reads "unit,block". -1 and the offending key in `err`. */
int ds_group_keys_parse(struct ds_group_keys *keys, const char *text, struct ds_error *err);

/*
 * The values of the keys for a choice at a site of a record's architecture; false where it lacks
 * one. Only the resolution depends on the architecture.
 */
bool ds_group_keys_values(const struct ds_group_keys *keys, const struct ds_record *rec, int site,
                          int choice, double *value);

/* Whether they describe choices at sites of this kind: each record must be counted once only. */
bool ds_group_keys_occur(const struct ds_group_keys *keys, enum ds_site_kind kind);

/*
 * Whether they are about what was affixed in the record. By resolution alone, only an affixed
 * resolution is meant: the architecture's own tells the effects of other things apart (--by
 * block,resolution), and has none itself.
 */
bool ds_group_keys_affixed(const struct ds_group_keys *keys, const struct ds_record *rec);

int ds_group_keys_compare(const struct ds_group_keys *keys, const double *x, const double *y);
unsigned ds_group_keys_hash(const struct ds_group_keys *keys, const double *value);

/* Whether values, as read from elsewhere, are ones that this space has. */
bool ds_group_keys_fit(const struct ds_group_keys *keys, const struct ds_space *space,
                       const double *value);

/* Writes them to a record of a group. */
int ds_group_keys_write(const struct ds_group_keys *keys, const double *value,
                        struct ds_record *rec, struct ds_error *err);

#endif

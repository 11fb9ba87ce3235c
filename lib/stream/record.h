/*
 * A record: one architecture (or one group of an aggregation) with its metrics. As msgpack it is a
 * map, described in schemas/stream.md:
 *
 *   "id"      uint     of the architecture (ds_arch_id)
 *   "arch"    bin      a choice index for every site, 0xFF where inactive
 *   "base"    uint     id of the architecture that something was affixed to
 *   "affix"   [site, choice]
 *   "parent"  uint     id of the architecture that ds-mutate made this one of, and, crossed, "mate"
 *   "group"   map      aggregations only, in place of the above: "unit": 0, "block": "..."
 *   "metrics" map      name -> number, or -> map with "value" and its spread
 *   "errors"  map      name of a metric -> why it could not be measured
 *
 * Keys this library does not know are kept and written again.
 */
#ifndef DS_STREAM_RECORD_H
#define DS_STREAM_RECORD_H

#include "space/arch.h"
#include <msgpack.h>

struct ds_metric {
    msgpack_object_str name;
    double value;
    msgpack_object_map detail; /* the metric's whole map; size 0 for a bare number */
};

struct ds_record {
    const struct ds_space *space;
    bool has_arch;
    uint64_t id;
    uint8_t choice[DS_MAX_SITES]; /* canonical; [space->nsites] */
    bool has_base;
    uint64_t base;
    int affix_site; /* -1: nothing affixed */
    int affix_choice;
    msgpack_object_map group; /* size 0: not a group */
    int nmetrics;
    struct ds_metric *metric;
    msgpack_object_map extra; /* unknown keys */
    msgpack_zone *zone;       /* owns all the above; cleared by the next parse */
    size_t metric_room;
};

/* Prepares an empty record. Returns -1 when out of memory. */
int ds_record_init(struct ds_record *rec, struct ds_error *err);
void ds_record_free(struct ds_record *rec);

/* Makes it a fresh record of this architecture: canonical choices in, id computed, no metrics. */
int ds_record_arch(struct ds_record *rec, const struct ds_space *space, const uint8_t *choice,
                   struct ds_error *err);

/*
 * Makes it a fresh group record: no architecture, no metrics. Its keys are then added, in order, by
 * ds_record_group_num and ds_record_group_str.
 */
void ds_record_group(struct ds_record *rec, const struct ds_space *space);
int ds_record_group_num(struct ds_record *rec, const char *key, double value, struct ds_error *err);
int ds_record_group_str(struct ds_record *rec, const char *key, const char *value,
                        struct ds_error *err);

/*
 * Parses the record at data[0..size). Strings of the record point into `data`, which must
 * outlive it. Gives its length in *used. Hostile input (lengths beyond the data, deep nesting) is
 * refused before anything is allocated.
 */
int ds_record_parse(struct ds_record *rec, const struct ds_space *space, const void *data,
                    size_t size, size_t *used, struct ds_error *err);

/* Appends the record as msgpack. */
int ds_record_pack(const struct ds_record *rec, msgpack_sbuffer *out, struct ds_error *err);

/* 0 where it has an architecture; else -1 and a message. */
int ds_record_need_arch(const struct ds_record *rec, struct ds_error *err);

/* Whether a metric is part of another, as "latency.cpu.stem0" of "latency.cpu". */
bool ds_metric_is_part(msgpack_object_str name, const char *metric, size_t n);

/*
 * Makes room for a metric that is to be measured: 0 where there is none yet, or only why it could
 * not be measured. Where there is one, it is to be replaced, and what it was made up of
 * ("latency.cpu.stem0") goes, as it is of the old one; or -1 and a message that tells of --replace.
 */
int ds_record_claim(struct ds_record *rec, const char *metric, bool replace, struct ds_error *err);

/* The metric so named, or NULL. */
struct ds_metric *ds_record_metric(const struct ds_record *rec, const char *name);

/*
 * Sets a metric to a bare number, replacing one of that name, or the error in its place; gives the
 * metric, for details to be added. The pointer is good until the next ds_record_set. `name` must
 * outlive the record. NULL when out of memory.
 */
struct ds_metric *ds_record_set(struct ds_record *rec, const char *name, double value);

/*
 * Says why a metric could not be measured, in its place. `name` must outlive the record; the
 * sentence is copied. -1 when out of memory.
 */
int ds_record_set_error(struct ds_record *rec, const char *name, const char *why);

/* Whether any metric could not be measured. */
bool ds_record_has_errors(const struct ds_record *rec);

/*
 * Reads the value of a metric that is needed: 1; 0 where the record says that it could not be
 * measured; -1 where it is not there, or not a finite number.
 */
int ds_record_value(const struct ds_record *rec, const char *name, double *value,
                    struct ds_error *err);

/* Whether this entry of a record's `extra` is the id of an architecture ("parent", "mate"). */
bool ds_record_is_id(const msgpack_object_kv *kv);

/*
 * Adds a detail to a metric ("lo", "engine"); replaces one of that key. Values are copied, keys
 * are not. Return -1 when out of memory.
 */
int ds_metric_num(struct ds_record *rec, struct ds_metric *m, const char *key, double value);
int ds_metric_int(struct ds_record *rec, struct ds_metric *m, const char *key, int64_t value);
int ds_metric_str(struct ds_record *rec, struct ds_metric *m, const char *key, const char *value);
int ds_metric_bool(struct ds_record *rec, struct ds_metric *m, const char *key, bool value);

/* Looks up a key of a map; NULL when it is not there. */
const msgpack_object *ds_map_get(msgpack_object_map map, const char *key);

/* A number of any msgpack type as a double; -1 when it is none. */
int ds_object_number(const msgpack_object *object, double *value);

#endif

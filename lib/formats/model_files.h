/* Architectures as model files: each once, into a directory, or a single one. */
#ifndef DS_FORMATS_MODEL_FILES_H
#define DS_FORMATS_MODEL_FILES_H

#include "formats/model.h"
#include "stream/record.h"
#include <limits.h>

struct ds_model_files;

/*
 * For files ID.FORMAT in `dir`, which is made where there is none; NULL: for a single model, kept
 * in memory. Arguments must outlive it. NULL and why.
 */
struct ds_model_files *ds_model_files_open(const char *dir, const struct ds_model_format *format,
                                           const struct ds_model_options *options,
                                           struct ds_error *err);

/* Whether there is a model of this architecture already, so that its network need not be built. */
bool ds_model_files_has(const struct ds_model_files *files, const struct ds_record *rec);

/*
 * Adds the network of a record's architecture. Returns 1 when it wrote a file, whose name is in
 * `path`; 0 when the model is kept in memory, or another space of the stream had the same network
 * under this id; -1 on failure, as on a second architecture without a directory, or where another
 * space had another network under this id.
 */
int ds_model_files_add(struct ds_model_files *files, const struct ds_record *rec,
                       const struct ds_net *net, char path[PATH_MAX], struct ds_error *err);

/* Without a directory: the one model and its size; NULL: none was added. */
const uint8_t *ds_model_files_only(const struct ds_model_files *files, size_t *size);

void ds_model_files_free(struct ds_model_files *files);

#endif

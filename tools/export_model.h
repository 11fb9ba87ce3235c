/* Architectures as models: one to the output, or each into a directory. */
#ifndef DS_EXPORT_MODEL_H
#define DS_EXPORT_MODEL_H

#include "formats/model.h"
#include "output.h"
#include "subnets.h"

struct model_files;

/*
 * `dir` (made where there is none) gets a file ID.FORMAT for every architecture, whose path is
 * printed on `out`; where it is NULL, a single architecture goes to `out` itself. The weights are
 * those of `subnets`; NULL: seeded ones. `int8`: networks in int8. Dies on failure.
 */
struct model_files *model_files_begin(FILE *out, const char *dir,
                                      const struct ds_model_format *format,
                                      const struct ds_model_options *options, bool int8,
                                      struct subnets *subnets);
void model_files_put(struct model_files *files, const struct ds_record *rec, const char *where);
void model_files_end(struct model_files *files);

#endif

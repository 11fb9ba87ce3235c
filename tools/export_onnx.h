/* Architectures as ONNX files: one to the output, or each into a directory. */
#ifndef DS_EXPORT_ONNX_H
#define DS_EXPORT_ONNX_H

#include "formats/onnx.h"
#include "output.h"

struct onnx_files;

/*
 * `dir` (made where there is none) gets a file ID.onnx for every architecture, whose path is
 * printed on `out`; where it is NULL, a single architecture goes to `out` itself. Dies on failure.
 */
struct onnx_files *onnx_files_begin(FILE *out, const char *dir,
                                    const struct ds_onnx_options *options);
void onnx_files_put(struct onnx_files *files, const struct ds_record *rec, const char *where);
void onnx_files_end(struct onnx_files *files);

#endif

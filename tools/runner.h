/*
 * Measuring by another program, option --exec: the bridge to devices and to accuracies that dstools
 * does not know. The program is told the architecture and gets the network as a file; it is
 * run for every one, or started once and asked line by line.
 */
#ifndef DS_RUNNER_H
#define DS_RUNNER_H

#include "formats/onnx.h"
#include "measure/answer.h"
#include "output.h"

struct runner_options {
    const char *program; /* NULL: no --exec */
    struct cli_list args;
    double timeout; /* seconds */
    uint64_t retries;
    bool serve;         /* started once */
    const char *format; /* of models: one of DS_MODEL_FORMS, or "none"; NULL: onnx */
    const char *cache;  /* directory of answers; NULL: none */
    bool drop_failed;
    uint64_t batch, opset;
    const char *pin; /* processors the tool was bound to; NULL: none */
};

#define RUNNER_DEFAULTS ((struct runner_options){.timeout = 600, .batch = 1, .opset = 11})

/* The options of every tool that has --exec; --batch is the tool's. */
/* clang-format off */
#define RUNNER_OPTIONS(r) \
    {"exec", 0, CLI_TEXT, &(r).program, "PROGRAM", \
     "by a program, run for every architecture with its model", 0}, \
    {"serve", 0, CLI_FLAG, &(r).serve, NULL, \
     "--exec: start it once, and ask it in lines of JSON", 0}, \
    {"format", 0, CLI_TEXT, &(r).format, "FORMAT", \
     "--exec: of models: onnx (default), tflite, onnx-int8 ...; none: it is told the architecture", \
     0}, \
    {"arg", 0, CLI_LIST, &(r).args, "ARG", "--exec: an argument of it; may be given again", 0}, \
    {"timeout", 0, CLI_NUMBER, &(r).timeout, "S", "--exec: seconds that it may take (600)", \
     0.001, 1e6}, \
    {"retries", 0, CLI_COUNT, &(r).retries, "N", \
     "--exec: after a failure, try N more times (0)", 0, 1000}, \
    {"cache", 0, CLI_TEXT, &(r).cache, "DIR", "keep answers in DIR, and use them", 0}, \
    {"drop-failed", 0, CLI_FLAG, &(r).drop_failed, NULL, \
     "--exec: leave out records that could not be measured", 0}, \
    {"opset", 0, CLI_COUNT, &(r).opset, "N", "--exec: of the ONNX file: 11 (default), 12, 13", \
     DS_ONNX_OPSET, DS_ONNX_OPSET_MOST}
/* clang-format on */

/* Dies of options of --exec without it. */
void runner_check(const struct runner_options *options);

/*
 * Measures the stream of the operands and writes it to the output. An architecture that fails
 * keeps the reason in place of the metric and the others go on. Returns the exit status.
 */
int runner_run(struct cli *cli, const struct runner_options *options,
               const struct ds_question *question);

#endif

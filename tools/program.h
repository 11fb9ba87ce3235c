/*
 * A program that measures, run for every architecture or, serving, asked line by line: what it is
 * told, and how often. See dstools-exec(7).
 */
#ifndef DS_PROGRAM_H
#define DS_PROGRAM_H

#include "cli.h"
#include "formats/model.h"
#include "measure/answer.h"

#define PROGRAM_INPUT "input" /* what models call theirs */

struct program_options {
    const char *path;
    const struct cli_list *args;
    double timeout;                       /* seconds for an answer */
    uint64_t retries;                     /* after failures */
    bool serve;                           /* started once */
    int batch;                            /* of the shape it is told */
    const struct ds_model_format *format; /* of its models; NULL: it gets none */
};

struct program;

/* Checks that it can be run, and dies otherwise. The question must stay. */
struct program *program_open(const struct program_options *o, const struct ds_question *question);
void program_close(struct program *p);

/* The command line, for people: quoted as a shell would want it. */
const char *program_command(const struct program *p);

/*
 * Asks about an architecture, whose model of `size` bytes it gets as a file (NULL: none), again
 * after failures. The answer, to be freed; NULL and the reason of the last failure.
 */
char *program_ask(struct program *p, const struct ds_record *rec, const uint8_t *model, size_t size,
                  struct ds_error *err);

#endif

/* Accuracy measured: subnets of a supernet, evaluated on labelled images. */
#ifndef DS_EVALUATE_H
#define DS_EVALUATE_H

#include "subnets.h"

struct evaluate_options {
    struct subnet_options subnets;
    const char *images; /* to evaluate on */
    uint64_t take;      /* so many of them; 0: all */
    const char *engine; /* NULL: the default */
    const char *dtype;  /* NULL: f32 */
    uint64_t threads;
    const char *cache; /* directory of outcomes; NULL: none */
};

#define EVALUATE_DEFAULTS ((struct evaluate_options){.subnets = SUBNET_DEFAULTS, .threads = 1})

/* clang-format off */
#define EVALUATE_OPTIONS(o) \
    SUBNET_OPTIONS((o).subnets), \
    {"images", 0, CLI_TEXT, &(o).images, "DIR", \
     "--supernet: evaluate on these: a folder a class, a list, IDX or CIFAR file", 0}, \
    {"take", 0, CLI_COUNT, &(o).take, "N", "--images: N of them, of every class its share", 1, \
     CLI_MOST_RECORDS}, \
    {"engine", 'e', CLI_TEXT, &(o).engine, "NAME", \
     "--supernet: onednn (default) or xnnpack", 0}, \
    DTYPE_OPTION((o).dtype), \
    {"threads", 't', CLI_COUNT, &(o).threads, "N", "--supernet: threads of the engine (1)", 1, 1024}
/* clang-format on */

/* Dies of options of --supernet without it. */
void evaluate_check(const struct evaluate_options *options);

/*
 * Adds top1, top5 and loss to the stream of the operands and writes it to the output; returns the
 * exit status.
 */
int evaluate_run(struct cli *cli, const struct evaluate_options *options);

#endif

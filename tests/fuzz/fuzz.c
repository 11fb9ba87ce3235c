/* libFuzzer on one of the targets, by the variable TARGET: see run. */
#include "targets.h"

static const struct target *target;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    const char *name = getenv("TARGET");
    (void)argc;
    (void)argv;
    for (int i = 0; i < NTARGETS && name; i++)
        if (strcmp(targets[i].name, name) == 0)
            target = &targets[i];
    if (!target)
        exit(2);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    target->run(data, size);
    return 0;
}

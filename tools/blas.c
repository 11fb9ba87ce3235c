#include "blas.h"

#include "base/grow.h"
#include "base/openblas.h"

#include <cblas.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* What this processor is to OpenBLAS, in the words of OPENBLAS_CORETYPE; NULL: it knows best. */
static const char *core_type(void)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        return "SkylakeX";
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return "Haswell";
#endif
    return NULL;
}

/* Starts this program anew with the arguments that it was started with. */
static void start_anew(void)
{
    static char text[1 << 20];
    char **argv = NULL;
    size_t n = 0, size;
    FILE *f = fopen("/proc/self/cmdline", "r");
    if (!f)
        return;
    size = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    if (size == 0 || size == sizeof text - 1 || !(argv = ds_alloc(size + 1, sizeof *argv, NULL)))
        return;
    for (char *at = text; at < text + size; at += strlen(at) + 1)
        argv[n++] = at;
    execv("/proc/self/exe", argv);
    free(argv);
}

/*
 * OpenBLAS takes a processor that is younger than itself for the oldest that it knows, and then
 * multiplies matrices at a third of the speed or less. It can be told otherwise only by a variable
 * that it reads as it is loaded.
 */
void blas_begin(void)
{
    const char *type = core_type();
    openblas_set_num_threads(1);
    if (!type || getenv("OPENBLAS_CORETYPE") || strcasecmp(openblas_get_corename(), "prescott"))
        return;
    if (setenv("OPENBLAS_CORETYPE", type, 1) == 0) /* which is also how it ends */
        start_anew();
}

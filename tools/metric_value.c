#include "metric_value.h"

#include "base/grow.h"
#include "cli.h"
#include "memory.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

char *cli_metric_value(const char *option, const char *text, size_t length, double *value)
{
    const char *equals = memchr(text, '=', length);
    if (!equals || equals == text)
        cli_die(CLI_USAGE, "%s: '%.*s' is not METRIC=V", option, (int)length, text);
    char *name = ds_copy_text(text, (size_t)(equals - text), NULL);
    char *number = ds_copy_text(equals + 1, length - (size_t)(equals + 1 - text), NULL);
    if (!name || !number)
        cli_no_memory();
    *value = cli_number(option, number, -INFINITY, INFINITY);
    free(number);
    return name;
}

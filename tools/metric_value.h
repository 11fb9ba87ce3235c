/* Arguments METRIC=V of options. */
#ifndef DS_METRIC_VALUE_H
#define DS_METRIC_VALUE_H

#include <stddef.h>

/* Splits `length` bytes at the '='; the name is to be freed. Dies of what is not METRIC=V. */
char *cli_metric_value(const char *option, const char *text, size_t length, double *value);

#endif

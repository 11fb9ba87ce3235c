/* Listing device profiles. */
#ifndef DS_PROFILE_LIST_H
#define DS_PROFILE_LIST_H

#include <stddef.h>
#include <stdio.h>

/*
 * A line for each profile: space, metric, error and rank correlation where it states them, device.
 * Dies where one cannot be read.
 */
void list_profiles(FILE *out, char *const *names, size_t n);

/* All that people are told of one. */
void describe_profile(FILE *out, const char *name);

#endif

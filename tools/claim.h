/* A metric that is there already is not measured again unasked. */
#ifndef DS_CLAIM_H
#define DS_CLAIM_H

#include "stream/filter.h"
#include <stdbool.h>

extern bool claim_replaces; /* --replace */

#define REPLACE_OPTION                                                                             \
    {                                                                                              \
        "replace", 0, CLI_FLAG, &claim_replaces, NULL,                                             \
            "measure also what has the metric already, and replace it", 0                          \
    }

/* Dies, after what came before is passed on, where the record has the metric and keeps it. */
void claim_metric(const struct ds_filter *f, struct ds_record *rec, const char *metric);

#endif

/* The option --relative: latencies of several sessions on one scale (measure/relative.h). */
#ifndef DS_TOOL_RELATIVE_H
#define DS_TOOL_RELATIVE_H

#include "measure/relative.h"
#include "stream/stream.h"
#include <stdbool.h>

extern bool relative_wanted;

#define RELATIVE_OPTION                                                                            \
    {                                                                                              \
        "relative", 0, CLI_FLAG, &relative_wanted, NULL,                                           \
            "bring latencies of several sessions to the scale of the first, by their ref", 0       \
    }

/* The one scale of all that the tool reads; NULL where it is not asked for. */
struct ds_relative *relative_scale(void);

/* Where it is asked for, scales a record that was just read; dies where it cannot be. */
void relative_apply(struct ds_record *rec, const struct ds_reader *in);

#endif

#include "relative.h"

#include "message.h"

bool relative_wanted;

struct ds_relative *relative_scale(void)
{
    static struct ds_relative relative;
    return relative_wanted ? &relative : NULL;
}

void relative_apply(struct ds_record *rec, const struct ds_reader *in)
{
    struct ds_error err;
    if (relative_wanted && ds_relative_apply(relative_scale(), rec, &err))
        cli_die(CLI_FAILED, "%s: --relative: %s", ds_reader_where(in), err.text);
}

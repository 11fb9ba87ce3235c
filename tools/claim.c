#include "claim.h"

#include "output.h"

bool claim_replaces;

void claim_metric(const struct ds_filter *f, const struct ds_record *rec, const char *metric)
{
    struct ds_error err;
    if (claim_replaces || ds_record_need_new(rec, metric, &err) == 0)
        return;
    ds_fail_in(&err, "%s", ds_reader_where(f->in));
    cli_fail(f->out, &err);
}

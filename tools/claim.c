#include "claim.h"

#include "output.h"

bool claim_replaces;

void claim_metric(const struct ds_filter *f, struct ds_record *rec, const char *metric)
{
    struct ds_error err;
    if (ds_record_claim(rec, metric, claim_replaces, &err) == 0)
        return;
    ds_fail_in(&err, "%s", ds_reader_where(f->in));
    cli_fail(f->out, &err);
}

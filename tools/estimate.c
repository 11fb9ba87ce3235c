#include "estimate.h"

#include "profile.h"
#include "progress.h"

#include <string.h>

static void add_value(struct ds_filter *f, struct ds_record *rec, struct ds_profile *p)
{
    struct ds_error err;
    double value;
    if (!rec->has_arch)
        cli_die(CLI_FAILED, "%s: no architecture; is this an aggregated stream?",
                ds_reader_where(f->in));
    if (ds_profile_value(p, rec->choice, &value, &err)) {
        ds_fail_in(&err, "%s", ds_reader_where(f->in));
        cli_fail(f->out, &err);
    }
    if (!ds_record_set(rec, p->metric, value))
        cli_die(CLI_FAILED, "out of memory");
    if (ds_writer_put(f->out, rec, &err))
        cli_fail(f->out, &err);
}

int estimate_by_profile(struct cli *cli, const char *name, const char *class)
{
    struct ds_filter f;
    struct ds_record *rec;
    struct ds_error err;
    struct progress progress;
    const struct ds_space *space = NULL;
    int rc;

    struct ds_profile *p = ds_profile_load(name, &err);
    if (!p)
        cli_die(CLI_FAILED, "--profile: %s", err.text);
    if (strcmp(p->class, class))
        cli_die(CLI_FAILED, "--profile: %s is a profile of class %s (%s), not %s", p->name,
                p->class, p->metric, class);
    cli_filter(cli, &f);
    f.per_record = 1;
    progress_begin(&progress, cli->progress, 0);
    while ((rc = ds_filter_next(&f, &rec, &err)) > 0) {
        if (rec->space != space) {
            space = rec->space;
            if (ds_profile_bind(p, space, &err))
                cli_fail(f.out, &err);
        }
        add_value(&f, rec, p);
        progress.total = ds_reader_total(f.in);
        progress_add(&progress, 1);
    }
    progress_end(&progress);
    ds_profile_free(p);
    if (rc < 0)
        cli_fail(f.out, &err);
    return cli_filter_close(&f);
}

#include "estimate.h"

#include "claim.h"
#include "memory.h"

#include "base/metric.h"
#include "npu/model.h"
#include "profile/profile.h"
#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* What computes a metric; `context` is the first argument of its functions. */
struct estimator {
    const char *metric;
    void *context;
    int (*bind)(void *context, const struct ds_space *space, struct ds_error *err);
    int (*value)(void *context, const uint8_t *choice, double *value, struct ds_error *err);
    int (*describe)(void *context, struct ds_record *rec, struct ds_metric *metric); /* or NULL */
};

const char *latency_as(const char *metric, const char *as)
{
    if (as && !ds_metric_is_latency(as))
        cli_die(CLI_USAGE, "--as: '%s' is not latency.NAME", as);
    /* other options take lists of names, with what belongs to them: METRIC=V,METRIC:lo */
    if (as && strpbrk(as, " ,:="))
        cli_die(CLI_USAGE, "--as: '%s' has a blank, comma, colon or '=' in it", as);
    return as ? as : metric;
}

static void add_value(struct ds_filter *f, struct ds_record *rec, const struct estimator *e)
{
    struct ds_error err;
    double value;
    cli_need_arch(rec, ds_reader_where(f->in));
    claim_metric(f, rec, e->metric);
    if (e->value(e->context, rec->choice, &value, &err)) {
        ds_fail_in(&err, "%s", ds_reader_where(f->in));
        cli_fail(f->out, &err);
    }
    struct ds_metric *metric = ds_record_set(rec, e->metric, value);
    if (!metric || (e->describe && e->describe(e->context, rec, metric)))
        cli_no_memory();
    if (ds_writer_put(f->out, rec, &err))
        cli_fail(f->out, &err);
}

static int estimate(struct cli *cli, const struct estimator *e)
{
    struct ds_filter f;
    struct ds_record *rec;
    struct ds_error err;
    struct progress progress;
    const struct ds_space *space = NULL;
    int rc;

    cli_filter(cli, &f);
    f.per_record = 1;
    progress_begin(&progress, cli->progress, 0);
    while ((rc = ds_filter_next(&f, &rec, &err)) > 0) {
        if (rec->space != space) {
            space = rec->space;
            if (e->bind(e->context, space, &err))
                cli_fail(f.out, &err);
        }
        add_value(&f, rec, e);
        progress.total = ds_reader_total(f.in);
        progress_add(&progress, 1);
    }
    progress_end(&progress);
    if (rc < 0)
        cli_fail(f.out, &err);
    return cli_filter_close(&f);
}

/* ---- by a device profile ---- */

struct by_profile {
    struct ds_profile *profile;
    char hash[17];
};

static int bind_profile(void *context, const struct ds_space *space, struct ds_error *err)
{
    return ds_profile_bind(((struct by_profile *)context)->profile, space, err);
}

static int profile_value(void *context, const uint8_t *choice, double *value, struct ds_error *err)
{
    return ds_profile_value(((struct by_profile *)context)->profile, choice, value, err);
}

static int describe_profile(void *context, struct ds_record *rec, struct ds_metric *metric)
{
    const struct by_profile *p = context;
    return ds_metric_str(rec, metric, "profile", p->profile->name) ||
                   ds_metric_str(rec, metric, "profile_hash", p->hash)
               ? -1
               : 0;
}

int estimate_by_profile(struct cli *cli, const char *name, const char *class, const char *as)
{
    struct ds_error err;
    struct ds_profile *p = ds_profile_load(name, &err);
    if (!p)
        cli_die(CLI_FAILED, "--profile: %s", err.text);
    if (strcmp(p->class, class))
        cli_die(CLI_FAILED, "--profile: %s is a profile of class %s (%s), not %s", p->name,
                p->class, p->metric, class);
    struct by_profile by = {.profile = p};
    snprintf(by.hash, sizeof by.hash, "%016" PRIx64, p->hash);
    int status = estimate(cli, &(struct estimator){.metric = as ? as : p->metric,
                                                   .context = &by,
                                                   .bind = bind_profile,
                                                   .value = profile_value,
                                                   .describe = describe_profile});
    ds_profile_free(p);
    return status;
}

/* ---- by the cost model of NPUs ---- */

struct npu {
    struct ds_npu *npu;
    struct ds_npu_coster *coster;
    char hash[17];
};

static int bind_npu(void *context, const struct ds_space *space, struct ds_error *err)
{
    struct npu *n = context;
    ds_npu_coster_free(n->coster);
    n->coster = ds_npu_coster_new(n->npu, space);
    return n->coster ? 0 : ds_fail(err, "out of memory");
}

static int npu_value(void *context, const uint8_t *choice, double *value, struct ds_error *err)
{
    return ds_npu_coster_ms(((struct npu *)context)->coster, choice, value, err);
}

static int describe_npu(void *context, struct ds_record *rec, struct ds_metric *metric)
{
    const struct npu *n = context;
    return ds_metric_str(rec, metric, "model", n->npu->name) ||
                   ds_metric_str(rec, metric, "model_hash", n->hash)
               ? -1
               : 0;
}

int estimate_by_npu(struct cli *cli, const char *name, const char *metric)
{
    struct ds_error err;
    struct npu n = {.npu = ds_npu_load(name, &err)};
    if (!n.npu)
        cli_die(CLI_FAILED, "--model: %s", err.text);
    snprintf(n.hash, sizeof n.hash, "%016" PRIx64, n.npu->hash);
    int status = estimate(cli, &(struct estimator){.metric = metric,
                                                   .context = &n,
                                                   .bind = bind_npu,
                                                   .value = npu_value,
                                                   .describe = describe_npu});
    ds_npu_coster_free(n.coster);
    ds_npu_free(n.npu);
    return status;
}

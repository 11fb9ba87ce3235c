/* Adds what can be counted without a device: MACs, parameters, peak activation memory. */
#include "base/metric.h"
#include "block_costs.h"
#include "memory.h"
#include "network/cost.h"
#include "output.h"
#include "progress.h"

static void measure(struct ds_coster *coster, struct block_costs *blocks, struct ds_record *rec,
                    struct ds_filter *f)
{
    struct ds_cost cost;
    struct ds_error err;
    cli_need_arch(rec, ds_reader_where(f->in));
    int rc = ds_coster_cost(coster, rec->choice, &cost, &err);
    static const char *const metrics[] = {DS_MACS, DS_PARAMS, DS_PEAKMEM};
    for (size_t i = 0; rc == 0 && i < sizeof metrics / sizeof *metrics; i++) {
        double value;
        if (ds_cost_metric(&cost, metrics[i], &value) || !ds_record_set(rec, metrics[i], value))
            cli_no_memory();
    }
    if (rc || (blocks && block_costs_set(blocks, rec, &err))) {
        ds_fail_in(&err, "%s", ds_reader_where(f->in));
        cli_fail(f->out, &err);
    }
}

int main(int argc, char **argv)
{
    bool per_block = false;
    const struct cli_option options[] = {
        {"per-block", 0, CLI_FLAG, &per_block, NULL,
         "also of every block, and bytes of weights and activations", 0},
        {0},
    };
    struct cli cli = {
        .name = "ds-measure-cost",
        .usage = "[OPTION ...] [FILE ...]",
        .about = "Adds macs, params and peakmem (millions, millions, MB) to every architecture.",
        .options = options,
    };
    struct ds_filter f;
    struct ds_record *rec;
    struct ds_error err;
    struct ds_coster *coster = NULL;
    const struct ds_space *space = NULL;
    struct progress progress;

    cli_parse(&cli, argc, argv);
    cli_filter(&cli, &f);
    struct block_costs *blocks = per_block ? block_costs_new() : NULL;
    f.per_record = 1;
    progress_begin(&progress, cli.progress, 0);
    int rc;
    while ((rc = ds_filter_next(&f, &rec, &err)) > 0) {
        if (rec->space != space) {
            ds_coster_free(coster);
            space = rec->space;
            if (!(coster = ds_coster_new(space)))
                cli_no_memory();
        }
        measure(coster, blocks, rec, &f);
        if (ds_writer_put(f.out, rec, &err))
            cli_fail(f.out, &err);
        progress.total = ds_reader_total(f.in);
        progress_add(&progress, 1);
    }
    progress_end(&progress);
    ds_coster_free(coster);
    block_costs_free(blocks);
    if (rc < 0)
        cli_fail(f.out, &err);
    return cli_filter_close(&f);
}

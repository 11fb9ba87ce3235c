/* Fits the free parameters of an NPU's cost model to measured blocks. */
#include "memory.h"
#include "npu/fit.h"
#include "output.h"
#include "progress.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct job {
    const char *table;
    uint64_t splits;
    bool list, as_is;
    struct ds_npu *npu;
    struct ds_npu_blocks blocks;
    bool *seen;                  /* [blocks.n] in the split in hand */
    struct ds_npu_error *unseen; /* [splits] */
};

/* Fits to the first half of a split, and keeps the error on the other half. */
static void run_split(struct job *j, uint64_t split)
{
    struct ds_error err;
    if (ds_npu_blocks_split(&j->blocks, split, j->seen, &err) ||
        (!j->as_is && ds_npu_fit(j->npu, &j->blocks, j->seen, &err)) ||
        ds_npu_blocks_check(j->npu, &j->blocks, j->seen, false, &j->unseen[split], &err))
        cli_die(CLI_FAILED, "%s", err.text);
}

struct spread {
    double mean, least, most;
};

static struct spread spread_of(const struct job *j, size_t offset)
{
    struct spread s = {0, HUGE_VAL, -HUGE_VAL};
    for (uint64_t i = 0; i < j->splits; i++) {
        double x = *(const double *)((const char *)&j->unseen[i] + offset);
        s.mean += x / (double)j->splits;
        s.least = fmin(s.least, x);
        s.most = fmax(s.most, x);
    }
    return s;
}

#define SPREAD(j, field) spread_of(j, offsetof(struct ds_npu_error, field))

static void print_errors(const struct job *j)
{
    struct spread mape = SPREAD(j, mape), s = SPREAD(j, spearman), k = SPREAD(j, kendall);
    cli_warn("%s, %d blocks: %s", j->npu->name, j->blocks.n,
             j->as_is ? "as it is, on the second half" : "fitted to one half, on the other");
    cli_warn("%-28s %9s %9s %9s", "", "MAPE %", "Spearman", "Kendall");
    cli_warn("%-28s %9.3f %9.4f %9.4f", "split 0", j->unseen[0].mape, j->unseen[0].spearman,
             j->unseen[0].kendall);
    if (j->splits < 2)
        return;
    char label[64];
    snprintf(label, sizeof label, "mean of %llu splits", (unsigned long long)j->splits);
    cli_warn("%-28s %9.3f %9.4f %9.4f", label, mape.mean, s.mean, k.mean);
    cli_warn("%-28s %9.3f %9.4f %9.4f", "least", mape.least, s.least, k.least);
    cli_warn("%-28s %9.3f %9.4f %9.4f", "greatest", mape.most, s.most, k.most);
}

/* null where it is not defined */
static json_t *rounded(double x)
{
    return isfinite(x) ? json_real(round(x * 1e4) / 1e4) : json_null();
}

static json_t *range(struct spread s)
{
    return json_pack("{so so so}", "mean", rounded(s.mean), "least", rounded(s.least), "greatest",
                     rounded(s.most));
}

/* The device with what was fitted, and how. */
static json_t *fitted(const struct job *j)
{
    json_t *out = json_deep_copy(j->npu->json);
    json_t *parameters = json_object_get(out, "parameters");
    const char *slash = strrchr(j->table, '/');
    int used = 0;
    for (int i = 0; i < j->blocks.n; i++)
        used += j->seen[i];
    for (int key = 0; key < DS_NPU_KEYS; key++)
        if (j->npu->free[key])
            json_object_set_new(json_object_get(parameters, ds_npu_key_name((enum ds_npu_key)key)),
                                "value", json_real(j->npu->value[key]));
    json_object_set_new(
        out, "provenance",
        json_pack("{ss ss si si s{si so so so} s{si so so so}}", "made_by", "ds-fit-npu", "table",
                  slash ? slash + 1 : j->table, "blocks", j->blocks.n, "fitted_to", used, "unseen",
                  "blocks", j->unseen[0].n, "mape_percent", rounded(j->unseen[0].mape), "spearman",
                  rounded(j->unseen[0].spearman), "kendall", rounded(j->unseen[0].kendall),
                  "unseen_over_splits", "splits", (int)j->splits, "mape_percent",
                  range(SPREAD(j, mape)), "spearman", range(SPREAD(j, spearman)), "kendall",
                  range(SPREAD(j, kendall))));
    return out;
}

static void list(const struct job *j, FILE *f)
{
    struct ds_error err;
    fprintf(f, "block\thalf\tmeasured_ms\tmodel_ms\tdiff_percent\tmodel_traffic_mib\n");
    for (int i = 0; i < j->blocks.n; i++) {
        const struct ds_npu_block *b = &j->blocks.block[i];
        struct ds_npu_time t;
        if (ds_npu_net(j->npu, &b->net, &t, &err))
            cli_die(CLI_FAILED, "%s: %s", b->name, err.text);
        fprintf(f, "%s\t%s\t%g\t%.4f\t%+.1f\t%.3f\n", b->name, j->seen[i] ? "first" : "second",
                b->ms, t.ms, 100 * (t.ms / b->ms - 1), t.bytes / 1048576);
    }
}

int main(int argc, char **argv)
{
    struct job j = {.splits = 1};
    const struct cli_option options[] = {
        {"splits", 0, CLI_COUNT, &j.splits, "N",
         "fit to N halves, each time anew, and tell the spread (1)", 1, 10000},
        {"list", 0, CLI_FLAG, &j.list, NULL, "write a table of the blocks in place of the device",
         0},
        {"as-is", 0, CLI_FLAG, &j.as_is, NULL, "do not fit, only compare", 0},
        {0},
    };
    struct cli cli = {
        .name = "ds-fit-npu",
        .usage = "NPU TABLE [OPTION ...]",
        .about = "Fits the free parameters of an NPU's cost model to a table of measured blocks.",
        .options = options,
    };
    struct ds_error err;
    struct progress progress;
    cli_parse(&cli, argc, argv);
    if (cli.noperands != 2)
        cli_die(CLI_USAGE, "wants an NPU, a shipped name or a file, and a table of blocks");
    j.table = cli.operand[1];
    if (!(j.npu = ds_npu_load(cli.operand[0], &err)) ||
        ds_npu_blocks_read(&j.blocks, j.table, &err))
        cli_die(CLI_FAILED, "%s", err.text);
    j.seen = cli_alloc((size_t)j.blocks.n, sizeof *j.seen);
    j.unseen = cli_alloc((size_t)j.splits, sizeof *j.unseen);

    progress_begin(&progress, cli.progress, j.splits);
    for (uint64_t split = j.splits; split-- > 0;) { /* the parameters of split 0 stay */
        run_split(&j, split);
        progress_add(&progress, 1);
    }
    progress_end(&progress);
    print_errors(&j);
    FILE *f = cli_open_text(&cli);
    if (j.list) {
        list(&j, f);
    } else {
        json_t *out = cli_must(fitted(&j));
        json_dumpf(out, f, JSON_INDENT(1) | JSON_REAL_PRECISION(6) | JSON_ENSURE_ASCII);
        fputc('\n', f);
        json_decref(out);
    }
    cli_close_text(&cli, f);
    ds_npu_blocks_free(&j.blocks);
    ds_npu_free(j.npu);
    free(j.seen);
    free(j.unseen);
    return 0;
}

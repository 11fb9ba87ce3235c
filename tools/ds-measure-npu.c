/* Adds the latency on an NPU: none is measured live, but by a profile, a model or a program. */
#include "base/metric.h"
#include "claim.h"
#include "estimate.h"
#include "runner.h"

int main(int argc, char **argv)
{
    const char *profile = NULL, *model = NULL, *predictor = NULL, *as = NULL;
    struct runner_options runner = RUNNER_DEFAULTS;
    const struct cli_option options[] = {
        {"model", 0, CLI_TEXT, &model, "NPU", "by the cost model of NPUs: a shipped name or a file",
         0},
        {"profile", 0, CLI_TEXT, &profile, "NAME", "by this profile: a shipped name or a file", 0},
        PREDICTOR_OPTION(predictor),
        AS_OPTION(as),
        REPLACE_OPTION,
        RUNNER_OPTIONS(runner),
        {"batch", 'b', CLI_COUNT, &runner.batch, "N", "--exec: images at once (1)", 1,
         CLI_MOST_BATCH},
        {0},
    };
    struct cli cli = {
        .name = "ds-measure-npu",
        .usage = "{--profile NAME | --predictor FILE | --model NPU | --exec PROGRAM} [OPTION ...] "
                 "[FILE ...]",
        .about =
            "Adds latency.npu, ms, by a device profile, a predictor, a cost model or a program.",
        .options = options,
    };
    cli_parse(&cli, argc, argv);
    const char *metric = latency_as(DS_LATENCY_NPU, as);
    runner_check(&runner);
    if (!!profile + !!predictor + !!model + !!runner.program > 1)
        cli_die(CLI_USAGE, "--profile, --predictor, --model and --exec: one of them");
    if (runner.program) {
        const struct ds_question question = ds_question_latency(metric);
        return runner_run(&cli, &runner, &question);
    }
    if (model)
        return estimate_by_npu(&cli, model, metric);
    if (predictor)
        return estimate_by_predictor(&cli, predictor, "npu", metric);
    if (!profile)
        cli_die(CLI_FAILED, "no npu is measured live by this dstools yet: give --profile NAME, a "
                            "device profile, --predictor FILE, --model NPU or --exec PROGRAM");
    return estimate_by_profile(&cli, profile, "npu", as);
}

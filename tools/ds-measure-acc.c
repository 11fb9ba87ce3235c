/*
 * Adds top-1 accuracy: measured on images with the weights of a supernet, from a profile, by a
 * predictor that others published, or by another program.
 */
#include "claim.h"
#include "estimate.h"
#include "evaluate.h"
#include "runner.h"

int main(int argc, char **argv)
{
    const char *profile = NULL, *predictor = NULL;
    struct runner_options runner = RUNNER_DEFAULTS;
    static const struct ds_question top1 = {"top1", "percent", 100, false};
    struct evaluate_options evaluate = EVALUATE_DEFAULTS;
    const struct cli_option options[] = {
        EVALUATE_OPTIONS(evaluate),
        {"profile", 0, CLI_TEXT, &profile, "NAME", "by this profile: a shipped name or a file", 0},
        PREDICTOR_OPTION(predictor),
        REPLACE_OPTION,
        RUNNER_OPTIONS(runner),
        {0},
    };
    struct cli cli = {
        .name = "ds-measure-acc",
        .usage = "{--supernet FILE --images DIR --calibrate DIR | --profile NAME | "
                 "--predictor FILE | --exec PROGRAM} [OPTION ...] [FILE ...]",
        .about = "Adds top1, the accuracy in percent.",
        .options = options,
    };
    cli_parse(&cli, argc, argv);
    if (evaluate.subnets.supernet) {
        evaluate.cache = runner.cache;
        runner.cache = NULL;
    }
    runner_check(&runner);
    evaluate_check(&evaluate);
    if (!!profile + !!predictor + !!runner.program + !!evaluate.subnets.supernet != 1)
        cli_die(CLI_USAGE, "wants one of --supernet FILE, --profile NAME, --predictor FILE, "
                           "--exec PROGRAM");
    if (evaluate.subnets.supernet)
        return evaluate_run(&cli, &evaluate);
    if (runner.program)
        return runner_run(&cli, &runner, &top1);
    return profile ? estimate_by_profile(&cli, profile, "acc", NULL)
                   : estimate_by_predictor(&cli, predictor, "acc", "top1");
}

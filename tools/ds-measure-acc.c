/* Adds top-1 accuracy: from a profile, by a predictor that others published, or by another program.
 */
#include "estimate.h"
#include "runner.h"

int main(int argc, char **argv)
{
    const char *profile = NULL, *predictor = NULL;
    struct runner_options runner = RUNNER_DEFAULTS;
    static const struct ds_question top1 = {"top1", "percent", 100, false};
    const struct cli_option options[] = {
        {"profile", 0, CLI_TEXT, &profile, "NAME", "by this profile: a shipped name or a file", 0},
        PREDICTOR_OPTION(predictor),
        RUNNER_OPTIONS(runner),
        {0},
    };
    struct cli cli = {
        .name = "ds-measure-acc",
        .usage = "{--profile NAME | --predictor FILE | --exec PROGRAM} [OPTION ...] [FILE ...]",
        .about = "Adds top1, the accuracy in percent.",
        .options = options,
    };
    cli_parse(&cli, argc, argv);
    runner_check(&runner);
    if (!!profile + !!predictor + !!runner.program != 1)
        cli_die(CLI_USAGE, "wants one of --profile NAME, --predictor FILE, --exec PROGRAM");
    if (runner.program)
        return runner_run(&cli, &runner, &top1);
    return profile ? estimate_by_profile(&cli, profile, "acc")
                   : estimate_by_predictor(&cli, predictor, "top1");
}

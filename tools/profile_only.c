#include "profile_only.h"

#include "estimate.h"
#include "runner.h"

#include <stdio.h>
#include <string.h>

int profile_only(const char *tool, const char *class, int argc, char **argv)
{
    const char *profile = NULL, *model = NULL;
    struct runner_options runner = RUNNER_DEFAULTS;
    char about[100], name[40];
    const struct cli_option options[] = {
        {"model", 0, CLI_TEXT, &model, "NPU", "by the cost model of NPUs: a shipped name or a file",
         0},
        {"profile", 0, CLI_TEXT, &profile, "NAME", "by this profile: a shipped name or a file", 0},
        RUNNER_OPTIONS(runner),
        {"batch", 'b', CLI_COUNT, &runner.batch, "N", "--exec: images at once (1)", 1},
        {0},
    };
    bool has_model = strcmp(class, "npu") == 0;
    snprintf(about, sizeof about, "Adds latency.%s, ms, from a device profile%s or by a program.",
             class, has_model ? ", a cost model" : "");
    snprintf(name, sizeof name, "latency.%s", class);
    struct cli cli = {
        .name = tool,
        .usage = has_model
                     ? "{--profile NAME | --model NPU | --exec PROGRAM} [OPTION ...] [FILE ...]"
                     : "{--profile NAME | --exec PROGRAM} [OPTION ...] [FILE ...]",
        .about = about,
        .options = has_model ? options : options + 1,
    };
    cli_parse(&cli, argc, argv);
    runner_check(&runner);
    if (profile && runner.program)
        cli_die(CLI_USAGE, "--profile and --exec: one of them");
    if (model && (profile || runner.program))
        cli_die(CLI_USAGE, "--model and --%s: one of them", profile ? "profile" : "exec");
    if (runner.program) {
        const struct runner_metric metric = runner_latency(name);
        return runner_run(&cli, &runner, &metric);
    }
    if (model)
        return estimate_by_npu(&cli, model);
    if (!profile)
        cli_die(CLI_FAILED,
                "no %s is measured live by this dstools yet: give --profile NAME, a device "
                "profile, %sor --exec PROGRAM",
                class, has_model ? "--model NPU " : "");
    return estimate_by_profile(&cli, profile, class);
}

#include "profile_only.h"

#include "estimate.h"
#include "runner.h"

#include <stdio.h>

int profile_only(const char *tool, const char *class, int argc, char **argv)
{
    const char *profile = NULL;
    struct runner_options runner = RUNNER_DEFAULTS;
    char about[100], name[40];
    const struct cli_option options[] = {
        {"profile", 0, CLI_TEXT, &profile, "NAME", "by this profile: a shipped name or a file", 0},
        RUNNER_OPTIONS(runner),
        {"batch", 'b', CLI_COUNT, &runner.batch, "N", "--exec: images at once (1)", 1},
        {0},
    };
    snprintf(about, sizeof about, "Adds latency.%s, ms, from a device profile or by a program.",
             class);
    snprintf(name, sizeof name, "latency.%s", class);
    struct cli cli = {
        .name = tool,
        .usage = "{--profile NAME | --exec PROGRAM} [OPTION ...] [FILE ...]",
        .about = about,
        .options = options,
    };
    cli_parse(&cli, argc, argv);
    runner_check(&runner);
    if (profile && runner.program)
        cli_die(CLI_USAGE, "--profile and --exec: one of them");
    if (!profile && !runner.program)
        cli_die(
            CLI_FAILED,
            "no %s is measured live by this dstools yet: give --profile NAME, a device profile, "
            "or --exec PROGRAM",
            class);
    if (runner.program) {
        const struct runner_metric metric = runner_latency(name);
        return runner_run(&cli, &runner, &metric);
    }
    return estimate_by_profile(&cli, profile, class);
}

#include "profile_only.h"

#include "estimate.h"

#include <stdio.h>

int profile_only(const char *tool, const char *class, int argc, char **argv)
{
    const char *profile = NULL;
    char about[100];
    const struct cli_option options[] = {
        {"profile", 0, CLI_TEXT, &profile, "NAME", "by this profile: a shipped name or a file", 0},
        {0},
    };
    snprintf(about, sizeof about, "Adds latency.%s, ms, from a device profile.", class);
    struct cli cli = {
        .name = tool,
        .usage = "--profile NAME [OPTION ...] [FILE ...]",
        .about = about,
        .options = options,
    };
    cli_parse(&cli, argc, argv);
    if (!profile)
        cli_die(CLI_FAILED,
                "no %s is measured live by this dstools yet: give --profile NAME, a device profile",
                class);
    return estimate_by_profile(&cli, profile, class);
}

/* Measures latency live on a GPU, through OpenCL. */
#include "base/metric.h"
#include "claim.h"
#include "estimate.h"
#include "meter.h"
#include "runner.h"

#include <stdio.h>
#include <stdlib.h>

/* What to do where there is no device to measure on. */
#define WITHOUT "--profile NAME or --exec PROGRAM does without"

/* The engine of GPUs. */
static const struct ds_engine *find_engine(void)
{
    const struct ds_engine *engine = ds_engine_find(ds_gpu_engines, NULL);
    if (!engine)
        cli_die(CLI_FAILED, "built without OpenCL and CLBlast, which measure a GPU live; " WITHOUT);
    return engine;
}

static struct ds_device *find_devices(const struct ds_engine *engine, int *n)
{
    struct ds_error err;
    struct ds_device *device = engine->devices(n, &err);
    if (!device)
        cli_die(CLI_FAILED, "%s", err.text);
    if (*n == 0) {
        free(device);
        cli_die(CLI_FAILED, "OpenCL finds no device (the driver of a GPU brings one); " WITHOUT);
    }
    return device;
}

static int list_devices(struct cli *cli)
{
    int n;
    struct ds_device *d = find_devices(find_engine(), &n);
    FILE *f = cli_open_text(cli);
    for (int i = 0; i < n; i++)
        fprintf(f, "%d\t%s\t%s\t%s\n", i, d[i].kind, d[i].name, d[i].driver);
    free(d);
    cli_close_text(cli, f);
    return 0;
}

int main(int argc, char **argv)
{
    const char *profile = NULL, *predictor = NULL, *as = NULL;
    bool list = false;
    int n;
    struct runner_options runner = RUNNER_DEFAULTS;
    struct ds_window_options o = {.measure.settle = 10};
    struct meter_choice choice = METER_DEFAULTS;
    const struct cli_option options[] = {
        {"list-devices", 0, CLI_FLAG, &list, NULL, "print what OpenCL finds, and end", 0},
        {"device", 'd', CLI_TEXT, &o.setup.device, "N|NAME",
         "which of them, by number or part of its name (the first GPU)", 0},
        METER_OPTIONS(choice),
        {"settle", 0, CLI_NUMBER, &o.measure.settle, "S",
         "wait for a steady clock first, at most S seconds (10)", 0},
        {"profile", 0, CLI_TEXT, &profile, "NAME",
         "not live: by this device profile, a shipped name or a file", 0},
        PREDICTOR_OPTION(predictor),
        AS_OPTION(as),
        REPLACE_OPTION,
        RUNNER_OPTIONS(runner),
        {0},
    };
    struct cli cli = {
        .name = "ds-measure-gpu",
        .usage = "[OPTION ...] [FILE ...]",
        .about =
            "Measures latency.gpu, ms for a batch: live, or by --profile, --predictor, --exec.",
        .options = options,
    };

    cli_parse(&cli, argc, argv);
    runner.batch = choice.batch;
    const char *metric = latency_as(DS_LATENCY_GPU, as);
    runner_check(&runner);
    if (!!profile + !!predictor + !!runner.program > 1)
        cli_die(CLI_USAGE, "--profile, --predictor and --exec: one of them");
    if (meter_stray(&choice) && (profile || predictor || runner.program))
        cli_die(CLI_USAGE, "%s is for measuring live", meter_stray(&choice));
    if (list)
        return list_devices(&cli);
    if (runner.program) {
        const struct ds_question question = ds_question_latency(metric);
        return runner_run(&cli, &runner, &question);
    }
    if (profile)
        return estimate_by_profile(&cli, profile, "gpu", as);
    if (predictor)
        return estimate_by_predictor(&cli, predictor, "gpu", metric);
    o.metric = metric;
    meter_choose(&o, &choice, cli.seed);
    o.engine = find_engine();
    free(find_devices(o.engine, &n));
    return meter_run(&cli, &o);
}

/* Measures latency live on this machine's processor. */
#include "estimate.h"
#include "meter.h"
#include "runner.h"

#include <ctype.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The processor's name, as /proc/cpuinfo has it. */
static const char *device_name(char *out, size_t size)
{
    snprintf(out, size, "unknown processor");
    FILE *f = fopen("/proc/cpuinfo", "r");
    char line[256];
    while (f && fgets(line, sizeof line, f)) {
        char *colon = strchr(line, ':');
        if (!colon || (strncmp(line, "model name", 10) && strncmp(line, "Model", 5) &&
                       strncmp(line, "Hardware", 8)))
            continue;
        colon += strspn(colon, ": \t");
        colon[strcspn(colon, "\n")] = 0;
        snprintf(out, size, "%s", colon);
        break;
    }
    if (f)
        fclose(f);
    return out;
}

/* Binds this process, and the threads it will start, to a list of processors as "0" or "2,3". */
static void pin(const char *list)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    for (const char *at = list; *at;) {
        char *end;
        unsigned long cpu = isdigit((unsigned char)*at) ? strtoul(at, &end, 10) : CPU_SETSIZE;
        if (cpu >= CPU_SETSIZE || (*end && *end != ','))
            cli_die(CLI_USAGE, "--pin: '%s' is not a list of processors, as 0 or 2,3", list);
        CPU_SET(cpu, &set);
        at = *end ? end + 1 : end;
    }
    if (sched_setaffinity(0, sizeof set, &set))
        cli_die(CLI_FAILED, "--pin %s: no such processor, or not allowed", list);
}

/* Threads that wait for one another spin: more of them than processors would measure the waiting.
 */
static void check_threads(int threads)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && threads > CPU_COUNT(&set))
        cli_die(CLI_USAGE, "--threads %d: more than the processors there are (%d)", threads,
                CPU_COUNT(&set));
}

/* The engine so named; NULL: the first that is built in. */
static const struct ds_engine *find_engine(const char *name)
{
    const struct ds_engine *engine = ds_engine_find("cpu", name);
    if (!engine)
        cli_die(CLI_USAGE, "--engine: %s is not built in; this dstools has: %s",
                name ? name : "onednn", ds_engine_names("cpu"));
    return engine;
}

static int small(const char *option, uint64_t value, int most)
{
    if (value > (uint64_t)most)
        cli_die(CLI_USAGE, "%s: must be %d or less", option, most);
    return (int)value;
}

int main(int argc, char **argv)
{
    const char *engine = NULL, *profile = NULL;
    uint64_t threads = 1, batch = 1, max_runs = 50, warmup = 1, burst = 1, window = 128;
    double precision = 1;
    struct runner_options runner = RUNNER_DEFAULTS;
    struct meter_options o = {.metric = "latency.cpu"};
    const struct cli_option options[] = {
        {"engine", 'e', CLI_TEXT, &engine, "NAME", "onednn (default) or xnnpack", 0},
        {"threads", 't', CLI_COUNT, &threads, "N", "threads of the engine (1)", 1},
        {"batch", 'b', CLI_COUNT, &batch, "N", "images at once (1)", 1},
        {"pin", 0, CLI_TEXT, &o.pin, "CPUS", "run on these processors only, as 0 or 2,3", 0},
        {"precision", 'p', CLI_NUMBER, &precision, "P",
         "run until the median's 95% interval is narrower than P percent (1)", 0.001},
        {"max-runs", 'm', CLI_COUNT, &max_runs, "N", "but at most N timed runs (50)", 1},
        {"warmup", 'w', CLI_COUNT, &warmup, "N", "untimed runs at each visit (1)", 1},
        {"burst", 0, CLI_COUNT, &burst, "N", "timed runs at each visit (1)", 1},
        {"window", 0, CLI_COUNT, &window, "N",
         "records measured together, in shuffled rounds (128)", 1},
        {"per-block", 0, CLI_FLAG, &o.measure.per_block, NULL, "a latency for every block too", 0},
        {"profile", 0, CLI_TEXT, &profile, "NAME",
         "not live: by this device profile, a shipped name or a file", 0},
        RUNNER_OPTIONS(runner),
        {0},
    };
    struct cli cli = {
        .name = "ds-measure-cpu",
        .usage = "[OPTION ...] [FILE ...]",
        .about = "Measures latency.cpu, ms for a batch: live, by --profile or by --exec.",
        .options = options,
    };
    char device[128];

    cli_parse(&cli, argc, argv);
    runner.batch = batch;
    runner.pin = o.pin;
    runner_check(&runner);
    if (profile && runner.program)
        cli_die(CLI_USAGE, "--profile and --exec: one of them");
    if (runner.program) {
        const struct runner_metric metric = runner_latency("latency.cpu");
        if (o.pin)
            pin(o.pin);
        return runner_run(&cli, &runner, &metric);
    }
    if (profile)
        return estimate_by_profile(&cli, profile, "cpu");
    o.setup.threads = small("--threads", threads, 1024);
    o.setup.batch = small("--batch", batch, 4096);
    o.setup.seed = o.measure.seed = cli.seed;
    o.measure.precision = precision / 100;
    o.measure.max_runs = small("--max-runs", max_runs, 1000000);
    o.measure.warmup = small("--warmup", warmup, 1000);
    o.measure.burst = small("--burst", burst, 1000);
    o.window = small("--window", window, 100000);
    o.engine = find_engine(engine);
    o.device = device_name(device, sizeof device);
    if (o.pin)
        pin(o.pin);
    check_threads(o.setup.threads);
    return meter_run(&cli, &o);
}

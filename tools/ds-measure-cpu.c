/* Measures latency live on this machine's processor. */
#include "base/metric.h"
#include "base/number.h"
#include "claim.h"
#include "estimate.h"
#include "measure/machine.h"
#include "meter.h"
#include "runner.h"
#include "subnets.h"

#include <ctype.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Binds this process, and the threads it will start, to a list of processors as "0" or "2,3". */
static void pin(const char *list)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    for (const char *at = list; *at;) {
        const char *end;
        uint64_t cpu;
        if (ds_whole_begin(at, &end, CPU_SETSIZE - 1, &cpu) || (*end && *end != ','))
            cli_die(CLI_USAGE, "--pin: '%s' is not a list of processors, as 0 or 2,3", list);
        CPU_SET(cpu, &set);
        at = *end ? end + 1 : end;
    }
    if (sched_setaffinity(0, sizeof set, &set))
        cli_die(CLI_FAILED, "--pin %s: no such processor, or not allowed", list);
}

/*
 * Takes the processor before others, where the system allows it: the priority of real time for one
 * thread, which leaves other processors to others, and the highest ordinary one for several. Where
 * it is refused, things stay as they are. The provenance says what came of it.
 */
static void take_priority(int threads)
{
    const struct sched_param lowest = {.sched_priority = sched_get_priority_min(SCHED_FIFO)};
    if (threads > 1 || sysconf(_SC_NPROCESSORS_ONLN) < 2 ||
        sched_setscheduler(0, SCHED_FIFO, &lowest))
        setpriority(PRIO_PROCESS, 0, -20);
}

/*
 * Refuses more threads than processors: threads spin while they wait for one another, so that
 * waiting would be measured.
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
    const struct ds_engine *engine = ds_engine_find(ds_cpu_engines, name);
    if (!engine)
        cli_die(CLI_USAGE, "--engine: %s is not built in; this dstools has: %s",
                name ? name : "onednn", ds_engine_names(ds_cpu_engines));
    return engine;
}

/* Weights of a supernet, and the images to calibrate with, which also tell the ranges of int8. */
static int give(void *arg, const struct ds_space *space, const uint8_t *choice, struct ds_net *net,
                struct ds_image_source *images, struct ds_error *err)
{
    struct subnets *s = arg;
    if (s->space != space && ds_supernet_bind(s->supernet, space, err))
        return ds_fail_in(err, "--supernet");
    s->space = space;
    if (subnets_take(s, choice, err))
        return -1;
    ds_net_give(net, s->subnet.folded);
    *images = subnets_calibration(s, choice);
    return 0;
}

/* Measures with the weights of a supernet, or where none is given those of the seed. */
static int measure(struct cli *cli, struct ds_window_options *o, struct subnet_options *subnet)
{
    struct subnets subnets;
    char weights[64];
    if (!subnet->supernet)
        return meter_run(cli, o);
    if (!subnet->calibrate)
        subnet->calibrate = "none";
    subnets_open(&subnets, subnet, o->engine->name, o->setup.threads, cli->seed);
    snprintf(weights, sizeof weights, "%s %016" PRIx64, ds_supernet_family(subnets.supernet),
             ds_supernet_key(subnets.supernet));
    o->weights = weights;
    o->images = subnets.calibration ? "calibration" : NULL;
    o->give = give;
    o->give_arg = &subnets;
    int rc = meter_run(cli, o);
    subnets_close(&subnets);
    return rc;
}

int main(int argc, char **argv)
{
    const char *engine = NULL, *dtype = NULL, *profile = NULL, *predictor = NULL, *as = NULL;
    uint64_t threads = 1;
    bool ordinary = false;
    struct meter_choice choice = METER_DEFAULTS;
    struct runner_options runner = RUNNER_DEFAULTS;
    struct subnet_options subnet = SUBNET_DEFAULTS;
    struct ds_window_options o = {0};
    const struct cli_option options[] = {
        {"engine", 'e', CLI_TEXT, &engine, "NAME", "onednn (default) or xnnpack", 0},
        {"threads", 't', CLI_COUNT, &threads, "N", "threads of the engine (1)", 1, 1024},
        {"device", 0, CLI_TEXT, &o.device, "NAME", "what records call it (the processor's name)",
         0},
        {"pin", 0, CLI_TEXT, &o.pin, "CPUS", "run on these processors only, as 0 or 2,3", 0},
        {"ordinary", 0, CLI_FLAG, &ordinary, NULL, "with the priority of any other program", 0},
        METER_OPTIONS(choice),
        DTYPE_OPTION(dtype),
        SUBNET_OPTIONS(subnet),
        {"profile", 0, CLI_TEXT, &profile, "NAME",
         "not live: by this device profile, a shipped name or a file", 0},
        PREDICTOR_OPTION(predictor),
        AS_OPTION(as),
        REPLACE_OPTION,
        RUNNER_OPTIONS(runner),
        {0},
    };
    struct cli cli = {
        .name = "ds-measure-cpu",
        .usage = "[OPTION ...] [FILE ...]",
        .about =
            "Measures latency.cpu, ms for a batch: live, or by --profile, --predictor, --exec.",
        .options = options,
    };
    char device[DS_MACHINE_TEXT];

    cli_parse(&cli, argc, argv);
    runner.batch = choice.batch;
    runner.pin = o.pin;
    const char *metric = latency_as(DS_LATENCY_CPU, as);
    runner_check(&runner);
    const char *stray = dtype ? "--dtype" : subnet.supernet ? "--supernet" : meter_stray(&choice);
    if (stray && (profile || predictor || runner.program))
        cli_die(CLI_USAGE, "%s is for measuring live", stray);
    if (!subnet.supernet && subnet_stray(&subnet))
        cli_die(CLI_USAGE, "%s is for --supernet", subnet_stray(&subnet));
    if (!!profile + !!predictor + !!runner.program > 1)
        cli_die(CLI_USAGE, "--profile, --predictor and --exec: one of them");
    if (runner.program) {
        const struct ds_question question = ds_question_latency(metric);
        if (o.pin)
            pin(o.pin);
        return runner_run(&cli, &runner, &question);
    }
    if (profile)
        return estimate_by_profile(&cli, profile, "cpu", as);
    if (predictor)
        return estimate_by_predictor(&cli, predictor, "cpu", metric);
    o.setup.threads = (int)threads;
    o.setup.dtype = dtype_parse(dtype);
    o.metric = metric;
    meter_choose(&o, &choice, cli.seed);
    o.engine = find_engine(engine);
    if (!o.device)
        o.device = ds_processor_name(device) ? device : "unknown processor";
    if (o.pin)
        pin(o.pin);
    check_threads(o.setup.threads);
    if (!ordinary)
        take_priority(o.setup.threads);
    o.measure.watch = o.setup.threads;
    return measure(&cli, &o, &subnet);
}

#include "measure/machine.h"

#include "base/text.h"
#include "measure/commit.h"
#include "measure/quota.h"
#include <gnu/libc-version.h>
#include <math.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>

#define CPU0 "/sys/devices/system/cpu/cpu0/cpufreq/"

static void add(struct ds_machine *m, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void add(struct ds_machine *m, const char *key, const char *format, ...)
{
    char *text = m->text[m->n];
    va_list args;
    va_start(args, format);
    vsnprintf(text, DS_MACHINE_TEXT, format, args);
    va_end(args);
    ds_text_plain(text, strlen(text));
    if (text[0])
        m->fact[m->n++] = (struct ds_fact){key, text};
}

/* The first line of a file; false where there is none. */
static bool first_line(const char *path, char line[DS_MACHINE_TEXT])
{
    FILE *f = fopen(path, "re");
    bool got = f && fgets(line, DS_MACHINE_TEXT, f);
    if (f)
        fclose(f);
    if (got)
        line[strcspn(line, "\n")] = 0;
    return got && line[0];
}

static void add_file(struct ds_machine *m, const char *key, const char *path)
{
    char line[DS_MACHINE_TEXT];
    if (first_line(path, line))
        add(m, key, "%s", line);
}

/* Arm's kernels have no "model name", but a line on the machine. */
bool ds_processor_name(char name[DS_MACHINE_TEXT])
{
    FILE *f = fopen("/proc/cpuinfo", "re");
    char line[512];
    bool found = false;
    while (f && !found && fgets(line, sizeof line, f)) {
        char *value = strchr(line, ':');
        found = value && (strncmp(line, "model name", 10) == 0 || strncmp(line, "Model", 5) == 0 ||
                          strncmp(line, "Hardware", 8) == 0);
        if (found)
            snprintf(name, DS_MACHINE_TEXT, "%.*s", DS_MACHINE_TEXT - 1,
                     value + strspn(value, ": \t"));
    }
    if (f)
        fclose(f);
    if (found)
        name[strcspn(name, "\n")] = 0;
    return found && name[0];
}

/* What /proc/cpuinfo says of the first processor. */
static void add_processor(struct ds_machine *m)
{
    static const char *const name[] = {"microcode", "flags"};
    char processor[DS_MACHINE_TEXT];
    if (ds_processor_name(processor))
        add(m, "processor", "%s", processor);
    FILE *f = fopen("/proc/cpuinfo", "re");
    char line[8192];
    bool hypervisor = false;
    while (f && fgets(line, sizeof line, f) && line[0] != '\n') {
        char *value = strchr(line, ':');
        line[strcspn(line, "\n")] = 0;
        if (!value)
            continue;
        value += 1 + (value[1] == ' ');
        if (strncmp(line, name[0], strlen(name[0])) == 0)
            add(m, "microcode", "%s", value);
        else if (strncmp(line, name[1], strlen(name[1])) == 0)
            hypervisor = strstr(value, " hypervisor") != NULL;
    }
    if (f)
        fclose(f);
    if (hypervisor) {
        char vendor[DS_MACHINE_TEXT];
        bool told = first_line("/sys/class/dmi/id/sys_vendor", vendor);
        add(m, "hypervisor", "%s", told ? vendor : "yes");
    }
}

static void add_clock(struct ds_machine *m)
{
    char least[DS_MACHINE_TEXT], most[DS_MACHINE_TEXT], turbo[DS_MACHINE_TEXT];
    double from, to;
    add_file(m, "governor", CPU0 "scaling_governor");
    if (first_line(CPU0 "scaling_min_freq", least) && first_line(CPU0 "scaling_max_freq", most) &&
        sscanf(least, "%lf", &from) == 1 && sscanf(most, "%lf", &to) == 1)
        add(m, "clock", "%.0f to %.0f MHz", from / 1e3, to / 1e3);
    if (first_line("/sys/devices/system/cpu/intel_pstate/no_turbo", turbo))
        add(m, "turbo", "%s", turbo[0] == '0' ? "on" : "off");
    else if (first_line("/sys/devices/system/cpu/cpufreq/boost", turbo))
        add(m, "turbo", "%s", turbo[0] == '1' ? "on" : "off");
    if (first_line("/sys/devices/system/cpu/smt/active", turbo))
        add(m, "smt", "%s", turbo[0] == '1' ? "on" : "off");
}

void ds_machine_look(struct ds_machine *m)
{
    struct utsname u;
    cpu_set_t allowed;
    char date[32], load[DS_MACHINE_TEXT];
    time_t now = time(NULL);
    struct tm utc;
    m->n = 0;
    if (uname(&u) == 0)
        add(m, "host", "%s", u.nodename);
    if (gmtime_r(&now, &utc) && strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", &utc))
        add(m, "date", "%s", date);
    add_processor(m);
    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0)
        add(m, "processors", "%d", CPU_COUNT(&allowed));
    add_clock(m);
    double quota = ds_cpu_quota("/sys/fs/cgroup", "/proc/self/cgroup");
    if (isfinite(quota))
        add(m, "quota", "%.3g processors", quota);
    if (sched_getscheduler(0) == SCHED_FIFO || sched_getscheduler(0) == SCHED_RR)
        add(m, "priority", "real time");
    else if (getpriority(PRIO_PROCESS, 0))
        add(m, "priority", "nice %d", getpriority(PRIO_PROCESS, 0));
    if (first_line("/proc/loadavg", load))
        add(m, "load", "%.*s", (int)strcspn(load, " "), load);
    if (uname(&u) == 0)
        add(m, "kernel", "%s %s", u.sysname, u.release);
    add(m, "dstools", "%s%s%s", DS_VERSION, DS_COMMIT[0] ? ", commit " : "", DS_COMMIT);
    add(m, "libc", "%s", gnu_get_libc_version());
#ifdef __clang__
    add(m, "compiler", "%s", __VERSION__);
#else
    add(m, "compiler", "gcc %s", __VERSION__);
#endif
}

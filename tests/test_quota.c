/* Quotas of processors, in folders as the kernel makes them for cgroups of both versions. */
#include "measure/quota.h"
#include "tap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[] = "/tmp/quota.XXXXXX";

static void put(const char *name, const char *text)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", root, name);
    for (char *slash = path + strlen(root) + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
        *slash = 0;
        mkdir(path, 0700);
    }
    FILE *f = fopen(path, "w");
    if (!f || fputs(text, f) < 0 || fclose(f))
        abort();
}

static double quota(const char *membership)
{
    char path[200];
    put("self", membership);
    snprintf(path, sizeof path, "%s/self", root);
    return ds_cpu_quota(root, path);
}

int main(void)
{
    char command[64];
    if (!mkdtemp(root))
        abort();
    put("user.slice/me/cpu.max", "max 100000\n");
    put("user.slice/cpu.max", "150000 100000\n");
    put("batch/cpu.max", "max 100000\n");
    put("cpu,cpuacct/old/cpu.cfs_quota_us", "25000\n");
    put("cpu,cpuacct/old/cpu.cfs_period_us", "50000\n");
    put("cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
    put("cpu,cpuacct/cpu.cfs_period_us", "100000\n");

    CHECK(quota("0::/user.slice/me\n") == 1.5, "the quota of a group above counts");
    CHECK(isinf(quota("0::/batch\n")), "a group without");
    CHECK(quota("7:cpuset:/x\n4:cpu,cpuacct:/old\n") == 0.5, "version 1: quota over period");
    CHECK(isinf(quota("4:cpu,cpuacct:/\n3:memory:/old\n")), "-1 is none");
    CHECK(quota("4:cpu,cpuacct:/old\n0::/user.slice/me\n") == 0.5, "of both, the lesser");
    put("cpu.max", "20000 100000\n");
    CHECK(quota("0::/docker/0123\n") == 0.2, "a container's group, which it sees as the root");
    CHECK(isinf(ds_cpu_quota(root, "/nowhere")), "nothing is known");

    snprintf(command, sizeof command, "rm -r %s", root);
    return system(command) ? 1 : TAP_END();
}

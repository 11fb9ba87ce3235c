#include "measure/quota.h"

#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Two numbers, of one file or of two; infinite where the first is "max", below 0 or not there. */
static double read_quota(const char *folder, const char *quota_file, const char *period_file)
{
    char path[PATH_MAX];
    double quota = -1, period = 100000;
    snprintf(path, sizeof path, "%s/%s", folder, quota_file);
    FILE *f = fopen(path, "re");
    bool told = f && fscanf(f, "%lf", &quota) == 1;
    if (told && !period_file)
        told = fscanf(f, "%lf", &period) == 1;
    if (f)
        fclose(f);
    if (told && period_file) {
        snprintf(path, sizeof path, "%s/%s", folder, period_file);
        f = fopen(path, "re");
        told = f && fscanf(f, "%lf", &period) == 1;
        if (f)
            fclose(f);
    }
    return told && quota > 0 && period > 0 ? quota / period : INFINITY;
}

/* The least of a group and of all above it. A container may see its own group as the root. */
static double least_quota(const char *root, const char *group, const char *quota_file,
                          const char *period_file)
{
    char folder[PATH_MAX];
    size_t top = strlen(root);
    double least = INFINITY;
    if (snprintf(folder, sizeof folder, "%s%s", root, group) >= (int)sizeof folder)
        return least;
    for (;;) {
        least = fmin(least, read_quota(folder, quota_file, period_file));
        char *slash = strrchr(folder + top, '/');
        if (!slash)
            return least;
        *slash = 0;
    }
}

static bool has_cpu(const char *controllers)
{
    for (const char *c = controllers; c; c = strchr(c, ',')) {
        c += *c == ',';
        if (strncmp(c, "cpu", 3) == 0 && (c[3] == ',' || c[3] == 0))
            return true;
    }
    return false;
}

double ds_cpu_quota(const char *root, const char *membership)
{
    char line[PATH_MAX], v1[PATH_MAX];
    double least = INFINITY;
    FILE *f = fopen(membership, "re");
    while (f && fgets(line, sizeof line, f)) { /* "0::/group", "4:cpu,cpuacct:/group" */
        char *controllers = strchr(line, ':'), *group;
        line[strcspn(line, "\n")] = 0;
        if (!controllers || !(group = strchr(++controllers, ':')))
            continue;
        *group++ = 0;
        if (!*controllers)
            least = fmin(least, least_quota(root, group, "cpu.max", NULL));
        else if (has_cpu(controllers) && snprintf(v1, sizeof v1, "%s/%s", root, controllers) > 0)
            least = fmin(least, least_quota(v1, group, "cpu.cfs_quota_us", "cpu.cfs_period_us"));
    }
    if (f)
        fclose(f);
    return least;
}

/* How much of the processors the system lets this process use, as in a container or a slice. */
#ifndef DS_MEASURE_QUOTA_H
#define DS_MEASURE_QUOTA_H

/*
 * Processors, by the least quota of the cgroups of either version that the process is in and of
 * those above them. `root` is where cgroups are mounted, /sys/fs/cgroup; `membership` the file that
 * says which they are, /proc/self/cgroup. Infinite where there is no quota.
 */
double ds_cpu_quota(const char *root, const char *membership);

#endif

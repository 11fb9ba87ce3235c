/* Tools for devices that this dstools cannot measure live: by profile only. */
#ifndef DS_PROFILE_ONLY_H
#define DS_PROFILE_ONLY_H

/* The whole of ds-measure-gpu and ds-measure-npu: `class` is "gpu" or "npu". */
int profile_only(const char *tool, const char *class, int argc, char **argv);

#endif

/*
 * What runs of different networks have in common: the clock of the machine and its neighbours make
 * all of them slow or fast together for a while. It is estimated for every run from the runs of
 * other networks next to it in time, robustly, and taken out.
 */
#ifndef DS_MEASURE_COMMON_H
#define DS_MEASURE_COMMON_H

#include "base/error.h"
#include <stddef.h>

/* Runs in the order in which they were made. */
struct ds_run_log {
    size_t n, room;
    struct ds_run {
        int network;   /* 0.. */
        double log_ms; /* natural logarithm of its time */
    } * run;
};

int ds_run_log_add(struct ds_run_log *runs, int network, double ms, struct ds_error *err);
void ds_run_log_free(struct ds_run_log *log);

/*
 * The model log t = network + common + noise. Sets common[log->n] so that its median is 0: the
 * median of log t - common over the runs of a network is then its time while the machine was as it
 * was in the middle of the log.
 *
 * common of a run is the median of what the k runs of other networks nearest to it in time deviate
 * from their own network's median, alternately estimated (median polish: Tukey, Exploratory Data
 * Analysis, 1977). As a run never enters its own, how far the rest deviates is a fair measure of k:
 * the k of the least such spread is taken among a few, 0 (nothing is taken out) among them. Returns
 * k, or -1 when out of memory.
 */
int ds_common_estimate(const struct ds_run_log *log, int networks, double *common,
                       struct ds_error *err);

#endif

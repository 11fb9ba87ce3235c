/*
 * The metrics that dstools knows by name: their units, and the class of device that each belongs
 * to. Any other name is a metric too, of which nothing is known.
 */
#ifndef DS_BASE_METRIC_H
#define DS_BASE_METRIC_H

#include <stdbool.h>

#define DS_TOP1 "top1"               /* accuracy, % */
#define DS_TOP5 "top5"               /* share of labels among the five likeliest, % */
#define DS_LOSS "loss"               /* mean cross entropy, nats */
#define DS_MACS "macs"               /* multiply-accumulates of one image, millions */
#define DS_PARAMS "params"           /* trained parameters, millions */
#define DS_PEAKMEM "peakmem"         /* peak activation memory, MB of a million bytes */
#define DS_WEIGHTS "weights"         /* weights and biases as they are run, MB */
#define DS_ACTIVATIONS "activations" /* what all layers write, MB */
#define DS_ARENA "arena"             /* memory that TensorFlow Lite plans for a model, MB */
#define DS_LATENCY_CPU "latency.cpu"
#define DS_LATENCY_GPU "latency.gpu"
#define DS_LATENCY_NPU "latency.npu"

/* How the name of a metric goes on where it is that of the network in int8: "arena.int8". */
#define DS_IN_INT8 ".int8"

/* Millions: what counts are divided by. */
#define DS_MILLION 1e6

/*
 * "ms", "M", "MB", "%"; "" where the name says none. What a metric's name goes on with after a dot
 * ("latency.cpu.u0l1") has the unit of the metric.
 */
const char *ds_metric_unit(const char *metric);

/* Whether it is a "latency.NAME". */
bool ds_metric_is_latency(const char *metric);

/* The class of device that a metric is of: "cpu", "gpu", "npu" or "acc"; NULL where unknown. */
const char *ds_metric_class(const char *metric);

/* Whether there is such a class, and the metric of a class; NULL: no class. */
bool ds_is_class(const char *class);
const char *ds_class_metric(const char *class);

/* The classes for messages. */
#define DS_CLASSES "cpu, gpu, npu or acc"
#define DS_LATENCY_CLASSES "cpu, gpu or npu"

#endif

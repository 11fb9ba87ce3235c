#include "base/metric.h"

#include <stddef.h>
#include <string.h>

static const struct known_metric {
    const char *name, *unit, *class;
} metrics[] = {
    {DS_LATENCY_CPU, "ms", "cpu"}, {DS_LATENCY_GPU, "ms", "gpu"}, {DS_LATENCY_NPU, "ms", "npu"},
    {DS_TOP1, "%", "acc"},         {DS_MACS, "M", NULL},          {DS_PARAMS, "M", NULL},
    {DS_PEAKMEM, "MB", NULL},      {DS_TOP5, "%", NULL},          {DS_WEIGHTS, "MB", NULL},
    {DS_ACTIVATIONS, "MB", NULL},  {DS_ARENA, "MB", NULL},        {NULL, NULL, NULL},
};

static const struct known_metric *find(const char *name)
{
    const struct known_metric *m = metrics;
    while (m->name && strcmp(m->name, name))
        m++;
    return m->name ? m : NULL;
}

bool ds_metric_is_latency(const char *metric)
{
    size_t n = strlen("latency.");
    return strncmp(metric, "latency.", n) == 0 && metric[n];
}

const char *ds_metric_unit(const char *metric)
{
    if (ds_metric_is_latency(metric))
        return "ms";
    for (const struct known_metric *m = metrics; m->name; m++)
        if (strncmp(m->name, metric, strlen(m->name)) == 0)
            return m->unit;
    return "";
}

const char *ds_metric_class(const char *metric)
{
    const struct known_metric *m = find(metric);
    return m ? m->class : NULL;
}

const char *ds_class_metric(const char *class)
{
    for (const struct known_metric *m = metrics; m->name; m++)
        if (m->class && strcmp(m->class, class) == 0)
            return m->name;
    return NULL;
}

bool ds_is_class(const char *class)
{
    return ds_class_metric(class) != NULL;
}

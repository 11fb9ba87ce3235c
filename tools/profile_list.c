#include "profile_list.h"

#include "base/grow.h"
#include "message.h"
#include "profile/profile.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static struct ds_profile *load(const char *name)
{
    struct ds_error err;
    struct ds_profile *p = ds_profile_load(name, &err);
    if (!p)
        cli_die(CLI_FAILED, "%s", err.text);
    return p;
}

/* A number of the profile's `error`, or "-". */
static const char *error_of(const struct ds_profile *p, const char *key, const char *format,
                            char *out, size_t size)
{
    const json_t *value = json_object_get(json_object_get(p->json, "error"), key);
    snprintf(out, size, "-");
    if (json_is_number(value))
        snprintf(out, size, format, json_number_value(value));
    return out;
}

static void widen(int *width, const char *text)
{
    int n = (int)strlen(text);
    *width = n > *width ? n : *width;
}

void list_profiles(FILE *out, char *const *names, size_t n)
{
    struct ds_profile **all = ds_alloc(n + 1, sizeof *all, NULL);
    int name = 7, space = 5, metric = 6;
    char mape[32], rank[32];
    if (!all)
        cli_die(CLI_FAILED, "out of memory");
    for (size_t i = 0; i < n; i++) {
        all[i] = load(names[i]);
        widen(&name, all[i]->name);
        widen(&space, all[i]->space);
        widen(&metric, all[i]->metric);
    }
    fprintf(out, "%-*s  %-*s  %-*s  %7s  %8s  %s\n", name, "profile", space, "space", metric,
            "metric", "error %", "spearman", "device");
    for (size_t i = 0; i < n; i++) {
        const struct ds_profile *p = all[i];
        fprintf(out, "%-*s  %-*s  %-*s  %7s  %8s  %s\n", name, p->name, space, p->space, metric,
                p->metric, error_of(p, "mape_percent", "%.3g", mape, sizeof mape),
                error_of(p, "spearman", "%.4f", rank, sizeof rank), p->device);
        ds_profile_free(all[i]);
    }
    free(all);
}

void describe_profile(FILE *out, const char *name)
{
    struct ds_profile *p = load(name);
    char text[32];
    const char *about = json_string_value(json_object_get(p->json, "description"));
    const json_t *records = json_object_get(json_object_get(p->json, "provenance"), "records");
    fprintf(out, "%-16s %s\n%-16s %s\n%-16s %s\n%-16s %s, %s\n", "profile", p->name, "device",
            p->device, "space", p->space, "metric", p->metric, p->unit);
    if (json_object_get(p->json, "error"))
        fprintf(out, "%-16s %s %% (mean absolute, held out), ", "error",
                error_of(p, "mape_percent", "%.3g", text, sizeof text));
    if (json_object_get(p->json, "error"))
        fprintf(out, "Spearman %s\n", error_of(p, "spearman", "%.4f", text, sizeof text));
    if (json_is_integer(records))
        fprintf(out, "%-16s %lld\n", "fitted to", (long long)json_integer_value(records));
    if (about)
        fprintf(out, "%-16s %s\n", "description", about);
    ds_profile_free(p);
}

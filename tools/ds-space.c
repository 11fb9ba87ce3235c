/* Lists, checks and describes design spaces; lists device profiles. */
#include "base/file.h"
#include "base/grow.h"
#include "base/metric.h"
#include "base/text.h"
#include "memory.h"
#include "network/cost_range.h"
#include "output.h"
#include "profile_list.h"
#include "space/shipped.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 100 /* columns that a description may take */

struct wanted {
    bool json, table, profiles;
};

/* A space, its size and the ranges of its costs. */
struct described {
    struct ds_space *space;
    json_t *json;
    char *size;
    struct ds_cost least, greatest;
};

static void describe(const char *name, struct described *d)
{
    struct ds_error err;
    if (!(d->space = ds_space_load(name, &err)))
        cli_die(CLI_FAILED, "%s", err.text);
    if (ds_space_range(d->space, &d->least, &d->greatest, &err))
        cli_die(CLI_FAILED, "space %s: %s", d->space->name, err.text);
    d->json = json_loads(d->space->json, 0, NULL);
    d->size = ds_space_size(d->space);
    if (!d->json || !d->size)
        cli_no_memory();
}

static void forget(struct described *d)
{
    free(d->size);
    json_decref(d->json);
    ds_space_free(d->space);
}

/* ---- one space ---- */

static bool same_choices(const struct ds_site *a, const struct ds_site *b)
{
    return a->kind == DS_SITE_BLOCK && b->kind == DS_SITE_BLOCK && a->unit == b->unit &&
           a->nchoices == b->nchoices &&
           memcmp(a->value, b->value, (size_t)a->nchoices * sizeof *a->value) == 0;
}

/* Prints a word, on a new line where the page would be too narrow. */
static void print_word(FILE *out, const char *word, int indent, int *column)
{
    int n = (int)strlen(word);
    if (*column + 1 + n > PAGE && *column > indent) {
        fprintf(out, "\n%*s", indent, "");
        *column = indent;
    }
    fprintf(out, " %s", word);
    *column += 1 + n;
}

/* "unit0.layer0-3  mbconv3_e3_k3 ..."; layers of the same choices are one line. */
static void print_sites(FILE *out, const struct ds_space *space)
{
    for (int s = 0, end; s < space->nsites; s = end) {
        const struct ds_site *site = &space->site[s];
        char label[200];
        for (end = s + 1; end < space->nsites && same_choices(site, &space->site[end]);)
            end++;
        int n = snprintf(label, sizeof label, end - s > 1 ? "%s-%d" : "%s", site->name,
                         space->site[end - 1].layer);
        int indent = fprintf(out, "%-16s", label), column = indent > n ? indent : n;
        for (int c = 0; c < site->nchoices; c++) {
            ds_site_print(space, s, c, label, sizeof label);
            print_word(out, label, indent, &column);
        }
        fputc('\n', out);
    }
}

static void print_range(FILE *out, const char *metric, const struct described *d)
{
    double least = 0, greatest = 0;
    ds_cost_metric(&d->least, metric, &least);
    ds_cost_metric(&d->greatest, metric, &greatest);
    fprintf(out, "%-16s %.6g", metric, least);
    if (greatest != least)
        fprintf(out, " to %.6g", greatest);
    fprintf(out, " %s\n", ds_metric_unit(metric));
}

static void print_description(FILE *out, const struct described *d)
{
    static const char *const texts[] = {"description", "source"};
    char plain[2000];
    fprintf(out, "%-16s %s\n", "space", d->space->name);
    for (int i = 0; i < 2; i++) {
        const char *text = json_string_value(json_object_get(d->json, texts[i]));
        if (text)
            fprintf(out, "%-16s %s\n", texts[i], ds_text_plain_copy(plain, sizeof plain, text));
    }
    fprintf(out, "%-16s %s\n", "architectures", d->size);
    print_range(out, DS_MACS, d);
    print_range(out, DS_PARAMS, d);
    print_range(out, DS_PEAKMEM, d);
    fputc('\n', out);
    print_sites(out, d->space);
}

/* ---- many ---- */

static void print_table(FILE *out, char *const *names, size_t n)
{
    int widest = 5, longest = 13;
    struct described *all = ds_alloc(n + 1, sizeof *all, NULL);
    if (!all)
        cli_no_memory();
    for (size_t i = 0; i < n; i++) {
        describe(names[i], &all[i]);
        int name = (int)strlen(all[i].space->name), size = (int)strlen(all[i].size);
        widest = name > widest ? name : widest;
        longest = size > longest ? size : longest;
    }
    fprintf(out, "%-*s  %*s  %8s  %8s  %10s  %10s\n", widest, "space", longest, "architectures",
            "macs.min", "macs.max", "params.min", "params.max");
    for (size_t i = 0; i < n; i++) {
        const struct described *d = &all[i];
        fprintf(out, "%-*s  %*s  %8.6g  %8.6g  %10.6g  %10.6g\n", widest, d->space->name, longest,
                d->size, (double)d->least.macs / DS_MILLION, (double)d->greatest.macs / DS_MILLION,
                (double)d->least.params / DS_MILLION, (double)d->greatest.params / DS_MILLION);
        forget(&all[i]);
    }
    free(all);
}

static void print_list(FILE *out, char *const *names, size_t n)
{
    int widest = 0;
    for (size_t i = 0; i < n; i++)
        widest = (int)strlen(names[i]) > widest ? (int)strlen(names[i]) : widest;
    for (size_t i = 0; i < n; i++) {
        struct ds_error err;
        struct ds_space *space = ds_space_load(names[i], &err);
        if (!space)
            cli_die(CLI_FAILED, "%s", err.text);
        json_t *json = json_loads(space->json, 0, NULL);
        const char *text = json_string_value(json_object_get(json, "description"));
        fprintf(out, text ? "%-*s  %s\n" : "%-*s\n", text ? widest : 0, names[i], text);
        json_decref(json);
        ds_space_free(space);
    }
}

/* Prints the file itself, as a start for a space of one's own. */
static void print_json(FILE *out, const char *name)
{
    struct ds_error err;
    size_t size;
    struct ds_space *space = ds_space_load(name, &err);
    char *path = space ? ds_shipped_path("spaces", name, &err) : NULL;
    char *text = path ? ds_file_read(path, &size, &err) : NULL;
    if (!text)
        cli_die(CLI_FAILED, "%s", err.text);
    fwrite(text, 1, size, out);
    free(text);
    free(path);
    ds_space_free(space);
}

static void describe_profiles(FILE *out, char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (i)
            fputc('\n', out);
        describe_profile(out, names[i]);
    }
}

int main(int argc, char **argv)
{
    struct wanted w = {0};
    const struct cli_option options[] = {
        {"json", 'j', CLI_FLAG, &w.json, NULL, "the space's file, to start one of your own from",
         0},
        {"table", 't', CLI_FLAG, &w.table, NULL, "one line a space; all shipped ones if none named",
         0},
        {"profiles", 'p', CLI_FLAG, &w.profiles, NULL,
         "device profiles in the place of spaces: all shipped ones, or those named", 0},
        {0},
    };
    struct cli cli = {
        .name = "ds-space",
        .usage = "[OPTION ...] [SPACE ...] | --profiles [OPTION ...] [PROFILE ...]",
        .about = "Lists the shipped design spaces; checks and describes those named.",
        .options = options,
    };
    cli_parse(&cli, argc, argv);
    if (w.json && (w.table || cli.noperands != 1))
        cli_die(CLI_USAGE, "--json wants one SPACE, and no --table");
    if (w.json && w.profiles)
        cli_die(CLI_USAGE, "--json and --profiles: one of them");

    size_t n = (size_t)cli.noperands;
    char **shipped = n ? NULL : ds_shipped_names(w.profiles ? "devices" : "spaces", &n),
         **names = n && shipped ? shipped : cli.operand;
    if (n == 0)
        cli_die(CLI_FAILED, "no %s found: is dstools installed?",
                w.profiles ? "device profiles" : "design spaces");
    FILE *out = cli_open_text(&cli);
    if (w.profiles && (shipped || w.table))
        list_profiles(out, names, n);
    else if (w.profiles)
        describe_profiles(out, names, n);
    else if (w.table)
        print_table(out, names, n);
    else if (w.json)
        print_json(out, names[0]);
    else if (shipped)
        print_list(out, names, n);
    else
        for (size_t i = 0; i < n; i++) {
            struct described d;
            describe(names[i], &d);
            if (i)
                fputc('\n', out);
            print_description(out, &d);
            forget(&d);
        }
    cli_close_text(&cli, out);
    if (shipped)
        ds_shipped_free_names(shipped, n);
    return 0;
}

/* Makes a smaller design space: by rule, and by what has been measured. */
#include "base/grow.h"
#include "base/text.h"
#include "conditions.h"
#include "memory.h"
#include "objective.h"
#include "output.h"
#include "space/like.h"
#include "space/prune.h"
#include "space/shipped.h"
#include "study/policy.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the options ask for. */
struct wanted {
    struct cli_list drop, keep, max_depth, min_depth, resolution, weight;
    struct cli_list better, worse;
    double confidence, worth;
    bool by_layer, explain;
    const char *like, *name;
    uint64_t looks, most;
    const char *earlier, *settled, *open;
};

/* "UNIT=V", or "V" for all units: the unit, -1 for all. */
static int unit_and_value(const struct ds_space *space, const char *option, const char *text,
                          double *value)
{
    const char *equals = strchr(text, '=');
    *value = cli_number(option, equals ? equals + 1 : text, 0, 1e9);
    if (!equals)
        return -1;
    char *unit = ds_copy_text(text, (size_t)(equals - text), NULL);
    if (!unit)
        cli_no_memory();
    uint64_t u = cli_count(option, unit, 0, UINT64_MAX);
    free(unit);
    if (u >= (uint64_t)space->nunits)
        cli_die(CLI_USAGE, "%s: %s: space %s has units 0 to %d", option, text, space->name,
                space->nunits - 1);
    return (int)u;
}

static void add_reason(struct ds_pruning *p, const char *sentence)
{
    struct ds_error err;
    if (ds_pruning_reason(p, sentence, &err))
        cli_die(CLI_FAILED, "%s", err.text);
}

/* Applies one rule, which must drop something. */
static void apply(struct ds_pruning *p, const struct ds_space *space, const char *option,
                  const char *given, const char *text, bool keep)
{
    struct ds_error err;
    char *sentence;
    struct ds_rule *rule = ds_rule_parse(text, &err);
    if (!rule)
        cli_die(CLI_USAGE, "%s '%s': %s", option, given, err.text);
    int count = ds_pruning_rule(p, rule, keep);
    if (count == 0)
        cli_die(CLI_FAILED, "%s '%s': drops nothing from space %s", option, given, space->name);
    if (asprintf(&sentence, "%s '%s': drops %d", option, given, count) < 0)
        cli_no_memory();
    add_reason(p, sentence);
    free(sentence);
    ds_rule_free(rule);
}

/* --max-depth and --min-depth are short forms of rules. */
static void apply_depths(struct ds_pruning *p, const struct ds_space *space, const char *option,
                         const struct cli_list *list, const char *comparison)
{
    for (int i = 0; i < list->n; i++) {
        double depth;
        char rule[100];
        int u = unit_and_value(space, option, list->value[i], &depth);
        if (u < 0)
            snprintf(rule, sizeof rule, "depth%s%.9g", comparison, depth);
        else
            snprintf(rule, sizeof rule, "unit==%d && depth%s%.9g", u, comparison, depth);
        apply(p, space, option, list->value[i], rule, false);
    }
}

/* --resolution R, which may be given again: all other resolutions are dropped. */
static void apply_resolutions(struct ds_pruning *p, const struct ds_space *space,
                              const struct cli_list *list)
{
    const struct ds_site *site = &space->site[space->resolution_site];
    char sentence[300] = "--resolution";
    bool keep[DS_MAX_CHOICES] = {false};
    for (int i = 0; i < list->n; i++) {
        int c = ds_site_choice(site, (int)cli_count("--resolution", list->value[i], 1, INT_MAX));
        if (c < 0)
            cli_die(CLI_FAILED, "--resolution: space %s has no resolution %s", space->name,
                    list->value[i]);
        keep[c] = true;
        size_t at = strlen(sentence);
        snprintf(sentence + at, sizeof sentence - at, " %s", list->value[i]);
    }
    for (int c = 0; c < site->nchoices && list->n; c++)
        if (!keep[c])
            ds_pruning_drop(p, space->resolution_site, c);
    if (list->n)
        add_reason(p, sentence);
}

static void apply_weights(struct ds_pruning *p, const struct ds_space *space,
                          const struct cli_list *list)
{
    for (int i = 0; i < list->n; i++) {
        double weight;
        char sentence[300];
        int u = unit_and_value(space, "--mutate-weight", list->value[i], &weight);
        if (weight < 0 || weight > 1)
            cli_die(CLI_USAGE, "--mutate-weight: %s: a weight is from 0 to 1", list->value[i]);
        for (int k = 0; k < space->nunits; k++)
            if (u < 0 || u == k)
                ds_pruning_weight(p, k, weight);
        snprintf(sentence, sizeof sentence, "--mutate-weight %s", list->value[i]);
        add_reason(p, sentence);
    }
}

static void apply_rules(struct ds_pruning *p, const struct ds_space *space, const struct wanted *w)
{
    for (int i = 0; i < w->drop.n; i++)
        apply(p, space, "--drop", w->drop.value[i], w->drop.value[i], false);
    for (int i = 0; i < w->keep.n; i++)
        apply(p, space, "--keep", w->keep.value[i], w->keep.value[i], true);
    apply_depths(p, space, "--max-depth", &w->max_depth, ">");
    apply_depths(p, space, "--min-depth", &w->min_depth, "<");
    apply_resolutions(p, space, &w->resolution);
    apply_weights(p, space, &w->weight);
}

static bool has_failed(const struct ds_record *rec, const struct ds_objectives *o)
{
    struct ds_error err;
    double x[DS_MOST_OBJECTIVES];
    return ds_objectives_read(o, rec, x, &err) == 0;
}

static void read_evidence(struct ds_evidence *e, const struct ds_objectives *o, char *const *names,
                          int nnames)
{
    struct ds_error err;
    struct ds_record *rec;
    struct conditions conditions[DS_MOST_OBJECTIVES] = {0};
    uint64_t used = 0, failed = 0;
    struct ds_reader *in = cli_reader(names, nnames);
    int rc, add = 0;
    while ((rc = ds_reader_next(in, &rec, &err)) > 0) {
        if ((add = ds_evidence_add(e, rec, &err)) < 0)
            cli_die(CLI_FAILED, "%s: %s", ds_reader_where(in), err.text);
        used += (uint64_t)add;
        failed += has_failed(rec, o);
        for (int k = 0; k < o->n && add; k++)
            conditions_add(&conditions[k], rec, o->at[k].name);
    }
    if (rc < 0)
        cli_die(CLI_FAILED, "%s", err.text);
    if (!used)
        cli_die(CLI_FAILED, "no evidence: wants measured records with something affixed, or "
                            "groups by unit,block, by unit,layer,block, or by unit,depth");
    if (failed)
        cli_warn("%llu records have metrics that could not be measured (ds-show --json: errors); "
                 "these are left out",
                 (unsigned long long)failed);
    for (int k = 0; k < o->n; k++) {
        conditions_end(&conditions[k], o->at[k].name, "judge by");
        conditions_free(&conditions[k]);
    }
    ds_reader_close(in);
}

/* A file beside the space that is written. */
static FILE *open_beside(struct cli *c, const char *file)
{
    c->output = file;
    return cli_open_text(c);
}

/* --settled: every choice that might go, and what has become of it. */
static void write_fates(const struct cli *cli, const struct ds_space *space, const char *file,
                        const struct ds_settled *settled)
{
    static const char *const names[] = {"goes", "stays", "futile", "open"};
    struct cli beside = *cli;
    FILE *out = open_beside(&beside, file);
    char label[256], plain[256];
    fprintf(out, "unit\tlayer\tchoice\tfate\tagainst\n");
    for (int i = 0; i < settled->n; i++) {
        const struct ds_decision *d = &settled->decision[i];
        bool depth = space->site[d->site].kind == DS_SITE_DEPTH;
        ds_site_print(space, d->site, d->choice, label, sizeof label);
        fprintf(out, "%d\t", d->unit);
        fprintf(out, d->layer < 0 ? "-\t" : "%d\t", d->layer);
        fprintf(out, "%s%s\t%s\t", depth ? "depth " : "",
                ds_text_plain_copy(plain, sizeof plain, label), names[d->fate]);
        fprintf(out, "%s\n",
                d->against < 0
                    ? "-"
                    : ds_text_plain_copy(plain, sizeof plain, space->block[d->against].name));
    }
    cli_close_text(&beside, out);
}

/* --open: what is to be measured on more bases, as options of ds-affix. */
static void write_open(const struct cli *cli, const struct ds_space *space, const char *file,
                       const struct ds_settled *settled)
{
    struct cli beside = *cli;
    FILE *out = open_beside(&beside, file);
    char label[256];
    for (int s = 0; s < space->nsites; s++)
        for (int c = 0; c < space->site[s].nchoices; c++) {
            if (!settled->measure[s][c])
                continue;
            ds_site_print(space, s, c, label, sizeof label);
            if (space->site[s].kind == DS_SITE_DEPTH)
                fprintf(out, "--depth=%d,%s\n", space->site[s].unit, label);
            else
                fprintf(out, "--block=%d,%d,%s\n", space->site[s].unit, space->site[s].layer,
                        label);
        }
    cli_close_text(&beside, out);
}

static void tell_settled(const struct cli *cli, const struct ds_space *space,
                         const struct wanted *w, const struct ds_settled *settled, size_t bases)
{
    if (!cli->quiet)
        fprintf(stderr,
                "after %zu bases of at most %" PRIu64
                ": of %d choices that might go, %d go, %d stay, %d are futile, %d open\n",
                bases, w->most, settled->n, settled->count[DS_GOES], settled->count[DS_STAYS],
                settled->count[DS_FUTILE], settled->count[DS_OPEN]);
    if (w->settled)
        write_fates(cli, space, w->settled, settled);
    if (w->open)
        write_open(cli, space, w->open, settled);
}

static void apply_policy(struct ds_pruning *p, const struct ds_space *space, const struct wanted *w,
                         const struct ds_objectives *o, const struct cli *cli)
{
    struct ds_error err;
    const char *metric[DS_MOST_OBJECTIVES];
    struct ds_policy policy = {.n = o->n,
                               .confidence = w->confidence,
                               .worth = w->worth,
                               .by_layer = w->by_layer,
                               .looks = (int)w->looks,
                               .most = (double)w->most};
    struct ds_space *earlier = NULL;
    struct ds_settled settled = {0};
    for (int k = 0; k < o->n; k++) {
        metric[k] = o->at[k].name;
        policy.metric[k].name = o->at[k].name;
        policy.metric[k].more = o->at[k].more;
        policy.metric[k].tolerance = o->at[k].tolerance;
    }
    struct ds_evidence *e = ds_evidence_new(space, metric, o->n, &err);
    if (!e)
        cli_die(CLI_FAILED, "%s", err.text);
    read_evidence(e, o, cli->operand + 1, cli->noperands - 1);
    if (w->most && !ds_evidence_bases(e))
        cli_die(CLI_FAILED, "--most: groups do not say how many bases would settle what: give the "
                            "measured records");
    if (w->earlier && !(policy.earlier = earlier = ds_space_load(w->earlier, &err)))
        cli_die(CLI_FAILED, "--earlier: %s", err.text);
    int cuts = ds_policy_prune(&policy, e, space, p, w->most ? &settled : NULL, &err);
    if (cuts < 0)
        cli_die(CLI_FAILED, "%s", err.text);
    if (w->most)
        tell_settled(cli, space, w, &settled, ds_evidence_bases(e));
    if (cuts == 0 && !w->most)
        cli_warn("the evidence speaks against nothing: the space stays as it was");
    ds_settled_free(&settled);
    ds_space_free(earlier);
    ds_evidence_free(e);
}

/* --like FILE: only a random draw, of the size of the space in FILE. */
static void apply_like(struct ds_pruning *p, const struct ds_space *space, const char *file,
                       uint64_t seed)
{
    struct ds_error err;
    char sentence[700];
    struct ds_space *like = ds_space_load(file, &err);
    if (!like || ds_pruning_like(p, space, like, seed, &err))
        cli_die(CLI_FAILED, "--like: %s", err.text);
    snprintf(sentence, sizeof sentence,
             "--like %s --seed %" PRIu64 ": as many choices at every site, at random", like->name,
             seed);
    add_reason(p, sentence);
    ds_space_free(like);
}

static bool any_rule(const struct wanted *w)
{
    return w->drop.n + w->keep.n + w->max_depth.n + w->min_depth.n + w->resolution.n + w->weight.n;
}

static void explain(const struct ds_pruning *p, const struct ds_space *space, const char *json)
{
    struct ds_error err;
    char reason[2400];
    for (int i = 0; ds_pruning_reason_at(p, i); i++)
        fprintf(stderr, "%s\n",
                ds_text_plain_copy(reason, sizeof reason, ds_pruning_reason_at(p, i)));
    struct ds_space *left = ds_space_parse(json, strlen(json), &err);
    char *before = ds_space_size(space), *after = left ? ds_space_size(left) : NULL;
    if (!before || !after)
        cli_no_memory();
    fprintf(stderr, "%s: %s architectures\n%s: %s architectures\n", space->name, before, left->name,
            after);
    free(before);
    free(after);
    ds_space_free(left);
}

int main(int argc, char **argv)
{
    struct wanted w = {.confidence = 0.95, .worth = 0.1, .looks = 1};
    const struct cli_option options[] = {
        {"drop", 'd', CLI_LIST, &w.drop, "RULE", "choices of which it is true go: 'kernel==7'", 0},
        {"keep", 'k', CLI_LIST, &w.keep, "RULE", "choices of which it is false go", 0},
        {"max-depth", 0, CLI_LIST, &w.max_depth, "[U=]D", "at most D layers in unit U, or in all",
         0},
        {"min-depth", 0, CLI_LIST, &w.min_depth, "[U=]D", "at least D layers", 0},
        {"resolution", 'r', CLI_LIST, &w.resolution, "R", "only this resolution (again for more)",
         0},
        {"mutate-weight", 0, CLI_LIST, &w.weight, "[U=]P",
         "how likely a search mutates unit U, or all: 0 to 1", 0},
        {"better", 'b', CLI_LIST, &w.better, "METRIC[=T]",
         "by evidence: the more of it, the better; T: tolerance", 0},
        {"worse", 'w', CLI_LIST, &w.worse, "METRIC[=T]", "the more of it, the worse", 0},
        {"confidence", 0, CLI_NUMBER, &w.confidence, "P", "of all cuts together (0.95)", 0},
        {"worth", 0, CLI_NUMBER, &w.worth, "F",
         "rates of exchange from F to 1/F times the average count (0.1)", 0},
        {"by-layer", 0, CLI_FLAG, &w.by_layer, NULL, "compare blocks at every layer, not in a unit",
         0},
        {"looks", 0, CLI_COUNT, &w.looks, "N", "of N looks at growing evidence this is one (1)", 1,
         1000},
        {"earlier", 0, CLI_TEXT, &w.earlier, "FILE", "what the look before left: the rest is gone",
         0},
        {"most", 0, CLI_COUNT, &w.most, "N", "tell how much is settled, with at most N bases", 2,
         1e9},
        {"settled", 0, CLI_TEXT, &w.settled, "FILE", "--most: write the fate of every choice", 0},
        {"open", 0, CLI_TEXT, &w.open, "FILE", "--most: write what is to be measured further", 0},
        {"like", 0, CLI_TEXT, &w.like, "SPACE",
         "as many choices at every site as this pruned one, drawn by --seed", 0},
        {"explain", 'e', CLI_FLAG, &w.explain, NULL, "each cut and the sizes, on standard error",
         0},
        {"name", 0, CLI_TEXT, &w.name, "NAME", "of the new space (SPACE-pruned)", 0},
        {0},
    };
    struct cli cli = {
        .name = "ds-prune",
        .usage = "SPACE {--like PRUNED | [RULES] [{--better METRIC | --worse METRIC} ... "
                 "[EVIDENCE ...]]}",
        .about = "Writes a smaller design space: by rule, and by measured evidence.",
        .options = options,
    };
    struct ds_error err;
    struct ds_objectives o = {0};
    cli_parse(&cli, argc, argv);
    bool by_evidence = w.better.n + w.worse.n > 0;
    if (cli.noperands < 1)
        cli_die(CLI_USAGE, "wants a SPACE: a shipped name, as ofa-mbv3, or a file");
    if (cli.noperands > 1 && !by_evidence)
        cli_die(CLI_USAGE,
                "evidence needs metrics to judge it by: --better METRIC, --worse METRIC");
    if (!(w.confidence > 0 && w.confidence < 1))
        cli_die(CLI_USAGE, "--confidence: must lie between 0 and 1");
    if (!by_evidence && (w.looks > 1 || w.earlier || w.most))
        cli_die(CLI_USAGE, "--looks, --earlier and --most are about evidence: --better METRIC, "
                           "--worse METRIC");
    if (!w.most && (w.settled || w.open))
        cli_die(CLI_USAGE, "--settled and --open want --most N: of how many bases");
    if (w.like && (by_evidence || any_rule(&w)))
        cli_die(CLI_USAGE, "--like draws at random: rules and evidence have no part in it");
    if (by_evidence)
        objectives_parse(&o, &w.better, &w.worse, true);

    struct ds_space *space = ds_space_load(cli.operand[0], &err);
    if (!space)
        cli_die(CLI_FAILED, "%s", err.text);
    struct ds_pruning *p = ds_pruning_new(space, &err);
    if (!p)
        cli_die(CLI_FAILED, "%s", err.text);
    if (w.like)
        apply_like(p, space, w.like, cli.seed);
    apply_rules(p, space, &w);
    if (by_evidence)
        apply_policy(p, space, &w, &o, &cli);

    char name[256];
    snprintf(name, sizeof name, "%s-pruned", space->name);
    char *json = ds_pruning_json(p, w.name ? w.name : name, &err);
    if (!json)
        cli_die(CLI_FAILED, "%s", err.text);
    FILE *out = cli_open_text(&cli);
    fputs(json, out);
    cli_close_text(&cli, out);
    if (w.explain)
        explain(p, space, json);
    free(json);
    ds_pruning_free(p);
    ds_space_free(space);
    ds_objectives_free(&o);
    return 0;
}

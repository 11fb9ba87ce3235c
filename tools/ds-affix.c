/* Affixes blocks, depths, widths and resolutions in the architectures that come in. */
#include "base/number.h"
#include "base/random.h"
#include "memory.h"
#include "output.h"
#include "progress.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One choice at one site. */
struct affix {
    int site, choice;
};

struct affixes {
    struct affix *item;
    size_t n, room;
};

/* The options' arguments, which become affixes once the space is known. */
struct wanted {
    struct cli_list block, depth, width, option;
    struct cli_list resolution;
    bool all, all_depths, all_widths, all_resolutions, all_options;
};

/* How they are affixed. */
struct manner {
    bool paper, one_place;
    uint64_t seed;
};

/* Adds it, unless it was asked for before. */
static void add(struct affixes *a, int site, int choice)
{
    for (size_t i = 0; i < a->n; i++)
        if (a->item[i].site == site && a->item[i].choice == choice)
            return;
    cli_grow(&a->item, &a->room, a->n + 1, sizeof *a->item);
    a->item[a->n++] = (struct affix){site, choice};
}

/* Adds the choice that is written `value` at the site called `name`. */
static void add_named(struct affixes *a, const struct ds_space *space, const char *option,
                      const char *name, const char *value)
{
    char label[256], known[400] = "";
    int site = ds_space_site(space, name, strlen(name));
    if (site < 0)
        cli_die(CLI_USAGE, "%s: space %s has no %s", option, space->name, name);
    for (int c = 0; c < space->site[site].nchoices; c++) {
        ds_site_print(space, site, c, label, sizeof label);
        if (strcmp(label, value) == 0) {
            add(a, site, c);
            return;
        }
        size_t at = strlen(known);
        snprintf(known + at, sizeof known - at, "%s%s", c ? ", " : "", label);
    }
    cli_die(CLI_USAGE, "%s: %s of space %s can be %s, not '%s'", option, name, space->name, known,
            value);
}

/* Takes "u,l,b" or "u,d": numbers, then the value, which is the rest of the text. */
static void add_numbered(struct affixes *a, const struct ds_space *space, const char *option,
                         const char *text, const char *format, int numbers)
{
    uint64_t number[2] = {0};
    const char *at = text;
    char name[64];
    for (int i = 0; i < numbers; i++) {
        if (ds_whole_begin(at, &at, INT_MAX, &number[i]) || *at++ != ',' || !*at)
            cli_die(CLI_USAGE, "%s: '%s' is not %s", option, text,
                    numbers == 2 ? "UNIT,LAYER,BLOCK" : "UNIT,VALUE");
    }
    if (numbers == 2)
        snprintf(name, sizeof name, format, (int)number[0], (int)number[1]);
    else
        snprintf(name, sizeof name, format, (int)number[0]);
    add_named(a, space, option, name, at);
}

static bool asks_for_all(const struct wanted *w, enum ds_site_kind kind)
{
    return (kind == DS_SITE_BLOCK && w->all) || (kind == DS_SITE_DEPTH && w->all_depths) ||
           (kind == DS_SITE_WIDTH && w->all_widths) ||
           (kind == DS_SITE_RESOLUTION && w->all_resolutions) ||
           (kind == DS_SITE_OPTION && w->all_options);
}

static void resolve(const struct wanted *w, const struct ds_space *space, struct affixes *a)
{
    a->n = 0;
    for (int i = 0; i < w->block.n; i++)
        add_numbered(a, space, "--block", w->block.value[i], "unit%d.layer%d", 2);
    for (int i = 0; i < w->depth.n; i++)
        add_numbered(a, space, "--depth", w->depth.value[i], "unit%d.depth", 1);
    for (int i = 0; i < w->width.n; i++)
        add_numbered(a, space, "--width", w->width.value[i], "unit%d.width", 1);
    for (int i = 0; i < w->resolution.n; i++)
        add_named(a, space, "--resolution", "resolution", w->resolution.value[i]);
    for (int i = 0; i < w->option.n; i++) {
        char name[64];
        const char *equals = strchr(w->option.value[i], '=');
        if (!equals || equals - w->option.value[i] >= (int)sizeof name)
            cli_die(CLI_USAGE, "--site: '%s' is not SITE=VALUE", w->option.value[i]);
        snprintf(name, sizeof name, "%.*s", (int)(equals - w->option.value[i]), w->option.value[i]);
        add_named(a, space, "--site", name, equals + 1);
    }
    for (int s = 0; s < space->nsites; s++)
        for (int c = 0; c < space->site[s].nchoices; c++)
            if (asks_for_all(w, space->site[s].kind))
                add(a, s, c);
    if (a->n == 0)
        cli_die(CLI_USAGE, "nothing to affix in space %s: see --help", space->name);
}

/* One of the sites that something is asked for at, each as likely. */
static int draw_place(const struct affixes *a, uint64_t seed, uint64_t id)
{
    int site[DS_MAX_SITES];
    uint32_t n = 0;
    struct ds_random r;
    for (size_t i = 0; i < a->n; i++) {
        uint32_t k = 0;
        while (k < n && site[k] != a->item[i].site)
            k++;
        if (k == n)
            site[n++] = a->item[i].site;
    }
    ds_random_init(&r, seed, id, DS_DRAW_PLACE);
    return site[ds_random_below(&r, n)];
}

/* Writes the base, then the base with each affix. */
static void affix(struct ds_filter *f, const struct ds_record *base, const struct affixes *a,
                  struct ds_record *rec, const struct manner *m)
{
    struct ds_error err;
    int place = m->one_place ? draw_place(a, m->seed, base->id) : -1;
    cli_need_arch(base, ds_reader_where(f->in));
    if (ds_writer_put(f->out, base, &err))
        cli_fail(f->out, &err);
    for (size_t i = 0; i < a->n; i++) {
        uint8_t choice[DS_MAX_SITES];
        if (place >= 0 && a->item[i].site != place)
            continue;
        memcpy(choice, base->choice, (size_t)base->space->nsites);
        ds_arch_affix(base->space, choice, a->item[i].site, a->item[i].choice, m->paper, m->seed);
        if (ds_record_arch(rec, base->space, choice, &err))
            cli_fail(f->out, &err);
        rec->has_base = true;
        rec->base = base->id;
        rec->affix_site = a->item[i].site;
        rec->affix_choice = a->item[i].choice;
        if (ds_writer_put(f->out, rec, &err))
            cli_fail(f->out, &err);
    }
}

int main(int argc, char **argv)
{
    struct wanted w = {0};
    struct manner m = {0};
    const struct cli_option options[] = {
        {"block", 'b', CLI_LIST, &w.block, "U,L,B", "block B at layer L of unit U (again for more)",
         0},
        {"all", 'a', CLI_FLAG, &w.all, NULL, "every block at every layer of every unit", 0},
        {"depth", 0, CLI_LIST, &w.depth, "U,D", "D layers in unit U", 0},
        {"width", 0, CLI_LIST, &w.width, "U,W", "W channels in unit U", 0},
        {"resolution", 'r', CLI_LIST, &w.resolution, "R", "input of R x R pixels", 0},
        {"site", 0, CLI_LIST, &w.option, "SITE=V", "V at any site, as stem1.repeat=1", 0},
        {"all-depths", 0, CLI_FLAG, &w.all_depths, NULL, "every depth of every unit", 0},
        {"all-widths", 0, CLI_FLAG, &w.all_widths, NULL, "every width of every unit", 0},
        {"all-resolutions", 0, CLI_FLAG, &w.all_resolutions, NULL, "every resolution", 0},
        {"all-options", 0, CLI_FLAG, &w.all_options, NULL, "every option of stem and head", 0},
        {"one-place", 0, CLI_FLAG, &m.one_place, NULL,
         "of all that is asked for, what is at one site, drawn for each architecture", 0},
        {"paper", 0, CLI_FLAG, &m.paper, NULL, "deepen to L instead of L+1, as published", 0},
        {0},
    };
    struct cli cli = {
        .name = "ds-affix",
        .usage = "{--all | --block U,L,B | ...} [OPTION ...] [FILE ...]",
        .about = "Writes every incoming architecture, then a copy with each thing asked for "
                 "affixed.",
        .options = options,
    };
    struct ds_filter f;
    struct ds_record *base, rec;
    struct ds_error err;
    struct affixes a = {0};
    const struct ds_space *space = NULL;
    struct progress progress;

    cli_parse(&cli, argc, argv);
    m.seed = cli.seed;
    cli_filter(&cli, &f);
    if (ds_record_init(&rec, &err))
        cli_die(CLI_FAILED, "%s", err.text);
    progress_begin(&progress, cli.progress, 0);
    int rc;
    while ((rc = ds_filter_next(&f, &base, &err)) > 0) {
        if (base->space != space) {
            space = base->space;
            resolve(&w, space, &a);
            f.per_record = m.one_place ? 0 : a.n + 1;
            if (ds_filter_begin(&f, &err))
                cli_fail(f.out, &err);
        }
        affix(&f, base, &a, &rec, &m);
        progress.total = f.per_record * ds_reader_total(f.in);
        progress_add(&progress, m.one_place ? 1 : a.n + 1);
    }
    progress_end(&progress);
    if (rc == 0 && !space)
        resolve(&w, ds_reader_space(f.in),
                &a); /* without records, options are checked all the same */
    free(a.item);
    ds_record_free(&rec);
    if (rc < 0)
        cli_fail(f.out, &err);
    return cli_filter_close(&f);
}

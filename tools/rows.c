#include "rows.h"

#include "cli.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct column {
    char *name;
    int width;
    bool right; /* numbers */
};

struct held {
    char **cell;
    int room;
};

struct rows {
    FILE *out;
    bool aligned, details, named;
    struct column *column;
    int ncolumns;
    bool printed_head;
    struct held *ahead; /* rows held back while columns and widths are being found */
    int nahead;
    const char *where;
    const struct ds_space *space; /* whose block names `prefix` is common to */
    size_t prefix;
};

static void *must(void *p)
{
    if (!p)
        cli_die(CLI_FAILED, "out of memory");
    return p;
}

static void add_column(struct rows *r, const char *name, size_t length)
{
    r->column = must(realloc(r->column, (size_t)(r->ncolumns + 1) * sizeof *r->column));
    r->column[r->ncolumns++] =
        (struct column){.name = must(strndup(name, length)), .width = (int)length};
}

/* The number of a column; a new one while looking ahead, -1 where it is not asked for. */
static int find_column(struct rows *r, const char *name, size_t length)
{
    for (int i = 0; i < r->ncolumns; i++)
        if (strlen(r->column[i].name) == length && !memcmp(r->column[i].name, name, length))
            return i;
    if (r->named)
        return -1;
    if (r->printed_head)
        cli_die(CLI_FAILED,
                "%s: '%.*s' is not among the columns, which come from the first %d records: name "
                "them with --columns, or use --json",
                r->where, (int)length, name, ROWS_AHEAD);
    add_column(r, name, length);
    return r->ncolumns - 1;
}

struct rows *rows_begin(FILE *out, bool aligned, bool details, const char *columns)
{
    struct rows *r = must(calloc(1, sizeof *r));
    r->out = out;
    r->aligned = aligned;
    r->details = details;
    r->named = columns != NULL;
    r->ahead = must(calloc(ROWS_AHEAD, sizeof *r->ahead));
    for (const char *at = columns; at;) {
        size_t n = strcspn(at, ",");
        if (n == 0)
            cli_die(CLI_USAGE, "--columns: an empty name in '%s'", columns);
        add_column(r, at, n);
        at = at[n] ? at + n + 1 : NULL;
    }
    return r;
}

void rows_number(char *out, size_t size, double value)
{
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(out, size, "%.*g", digits, value);
        if (strtod(out, NULL) == value || isnan(value))
            return;
    }
}

/* ---- cells ---- */

struct row {
    struct rows *rows;
    char **cell;
    int room;
};

static void set(struct row *row, const char *name, size_t length, const char *text, bool right)
{
    int c = find_column(row->rows, name, length);
    if (c < 0)
        return;
    if (c >= row->room) {
        int room = row->rows->ncolumns + 8;
        row->cell = must(realloc(row->cell, (size_t)room * sizeof *row->cell));
        memset(row->cell + row->room, 0, (size_t)(room - row->room) * sizeof *row->cell);
        row->room = room;
    }
    free(row->cell[c]);
    row->cell[c] = must(strdup(text));
    row->rows->column[c].right = right;
}

static void set_number(struct row *row, const char *name, size_t length, double value)
{
    char text[40];
    if (row->rows->aligned)
        snprintf(text, sizeof text, "%.6g", value);
    else
        rows_number(text, sizeof text, value);
    set(row, name, length, text, true);
}

/* Tabs and newlines would break the rows. */
static void set_object(struct row *row, const char *name, size_t length, const msgpack_object *o)
{
    double number;
    char text[300];
    if (ds_object_number(o, &number) == 0) {
        set_number(row, name, length, number);
    } else if (o->type == MSGPACK_OBJECT_BOOLEAN) {
        set(row, name, length, o->via.boolean ? "true" : "false", false);
    } else if (o->type == MSGPACK_OBJECT_STR) {
        snprintf(text, sizeof text, "%.*s", (int)o->via.str.size, o->via.str.ptr);
        for (char *c = text; *c; c++)
            *c = *c == '\t' || *c == '\n' ? ' ' : *c;
        set(row, name, length, text, false);
    } else {
        set(row, name, length, "...", false);
    }
}

static void set_map(struct row *row, msgpack_object_map map)
{
    for (uint32_t i = 0; i < map.size; i++)
        if (map.ptr[i].key.type == MSGPACK_OBJECT_STR)
            set_object(row, map.ptr[i].key.via.str.ptr, map.ptr[i].key.via.str.size,
                       &map.ptr[i].val);
}

/* How many characters all block names begin with, up to a '_'. */
static size_t common_prefix(const struct ds_space *space)
{
    const char *first = NULL;
    size_t n = 0;
    for (int b = 0; b < space->nblocks; b++) {
        const char *name = space->block[b].name;
        if (!*name)
            continue;
        if (!first) {
            first = name;
            n = strlen(name);
        }
        for (size_t i = 0; i < n; i++)
            if (name[i] != first[i])
                n = i;
    }
    while (n && first[n - 1] != '_')
        n--;
    return n;
}

/* "e6_k7,e3_k5|e4_k3,...": blocks of each unit, with widths and options where they vary. */
static void arch_text(struct rows *r, const struct ds_record *rec, char *out, size_t size)
{
    const struct ds_space *space = rec->space;
    size_t at = 0;
    if (space != r->space) {
        r->space = space;
        r->prefix = common_prefix(space);
    }
    out[0] = 0;
    for (int s = 0; s < space->nsites && at < size; s++) {
        const struct ds_site *site = &space->site[s];
        int c = rec->choice[s];
        if (c == DS_INACTIVE)
            continue;
        if (site->kind == DS_SITE_OPTION && site->nchoices > 1)
            at += (size_t)snprintf(out + at, size - at, "%s=%d;", site->name, site->value[c]);
        else if (site->kind == DS_SITE_DEPTH && site->unit > 0)
            at += (size_t)snprintf(out + at, size - at, "|");
        else if (site->kind == DS_SITE_WIDTH && site->nchoices > 1)
            at += (size_t)snprintf(out + at, size - at, "%d:", site->value[c]);
        else if (site->kind == DS_SITE_BLOCK)
            at += (size_t)snprintf(out + at, size - at, "%s%s", site->layer ? "," : "",
                                   space->block[site->value[c]].name + r->prefix);
    }
}

static void set_arch(struct row *row, const struct ds_record *rec)
{
    char text[8192];
    snprintf(text, sizeof text, "%016" PRIx64, rec->id);
    set(row, "id", 2, text, false);
    snprintf(text, sizeof text, "%d", ds_arch_resolution(rec->space, rec->choice));
    set(row, "resolution", 10, text, true);
    if (find_column(row->rows, "arch", 4) >= 0) {
        arch_text(row->rows, rec, text, sizeof text);
        set(row, "arch", 4, text, false);
    }
}

static void set_affix(struct row *row, const struct ds_record *rec)
{
    char text[300], choice[200];
    ds_site_print(rec->space, rec->affix_site, rec->affix_choice, choice, sizeof choice);
    snprintf(text, sizeof text, "%s=%s", rec->space->site[rec->affix_site].name, choice);
    set(row, "affix", 5, text, false);
}

static void set_metric(struct row *row, const struct ds_metric *m)
{
    char name[300];
    set_number(row, m->name.ptr, m->name.size, m->value);
    for (uint32_t i = 0; i < m->detail.size; i++) {
        const msgpack_object_kv *kv = &m->detail.ptr[i];
        int n = snprintf(name, sizeof name, "%.*s:%.*s", (int)m->name.size, m->name.ptr,
                         (int)kv->key.via.str.size, kv->key.via.str.ptr);
        bool wanted = row->rows->details ||
                      (row->rows->named && find_column(row->rows, name, (size_t)n) >= 0);
        if (wanted && strcmp(name + m->name.size, ":value"))
            set_object(row, name, (size_t)n, &kv->val);
    }
}

/* ---- rows ---- */

static void print_cell(const struct rows *r, int c, const char *text, bool last)
{
    if (!r->aligned)
        fprintf(r->out, "%s%s", text ? text : "", last ? "\n" : "\t");
    else if (r->column[c].right)
        fprintf(r->out, "%*s%s", r->column[c].width, text ? text : "-", last ? "\n" : "  ");
    else if (last)
        fprintf(r->out, "%s\n", text ? text : "-");
    else
        fprintf(r->out, "%-*s  ", r->column[c].width, text ? text : "-");
}

static void print_row(const struct rows *r, char **cell, int room)
{
    for (int c = 0; c < r->ncolumns; c++)
        print_cell(r, c, c < room ? cell[c] : NULL, c == r->ncolumns - 1);
}

static void free_cells(char **cell, int room)
{
    for (int c = 0; c < room; c++)
        free(cell[c]);
    free(cell);
}

static void print_ahead(struct rows *r)
{
    for (int i = 0; i < r->nahead; i++) {
        struct held *h = &r->ahead[i];
        for (int c = 0; c < h->room && c < r->ncolumns; c++) {
            int n = h->cell[c] ? (int)strlen(h->cell[c]) : 1;
            if (n > r->column[c].width)
                r->column[c].width = n;
        }
    }
    for (int c = 0; c < r->ncolumns; c++)
        print_cell(r, c, r->column[c].name, c == r->ncolumns - 1);
    for (int i = 0; i < r->nahead; i++) {
        struct held *h = &r->ahead[i];
        print_row(r, h->cell, h->room);
        free_cells(h->cell, h->room);
    }
    r->nahead = 0;
    r->printed_head = true;
}

void rows_add(struct rows *r, const struct ds_record *rec, const char *where)
{
    struct row row = {.rows = r};
    char text[17];
    r->where = where;
    if (rec->has_arch)
        set_arch(&row, rec);
    if (rec->has_base) {
        snprintf(text, sizeof text, "%016" PRIx64, rec->base);
        set(&row, "base", 4, text, false);
    }
    if (rec->affix_site >= 0)
        set_affix(&row, rec);
    set_map(&row, rec->group);
    for (int i = 0; i < rec->nmetrics; i++)
        set_metric(&row, &rec->metric[i]);
    set_map(&row, rec->extra);

    if (r->printed_head) {
        print_row(r, row.cell, row.room);
        free_cells(row.cell, row.room);
        return;
    }
    r->ahead[r->nahead++] = (struct held){row.cell, row.room};
    if (r->nahead == ROWS_AHEAD)
        print_ahead(r);
}

void rows_end(struct rows *r)
{
    if (!r->printed_head && (r->nahead || r->named))
        print_ahead(r);
    for (int c = 0; c < r->ncolumns; c++)
        free(r->column[c].name);
    free(r->column);
    free(r->ahead);
    free(r);
}

#include "record_table.h"

#include "base/grow.h"
#include "base/json_memory.h"
#include "base/number.h"
#include "base/text.h"
#include "memory.h"
#include "output.h"
#include "stream/json.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct column {
    char *name;
    size_t length; /* of the name */
    int width;
    bool right; /* numbers */
    bool seen;  /* some record had it */
};

struct held {
    char **cell;
    int room;
};

struct record_table {
    FILE *out;
    bool aligned, details, named;
    struct column *column;
    int ncolumns;
    size_t room;
    bool printed_head;
    struct held *ahead; /* rows held back while columns and widths are being found */
    int nahead;
    const char *where;
    const struct ds_space *space; /* whose block names `prefix` is common to */
    size_t prefix;
    char *arch; /* text of an architecture of `space` */
    size_t arch_room;
};

static void add_column(struct record_table *r, const char *name, size_t length)
{
    cli_grow(&r->column, &r->room, (size_t)r->ncolumns + 1, sizeof *r->column);
    char *copy = cli_alloc(length + 1, 1);
    memcpy(copy, name, length);
    copy[length] = 0;
    r->column[r->ncolumns++] =
        (struct column){.name = copy, .length = length, .width = (int)length};
}

static int known_column(const struct record_table *r, const char *name, size_t length)
{
    for (int i = 0; i < r->ncolumns; i++)
        if (r->column[i].length == length && !memcmp(r->column[i].name, name, length))
            return i;
    return -1;
}

/* The number of a column; a new one while looking ahead, -1 where it is not asked for. */
static int find_column(struct record_table *r, const char *name, size_t length)
{
    int c = known_column(r, name, length);
    if (c >= 0 || r->named)
        return c;
    if (r->printed_head)
        cli_die(CLI_FAILED,
                "%s: '%.*s' is not among the columns, which come from the first %d records: name "
                "them with --columns, or use --json",
                r->where, (int)length, name, RECORDS_AHEAD);
    add_column(r, name, length);
    return r->ncolumns - 1;
}

struct record_table *record_table_begin(FILE *out, bool aligned, bool details, const char *columns)
{
    struct record_table *r = cli_alloc(1, sizeof *r);
    r->out = out;
    r->aligned = aligned;
    r->details = details;
    r->named = columns != NULL;
    r->ahead = cli_alloc(RECORDS_AHEAD, sizeof *r->ahead);
    for (const char *at = columns; at;) {
        size_t n = strcspn(at, ",");
        if (n == 0)
            cli_die(CLI_USAGE, "--columns: an empty name in '%s'", columns);
        if (known_column(r, at, n) >= 0)
            cli_die(CLI_USAGE, "--columns: '%.*s' stands there twice", (int)n, at);
        add_column(r, at, n);
        at = at[n] ? at + n + 1 : NULL;
    }
    return r;
}

/* ---- cells ---- */

struct row {
    struct record_table *table;
    char **cell;
    int room;
};

/* Takes `text`. A cell that has one already is two things of one name: neither may be lost. */
static void set_own(struct row *row, const char *name, size_t length, char *text, bool right)
{
    cli_must(text);
    int c = find_column(row->table, name, length);
    if (c < 0) {
        free(text);
        return;
    }
    if (c >= row->room) {
        int room = row->table->ncolumns + 8;
        if (ds_resize(&row->cell, (size_t)room, sizeof *row->cell, NULL))
            cli_no_memory();
        memset(row->cell + row->room, 0, (size_t)(room - row->room) * sizeof *row->cell);
        row->room = room;
    }
    if (row->cell[c])
        cli_die(CLI_FAILED, "%s: two values are called '%.*s', which is one column: use --json",
                row->table->where, (int)length, name);
    row->cell[c] = text;
    row->table->column[c].right = right;
    row->table->column[c].seen = true;
}

static void set(struct row *row, const char *name, size_t length, const char *text, bool right)
{
    set_own(row, name, length, ds_copy_string(text, NULL), right);
}

static void set_id(struct row *row, const char *name, size_t length, uint64_t id)
{
    char text[17];
    snprintf(text, sizeof text, "%016" PRIx64, id);
    set(row, name, length, text, false);
}

static void set_number(struct row *row, const char *name, size_t length, double value)
{
    char text[40];
    if (row->table->aligned)
        snprintf(text, sizeof text, "%.6g", value);
    else
        ds_number_print(text, sizeof text, 0, value);
    set(row, name, length, text, true);
}

/* A copy that neither breaks the rows nor acts on a terminal. */
static char *plain_copy(const char *from, size_t length)
{
    char *text = memcpy(cli_alloc(length + 1, 1), from, length);
    return ds_text_plain(text, length);
}

/* An array, a map or bytes, as JSON; to be freed. */
static char *object_text(const struct record_table *r, const msgpack_object *o)
{
    struct ds_error err;
    struct ds_json_text json = {0};
    if (ds_object_json(&json, o, &err))
        cli_die(CLI_FAILED, "%s: %s", r->where, err.text);
    ds_json_put(&json, "", 1);
    if (ds_json_check(&json, &err))
        cli_no_memory();
    return json.text;
}

#define LONG_BYTES 64 /* more of them are no cell of a table: their number is */

static void set_object(struct row *row, const char *name, size_t length, const msgpack_object *o)
{
    char text[32];
    if (find_column(row->table, name, length) < 0)
        return;
    switch (o->type) {
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
        set_number(row, name, length, o->via.f64);
        break;
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
        snprintf(text, sizeof text, "%" PRIu64, o->via.u64);
        set(row, name, length, text, true);
        break;
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        snprintf(text, sizeof text, "%" PRId64, o->via.i64);
        set(row, name, length, text, true);
        break;
    case MSGPACK_OBJECT_STR:
        set_own(row, name, length, plain_copy(o->via.str.ptr, o->via.str.size), false);
        break;
    case MSGPACK_OBJECT_BIN:
        if (o->via.bin.size > LONG_BYTES) {
            snprintf(text, sizeof text, "%" PRIu32 " bytes", o->via.bin.size);
            set(row, name, length, text, false);
            break;
        } /* fall through */
    default:
        set_own(row, name, length, object_text(row->table, o), false);
    }
}

static void need_name(const struct record_table *r, const msgpack_object *key)
{
    if (key->type != MSGPACK_OBJECT_STR)
        cli_die(CLI_FAILED, "%s: a key that is no string, so it cannot be a column", r->where);
}

static void set_map(struct row *row, msgpack_object_map map)
{
    for (uint32_t i = 0; i < map.size; i++) {
        need_name(row->table, &map.ptr[i].key);
        const msgpack_object_str *key = &map.ptr[i].key.via.str;
        if (ds_record_is_id(&map.ptr[i]))
            set_id(row, key->ptr, key->size, map.ptr[i].val.via.u64);
        else
            set_object(row, key->ptr, key->size, &map.ptr[i].val);
    }
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

/* What all records of a space have in common. */
static void enter_space(struct record_table *r, const struct ds_space *space)
{
    size_t longest = 0;
    r->space = space;
    r->prefix = common_prefix(space);
    for (int b = 0; b < space->nblocks; b++)
        if (strlen(space->block[b].name) > longest)
            longest = strlen(space->block[b].name);
    r->arch_room = 1;
    for (int s = 0; s < space->nsites; s++) /* and a number with its signs */
        r->arch_room += longest + strlen(space->site[s].name) + 16;
    if (ds_resize(&r->arch, r->arch_room, 1, NULL))
        cli_no_memory();
}

/* "e6_k7,e3_k5|e4_k3,...": blocks of each unit, with widths and options where they vary. */
static const char *arch_text(struct record_table *r, const struct ds_record *rec)
{
    const struct ds_space *space = rec->space;
    size_t at = 0;
    if (space != r->space)
        enter_space(r, space);
    char *out = r->arch;
    size_t size = r->arch_room;
    out[0] = 0;
    for (int s = 0; s < space->nsites; s++) {
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
    return out;
}

static void set_arch(struct row *row, const struct ds_record *rec)
{
    char text[24];
    set_id(row, "id", 2, rec->id);
    snprintf(text, sizeof text, "%d", ds_arch_resolution(rec->space, rec->choice));
    set(row, "resolution", 10, text, true);
    if (find_column(row->table, "arch", 4) >= 0)
        set(row, "arch", 4, arch_text(row->table, rec), false);
}

static void set_affix(struct row *row, const struct ds_record *rec)
{
    const struct ds_space *space = rec->space;
    const struct ds_site *site = &space->site[rec->affix_site];
    int value = site->value[rec->affix_choice];
    char *text;
    int n = site->kind == DS_SITE_BLOCK
                ? asprintf(&text, "%s=%s", site->name, space->block[value].name)
                : asprintf(&text, "%s=%d", site->name, value);
    set_own(row, "affix", 5, n < 0 ? NULL : text, false);
}

/* "latency.cpu:lo" and its like, where wanted; "value" is the metric itself. */
static void set_detail(struct row *row, const struct ds_metric *m, const msgpack_object_kv *kv)
{
    char *name;
    need_name(row->table, &kv->key);
    const msgpack_object_str *key = &kv->key.via.str;
    if (key->size == 5 && memcmp(key->ptr, "value", 5) == 0)
        return;
    int n = asprintf(&name, "%.*s:%.*s", (int)m->name.size, m->name.ptr, (int)key->size, key->ptr);
    if (n < 0)
        cli_no_memory();
    set_object(row, name, (size_t)n, &kv->val);
    free(name);
}

static void set_metric(struct row *row, const struct ds_metric *m)
{
    set_number(row, m->name.ptr, m->name.size, m->value);
    if (row->table->details || row->table->named)
        for (uint32_t i = 0; i < m->detail.size; i++)
            set_detail(row, m, &m->detail.ptr[i]);
}

/* ---- rows ---- */

static void print_cell(const struct record_table *r, int c, const char *text, bool last)
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

static void print_row(const struct record_table *r, char **cell, int room)
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

static void print_ahead(struct record_table *r)
{
    for (int i = 0; i < r->nahead; i++) {
        struct held *h = &r->ahead[i];
        for (int c = 0; c < h->room && c < r->ncolumns; c++) {
            int n = h->cell[c] ? (int)strlen(h->cell[c]) : 1;
            if (n > r->column[c].width)
                r->column[c].width = n;
        }
    }
    for (int c = 0; c < r->ncolumns; c++) {
        char *name = plain_copy(r->column[c].name, r->column[c].length);
        print_cell(r, c, name, c == r->ncolumns - 1);
        free(name);
    }
    for (int i = 0; i < r->nahead; i++) {
        struct held *h = &r->ahead[i];
        print_row(r, h->cell, h->room);
        free_cells(h->cell, h->room);
    }
    r->nahead = 0;
    r->printed_head = true;
}

void record_table_add(struct record_table *r, const struct ds_record *rec, const char *where)
{
    struct row row = {.table = r};
    r->where = where;
    if (rec->has_arch)
        set_arch(&row, rec);
    if (rec->has_base)
        set_id(&row, "base", 4, rec->base);
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
    if (r->nahead == RECORDS_AHEAD)
        print_ahead(r);
}

/* Warns of names that no record has: they may be misspelt. */
static void warn_unseen(const struct record_table *r)
{
    static const char *const always[] = {"id", "resolution", "arch", "base", "affix"};
    for (int c = 0; c < r->ncolumns; c++) {
        bool is_known = r->column[c].seen;
        for (size_t i = 0; i < sizeof always / sizeof *always; i++)
            is_known = is_known || strcmp(always[i], r->column[c].name) == 0;
        if (!is_known)
            cli_warn("--columns: no record has '%s'", r->column[c].name);
    }
}

void record_table_end(struct record_table *r)
{
    if (!r->printed_head && (r->nahead || r->named))
        print_ahead(r);
    if (r->named && r->where)
        warn_unseen(r);
    for (int c = 0; c < r->ncolumns; c++)
        free(r->column[c].name);
    free(r->column);
    free(r->ahead);
    free(r->arch);
    free(r);
}

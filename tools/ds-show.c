/* Shows a stream to people and to other programs: a table, JSON, tab-separated values. */
#include "base/text.h"
#include "memory.h"
#include "output.h"
#include "record_table.h"
#include "stream/json.h"
#include "stream/provenance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct wanted {
    bool json, tsv, details, heads, sync;
    const char *columns;
};

/* A text of the provenance, as it is safe to show. */
static void print_text(FILE *out, const msgpack_object_str *text)
{
    char *copy = memcpy(cli_alloc(text->size + 1, 1), text->ptr ? text->ptr : "", text->size);
    fputs(ds_text_plain(copy, text->size), out);
    free(copy);
}

/* An argument as a shell would take it. */
static void print_argument(FILE *out, const msgpack_object_str *arg)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "_-+=.,:/@%^";
    bool is_plain = arg->size > 0;
    for (uint32_t i = 0; i < arg->size; i++)
        is_plain = is_plain && arg->ptr[i] && strchr(plain, arg->ptr[i]);
    fputs(is_plain ? " " : " '", out);
    for (uint32_t i = 0, n; i < arg->size; i += n + 1) { /* up to the next quote, if any */
        const char *quote = memchr(arg->ptr + i, '\'', arg->size - i);
        n = quote ? (uint32_t)(quote - arg->ptr) - i : arg->size - i;
        const msgpack_object_str piece = {.size = n, .ptr = arg->ptr + i};
        print_text(out, &piece);
        fputs(quote ? "'\\''" : "", out);
    }
    fputs(is_plain ? "" : "'", out);
}

/* What is known of the machine that measured: "    kernel: Linux 6.1". */
static void print_machine(FILE *out, const msgpack_object_map *machine, int indent)
{
    for (uint32_t i = 0; i < machine->size; i++) {
        const msgpack_object *key = &machine->ptr[i].key, *text = &machine->ptr[i].val;
        if (key->type != MSGPACK_OBJECT_STR || text->type != MSGPACK_OBJECT_STR)
            continue;
        fprintf(out, "%*s", indent, "");
        print_text(out, &key->via.str);
        fputs(": ", out);
        print_text(out, &text->via.str);
        fputc('\n', out);
    }
}

static void print_entries(FILE *out, const msgpack_object_array *entries, int indent);

/* What several inputs say, each of them further in. */
static void print_inputs(FILE *out, const struct ds_provenance_entry *e, int indent)
{
    for (uint32_t i = 0; i < e->inputs.size; i++) {
        fprintf(out, "%*sinput %u:\n", indent, "", i + 1);
        if (e->inputs.ptr[i].type == MSGPACK_OBJECT_ARRAY)
            print_entries(out, &e->inputs.ptr[i].via.array, indent + 2);
    }
    if (e->more)
        fprintf(out, "%*sand %llu more inputs\n", indent, "", (unsigned long long)e->more);
}

/* One line for every tool in a provenance: "ds-sample 0.2.0: ofa-mbv3 -n 3". */
static void print_entries(FILE *out, const msgpack_object_array *entries, int indent)
{
    struct ds_provenance_entry e;
    for (uint32_t i = 0; i < entries->size; i++) {
        if (!ds_provenance_read(&entries->ptr[i], &e))
            continue;
        print_inputs(out, &e, indent);
        if (!e.tool.ptr)
            continue;
        fprintf(out, "%*s", indent, "");
        print_text(out, &e.tool);
        if (e.version.ptr) {
            fputc(' ', out);
            print_text(out, &e.version);
            fputc(':', out);
        }
        for (uint32_t k = 0; k < e.args.size; k++)
            if (e.args.ptr[k].type == MSGPACK_OBJECT_STR)
                print_argument(out, &e.args.ptr[k].via.str);
        fputc('\n', out);
        print_machine(out, &e.machine, indent + 2);
    }
}

static void print_provenance(FILE *out, const void *data, size_t size)
{
    struct ds_provenance p;
    struct ds_error err;
    if (ds_provenance_unpack(&p, data, size, &err))
        cli_die(CLI_FAILED, "%s", err.text);
    if (p.n)
        print_entries(out, &p.unpacked.data.via.array, 2);
    ds_provenance_free(&p);
}

/* Consecutive blocks of one space and provenance. */
struct heads {
    const struct ds_space *space;
    void *provenance;
    size_t size;
    uint64_t block, blocks, records;
};

static void print_heads(FILE *out, const struct heads *h)
{
    if (h->blocks)
        fprintf(out, "  %llu records in %llu blocks\n", (unsigned long long)h->records,
                (unsigned long long)h->blocks);
}

/* Counts a record; prints space and provenance where they change. */
static void see_head(FILE *out, struct heads *h, const struct ds_reader *in, bool has_record)
{
    size_t size;
    const void *data = ds_reader_provenance(in, &size);
    bool same = h->blocks && h->space == ds_reader_space(in) && h->size == size &&
                memcmp(h->provenance, data, size) == 0;
    if (!same) {
        print_heads(out, h);
        free(h->provenance);
        *h = (struct heads){.space = ds_reader_space(in), .size = size};
        h->provenance = memcpy(cli_alloc(size, 1), data, size);
        char *count = ds_space_size(h->space);
        fprintf(out, "space %s: %s architectures\n", h->space->name, count ? count : "?");
        free(count);
        print_provenance(out, data, size);
    }
    if (ds_reader_block(in) != h->block)
        h->blocks++;
    h->block = ds_reader_block(in);
    h->records += has_record;
}

static void print_record(FILE *out, const struct ds_record *rec, struct ds_json_text *line,
                         const struct ds_reader *in)
{
    struct ds_error err;
    if (ds_record_json(line, rec, &err))
        cli_die(CLI_FAILED, "%s: %s", ds_reader_where(in), err.text);
    cli_print_json(out, line);
}

static void show(const struct wanted *w, struct ds_reader *in, FILE *out)
{
    struct ds_error err;
    struct ds_record *rec;
    struct heads heads = {0};
    struct ds_json_text line = {0};
    struct record_table *table =
        w->json || w->heads ? NULL : record_table_begin(out, !w->tsv, w->details, w->columns);
    int rc;
    while ((rc = ds_reader_next(in, &rec, &err)) > 0 && !ferror(out)) {
        if (w->heads)
            see_head(out, &heads, in, true);
        else if (w->json)
            print_record(out, rec, &line, in);
        else
            record_table_add(table, rec, ds_reader_where(in));
    }
    if (w->heads && rc == 0 && !heads.blocks)
        see_head(out, &heads, in, false);
    if (table)
        record_table_end(table);
    if (w->heads)
        print_heads(out, &heads);
    free(heads.provenance);
    free(line.text);
    if (rc < 0) {
        fflush(out);
        cli_die(CLI_FAILED, "%s", err.text);
    }
}

int main(int argc, char **argv)
{
    struct wanted w = {0};
    const struct cli_option options[] = {
        {"json", 'j', CLI_FLAG, &w.json, NULL, "one JSON object a line", 0},
        {"tsv", 't', CLI_FLAG, &w.tsv, NULL, "tab-separated values, numbers in full", 0},
        {"details", 'd', CLI_FLAG, &w.details, NULL, "the spread of metrics too, as METRIC:KEY", 0},
        {"columns", 'c', CLI_TEXT, &w.columns, "A,B,..", "these columns only", 0},
        {"heads", 0, CLI_FLAG, &w.heads, NULL, "how the stream was made: its blocks' heads", 0},
        {"sync", 0, CLI_FLAG, &w.sync, NULL, "print the marker of blocks, for parallel", 0},
        {0},
    };
    struct cli cli = {
        .name = "ds-show",
        .usage = "[OPTION ...] [FILE ...]",
        .about = "Shows a stream as a table, as JSON or as tab-separated values.",
        .options = options,
    };
    cli_parse(&cli, argc, argv);
    if (w.json + w.tsv + w.heads + w.sync > 1)
        cli_die(CLI_USAGE, "--json, --tsv, --heads and --sync exclude each other");
    FILE *out = cli_open_text(&cli);
    if (w.sync) {
        fwrite(ds_sync, 1, DS_SYNC_SIZE, out);
    } else {
        struct ds_reader *in = cli_reader(cli.operand, cli.noperands);
        show(&w, in, out);
        ds_reader_close(in);
    }
    cli_close_text(&cli, out);
    return 0;
}

#include "pool.h"

#include <stdlib.h>
#include <string.h>

/* The number of the origin of the reader's block. */
static uint32_t find_origin(struct pool *p, const struct ds_reader *in)
{
    struct origin *last = p->norigins ? &p->origin[p->norigins - 1] : NULL;
    uint64_t block = ds_reader_block(in);
    if (last && last->block == block)
        return (uint32_t)p->norigins - 1;

    size_t size;
    const struct ds_space *space = ds_reader_space(in);
    const void *provenance = ds_reader_provenance(in, &size);
    if (last && last->space == space && last->size == size &&
        memcmp(last->provenance, provenance, size) == 0) {
        last->block = block;
        return (uint32_t)p->norigins - 1;
    }
    struct origin *more = realloc(p->origin, (p->norigins + 1) * sizeof *more);
    void *copy = malloc(size + 1);
    if (!more || !copy)
        cli_die(CLI_FAILED, "out of memory");
    memcpy(copy, provenance, size);
    p->origin = more;
    p->origin[p->norigins] = (struct origin){space, copy, size, block};
    return (uint32_t)p->norigins++;
}

void pool_add(struct pool *p, const struct ds_reader *in, const struct ds_record *rec)
{
    struct ds_error err;
    if (p->n == p->room) {
        size_t room = p->room ? 2 * p->room : 256;
        struct pooled *more = realloc(p->at, room * sizeof *more);
        if (!more)
            cli_die(CLI_FAILED, "out of memory");
        p->at = more;
        p->room = room;
    }
    msgpack_sbuffer_clear(&p->packed);
    if (ds_record_pack(rec, &p->packed, &err))
        cli_die(CLI_FAILED, "%s", err.text);
    void *copy = malloc(p->packed.size);
    if (!copy)
        cli_die(CLI_FAILED, "out of memory");
    memcpy(copy, p->packed.data, p->packed.size);
    p->at[p->n++] = (struct pooled){copy, (uint32_t)p->packed.size, find_origin(p, in)};
}

void pool_cull(struct pool *p, const bool *keep)
{
    size_t left = 0;
    for (size_t i = 0; i < p->n; i++)
        if (keep[i])
            p->at[left++] = p->at[i];
        else
            free(p->at[i].data);
    p->n = left;
}

static void begin(const struct origin *o, struct ds_writer *out, const struct ds_made *made)
{
    struct ds_error err;
    if (ds_writer_begin(out, o->space, o->provenance, o->size, made, &err))
        cli_fail(out, &err);
}

void pool_write(struct pool *p, const struct ds_reader *in, struct ds_writer *out,
                const struct ds_made *made)
{
    struct ds_error err;
    struct ds_record rec;
    if (ds_record_init(&rec, &err))
        cli_die(CLI_FAILED, "%s", err.text);
    if (p->n == 0 && ds_reader_space(in)) {
        size_t size;
        const void *provenance = ds_reader_provenance(in, &size);
        if (ds_writer_begin(out, ds_reader_space(in), provenance, size, made, &err))
            cli_fail(out, &err);
    }
    for (size_t i = 0; i < p->n; i++) {
        const struct pooled *r = &p->at[i];
        size_t used;
        if (i == 0 || r->origin != p->at[i - 1].origin)
            begin(&p->origin[r->origin], out, made);
        if (ds_record_parse(&rec, p->origin[r->origin].space, r->data, r->size, &used, &err) ||
            ds_writer_put(out, &rec, &err))
            cli_fail(out, &err);
    }
    ds_record_free(&rec);
}

void pool_free(struct pool *p)
{
    for (size_t i = 0; i < p->n; i++)
        free(p->at[i].data);
    for (size_t i = 0; i < p->norigins; i++)
        free(p->origin[i].provenance);
    free(p->at);
    free(p->origin);
    msgpack_sbuffer_destroy(&p->packed);
    *p = (struct pool){0};
}

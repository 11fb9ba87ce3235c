#include "stream/held.h"

#include "base/grow.h"
#include <stdlib.h>
#include <string.h>

/* The number of the origin of the reader's block; -1 when out of memory. */
static int64_t find_origin(struct ds_held *h, const struct ds_reader *in, struct ds_error *err)
{
    struct ds_origin *last = h->norigins ? &h->origin[h->norigins - 1] : NULL;
    uint64_t block = ds_reader_block(in);
    size_t size;
    if (last && last->block == block)
        return (int64_t)h->norigins - 1;

    const struct ds_space *space = ds_reader_space(in);
    const void *provenance = ds_reader_provenance(in, &size);
    if (last && last->space == space && last->size == size &&
        memcmp(last->provenance, provenance, size) == 0) {
        last->block = block;
        return (int64_t)h->norigins - 1;
    }
    if (ds_grow(&h->origin, &h->origin_room, h->norigins + 1, sizeof *h->origin, err))
        return -1;
    void *copy = ds_copy(provenance, size, err);
    if (!copy)
        return -1;
    h->origin[h->norigins] =
        (struct ds_origin){space, copy, size, block, ds_reader_provenance_total(in)};
    return (int64_t)h->norigins++;
}

int ds_held_add(struct ds_held *h, const struct ds_reader *in, const struct ds_record *rec,
                struct ds_error *err)
{
    msgpack_sbuffer_clear(&h->packed);
    if (ds_grow(&h->at, &h->room, h->n + 1, sizeof *h->at, err) ||
        ds_record_pack(rec, &h->packed, err))
        return -1;
    int64_t origin = find_origin(h, in, err);
    void *copy = origin < 0 ? NULL : ds_copy(h->packed.data, h->packed.size, err);
    if (!copy)
        return -1;
    h->at[h->n++] = (struct ds_held_record){copy, (uint32_t)h->packed.size, (uint32_t)origin,
                                            ds_reader_block(in)};
    return 0;
}

void ds_held_keep(struct ds_held *h, const bool *keep)
{
    size_t left = 0;
    for (size_t i = 0; i < h->n; i++)
        if (keep[i])
            h->at[left++] = h->at[i];
        else
            free(h->at[i].data);
    h->n = left;
}

void ds_held_clear(struct ds_held *h)
{
    for (size_t i = 0; i < h->n; i++)
        free(h->at[i].data);
    h->n = 0;
}

int ds_held_parse(const struct ds_held *h, size_t i, struct ds_record *rec, struct ds_error *err)
{
    const struct ds_held_record *r = &h->at[i];
    size_t used;
    return ds_record_parse(rec, h->origin[r->origin].space, r->data, r->size, &used, err);
}

/* Of the origins of one space, the first. */
static uint32_t first_of_space(const struct ds_held *h, uint32_t origin)
{
    uint32_t first = 0;
    while (h->origin[first].space != h->origin[origin].space)
        first++;
    return first;
}

int ds_held_join(struct ds_held *h, const struct ds_reader *in, struct ds_error *err)
{
    msgpack_sbuffer all;
    msgpack_sbuffer_init(&all);
    int rc = ds_reader_inputs(in, &all, err);
    for (size_t i = 0; i < h->norigins && rc == 0; i++) {
        void *copy = ds_copy(all.data, all.size, err);
        rc = copy ? 0 : -1;
        if (copy) {
            free(h->origin[i].provenance);
            h->origin[i].provenance = copy;
            h->origin[i].size = all.size;
            h->origin[i].total = ds_reader_total(in);
        }
    }
    for (size_t i = 0; i < h->n && rc == 0; i++)
        h->at[i].origin = first_of_space(h, h->at[i].origin);
    msgpack_sbuffer_destroy(&all);
    return rc;
}

uint64_t ds_held_total(const struct ds_held *h, size_t i)
{
    return h->origin[h->at[i].origin].total;
}

int ds_held_begin(const struct ds_held *h, size_t i, struct ds_writer *out,
                  const struct ds_made *made, struct ds_error *err)
{
    const struct ds_origin *o = &h->origin[h->at[i].origin];
    return ds_writer_begin(out, o->space, o->provenance, o->size, made, err);
}

int ds_held_write(const struct ds_held *h, const struct ds_reader *in, struct ds_writer *out,
                  const struct ds_made *made, struct ds_error *err)
{
    struct ds_record rec;
    if (h->n == 0 && ds_reader_space(in)) {
        size_t size;
        const void *provenance = ds_reader_provenance(in, &size);
        return ds_writer_begin(out, ds_reader_space(in), provenance, size, made, err);
    }
    if (ds_record_init(&rec, err))
        return -1;
    int rc = 0;
    for (size_t i = 0; i < h->n && rc == 0; i++) {
        if (i == 0 || h->at[i].origin != h->at[i - 1].origin)
            rc = ds_held_begin(h, i, out, made, err);
        if (rc == 0)
            rc = ds_held_parse(h, i, &rec, err);
        if (rc == 0)
            rc = ds_writer_put(out, &rec, err);
    }
    ds_record_free(&rec);
    return rc;
}

void ds_held_free(struct ds_held *h)
{
    ds_held_clear(h);
    for (size_t i = 0; i < h->norigins; i++)
        free(h->origin[i].provenance);
    free(h->at);
    free(h->origin);
    msgpack_sbuffer_destroy(&h->packed);
    *h = (struct ds_held){0};
}

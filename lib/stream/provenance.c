#include "stream/provenance.h"

#include "base/grow.h"
#include <string.h>

static int pack_text(msgpack_packer *pk, const char *s)
{
    return msgpack_pack_str(pk, strlen(s)) || msgpack_pack_str_body(pk, s, strlen(s));
}

static int pack_entry(msgpack_packer *pk, const struct ds_made *made)
{
    size_t keys = 3 + (made->total > 0) + (made->nfacts > 0);
    int bad = msgpack_pack_map(pk, keys) || pack_text(pk, "tool") || pack_text(pk, made->tool) ||
              pack_text(pk, "version") || pack_text(pk, DS_VERSION) || pack_text(pk, "args") ||
              msgpack_pack_array(pk, (size_t)made->nargs);
    for (int i = 0; i < made->nargs && !bad; i++)
        bad = pack_text(pk, made->args[i]);
    if (made->total && !bad)
        bad = pack_text(pk, "total") || msgpack_pack_uint64(pk, made->total);
    if (made->nfacts && !bad)
        bad = pack_text(pk, "machine") || msgpack_pack_map(pk, (size_t)made->nfacts);
    for (int i = 0; i < made->nfacts && !bad; i++)
        bad = pack_text(pk, made->machine[i].key) || pack_text(pk, made->machine[i].text);
    return bad;
}

int ds_provenance_unpack(struct ds_provenance *p, const void *data, size_t size,
                         struct ds_error *err)
{
    size_t at = 0;
    *p = (struct ds_provenance){0};
    msgpack_unpacked_init(&p->unpacked);
    if (!data || !size)
        return 0;
    msgpack_unpack_return rc = msgpack_unpack_next(&p->unpacked, data, size, &at);
    if (rc == MSGPACK_UNPACK_NOMEM_ERROR)
        return ds_no_memory(err);
    if (rc == MSGPACK_UNPACK_SUCCESS && p->unpacked.data.type == MSGPACK_OBJECT_ARRAY)
        p->n = p->unpacked.data.via.array.size;
    return 0;
}

void ds_provenance_free(struct ds_provenance *p)
{
    msgpack_unpacked_destroy(&p->unpacked);
}

bool ds_provenance_read(const msgpack_object *entry, struct ds_provenance_entry *e)
{
    *e = (struct ds_provenance_entry){0};
    if (entry->type != MSGPACK_OBJECT_MAP)
        return false;
    const msgpack_object *tool = ds_map_get(entry->via.map, "tool");
    const msgpack_object *version = ds_map_get(entry->via.map, "version");
    const msgpack_object *args = ds_map_get(entry->via.map, "args");
    const msgpack_object *total = ds_map_get(entry->via.map, "total");
    const msgpack_object *machine = ds_map_get(entry->via.map, "machine");
    const msgpack_object *inputs = ds_map_get(entry->via.map, "inputs");
    const msgpack_object *more = ds_map_get(entry->via.map, "more");
    if (inputs && inputs->type == MSGPACK_OBJECT_ARRAY)
        e->inputs = inputs->via.array;
    if (more && more->type == MSGPACK_OBJECT_POSITIVE_INTEGER)
        e->more = more->via.u64;
    if (machine && machine->type == MSGPACK_OBJECT_MAP)
        e->machine = machine->via.map;
    if (tool && tool->type == MSGPACK_OBJECT_STR)
        e->tool = tool->via.str;
    if (version && version->type == MSGPACK_OBJECT_STR)
        e->version = version->via.str;
    if (args && args->type == MSGPACK_OBJECT_ARRAY)
        e->args = args->via.array;
    if (total && total->type == MSGPACK_OBJECT_POSITIVE_INTEGER)
        e->total = total->via.u64;
    return true;
}

bool ds_provenance_entry(const struct ds_provenance *p, uint32_t i, struct ds_provenance_entry *e)
{
    return ds_provenance_read(&p->unpacked.data.via.array.ptr[i], e);
}

int ds_provenance_pack(msgpack_packer *pk, const void *before, size_t before_size,
                       const struct ds_made *made, struct ds_error *err)
{
    struct ds_provenance old;
    int bad = ds_provenance_unpack(&old, before, before_size, err) ||
              msgpack_pack_array(pk, old.n + (made != NULL));
    for (uint32_t i = 0; i < old.n && !bad; i++)
        bad = msgpack_pack_object(pk, old.unpacked.data.via.array.ptr[i]);
    ds_provenance_free(&old);
    bad = bad || (made && pack_entry(pk, made));
    return bad ? ds_no_memory(err) : 0;
}

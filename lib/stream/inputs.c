#include "stream/inputs.h"

#include "base/grow.h"
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

int ds_inputs_add(struct ds_inputs *inputs, const void *data, size_t size, struct ds_error *err)
{
    int fresh = ds_id_map_add(&inputs->seen, XXH3_64bits(data, size), 0);
    if (fresh < 0)
        return ds_no_memory(err);
    if (fresh && inputs->n < DS_MOST_INPUTS) {
        void *copy = ds_copy(data, size, err);
        if (!copy)
            return -1;
        inputs->kept[inputs->n].data = copy;
        inputs->kept[inputs->n].size = size;
    }
    inputs->n += fresh > 0;
    return 0;
}

static int pack_key(msgpack_packer *pk, const char *key)
{
    return msgpack_pack_str(pk, strlen(key)) || msgpack_pack_str_body(pk, key, strlen(key));
}

int ds_inputs_pack(const struct ds_inputs *inputs, msgpack_sbuffer *out, struct ds_error *err)
{
    msgpack_packer pk;
    uint64_t kept = inputs->n < DS_MOST_INPUTS ? inputs->n : DS_MOST_INPUTS;
    uint64_t more = inputs->n - kept;
    msgpack_packer_init(&pk, out, msgpack_sbuffer_write);
    int bad = 0;
    if (inputs->n == 0)
        bad = msgpack_pack_array(&pk, 0);
    if (inputs->n > 1)
        bad = msgpack_pack_array(&pk, 1) || msgpack_pack_map(&pk, 1 + (more > 0)) ||
              pack_key(&pk, "inputs") || msgpack_pack_array(&pk, kept);
    for (uint64_t i = 0; i < kept && !bad; i++)
        bad = msgpack_sbuffer_write(out, inputs->kept[i].data, inputs->kept[i].size);
    if (more && !bad)
        bad = pack_key(&pk, "more") || msgpack_pack_uint64(&pk, more);
    return bad ? ds_no_memory(err) : 0;
}

void ds_inputs_free(struct ds_inputs *inputs)
{
    for (uint64_t i = 0; i < inputs->n && i < DS_MOST_INPUTS; i++)
        free(inputs->kept[i].data);
    ds_id_map_free(&inputs->seen);
    *inputs = (struct ds_inputs){0};
}

#include "npu/device.h"

#include "base/file.h"
#include "base/grow.h"
#include "space/shipped.h"
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum kind {
    POSITIVE, /* above 0 */
    SHARE,    /* above 0, at most 1 */
    AMOUNT,   /* 0 or more */
    WHOLE,    /* 1, 2, ... */
    YES_NO    /* 0 or 1 */
};

static const struct {
    const char *name;
    enum kind kind;
} keys[DS_NPU_KEYS] = {
    [DS_NPU_CLOCK_MHZ] = {"clock_mhz", POSITIVE},
    [DS_NPU_ELEMENT_BYTES] = {"element_bytes", WHOLE},
    [DS_NPU_CHANNEL_BLOCK] = {"channel_block", WHOLE},
    [DS_NPU_PIXELS_IN_ROW] = {"pixels_in_row", YES_NO},
    [DS_NPU_CUBE_M] = {"cube_m", WHOLE},
    [DS_NPU_CUBE_K] = {"cube_k", WHOLE},
    [DS_NPU_CUBE_N] = {"cube_n", WHOLE},
    [DS_NPU_CUBE_CYCLES] = {"cube_cycles", POSITIVE},
    [DS_NPU_CUBE_EFFICIENCY] = {"cube_efficiency", SHARE},
    [DS_NPU_DEPTHWISE_ON_CUBE] = {"depthwise_on_cube", YES_NO},
    [DS_NPU_DEPTHWISE_ON_VECTOR] = {"depthwise_on_vector", YES_NO},
    [DS_NPU_VECTOR_PIXELS] = {"vector_pixels", WHOLE},
    [DS_NPU_VECTOR_CHANNELS] = {"vector_channels", WHOLE},
    [DS_NPU_VECTOR_EFFICIENCY] = {"vector_efficiency", SHARE},
    [DS_NPU_PASS_DRAIN] = {"pass_drain", AMOUNT},
    [DS_NPU_PASS_RELU] = {"pass_relu", AMOUNT},
    [DS_NPU_PASS_HSIGMOID] = {"pass_hsigmoid", AMOUNT},
    [DS_NPU_PASS_SCALE] = {"pass_scale", AMOUNT},
    [DS_NPU_PASS_ADD] = {"pass_add", AMOUNT},
    [DS_NPU_PASS_POOL] = {"pass_pool", AMOUNT},
    [DS_NPU_PASS_SHUFFLE] = {"pass_shuffle", AMOUNT},
    [DS_NPU_SEPARATE_ACTIVATIONS] = {"separate_activations", YES_NO},
    [DS_NPU_FUSE_DEPTHWISE] = {"fuse_depthwise", YES_NO},
    [DS_NPU_L0A_KB] = {"l0a_kb", AMOUNT},
    [DS_NPU_L0B_KB] = {"l0b_kb", AMOUNT},
    [DS_NPU_L0C_KB] = {"l0c_kb", AMOUNT},
    [DS_NPU_L0A_BYTES] = {"l0a_bytes_cycle", AMOUNT},
    [DS_NPU_L0B_BYTES] = {"l0b_bytes_cycle", AMOUNT},
    [DS_NPU_L1_KB] = {"l1_kb", POSITIVE},
    [DS_NPU_UB_KB] = {"ub_kb", POSITIVE},
    [DS_NPU_KEEP_KB] = {"keep_kb", AMOUNT},
    [DS_NPU_KEEP_GB_S] = {"keep_gb_s", AMOUNT},
    [DS_NPU_MEMORY_GB_S] = {"memory_gb_s", POSITIVE},
    [DS_NPU_WEIGHTS_GB_S] = {"weights_gb_s", POSITIVE},
    [DS_NPU_LAYER_US] = {"layer_us", AMOUNT},
    [DS_NPU_NETWORK_US] = {"network_us", AMOUNT},
};

#define MOST 1e9 /* of any parameter: keeps sums finite */

const char *ds_npu_key_name(enum ds_npu_key key)
{
    return keys[key].name;
}

void ds_npu_free(struct ds_npu *npu)
{
    if (!npu)
        return;
    json_decref(npu->json);
    free(npu->name);
    free(npu->device);
    free(npu);
}

/* ---- reading ---- */

static int key_number(const char *name)
{
    for (int i = 0; i < DS_NPU_KEYS; i++)
        if (strcmp(keys[i].name, name) == 0)
            return i;
    return -1;
}

static int check_value(int key, double x, struct ds_error *err)
{
    switch (keys[key].kind) {
    case POSITIVE:
        return x > 0 && x <= MOST ? 0 : ds_fail(err, "must be above 0, not %g", x);
    case SHARE:
        return x > 0 && x <= 1 ? 0 : ds_fail(err, "must be above 0 and at most 1, not %g", x);
    case AMOUNT:
        return x >= 0 && x <= MOST ? 0 : ds_fail(err, "must be 0 or more, not %g", x);
    case WHOLE:
        return x >= 1 && x <= 65536 && x == floor(x)
                   ? 0
                   : ds_fail(err, "must be a whole number from 1 on, not %g", x);
    case YES_NO:
        break;
    }
    return x == 0 || x == 1 ? 0 : ds_fail(err, "must be 0 or 1, not %g", x);
}

/* The range of a free parameter, [least, most]. */
static int read_range(struct ds_npu *npu, int key, const json_t *range, struct ds_error *err)
{
    const json_t *lo = json_array_get(range, 0), *hi = json_array_get(range, 1);
    bool continuous = keys[key].kind != WHOLE && keys[key].kind != YES_NO;
    if (json_array_size(range) != 2 || !json_is_number(lo) || !json_is_number(hi))
        return ds_fail(err, "fit: must be [least, most]");
    npu->lo[key] = json_number_value(lo);
    npu->hi[key] = json_number_value(hi);
    npu->free[key] = true;
    if (!continuous)
        return ds_fail(err, "fit: only what is not counted can be fitted");
    if (npu->lo[key] <= 0 || npu->lo[key] >= npu->hi[key])
        return ds_fail(err, "fit: [%g, %g] is no range above 0", npu->lo[key], npu->hi[key]);
    if (check_value(key, npu->hi[key], err))
        return ds_fail_in(err, "fit");
    if (npu->value[key] < npu->lo[key] || npu->value[key] > npu->hi[key])
        return ds_fail(err, "value %g is outside fit, [%g, %g]", npu->value[key], npu->lo[key],
                       npu->hi[key]);
    return 0;
}

static int read_parameter(struct ds_npu *npu, int key, const json_t *entry, struct ds_error *err)
{
    const json_t *value = json_object_get(entry, "value"), *fit = json_object_get(entry, "fit");
    const char *from = json_string_value(json_object_get(entry, "from")), *name;
    json_t *any;
    if (!json_is_object(entry))
        return ds_fail(err, "must be an object with value and from");
    json_object_foreach((json_t *)entry, name, any)
    {
        if (strcmp(name, "value") && strcmp(name, "from") && strcmp(name, "fit"))
            return ds_fail(err, "unknown key %s", name);
    }
    if (!json_is_number(value))
        return ds_fail(err, "value: %s", value ? "must be a number" : "missing");
    if (!from || !*from)
        return ds_fail(err, "from: %s",
                       from ? "must say where the number comes from"
                            : "missing: where the number "
                              "comes from");
    npu->value[key] = json_number_value(value);
    if (check_value(key, npu->value[key], err))
        return ds_fail_in(err, "value");
    return fit ? read_range(npu, key, fit, err) : 0;
}

static int read_parameters(struct ds_npu *npu, json_t *parameters, struct ds_error *err)
{
    const char *name;
    json_t *entry;
    bool there[DS_NPU_KEYS] = {0};
    if (!json_is_object(parameters))
        return ds_fail(err, "parameters: %s", parameters ? "must be an object" : "missing");
    json_object_foreach(parameters, name, entry)
    {
        int key = key_number(name);
        if (key < 0)
            return ds_fail(err, "parameters.%s: no such parameter", name);
        there[key] = true;
        if (read_parameter(npu, key, entry, err))
            return ds_fail_in(err, "parameters.%s", name);
    }
    for (int i = 0; i < DS_NPU_KEYS; i++)
        if (!there[i])
            return ds_fail(err, "parameters.%s: missing", keys[i].name);
    if (!npu->value[DS_NPU_DEPTHWISE_ON_CUBE] && !npu->value[DS_NPU_DEPTHWISE_ON_VECTOR])
        return ds_fail(err, "parameters.depthwise_on_cube, depthwise_on_vector: one must be 1");
    return 0;
}

static int read_text(const json_t *json, const char *key, char **out, struct ds_error *err)
{
    const char *text = json_string_value(json_object_get(json, key));
    if (!text || !*text)
        return ds_fail(err, "%s: %s", key, json_object_get(json, key) ? "must be text" : "missing");
    if (!out)
        return 0;
    return (*out = ds_copy_string(text, NULL)) ? 0 : ds_no_memory(err);
}

static int read_device(struct ds_npu *npu, struct ds_error *err)
{
    static const char *const known[] = {"dstools_npu", "name",       "device",
                                        "description", "parameters", "provenance"};
    const json_t *version = json_object_get(npu->json, "dstools_npu");
    const char *name;
    json_t *any;
    if (!json_is_integer(version))
        return ds_fail(err, "dstools_npu: missing: this is no device of the NPU cost model%s",
                       json_object_get(npu->json, "dstools_profile")
                           ? " but a device profile: give it to --profile"
                           : "");
    if (json_integer_value(version) != 1)
        return ds_fail(err, "dstools_npu: version %lld is not one that this dstools reads (1)",
                       (long long)json_integer_value(version));
    json_object_foreach(npu->json, name, any)
    {
        bool found = false;
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            found = found || strcmp(known[i], name) == 0;
        if (!found)
            return ds_fail(err, "%s: no such key", name);
    }
    if (read_text(npu->json, "name", &npu->name, err) ||
        read_text(npu->json, "device", &npu->device, err) ||
        read_text(npu->json, "description", NULL, err))
        return -1;
    return read_parameters(npu, json_object_get(npu->json, "parameters"), err);
}

struct ds_npu *ds_npu_load(const char *name, struct ds_error *err)
{
    size_t size = 0;
    json_error_t why;
    int rc = -1;
    char *path = ds_shipped_path("npus", name, err);
    char *data = path ? ds_file_read(path, &size, err) : NULL;
    struct ds_npu *npu = data ? ds_alloc(1, sizeof *npu, NULL) : NULL;
    if (data && !npu)
        ds_no_memory(err);
    if (npu) {
        npu->hash = XXH3_64bits(data, size);
        npu->json = json_loadb(data, size, JSON_REJECT_DUPLICATES, &why);
        if (!npu->json)
            ds_fail(err, "not JSON: line %d: %s", why.line, why.text);
        else if (!json_is_object((json_t *)npu->json))
            ds_fail(err, "not a JSON object");
        else
            rc = read_device(npu, err);
        if (rc)
            ds_fail_in(err, "%s", path);
    }
    free(data);
    free(path);
    if (rc == 0)
        return npu;
    ds_npu_free(npu);
    return NULL;
}

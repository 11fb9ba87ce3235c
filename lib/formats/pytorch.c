#include "formats/pytorch.h"

#include "base/file.h"
#include "base/grow.h"
#include "formats/pickle.h"
#include "formats/zip.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_NUMBERS ((int64_t)1 << 30) /* of a storage, and of a tensor */

/* A type of numbers, as pickles name its storages. */
struct type {
    const char *storage;
    size_t size;
};

static const struct type types[] = {
    {"torch FloatStorage", 4},        {"torch DoubleStorage", 8},
    {"torch HalfStorage", 2},         {"torch BFloat16Storage", 2},
    {"torch LongStorage", 8},         {"torch IntStorage", 4},
    {"torch ShortStorage", 2},        {"torch CharStorage", 1},
    {"torch ByteStorage", 1},         {"torch BoolStorage", 1},
    {"torch ComplexFloatStorage", 8}, {"torch ComplexDoubleStorage", 16},
};
static const struct type *const float32 = &types[0];

/* Where the numbers of a storage are. */
struct storage {
    const char *key;
    const struct type *type;
    uint64_t count;
    const uint8_t *data; /* NULL: not found */
};

/* A file that is being read. */
struct source {
    const uint8_t *data;
    size_t size;
    struct ds_pickle_reader pickles;
    const struct ds_pickle *value; /* what was saved */
    struct ds_zip zip;             /* of the later kind */
    char prefix[256];              /* of its members' names */
    struct storage *storage;       /* of the earlier kind, by key */
    size_t nstorages;
    size_t copied; /* bytes of tensors so far */
};

static const struct type *find_type(const char *storage)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i].storage, storage) == 0)
            return &types[i];
    return NULL;
}

/* Globals that the pickle of a state dict names. */
static bool allows(const char *name)
{
    static const char *const others[] = {"collections OrderedDict",
                                         "torch._utils _rebuild_tensor_v2",
                                         "torch._utils _rebuild_parameter", "torch Size"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(others[i], name) == 0)
            return true;
    return find_type(name) != NULL;
}

/* ---- pickled values ---- */

/* The arguments of a call of `name`, at least `least`; else NULL. */
static const struct ds_pickle *arguments(const struct ds_pickle *v, const char *name, size_t least)
{
    if (v->kind != DS_PICKLE_CALL || strcmp(v->item[0]->text, name) || v->item[1]->n < least)
        return NULL;
    return v->item[1];
}

/* What a tensor is rebuilt from (storage, offset, size, stride ...); NULL: it is no tensor. */
static const struct ds_pickle *tensor(const struct ds_pickle *v)
{
    const struct ds_pickle *parameter = arguments(v, "torch._utils _rebuild_parameter", 1);
    return arguments(parameter ? parameter->item[0] : v, "torch._utils _rebuild_tensor_v2", 4);
}

/* ("storage", FloatStorage, key, location, count, ...): what a tensor's numbers are in. */
static bool read_storage(const struct ds_pickle *v, struct storage *s)
{
    const struct ds_pickle *id = v->kind == DS_PICKLE_PERSISTENT ? v->item[0] : NULL;
    if (!id || id->kind != DS_PICKLE_TUPLE || id->n < 5 || id->item[1]->kind != DS_PICKLE_GLOBAL ||
        id->item[2]->kind != DS_PICKLE_TEXT || id->item[4]->kind != DS_PICKLE_INT ||
        id->item[4]->integer < 0 || id->item[4]->integer > MOST_NUMBERS ||
        (id->n > 5 && id->item[5]->kind != DS_PICKLE_NONE)) /* a view of another storage */
        return false;
    *s = (struct storage){.key = id->item[2]->text,
                          .type = find_type(id->item[1]->text),
                          .count = (uint64_t)id->item[4]->integer};
    return s->type != NULL;
}

/* A contiguous tensor's shape and place in its storage; false where it is something else. */
static bool read_shape(const struct ds_pickle *args, uint64_t stored, struct ds_tensor_f32 *t)
{
    const struct ds_pickle *offset = args->item[1], *size = args->item[2], *stride = args->item[3];
    t->count = 1;
    if (offset->kind != DS_PICKLE_INT || size->kind != DS_PICKLE_TUPLE ||
        stride->kind != DS_PICKLE_TUPLE || size->n > DS_PYTORCH_DIMS || size->n != stride->n)
        return false;
    t->ndims = (int)size->n;
    for (size_t i = size->n; i-- > 0;) {
        int64_t n = size->item[i]->integer;
        if (size->item[i]->kind != DS_PICKLE_INT || n < 1 || n > MOST_NUMBERS ||
            (n > 1 && stride->item[i]->integer != (int64_t)t->count))
            return false;
        t->dim[i] = (size_t)n;
        t->count *= (size_t)n;
        if (t->count > (size_t)MOST_NUMBERS)
            return false;
    }
    return offset->integer >= 0 && (uint64_t)offset->integer <= stored &&
           t->count <= stored - (uint64_t)offset->integer;
}

/* ---- storages ---- */

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct storage *)a)->key, ((const struct storage *)b)->key);
}

/* The storages that tensors of the file are in, of any type, once each, by key. */
static int list_storages(struct source *s, struct ds_error *err)
{
    size_t n = 0;
    s->storage = ds_alloc((s->pickles.count + 1), sizeof *s->storage, err);
    if (!s->storage)
        return -1;
    for (const struct ds_pickle *v = s->pickles.all; v; v = v->next)
        n += read_storage(v, &s->storage[n]);
    qsort(s->storage, n, sizeof *s->storage, by_key);
    for (size_t i = 0; i < n; i++) {
        const struct storage *now = &s->storage[i];
        struct storage *last = s->nstorages ? &s->storage[s->nstorages - 1] : NULL;
        if (!last || by_key(last, now))
            s->storage[s->nstorages++] = *now;
        else if (last->type != now->type || last->count != now->count)
            return ds_fail(err, "storage %.40s is described in two ways", now->key);
    }
    return 0;
}

/* Storages follow the pickles, in the order of the keys: a count of 8 bytes, then the numbers. */
static int place_storages(struct source *s, const struct ds_pickle *keys, struct ds_error *err)
{
    const uint8_t *at = s->pickles.at, *end = s->pickles.end;
    for (size_t i = 0; i < keys->n; i++) {
        struct storage key = {.key = keys->item[i]->text}, *found;
        uint64_t count = 0;
        found = key.key ? bsearch(&key, s->storage, s->nstorages, sizeof key, by_key) : NULL;
        if (!found || found->data)
            return ds_fail(err, "a storage that belongs to no tensor, or twice the same");
        if (end - at < 8)
            return 0; /* cut off: whose numbers are missing is said where they are wanted */
        for (int b = 7; b >= 0; b--)
            count = count << 8 | at[b];
        at += 8;
        if (count != found->count)
            return ds_fail(err, "storage %.40s has %llu numbers, not %llu", key.key,
                           (unsigned long long)count, (unsigned long long)found->count);
        if (count > (uint64_t)(end - at) / found->type->size)
            return 0;
        found->data = at;
        at += count * found->type->size;
    }
    return 0;
}

/* The numbers of a storage, or NULL. */
static const uint8_t *find_data(const struct source *s, const struct storage *wanted,
                                struct ds_error *err)
{
    char name[512];
    if (!s->zip.n) {
        struct storage *found = bsearch(wanted, s->storage, s->nstorages, sizeof *wanted, by_key);
        if (!found || !found->data)
            ds_fail(err, "its numbers are not there: is the file cut off?");
        return found ? found->data : NULL;
    }
    snprintf(name, sizeof name, "%s/data/%s", s->prefix, wanted->key);
    const struct ds_zip_member *m = ds_zip_find(&s->zip, name);
    if (!m || m->size != wanted->count * wanted->type->size)
        ds_fail(err, "its numbers are not there, or are not as many as it says");
    else if (!ds_zip_intact(m))
        ds_fail(err, "its numbers are damaged: they do not have their checksum");
    else
        return m->data;
    return NULL;
}

/* ---- tensors ---- */

static int compare_names(const void *a, const void *b)
{
    return strcmp((*(const struct ds_tensor_f32 *const *)a)->name,
                  (*(const struct ds_tensor_f32 *const *)b)->name);
}

void ds_pytorch_free(struct ds_pytorch *file)
{
    if (!file)
        return;
    for (int i = 0; i < file->ntensors; i++) {
        free(file->tensor[i].name);
        free(file->tensor[i].data);
    }
    free(file->tensor);
    free(file->by_name);
    free(file->archive);
    free(file);
}

const struct ds_tensor_f32 *ds_pytorch_find(const struct ds_pytorch *file, const char *name)
{
    struct ds_tensor_f32 key = {.name = (char *)name};
    const struct ds_tensor_f32 *wanted = &key,
                               **found = bsearch(&wanted, file->by_name, (size_t)file->ntensors,
                                                 sizeof wanted, compare_names);
    return found ? *found : NULL;
}

/* Copies the numbers, which stand little-endian. */
static int copy(struct source *s, const struct ds_pickle *args, const struct storage *storage,
                struct ds_tensor_f32 *t, struct ds_error *err)
{
    if (!read_shape(args, storage->count, t))
        return ds_fail(err, "it is not contiguous, or reaches beyond its storage");
    s->copied += t->count * sizeof *t->data;
    if (s->copied > 4 * s->size)
        return ds_fail(err, "tensors that share their numbers more than four times over");
    const uint8_t *data = find_data(s, storage, err);
    if (!data)
        return -1;
    if (!(t->data = ds_alloc(t->count, sizeof *t->data, NULL)))
        return ds_no_memory(err);
    memcpy(t->data, data + (size_t)args->item[1]->integer * sizeof *t->data,
           t->count * sizeof *t->data);
    for (size_t i = 0; i < t->count; i++)
        if (!isfinite(t->data[i]))
            return ds_fail(err, "it holds a value that is not finite");
    return 0;
}

/* Adds an item of the state dict, if it is a float tensor. */
static int add(struct ds_pytorch *file, struct source *s, const struct ds_pickle *key,
               const struct ds_pickle *value, struct ds_error *err)
{
    struct storage storage;
    const struct ds_pickle *args = tensor(value);
    if (!args || key->kind != DS_PICKLE_TEXT)
        return 0;
    if (!read_storage(args->item[0], &storage))
        return ds_fail(err, "tensor %.100s: it has no storage of a known type", key->text);
    if (storage.type != float32)
        return 0;
    struct ds_tensor_f32 *t = &file->tensor[file->ntensors];
    *t = (struct ds_tensor_f32){.name = ds_copy_string(key->text, NULL)};
    file->ntensors++;
    if (!t->name)
        return ds_no_memory(err);
    return copy(s, args, &storage, t, err) ? ds_fail_in(err, "tensor %.100s", t->name) : 0;
}

static int sort_names(struct ds_pytorch *file, struct ds_error *err)
{
    file->by_name = ds_alloc(((size_t)file->ntensors + 1), sizeof *file->by_name, err);
    if (!file->by_name)
        return -1;
    for (int i = 0; i < file->ntensors; i++)
        file->by_name[i] = &file->tensor[i];
    qsort(file->by_name, (size_t)file->ntensors, sizeof *file->by_name, compare_names);
    for (int i = 1; i < file->ntensors; i++)
        if (compare_names(&file->by_name[i - 1], &file->by_name[i]) == 0)
            return ds_fail(err, "two tensors are called %.100s", file->by_name[i]->name);
    return 0;
}

static int add_all(struct ds_pytorch *file, struct source *s, struct ds_error *err)
{
    const struct ds_pickle *nested = ds_pickle_get(s->value, "state_dict"),
                           *dict = nested ? nested : s->value;
    if (dict->kind != DS_PICKLE_DICT)
        return ds_fail(err, "no dictionary of tensors");
    file->tensor = ds_alloc(dict->n / 2 + 1, sizeof *file->tensor, err);
    if (!file->tensor)
        return -1;
    for (size_t i = 0; i + 1 < dict->n; i += 2)
        if (add(file, s, dict->item[i], dict->item[i + 1], err))
            return -1;
    return file->ntensors ? sort_names(file, err) : ds_fail(err, "no tensors of float32");
}

/* ---- the two kinds of files ---- */

/* The pickle is PREFIX/data.pkl, the storages beside it are PREFIX/data/KEY. */
static int open_zip(struct source *s, struct ds_error *err)
{
    static const char tail[] = "/data.pkl";
    const size_t n = sizeof tail - 1;
    const struct ds_zip_member *pickle = NULL;
    char name[300];
    if (ds_zip_open(&s->zip, s->data, s->size, err))
        return -1;
    for (size_t i = 0; i < s->zip.n; i++) {
        const struct ds_zip_member *m = &s->zip.member[i];
        if (m->name_length > n && memcmp(m->name + m->name_length - n, tail, n) == 0) {
            if (pickle || m->name_length - n >= sizeof s->prefix)
                return ds_fail(err, "a zip, but not of PyTorch: more than one data.pkl");
            pickle = m;
        }
    }
    if (!pickle)
        return ds_fail(err, "a zip, but not of PyTorch: it has no data.pkl");
    snprintf(s->prefix, sizeof s->prefix, "%.*s", (int)(pickle->name_length - n), pickle->name);
    snprintf(name, sizeof name, "%s/byteorder", s->prefix);
    const struct ds_zip_member *order = ds_zip_find(&s->zip, name);
    if (order && (order->size != 6 || memcmp(order->data, "little", 6)))
        return ds_fail(err, "saved on a machine of another byte order");
    if (!ds_zip_intact(pickle))
        return ds_fail(err, "data.pkl is damaged: it does not have its checksum");
    s->pickles.at = pickle->data;
    s->pickles.end = pickle->data + pickle->size;
    s->value = ds_pickle_read(&s->pickles, err);
    return s->value ? 0 : -1;
}

/* Pickles of a magic number, the version, the system, what was saved, the keys of storages. */
static int open_pickles(struct source *s, struct ds_error *err)
{
    const struct ds_pickle *part[5];
    s->pickles.at = s->data;
    s->pickles.end = s->data + s->size;
    for (int i = 0; i < 5; i++)
        if (!(part[i] = ds_pickle_read(&s->pickles, err)))
            return -1;
    s->value = part[3];
    if (part[1]->kind != DS_PICKLE_INT || part[1]->integer != 1001)
        return ds_fail(err, "not of version 1001");
    if (part[4]->kind != DS_PICKLE_LIST)
        return ds_fail(err, "no list of storages");
    return list_storages(s, err) ? -1 : place_storages(s, part[4], err);
}

static int load(struct ds_pytorch *file, struct source *s, struct ds_error *err)
{
    s->pickles.allows = allows;
    if (ds_zip_is(s->data, s->size) ? open_zip(s, err) : open_pickles(s, err))
        return ds_fail_in(err, "no state dict of PyTorch");
    if (!(file->archive = ds_copy_string(s->prefix, NULL)))
        return ds_no_memory(err);
    return add_all(file, s, err);
}

struct ds_pytorch *ds_pytorch_load(const char *path, struct ds_error *err)
{
    struct source s = {0};
    char *data = ds_file_read(path, &s.size, err);
    struct ds_pytorch *file = data ? ds_alloc(1, sizeof *file, NULL) : NULL;
    int rc = -1;
    if (file) {
        s.data = (const uint8_t *)data;
        if ((rc = load(file, &s, err)))
            ds_fail_in(err, "%s", path);
    } else if (data) {
        ds_no_memory(err);
    }
    ds_pickle_free(&s.pickles);
    ds_zip_close(&s.zip);
    free(s.storage);
    free(data);
    if (rc == 0)
        return file;
    ds_pytorch_free(file);
    return NULL;
}

#include "formats/model_files.h"

#include "base/file.h"
#include "base/grow.h"
#include "base/id_map.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>

/* A model that is written: whose architecture it was, and what tells it from others. */
struct written {
    const struct ds_space *space;
    XXH64_hash_t hash;
};

struct ds_model_files {
    const char *dir;
    const struct ds_model_format *format;
    const struct ds_model_options *options;
    struct ds_id_map ids; /* of architectures, to `written` */
    struct written *written;
    size_t n, room;
    uint8_t *only; /* without a directory: the one model, and its size */
    size_t size;
};

struct ds_model_files *ds_model_files_open(const char *dir, const struct ds_model_format *format,
                                           const struct ds_model_options *options,
                                           struct ds_error *err)
{
    if (dir && mkdir(dir, 0777) && errno != EEXIST) {
        ds_fail(err, "%s: cannot make it: %s", dir, strerror(errno));
        return NULL;
    }
    struct ds_model_files *f = ds_alloc(1, sizeof *f, err);
    if (f)
        *f = (struct ds_model_files){.dir = dir, .format = format, .options = options};
    return f;
}

bool ds_model_files_has(const struct ds_model_files *f, const struct ds_record *rec)
{
    int64_t known = ds_id_map_find(&f->ids, rec->id);
    return known >= 0 && f->written[known].space == rec->space;
}

static int write_file(const struct ds_model_files *f, uint64_t id, const uint8_t *model,
                      size_t size, char path[PATH_MAX], struct ds_error *err)
{
    if (snprintf(path, PATH_MAX, "%s/%016" PRIx64 ".%s", f->dir, id, f->format->name) >= PATH_MAX)
        return ds_fail(err, "%s: the name is too long", f->dir);
    return ds_file_write(path, model, size, err);
}

static int remember(struct ds_model_files *f, const struct ds_record *rec, XXH64_hash_t hash,
                    struct ds_error *err)
{
    if (ds_grow(&f->written, &f->room, f->n + 1, sizeof *f->written, err))
        return -1;
    if (ds_id_map_add(&f->ids, rec->id, (uint32_t)f->n) < 0)
        return ds_no_memory(err);
    f->written[f->n++] = (struct written){rec->space, hash};
    return 0;
}

/* Compares the model with that of another space's architecture of the same id. */
static int check_same(const struct ds_model_files *f, int64_t known, uint64_t id, XXH64_hash_t hash,
                      struct ds_error *err)
{
    if (hash == f->written[known].hash)
        return 0;
    return ds_fail(err,
                   "another space of this stream has an architecture %016" PRIx64
                   " too, but another network: export them into directories of their own",
                   id);
}

int ds_model_files_add(struct ds_model_files *f, const struct ds_record *rec,
                       const struct ds_net *net, char path[PATH_MAX], struct ds_error *err)
{
    size_t size;
    int64_t known = ds_id_map_find(&f->ids, rec->id);
    if (f->only && known < 0)
        return ds_fail(err, "a second architecture, but a file holds one: give --dir DIR");
    uint8_t *model = f->format->pack(rec->space, net, f->options, &size, err);
    if (!model)
        return -1;
    XXH64_hash_t hash = XXH3_64bits(model, size);
    int rc = known >= 0 ? check_same(f, known, rec->id, hash, err) : remember(f, rec, hash, err);
    if (rc == 0 && known < 0 && !f->dir) {
        f->only = model;
        f->size = size;
        return 0;
    }
    if (rc == 0 && known < 0)
        rc = write_file(f, rec->id, model, size, path, err) ? -1 : 1;
    free(model);
    return rc;
}

const uint8_t *ds_model_files_only(const struct ds_model_files *f, size_t *size)
{
    *size = f->size;
    return f->only;
}

void ds_model_files_free(struct ds_model_files *f)
{
    if (!f)
        return;
    free(f->only);
    free(f->written);
    ds_id_map_free(&f->ids);
    free(f);
}

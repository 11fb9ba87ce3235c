#include "export_model.h"

#include "memory.h"

#include "base/file.h"
#include "base/id_map.h"
#include "network/build.h"
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

/* A model that is written: whose architecture it was, and what tells it from others. */
struct written {
    const struct ds_space *space;
    XXH64_hash_t hash;
};

struct model_files {
    FILE *out;
    const char *dir;
    const struct ds_model_format *format;
    const struct ds_model_options *options;
    struct subnets *subnets; /* NULL: seeded weights */
    struct ds_net net;
    struct ds_id_map ids; /* of what is written */
    struct written *written;
    uint32_t n;
    uint8_t *only; /* without a directory: the one model, and its size */
    size_t size;
};

struct model_files *model_files_begin(FILE *out, const char *dir,
                                      const struct ds_model_format *format,
                                      const struct ds_model_options *options,
                                      struct subnets *subnets)
{
    struct model_files *f = calloc(1, sizeof *f);
    if (!f)
        cli_no_memory();
    *f = (struct model_files){
        .out = out, .dir = dir, .format = format, .options = options, .subnets = subnets};
    if (!dir && isatty(fileno(out)))
        cli_die(CLI_USAGE, "will not write a model to a terminal: give -o FILE or --dir DIR");
    if (dir && mkdir(dir, 0777) && errno != EEXIST)
        cli_die(CLI_FAILED, "%s: cannot make it: %s", dir, strerror(errno));
    return f;
}

static void remember(struct model_files *f, const struct ds_record *rec, const uint8_t *model,
                     size_t size)
{
    struct written *more = realloc(f->written, (f->n + 1) * sizeof *more);
    if (!more || ds_id_map_add(&f->ids, rec->id, f->n) < 0)
        cli_no_memory();
    f->written = more;
    f->written[f->n++] = (struct written){rec->space, XXH3_64bits(model, size)};
}

static void write_one(const struct model_files *f, uint64_t id, const uint8_t *model, size_t size)
{
    char path[PATH_MAX];
    struct ds_error err;
    if (snprintf(path, sizeof path, "%s/%016" PRIx64 ".%s", f->dir, id, f->format->name) >=
        (int)sizeof path)
        cli_die(CLI_FAILED, "%s: the name is too long", f->dir);
    if (ds_file_write(path, model, size, &err))
        cli_die(CLI_FAILED, "%s", err.text);
    fprintf(f->out, "%s\n", path);
}

/* The model of an architecture, to be freed; NULL and the reason in `err`. */
static uint8_t *make_model(struct model_files *f, const struct ds_record *rec, const char *where,
                           size_t *size, struct ds_error *err)
{
    struct ds_net *net = f->subnets ? &f->subnets->net : &f->net;
    if (f->subnets)
        subnets_bind(f->subnets, rec->space, where);
    if (f->subnets ? subnets_take(f->subnets, rec->choice, err)
                   : ds_net_build(rec->space, rec->choice, net, err))
        return NULL;
    return f->format->pack(rec->space, net, f->options, size, err);
}

void model_files_put(struct model_files *f, const struct ds_record *rec, const char *where)
{
    struct ds_error err;
    size_t size;
    cli_need_arch(rec, where);
    int64_t known = ds_id_map_find(&f->ids, rec->id);
    if (known >= 0 && f->written[known].space == rec->space)
        return;
    if (f->only && known < 0)
        cli_die(CLI_FAILED, "%s: a second architecture, but a file holds one: give --dir DIR",
                where);
    uint8_t *model = make_model(f, rec, where, &size, &err);
    if (!model)
        cli_die(CLI_FAILED, "%s: %s", where, err.text);
    if (known >= 0 && XXH3_64bits(model, size) != f->written[known].hash)
        cli_die(CLI_FAILED,
                "%s: another space of this stream has an architecture %016" PRIx64
                " too, but another network: export them into directories of their own",
                where, rec->id);
    if (known < 0) {
        remember(f, rec, model, size);
        if (f->dir)
            write_one(f, rec->id, model, size);
    }
    if (known >= 0 || f->dir) {
        free(model);
    } else {
        f->only = model;
        f->size = size;
    }
}

void model_files_end(struct model_files *f)
{
    if (!f->dir && !f->only)
        cli_die(CLI_FAILED, "no architecture in the input");
    if (f->only && fwrite(f->only, 1, f->size, f->out) < f->size && errno != EPIPE)
        cli_die(CLI_FAILED, "cannot write the model: %s", strerror(errno));
    free(f->only);
    free(f->written);
    ds_id_map_free(&f->ids);
    ds_net_free(&f->net);
    free(f);
}

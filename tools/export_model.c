#include "export_model.h"

#include "formats/model_files.h"
#include "memory.h"
#include "network/build.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct model_files {
    FILE *out;
    struct ds_model_files *files;
    bool one; /* no directory: a single model, to the output */
    bool int8;
    struct subnets *subnets; /* NULL: seeded weights */
    struct ds_net net;
    struct ds_model_options options;
    struct ds_quant quant; /* of the network at hand */
};

struct model_files *model_files_begin(FILE *out, const char *dir,
                                      const struct ds_model_format *format,
                                      const struct ds_model_options *options, bool int8,
                                      struct subnets *subnets)
{
    struct ds_error err;
    cli_keep_memory();
    struct model_files *f = cli_alloc(1, sizeof *f);
    *f = (struct model_files){
        .out = out, .one = !dir, .int8 = int8, .subnets = subnets, .options = *options};
    f->options.quant = int8 ? &f->quant : NULL;
    if (!dir && isatty(fileno(out)))
        cli_die(CLI_USAGE, "will not write a model to a terminal: give -o FILE or --dir DIR");
    if (!(f->files = ds_model_files_open(dir, format, &f->options, &err)))
        cli_die(CLI_FAILED, "%s", err.text);
    return f;
}

/* The network of an architecture; NULL and the reason in `err`. */
static const struct ds_net *build(struct model_files *f, const struct ds_record *rec,
                                  const char *where, struct ds_error *err)
{
    if (f->subnets) {
        subnets_bind(f->subnets, rec->space, where);
        return subnets_take(f->subnets, rec->choice, err) ? NULL : &f->subnets->net;
    }
    return ds_net_build(rec->space, rec->choice, &f->net, err) ? NULL : &f->net;
}

/* Ranges are from the images to calibrate with, or from seeded ones. */
static int quantize(struct model_files *f, const struct ds_net *net, const struct ds_record *rec,
                    struct ds_error *err)
{
    struct ds_image_source images = {0};
    if (f->subnets)
        images = subnets_calibration(f->subnets, rec->choice);
    return ds_quantize(net, f->options.seed, images.n ? &images : NULL, &f->quant, err);
}

void model_files_put(struct model_files *f, const struct ds_record *rec, const char *where)
{
    struct ds_error err;
    char path[PATH_MAX];
    cli_need_arch(rec, where);
    if (ds_model_files_has(f->files, rec))
        return;
    const struct ds_net *net = build(f, rec, where, &err);
    int rc = net && !(f->int8 && quantize(f, net, rec, &err))
                 ? ds_model_files_add(f->files, rec, net, path, &err)
                 : -1;
    if (rc < 0)
        cli_die(CLI_FAILED, "%s: %s", where, err.text);
    if (rc > 0)
        fprintf(f->out, "%s\n", path);
}

void model_files_end(struct model_files *f)
{
    size_t size;
    const uint8_t *only = ds_model_files_only(f->files, &size);
    if (f->one && !only)
        cli_die(CLI_FAILED, "no architecture in the input");
    if (only && fwrite(only, 1, size, f->out) < size && errno != EPIPE)
        cli_die(CLI_FAILED, "cannot write the model: %s", strerror(errno));
    ds_model_files_free(f->files);
    ds_quant_free(&f->quant);
    ds_net_free(&f->net);
    free(f);
}

/*
 * What an engine computes: for every architecture of the stream on standard input, the image it is
 * given as DIR/ID.input, floats as [channel][row][column], and as DIR/ID.nhwc, floats as
 * [row][column][channel]; its outputs as DIR/ID.logits, one a line. Usage: logits ENGINE DIR
 * [DTYPE]; exit status 2 where there is no such engine, or no device for it, or it has not that
 * format.
 */
#include "engines.h"
#include "network/build.h"
#include "network/weights.h"
#include "quantize/quantize.h"
#include "stream/stream.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#define SEED 1

static struct ds_error err;

static void *must(const void *ok)
{
    if (ok)
        return (void *)ok;
    fprintf(stderr, "logits: %s\n", err.text);
    exit(1);
}

static FILE *open_file(const char *dir, uint64_t id, const char *kind)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%016" PRIx64 ".%s", dir, id, kind);
    FILE *f = fopen(path, "w");
    if (!f)
        ds_fail(&err, "cannot write %s", path);
    return must(f);
}

/* The engines' input is [row][column][channel]. */
static void write_input(const struct ds_net *net, FILE *f, FILE *nhwc)
{
    struct ds_tensor t = net->tensor[net->input];
    struct ds_input images = {0};
    size_t area = (size_t)t.h * (size_t)t.w, c = (size_t)t.c;
    if (ds_input_reserve(&images, SEED, area * c, &err))
        must(NULL);
    for (size_t i = 0; i < c; i++)
        for (size_t p = 0; p < area; p++)
            fwrite(&images.data[p * c + i], sizeof *images.data, 1, f);
    fwrite(images.data, sizeof *images.data, area * c, nhwc);
    ds_input_free(&images);
    fclose(f);
    fclose(nhwc);
}

static void write_logits(const struct ds_engine *e, struct ds_session *s, const struct ds_net *net,
                         FILE *f)
{
    size_t count;
    struct ds_model *model = must(e->load(s, net, &err));
    if (e->run(model, NULL, &err))
        must(NULL);
    const float *out = e->output(model, &count);
    for (size_t i = 0; i < count; i++)
        fprintf(f, "%.9g\n", (double)out[i]);
    fclose(f);
    e->unload(model);
}

int main(int argc, char **argv)
{
    const char *lack;
    int dtype = argc == 4 ? ds_dtype_find(argv[3]) : DS_DTYPE_F32;
    if (argc < 3 || argc > 4 || dtype < 0 || !engine_there(argv[1], &lack))
        return 2;
    const struct ds_engine *e = ds_engine_find(ds_all_engines, argv[1]);
    struct ds_engine_options options = {.threads = 1,
                                        .batch = 1,
                                        .seed = SEED,
                                        .dtype = (enum ds_dtype)dtype,
                                        .device = TEST_DEVICE};
    struct ds_session *s = e->open(&options, &err);
    if (!s && dtype != DS_DTYPE_F32)
        return 2;
    must(s);
    struct ds_reader *r = must(ds_reader_open(NULL, 0, &err));
    struct ds_record *rec;
    struct ds_net net = {0};
    struct ds_quant q = {0};
    int rc;
    while ((rc = ds_reader_next(r, &rec, &err)) > 0) {
        if (ds_net_build(rec->space, rec->choice, &net, &err))
            must(NULL);
        if (dtype == DS_DTYPE_INT8) {
            if (ds_quantize(&net, SEED, NULL, &q, &err))
                must(NULL);
            net.quant = &q;
        }
        write_input(&net, open_file(argv[2], rec->id, "input"),
                    open_file(argv[2], rec->id, "nhwc"));
        write_logits(e, s, &net, open_file(argv[2], rec->id, "logits"));
    }
    if (rc < 0)
        must(NULL);
    ds_quant_free(&q);
    ds_net_free(&net);
    ds_reader_close(r);
    e->close(s);
    return 0;
}

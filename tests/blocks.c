/*
 * The modules of networks in int8, each as a model by itself, and what the definition in
 * quantize/quantize.h makes of it in integers. For every architecture of the stream on standard
 * input and every module of it that reads 8 bits: DIR/ID.MODULE and the format's ending;
 * DIR/ID.MODULE.input, its input as floats [row][column][channel]; DIR/ID.MODULE.expected, its
 * output likewise. Prints a line for each: path of the model without that ending, channels, rows
 * and columns of the input and of the output, and the quantum of the output, 0 where it is f32.
 * Usage: blocks FORM DIR [whole], where FORM is onnx-int8, onnx-int8-each or tflite-int8; `whole`:
 * the network in place of its modules
 */
#include "formats/model.h"
#include "formats/onnx.h"
#include "int8.h"
#include "network/build.h"
#include "stream/stream.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

static struct ds_error err;

static void *need(const void *p)
{
    if (p)
        return (void *)p;
    fprintf(stderr, "blocks: %s\n", err.text);
    exit(1);
}

static void write_bytes(const char *path, const char *kind, const void *data, size_t size)
{
    char name[PATH_MAX];
    snprintf(name, sizeof name, "%s.%s", path, kind);
    FILE *f = fopen(name, "w");
    if (!f || fwrite(data, 1, size, f) < size || fclose(f)) {
        ds_fail(&err, "cannot write %s", name);
        need(NULL);
    }
}

static void write_tensor(const char *path, const char *kind, const struct ds_net *net, int t,
                         const struct int8_tensor *all)
{
    size_t n = floats(net, t, 1);
    float *x = must(malloc(n * sizeof *x));
    for (size_t i = 0; i < n; i++)
        x[i] = (float)all[t].x[i];
    write_bytes(path, kind, x, n * sizeof *x);
    free(x);
}

/* Layers first .. first + n as a network of its own, with their places in what the whole one has.
 */
static void write_layers(const struct ds_space *space, const struct ds_net *whole,
                         const struct ds_quant *q, const struct int8_tensor *all, int first, int n,
                         const struct ds_model_form *form, const char *path)
{
    struct ds_net net = *whole;
    struct ds_quant quant = *q;
    net.layer += first;
    quant.layer += first;
    net.nlayers = quant.nlayers = n;
    net.input = whole->layer[first].in;
    net.output = whole->layer[first + n - 1].out;
    struct ds_model_options o = {.batch = 1,
                                 .opset = DS_ONNX_OPSET_INT8,
                                 .seed = SEED,
                                 .input = "input",
                                 .output = "output",
                                 .quant = &quant,
                                 .round_each = form->round_each};
    size_t size;
    uint8_t *bytes = need(form->format->pack(space, &net, &o, &size, &err));
    write_bytes(path, form->format->name, bytes, size);
    free(bytes);
    write_tensor(path, "input", whole, net.input, all);
    write_tensor(path, "expected", whole, net.output, all);
    struct ds_tensor in = whole->tensor[net.input], out = whole->tensor[net.output];
    bool is_8bit = ds_element_is_8bit(q->tensor[net.output].element);
    printf("%s %d %d %d %d %d %d %.9g\n", path, in.c, in.h, in.w, out.c, out.h, out.w,
           is_8bit ? (double)q->tensor[net.output].scale : 0.0);
}

static void write_modules(const struct ds_space *space, const struct ds_net *net, uint64_t id,
                          const struct ds_model_form *form, const char *dir, bool together)
{
    struct ds_quant q = {0};
    struct ds_input image = {0};
    if (ds_quantize(net, SEED, NULL, &q, &err) ||
        ds_input_reserve(&image, SEED, floats(net, net->input, 1), &err))
        need(NULL);
    struct int8_tensor *all = int8_run(net, &q, image.data);
    char path[PATH_MAX - 16], name[DS_MODULE_NAME];
    snprintf(path, sizeof path, "%s/%016" PRIx64, dir, id);
    if (together)
        write_layers(space, net, &q, all, 0, net->nlayers, form, path);
    for (int i = 0; i < net->nmodules && !together; i++) {
        const struct ds_module *m = &net->module[i];
        if (!m->count || !ds_element_is_8bit(q.tensor[net->layer[m->first].in].element))
            continue;
        ds_module_name(space, net, i, name, sizeof name);
        snprintf(path, sizeof path, "%s/%016" PRIx64 ".%s", dir, id, name);
        write_layers(space, net, &q, all, m->first, m->count, form, path);
    }
    int8_free(net, all);
    ds_input_free(&image);
    ds_quant_free(&q);
}

int main(int argc, char **argv)
{
    const struct ds_model_form *form = argc >= 3 ? ds_model_form_find(argv[1]) : NULL;
    if (!form || !form->int8)
        return 2;
    struct ds_reader *r = need(ds_reader_open(NULL, 0, &err));
    struct ds_record *rec;
    struct ds_net net = {0};
    int rc;
    while ((rc = ds_reader_next(r, &rec, &err)) > 0) {
        if (ds_net_build(rec->space, rec->choice, &net, &err))
            need(NULL);
        write_modules(rec->space, &net, rec->id, form, argv[2], argc > 3);
    }
    if (rc < 0)
        need(NULL);
    ds_net_free(&net);
    ds_reader_close(r);
    return 0;
}

/* Once-for-All's predictors of accuracy: see predictor.h. */
#include "base/grow.h"
#include "base/sum_rows.h"
#include "profile/predictor_input.h"
#include "profile/predictor_kind.h"
#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_LAYERS 8
#define BATCH 512

struct dense {
    size_t in, out;
    float *weight; /* [out][in]; of the first layer [in][out], to add rows of it */
    float *bias;   /* [out]; zeros where the file has none */
};

struct mlp {
    struct ds_predictor common;
    int nlayers;
    struct dense layer[MOST_LAYERS];
    double base; /* added to the output */
    const struct ds_predictor_input *input;
    const struct ds_space *space;
    bool coded[DS_MAX_SITES];  /* whether the site has inputs at all */
    float **row[DS_MAX_SITES]; /* [site][choice]: what it adds to the first layer; NULL: no slot */
    float *a, *b;              /* [BATCH][widest] */
    size_t widest;
};

static void unbind(struct mlp *p)
{
    for (int s = 0; s < DS_MAX_SITES; s++) {
        for (int c = 0; p->row[s] && c < p->space->site[s].nchoices; c++)
            free(p->row[s][c]);
        free(p->row[s]);
        p->row[s] = NULL;
    }
    p->space = NULL;
}

static void free_mlp(struct ds_predictor *common)
{
    struct mlp *p = (struct mlp *)common;
    unbind(p);
    for (int i = 0; i < p->nlayers; i++) {
        free(p->layer[i].weight);
        free(p->layer[i].bias);
    }
    free(p->a);
    free(p->b);
    free(p);
}

/* ---- loading ---- */

/* Too small to matter, and slow to multiply. */
static void flush_subnormals(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (fpclassify(x[i]) == FP_SUBNORMAL)
            x[i] = 0;
}

static int read_layer(struct mlp *p, const struct ds_tensor_f32 *w,
                      const struct ds_tensor_f32 *bias, struct ds_error *err)
{
    struct dense *l = &p->layer[p->nlayers];
    if (w->ndims != 2 || (bias && (bias->ndims != 1 || bias->dim[0] != w->dim[0])) ||
        (p->nlayers && w->dim[1] != p->layer[p->nlayers - 1].out))
        return ds_fail(err, "tensor %s is of a shape that does not fit the layer before", w->name);
    size_t count = w->dim[0] * w->dim[1];
    *l = (struct dense){.in = w->dim[1], .out = w->dim[0]};
    l->weight = ds_alloc(count, sizeof *l->weight, NULL);
    l->bias = ds_alloc(l->out, sizeof *l->bias, NULL);
    p->nlayers++;
    if (!l->weight || !l->bias)
        return ds_no_memory(err);
    if (bias)
        memcpy(l->bias, bias->data, l->out * sizeof *l->bias);
    if (p->nlayers > 1)
        memcpy(l->weight, w->data, count * sizeof *l->weight);
    for (size_t o = 0; o < l->out && p->nlayers == 1; o++)
        for (size_t i = 0; i < l->in; i++)
            l->weight[i * l->out + o] = w->data[o * l->in + i];
    flush_subnormals(l->weight, count);
    flush_subnormals(l->bias, l->out);
    if (l->out > p->widest)
        p->widest = l->out;
    return 0;
}

/* Layers are the matrices in the order of the file; a bias is named alike. */
static int read_layers(struct mlp *p, const struct ds_pytorch *file, struct ds_error *err)
{
    for (int i = 0; i < file->ntensors; i++) {
        const struct ds_tensor_f32 *t = &file->tensor[i];
        size_t n = strlen(t->name);
        char name[128];
        if (strcmp(t->name, "base_acc") == 0) {
            p->base = t->data[0];
            continue;
        }
        if (n < 7 || n >= sizeof name || strcmp(t->name + n - 7, ".weight"))
            continue;
        if (p->nlayers == MOST_LAYERS)
            return ds_fail(err, "more than %d layers", MOST_LAYERS);
        snprintf(name, sizeof name, "%.*s.bias", (int)n - 7, t->name);
        if (read_layer(p, t, ds_pytorch_find(file, name), err))
            return -1;
    }
    if (p->nlayers < 2 || p->layer[p->nlayers - 1].out != 1)
        return ds_fail(err,
                       "no predictor: it must have two layers or more, the last of one output");
    p->a = ds_alloc(BATCH * p->widest, sizeof *p->a, NULL);
    p->b = ds_alloc(BATCH * p->widest, sizeof *p->b, NULL);
    return p->a && p->b ? 0 : ds_no_memory(err);
}

/* How the predictor of so many inputs codes architectures. */
static const struct ds_predictor_input *find_input(size_t inputs, struct ds_error *err)
{
    static const struct ds_predictor_input *const codings[] = {&ds_predictor_input_mbv3,
                                                               &ds_predictor_input_resnet50};
    for (int i = 0; i < 2; i++)
        if (codings[i]->inputs == inputs)
            return codings[i];
    ds_fail(err,
            "the predictor has %zu inputs; known are Once-for-All's of 128 (OFA-MBv3) and 82 "
            "(OFA-ResNet50)",
            inputs);
    return NULL;
}

static struct ds_predictor *make_mlp(const struct ds_pytorch *file, const char *path,
                                     struct ds_error *err)
{
    (void)path;
    struct mlp *p = ds_alloc(1, sizeof *p, err);
    if (!p)
        return NULL;
    if (read_layers(p, file, err) == 0 && (p->input = find_input(p->layer[0].in, err))) {
        p->common = (struct ds_predictor){&ds_predictor_mlp, p->input->name, "acc"};
        return &p->common;
    }
    free_mlp(&p->common);
    return NULL;
}

/* Any that is no other kind: what it lacks is said when it is made. */
static bool is_mlp(const struct ds_pytorch *file)
{
    return file != NULL;
}

/* ---- codes ---- */

/* The rows of the first layer's weights that a choice adds, as one. */
static int make_row(struct mlp *p, int site, int choice, struct ds_error *err)
{
    int code[DS_MOST_CODES];
    int n = p->input->code(p->space, &p->space->site[site], choice, code);
    const struct dense *l = &p->layer[0];
    p->coded[site] = n != 0;
    if (n <= 0)
        return 0;
    float *row = p->row[site][choice] = ds_alloc(l->out, sizeof *row, NULL);
    if (!row)
        return ds_no_memory(err);
    for (int i = 0; i < n; i++)
        for (size_t o = 0; o < l->out; o++)
            row[o] += l->weight[(size_t)code[i] * l->out + o];
    return 0;
}

static int bind_mlp(struct ds_predictor *common, const struct ds_space *space, struct ds_error *err)
{
    struct mlp *p = (struct mlp *)common;
    unbind(p);
    if (p->input->check(space, err))
        return -1;
    p->space = space;
    bool any = false;
    for (int s = 0; s < space->nsites; s++) {
        p->row[s] = ds_alloc((size_t)space->site[s].nchoices, sizeof *p->row[s], NULL);
        if (!p->row[s])
            return ds_no_memory(err);
        for (int c = 0; c < space->site[s].nchoices; c++) {
            if (make_row(p, s, c, err))
                return -1;
            any = any || (space->site[s].kind == DS_SITE_BLOCK && p->row[s][c]);
        }
    }
    if (!any)
        return ds_fail(err, "the predictor is of %s; space %s has other blocks", p->input->name,
                       space->name);
    return 0;
}

/* ---- running ---- */

static int first_layer(struct mlp *p, const uint8_t *choice, float *out, struct ds_error *err)
{
    const float *row[DS_MAX_SITES + 1] = {p->layer[0].bias};
    int nrows = 1;
    for (int s = 0; s < p->space->nsites; s++) {
        if (choice[s] == DS_INACTIVE || !p->coded[s])
            continue;
        if (!p->row[s][choice[s]]) {
            char label[200];
            ds_site_print(p->space, s, choice[s], label, sizeof label);
            return ds_fail(err, "the predictor has no slot for %s at %s", label,
                           p->space->site[s].name);
        }
        row[nrows++] = p->row[s][choice[s]];
    }
    ds_sum_rows(row, nrows, out, p->layer[0].out);
    return 0;
}

static void relu(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = x[i] > 0 ? x[i] : 0;
}

/* to[n][out] = from[n][in] * weight^T + bias */
static void apply(const struct dense *l, const float *from, float *to, size_t n)
{
    for (size_t i = 0; i < n; i++)
        memcpy(to + i * l->out, l->bias, l->out * sizeof *to);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)n, (int)l->out, (int)l->in, 1, from,
                (int)l->in, l->weight, (int)l->in, 1, to, (int)l->out);
}

static int run_batch(struct mlp *p, const uint8_t *choice, size_t stride, size_t n, double *top1,
                     size_t *which, struct ds_error *err)
{
    size_t width = p->layer[0].out;
    for (size_t i = 0; i < n; i++)
        if (first_layer(p, choice + i * stride, p->a + i * width, err)) {
            *which += i;
            return -1;
        }
    float *from = p->a, *to = p->b;
    for (int k = 1; k < p->nlayers; k++) {
        relu(from, n * p->layer[k].in);
        apply(&p->layer[k], from, to, n);
        float *t = from;
        from = to;
        to = t;
    }
    for (size_t i = 0; i < n; i++)
        top1[i] = 100 * (from[i] + p->base);
    return 0;
}

static int run_mlp(struct ds_predictor *common, const uint8_t *choice, size_t stride, size_t n,
                   double *top1, size_t *which, struct ds_error *err)
{
    struct mlp *p = (struct mlp *)common;
    for (size_t at = 0; at < n; at += BATCH) {
        *which = at;
        if (run_batch(p, choice + at * stride, stride, n - at < BATCH ? n - at : BATCH, top1 + at,
                      which, err))
            return -1;
    }
    return 0;
}

const struct ds_predictor_kind ds_predictor_mlp = {is_mlp, make_mlp, free_mlp, bind_mlp, run_mlp};

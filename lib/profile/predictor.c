#include "profile/predictor.h"

#include "profile/predictor_kind.h"

struct ds_predictor *ds_predictor_load(const char *path, struct ds_error *err)
{
    struct ds_pytorch *file = ds_pytorch_load(path, err);
    if (!file)
        return NULL;
    const struct ds_predictor_kind *kind =
        ds_predictor_graph.is(file) ? &ds_predictor_graph : &ds_predictor_mlp;
    struct ds_predictor *p = kind->make(file, path, err);
    ds_pytorch_free(file);
    if (!p)
        ds_fail_in(err, "%s", path);
    return p;
}

void ds_predictor_free(struct ds_predictor *p)
{
    if (p)
        p->kind->free(p);
}

const char *ds_predictor_class(const struct ds_predictor *p)
{
    return p->class;
}

const char *ds_predictor_family(const struct ds_predictor *p)
{
    return p->family;
}

int ds_predictor_bind(struct ds_predictor *p, const struct ds_space *space, struct ds_error *err)
{
    return p->kind->bind(p, space, err);
}

int ds_predictor_run(struct ds_predictor *p, const uint8_t *choice, size_t stride, size_t n,
                     double *value, size_t *which, struct ds_error *err)
{
    return p->kind->run(p, choice, stride, n, value, which, err);
}

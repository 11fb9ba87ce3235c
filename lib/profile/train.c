#include "profile/train.h"

#include "base/grow.h"
#include "base/wide.h"
#include <math.h>
#include <stdlib.h>

int ds_train_init(struct ds_train *t, float *weight, float *gradient, size_t count)
{
    *t = (struct ds_train){.weight = weight, .gradient = gradient, .count = count};
    t->m = ds_alloc(count, sizeof *t->m, NULL);
    t->v = ds_alloc(count, sizeof *t->v, NULL);
    return t->m && t->v ? 0 : -1;
}

void ds_train_free(struct ds_train *t)
{
    free(t->m);
    free(t->v);
}

void ds_train_begin(struct ds_train *t, const struct ds_train_plan *plan, double done, double steps)
{
    double warm = done < 100 ? (done + 1) / 100 : 1;
    t->rate = (float)(plan->rate * warm * (0.5 + 0.5 * cos(done / steps * M_PI)));
    t->scale[0] = (float)(1 / (1 - pow(0.9, done + 1)));
    t->scale[1] = (float)(1 / (1 - pow(0.999, done + 1)));
}

DS_WIDE void ds_train_step(struct ds_train *t, size_t from, size_t to, float part, float decay)
{
    float *restrict w = t->weight, *restrict m = t->m, *restrict v = t->v;
    const float *restrict g = t->gradient;
    float scale1 = t->scale[0], scale2 = t->scale[1], rate = part * t->rate;
    for (size_t i = from; i < to; i++) {
        m[i] += 0.1f * (g[i] - m[i]);
        v[i] += 0.001f * (g[i] * g[i] - v[i]);
        w[i] -= rate * (m[i] * scale1 / (sqrtf(v[i] * scale2) + 1e-8f) + decay * w[i]);
    }
}

void ds_train_randomise(float *weight, size_t n, double most, struct ds_random *r)
{
    for (size_t i = 0; i < n; i++)
        weight[i] = (float)(most * (2 * ds_random_unit(r) - 1));
}

float ds_train_dot(const float *restrict a, const float *restrict b, int n)
{
    float lane[4] = {0};
    int i = 0;
    for (; i + 4 <= n; i += 4)
        for (int k = 0; k < 4; k++)
            lane[k] += a[i + k] * b[i + k];
    for (; i < n; i++)
        lane[0] += a[i] * b[i];
    return (lane[0] + lane[1]) + (lane[2] + lane[3]);
}

#include "network/plain.h"

#include <string.h>

void ds_plain_pool(const struct ds_layer *l, struct ds_tensor in, struct ds_tensor out,
                   const float *x, float *y)
{
    size_t n = (size_t)in.c;
    for (int oy = 0; oy < out.h; oy++)
        for (int ox = 0; ox < out.w; ox++, y += n) {
            int count = 0;
            for (int iy = oy * l->stride - l->pad; iy < oy * l->stride - l->pad + l->kernel; iy++)
                for (int ix = ox * l->stride - l->pad; ix < ox * l->stride - l->pad + l->kernel;
                     ix++) {
                    if (iy < 0 || ix < 0 || iy >= in.h || ix >= in.w)
                        continue;
                    const float *from = x + ((size_t)iy * (size_t)in.w + (size_t)ix) * n;
                    for (size_t c = 0; c < n; c++)
                        if (count == 0)
                            y[c] = from[c];
                        else if (l->op == DS_OP_MAX_POOL)
                            y[c] = from[c] > y[c] ? from[c] : y[c];
                        else
                            y[c] += from[c];
                    count++;
                }
            for (size_t c = 0; c < n && l->op == DS_OP_AVG_POOL; c++)
                y[c] /= (float)count;
        }
}

void ds_plain_global_pool(struct ds_tensor in, const float *x, double *sum, float *y)
{
    size_t n = (size_t)in.c, pixels = (size_t)in.h * (size_t)in.w;
    memset(sum, 0, n * sizeof *sum);
    for (size_t p = 0; p < pixels; p++)
        for (size_t c = 0; c < n; c++)
            sum[c] += (double)x[p * n + c];
    for (size_t c = 0; c < n; c++)
        y[c] = (float)(sum[c] / (double)pixels);
}

void ds_plain_shuffle(const struct ds_layer *l, struct ds_tensor in, const float *x, float *y)
{
    size_t n = (size_t)in.c, pixels = (size_t)in.h * (size_t)in.w, groups = (size_t)l->groups;
    for (size_t p = 0; p < pixels; p++)
        for (size_t g = 0; g < groups; g++)
            for (size_t i = 0; i < n / groups; i++)
                y[p * n + i * groups + g] = x[p * n + g * (n / groups) + i];
}

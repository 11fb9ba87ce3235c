#include "base/sum_rows.h"

#include "base/wide.h"

typedef float vec __attribute__((vector_size(64), aligned(4), may_alias));
#define VEC 16
#define STRIP (4 * VEC) /* outputs summed in registers */

DS_WIDE void ds_sum_rows(const float *const *row, int nrows, float *out, size_t n)
{
    size_t o = 0;
    for (; o + STRIP <= n; o += STRIP) {
        vec a = {0}, b = {0}, c = {0}, d = {0};
        for (int r = 0; r < nrows; r++) {
            const vec *x = (const vec *)(row[r] + o);
            a += x[0];
            b += x[1];
            c += x[2];
            d += x[3];
        }
        vec *to = (vec *)(out + o);
        to[0] = a;
        to[1] = b;
        to[2] = c;
        to[3] = d;
    }
    for (; o + VEC <= n; o += VEC) {
        vec a = {0};
        for (int r = 0; r < nrows; r++)
            a += *(const vec *)(row[r] + o);
        *(vec *)(out + o) = a;
    }
    for (; o < n; o++) {
        out[o] = 0;
        for (int r = 0; r < nrows; r++)
            out[o] += row[r][o];
    }
}

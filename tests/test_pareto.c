/* Fronts and hypervolumes against definitions spelled out: all pairs, and counting cells. */
#include "base/random.h"
#include "search/pareto.h"
#include "tap.h"

#include <math.h>
#include <stdlib.h>

/* The front by its definition. */
static size_t naive_differs(const double *x, size_t n, int m, const bool *keep)
{
    size_t wrong = 0;
    for (size_t i = 0; i < n; i++) {
        bool dominated = false;
        for (size_t j = 0; j < n && !dominated; j++)
            dominated = ds_pareto_dominates(x + j * (size_t)m, x + i * (size_t)m, m);
        wrong += keep[i] == dominated;
    }
    return wrong;
}

/* Points on a coarse grid have ties in every way; points near a plane are nearly all kept. */
static void fill(double *x, size_t n, int m, int kind, uint64_t seed)
{
    for (size_t i = 0; i < n; i++) {
        struct ds_random r;
        double sum = 0;
        ds_random_init(&r, seed, i, 0);
        for (int k = 0; k < m; k++) {
            double v = kind == 0 ? ds_random_unit(&r) : ds_random_below(&r, 6);
            x[i * (size_t)m + (size_t)k] = v;
            sum += v;
        }
        if (kind == 2)
            x[i * (size_t)m] += 20 - sum;
    }
}

static void check_fronts(void)
{
    struct ds_error err;
    double x[400 * 6];
    bool keep[400];
    for (int m = 1; m <= 6; m++) {
        size_t wrong = 0, kept = 0;
        for (int kind = 0; kind < 3; kind++)
            for (uint64_t seed = 0; seed < 12; seed++) {
                size_t n = seed < 3 ? seed : 400 - 20 * seed;
                fill(x, n, m, kind, seed);
                wrong += ds_pareto_front(x, n, m, keep, &err) != 0;
                wrong += naive_differs(x, n, m, keep);
                for (size_t i = 0; i < n; i++)
                    kept += keep[i];
            }
        CHECK(wrong == 0 && kept > 36, "fronts of %d objectives are those of the definition", m);
    }
    double equal[] = {1, 2, 1, 2, 1, 3};
    ds_pareto_front(equal, 3, 2, keep, &err);
    CHECK(keep[0] && keep[1] && !keep[2], "equal points are all kept");
    double infinite[] = {INFINITY, 0, 0, INFINITY, -INFINITY, 5, 1, 1};
    ds_pareto_front(infinite, 4, 2, keep, &err);
    CHECK(keep[0] && !keep[1] && keep[2] && keep[3], "infinite values are ordered as numbers");
}

/* Whole-numbered points dominate unit cells, which can be counted. */
static double count_cells(const double *x, size_t n, int m, int side)
{
    double count = 0;
    int cells = 1;
    for (int k = 0; k < m; k++)
        cells *= side;
    for (int cell = 0; cell < cells; cell++) {
        bool inside = false;
        for (size_t i = 0; i < n && !inside; i++) {
            inside = true;
            for (int k = 0, c = cell; k < m; k++, c /= side)
                inside = inside && x[i * (size_t)m + (size_t)k] <= c % side;
        }
        count += inside;
    }
    return count;
}

static void check_volumes(void)
{
    struct ds_error err;
    double x[40 * 5];
    const double reference[] = {5, 5, 5, 5, 5};
    for (int m = 1; m <= 5; m++) {
        int wrong = 0;
        for (uint64_t seed = 0; seed < 10; seed++) {
            size_t n = 4 * (size_t)seed;
            double volume = -1;
            fill(x, n, m, 1, 100 + seed); /* 0..5: some are not better than the reference */
            wrong += ds_hypervolume(x, n, m, reference, &volume, &err) != 0;
            wrong += fabs(volume - count_cells(x, n, m, 5)) > 1e-9;
        }
        CHECK(wrong == 0, "hypervolumes of %d objectives are the cells counted", m);
    }
    double two[] = {1, 4, 2, 2, 4, 1}, volume;
    ds_hypervolume(two, 3, 2, (double[]){5, 5}, &volume, &err);
    CHECK(volume == 4 * 1 + 3 * 2 + 1 * 1, "a staircase of three points: 11, not %g", volume);
}

int main(void)
{
    check_fronts();
    check_volumes();
    return TAP_END();
}

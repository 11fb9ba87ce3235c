#include "base/stats.h"
#include "tap.h"

#include <math.h>
#include <stdbool.h>

static int near(double a, double b, double tolerance)
{
    return fabs(a - b) <= tolerance * fmax(1, fabs(b));
}

int main(void)
{
    struct ds_moments m = {0};
    double x[] = {2, 4, 4, 4, 5, 5, 7, 9}, lo, hi;
    for (int i = 0; i < 8; i++)
        ds_moments_add(&m, x[i]);
    CHECK(near(m.mean, 5, 1e-15), "mean");
    CHECK(near(ds_moments_sd(&m), sqrt(32.0 / 7), 1e-14), "sample deviation");
    m = (struct ds_moments){0};
    ds_moments_add(&m, 3);
    CHECK(isnan(ds_moments_sd(&m)), "no deviation of one value");

    double u[] = {3, 1, 2, 10};
    ds_sort(u, 4);
    CHECK(u[0] == 1 && u[3] == 10, "sort");
    CHECK(near(ds_quantile(u, 4, 0.5), 2.5, 1e-15), "median of four");
    CHECK(near(ds_quantile(u, 4, 0.95), 3 + 0.85 * 7, 1e-14), "type 7 quantile");
    CHECK(ds_quantile(u, 1, 0.3) == 1 && ds_quantile(u, 4, 1) == 10, "ends");

    /* coverage by counting: n=6, whole range: 1 - 2/64; n=10: ranks 2..9: 1 - 2*11/1024 */
    double r[100];
    for (int i = 0; i < 100; i++)
        r[i] = i + 1;
    CHECK(near(ds_median_interval(r, 6, 0.95, &lo, &hi), 1 - 2.0 / 64, 1e-12) && lo == 1 && hi == 6,
          "six values: their range");
    CHECK(near(ds_median_interval(r, 10, 0.95, &lo, &hi), 1 - 22.0 / 1024, 1e-12) && lo == 2 &&
              hi == 9,
          "ten values: second to ninth");
    CHECK(near(ds_median_interval(r, 5, 0.95, &lo, &hi), 1 - 2.0 / 32, 1e-12) && lo == 1 && hi == 5,
          "five values do not reach 95%%");
    ds_median_interval(r, 100, 0.95, &lo, &hi);
    CHECK(lo == 40 && hi == 61, "hundred values: 40th and 61st (%g, %g)", lo, hi);
    ds_median_interval(r, 1, 0.95, &lo, &hi);
    CHECK(lo == 1 && hi == 1, "one value");

    /* all 55 means of two of the squares of 1..10, by hand sorted out */
    double squares[10], means[55];
    int nmeans = 0;
    for (int i = 0; i < 10; i++)
        squares[i] = (i + 1) * (i + 1);
    for (int i = 0; i < 10; i++)
        for (int j = i; j < 10; j++)
            means[nmeans++] = (squares[i] + squares[j]) / 2;
    ds_sort(means, 55);
    bool all = true;
    for (uint64_t i = 0; i < 55; i++)
        all = all && near(ds_mean_of_two(squares, 10, i + 1), means[i], 1e-15);
    CHECK(all && near(ds_centre(squares, 10), means[27], 1e-15), "means of two, sorted");
    CHECK(ds_centre(r, 1) == 1 && near(ds_centre(r, 2), 1.5, 1e-15) &&
              near(ds_centre(r, 4), 2.5, 1e-15),
          "centres of few values");

    /* tables of Student's t */
    CHECK(near(ds_student_t(0.95, 1), 12.706204736, 1e-9), "t, 1 df");
    CHECK(near(ds_student_t(0.95, 9), 2.262157163, 1e-9), "t, 9 df");
    CHECK(near(ds_student_t(0.99, 4), 4.604094871, 1e-9), "t, 4 df");
    CHECK(near(ds_student_t(0.95, 1e6), 1.959966, 1e-5), "t, many df");
    CHECK(near(ds_normal_z(0.95), 1.959963985, 1e-9), "normal");

    double a[] = {1, 2, 3, 4, 5}, b[] = {2, 1, 4, 3, 5}, c[] = {5, 4, 3, 2, 1};
    CHECK(near(ds_pearson(a, c, 5), -1, 1e-14), "Pearson");
    CHECK(near(ds_spearman(a, b, 5), 0.8, 1e-14), "Spearman: 1 - 6*4/(5*24)");
    CHECK(near(ds_kendall(a, b, 5), 0.6, 1e-14), "Kendall: (8-2)/10");
    CHECK(near(ds_kendall(a, c, 5), -1, 1e-14), "Kendall of the reverse");
    double d[] = {1, 1, 2, 2, 3}, e[] = {1, 2, 2, 3, 3};
    /* of ten pairs: 6 concordant, 0 discordant, 2 tied in d, 2 in e; none in both */
    CHECK(near(ds_kendall(d, e, 5), 6 / sqrt(8.0 * 8.0), 1e-14), "Kendall's tau-b with ties");
    double flat[] = {1, 1, 1};
    /* atanh(0.8) -+ 1.95996 sqrt((1 + 0.32) / 17), by Python */
    ds_spearman_interval(0.8, 20, 0.95, &lo, &hi);
    CHECK(near(lo, 0.50236463, 1e-7) && near(hi, 0.92813514, 1e-7), "Spearman's interval");
    CHECK(isnan(ds_spearman(flat, a, 3)) && isnan(ds_kendall(flat, a, 3)), "undefined");

    /* against counting every pair */
    double p[50], q[50], sum = 0, tx = 0, ty = 0;
    for (int i = 0; i < 50; i++) {
        p[i] = (i * 37) % 11;
        q[i] = (i * 23) % 7;
    }
    for (int i = 0; i < 50; i++)
        for (int j = 0; j < i; j++) {
            double s = (p[i] - p[j]) * (q[i] - q[j]);
            sum += (s > 0) - (s < 0);
            tx += p[i] == p[j];
            ty += q[i] == q[j];
        }
    CHECK(near(ds_kendall(p, q, 50), sum / sqrt((1225 - tx) * (1225 - ty)), 1e-12),
          "Kendall against every pair");
    return TAP_END();
}

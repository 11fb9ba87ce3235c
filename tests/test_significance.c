/* Tests of differences against published and hand-counted values. */
#include "base/significance.h"
#include "base/stats.h"
#include "tap.h"

#include <math.h>
#include <stdbool.h>

static bool near(double a, double b, double within)
{
    return fabs(a - b) <= within;
}

int main(void)
{
    /* Student's t tables: P(|T| > 2.2281389) = 0.05 for 10 degrees of freedom */
    CHECK(near(ds_student_tail(2.2281389, 10), 0.05, 1e-7), "tail of Student's t, 10 df");
    CHECK(near(ds_student_tail(12.7062047, 1), 0.05, 1e-8), "tail of Student's t, 1 df");
    CHECK(near(ds_student_tail(0, 5), 1, 1e-12), "the whole of it beyond 0");
    for (double df = 1.5; df < 200; df *= 2)
        CHECK(near(ds_student_tail(ds_student_t(0.99, df), df), 0.01, 1e-9),
              "tail and quantile agree, %g df", df);

    /* Student's sleep data (Biometrika 1908), unpaired by Welch: t = -1.8608, df = 17.776,
       p = 0.07939, 95% -3.365 to 0.205 (as in R's manual of t.test, with the sign turned) */
    const double one[] = {0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0};
    const double two[] = {1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4};
    struct ds_difference d = ds_welch(one, 10, two, 10, 0.95);
    CHECK(near(d.difference, 1.58, 1e-12), "Welch: the difference, %g", d.difference);
    CHECK(near(d.p, 0.07939, 5e-6), "Welch: p %g", d.p);
    CHECK(near(d.lo, -0.2054832, 1e-6) && near(d.hi, 3.3654832, 1e-6), "Welch: %g to %g", d.lo,
          d.hi);

    const double low[] = {1, 2, 3, 4, 5}, high[] = {6, 7, 8, 9, 10};
    CHECK(near(ds_permutation_p(low, 5, high, 5), 2.0 / 252, 1e-12), "apart: 2 of 252 ways");
    CHECK(near(ds_permutation_p(high, 5, low, 5), 2.0 / 252, 1e-12), "in either order");
    CHECK(ds_permutation_p(low, 5, low, 5) == 1, "alike: all ways");
    /* {1, 4} and {2, 3, 9}: means 2.5 and 14/3; pairs whose means differ by 13/6 or more, of ten:
       sums s of the pair with |(19-s)/3 - s/2| >= 13/6, that is s <= 5 or s >= 10.2:
       1+2, 1+4, 2+3, 1+3, 2+9, 3+9, 4+9 */
    const double pair[] = {1, 4}, rest[] = {2, 3, 9};
    CHECK(near(ds_permutation_p(pair, 2, rest, 3), 0.7, 1e-12), "seven of ten, counted by hand: %g",
          ds_permutation_p(pair, 2, rest, 3));

    CHECK(isnan(ds_welch(one, 1, two, 10, 0.95).p), "one value has no spread");
    const double same[] = {3, 3, 3}, more[] = {4, 4, 4};
    CHECK(ds_welch(same, 3, same, 3, 0.95).p == 1 && ds_welch(same, 3, more, 3, 0.95).p == 0,
          "values that do not vary are alike or not");
    double many[60];
    for (int i = 0; i < 60; i++)
        many[i] = i;
    CHECK(isnan(ds_permutation_p(many, 30, many + 30, 30)), "too many ways to count");
    return TAP_END();
}

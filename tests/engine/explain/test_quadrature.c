/* Gauss's formulas, by the polynomials that they are exact for. */
#include "engine/explain/quadrature.h"
#include "test.h"

#include <math.h>

TEST(a_formula_of_n_points_is_exact_below_degree_2n)
{
    static const size_t counts[] = { 1, 2, 3, 8, 16, 64, 256 };
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        const size_t n = counts[c];
        double points[256], weights[256];
        gru_quadrature(n, points, weights);
        for (size_t degree = 0; degree < 2 * n; degree++) {
            double sum = 0;
            for (size_t k = 0; k < n; k++) {
                sum += weights[k] * pow(points[k], (double)degree);
            }
            ck_assert_msg(fabs(sum - 1 / ((double)degree + 1)) < 1e-13, "%zu points, degree %zu", n,
                          degree);
        }
    }
}

TEST(points_ascend_and_weights_are_positive)
{
    double points[64], weights[64];
    gru_quadrature(64, points, weights);
    for (size_t k = 0; k < 64; k++) {
        ck_assert(points[k] > (k > 0 ? points[k - 1] : 0) && points[k] < 1 && weights[k] > 0);
    }
}

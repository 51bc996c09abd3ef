/* The read-out's activations, and with them the exp, sigmoid and tanh that the gates use. */
#include "reference.h"
#include "test.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef void rows_fn(float *y, size_t n_rows, size_t n, size_t ld);

enum { N_POINTS = 200001 };

static float point(size_t i, float limit)
{
    return limit * (2.0f * (float)i / (float)(N_POINTS - 1) - 1.0f);
}

/* The largest difference from `want` over [-limit, limit]. */
static double worst_error(rows_fn *f, double (*want)(double), float limit)
{
    float *y = new_floats(N_POINTS);
    double worst = 0;
    for (size_t i = 0; i < N_POINTS; i++) {
        y[i] = point(i, limit);
    }
    f(y, 1, N_POINTS, N_POINTS);
    for (size_t i = 0; i < N_POINTS; i++) {
        double error = fabs((double)y[i] - want((double)point(i, limit)));
        worst = error > worst || isnan(error) ? error : worst;
    }
    free(y);
    return worst;
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

TEST(sigmoid_is_within_1e_7)
{
    for (size_t i = 0; k_table(i); i++) {
        ck_assert_double_le(worst_error(k_table(i)->sigmoid, sigmoid, 20.0f), 1e-7);
        ck_assert_double_le(worst_error(k_table(i)->sigmoid, sigmoid, 1000.0f), 1e-7);
    }
}

TEST(tanh_is_within_2e_7)
{
    for (size_t i = 0; k_table(i); i++) {
        ck_assert_double_le(worst_error(k_table(i)->tanh, tanh, 12.0f), 2e-7);
        ck_assert_double_le(worst_error(k_table(i)->tanh, tanh, 1000.0f), 2e-7);
    }
}

TEST(tanh_keeps_its_relative_accuracy_near_zero)
{
    for (size_t i = 0; k_table(i); i++) {
        for (int exponent = -100; exponent <= 0; exponent++) {
            const float x = ldexpf(0.9f, exponent);
            float y[2] = { x, -x };
            k_table(i)->tanh(y, 1, 2, 2);
            ck_assert_double_eq_tol((double)y[0], tanh((double)x), 4e-7 * tanh((double)x));
            ck_assert_double_eq_tol((double)y[1], -tanh((double)x), 4e-7 * tanh((double)x));
        }
    }
}

static void check_special(rows_fn *f, float low, float high)
{
    float y[] = { NAN, INFINITY, -INFINITY, FLT_MAX, -FLT_MAX, 0.0f };
    f(y, 1, 6, 6);
    ck_assert(isnan(y[0]));
    ck_assert_float_eq_tol(y[1], high, 2e-7f);
    ck_assert_float_eq_tol(y[2], low, 2e-7f);
    ck_assert_float_eq_tol(y[3], high, 2e-7f);
    ck_assert_float_eq_tol(y[4], low, 2e-7f);
    ck_assert_float_eq_tol(y[5], (low + high) / 2, 2e-7f);
}

TEST(extreme_arguments_saturate_and_nan_stays_nan)
{
    for (size_t i = 0; k_table(i); i++) {
        check_special(k_table(i)->sigmoid, 0.0f, 1.0f);
        check_special(k_table(i)->tanh, -1.0f, 1.0f);
    }
}

/* ---- rows of any length and stride ----------------------------------------------------------- */

static void check_rows(rows_fn *f)
{
    enum { LD = 40, N_ROWS = 3 };
    for (size_t n = 1; n <= 37; n++) {
        float y[N_ROWS * LD], one[LD];
        for (size_t i = 0; i < N_ROWS * LD; i++) {
            y[i] = i % LD < n ? (float)(i % 11) / 4.0f - 1.0f : 1234.5f;
        }
        float before[N_ROWS * LD];
        memcpy(before, y, sizeof y);
        f(y, N_ROWS, n, LD);
        for (size_t row = 0; row < N_ROWS; row++) {
            memcpy(one, before + row * LD, sizeof one);
            f(one, 1, n, n);
            ck_assert_mem_eq(one, y + row * LD, n * sizeof *one);
            for (size_t i = n; i < LD; i++) {
                ck_assert(y[row * LD + i] == 1234.5f);
            }
        }
    }
}

TEST(activations_work_row_by_row_and_touch_nothing_between_rows)
{
    for (size_t i = 0; k_table(i); i++) {
        check_rows(k_table(i)->sigmoid);
        check_rows(k_table(i)->tanh);
        check_rows(k_table(i)->softmax);
    }
}

/* ---- softmax --------------------------------------------------------------------------------- */

TEST(softmax_sums_to_one_and_follows_exp)
{
    for (size_t table = 0; k_table(table); table++) {
        for (size_t n = 1; n <= 100; n += 9) {
            float x[100], y[100];
            double sum = 0, got = 0;
            fill_random(x, n, 10.0f, (unsigned)n);
            memcpy(y, x, n * sizeof *y);
            k_table(table)->softmax(y, 1, n, n);
            for (size_t i = 0; i < n; i++) {
                sum += exp((double)x[i]);
                got += (double)y[i];
            }
            for (size_t i = 0; i < n; i++) {
                ck_assert_double_eq_tol((double)y[i], exp((double)x[i]) / sum, 2e-7);
            }
            ck_assert_double_eq_tol(got, 1.0, 1e-6);
        }
    }
}

TEST(softmax_survives_arguments_that_exp_would_not)
{
    for (size_t i = 0; k_table(i); i++) {
        float large[3] = { 3e38f, 3e38f, -3e38f }, tiny[2] = { 0.0f, -20.0f };
        k_table(i)->softmax(large, 1, 3, 3);
        ck_assert_float_eq_tol(large[0], 0.5f, 1e-7f);
        ck_assert_float_eq_tol(large[1], 0.5f, 1e-7f);
        ck_assert_float_eq_tol(large[2], 0.0f, 1e-30f);
        k_table(i)->softmax(tiny, 1, 2, 2);
        ck_assert_double_eq_tol((double)tiny[1], exp(-20.0), 1e-6 * exp(-20.0));
    }
}

TEST(softmax_of_nan_or_infinity_is_not_finite)
{
    for (size_t i = 0; k_table(i); i++) {
        for (size_t at = 0; at < 3; at++) {
            float with_nan[3] = { 1, 2, 3 }, with_infinity[3] = { 1, 2, 3 };
            with_nan[at] = NAN;
            with_infinity[at] = INFINITY;
            k_table(i)->softmax(with_nan, 1, 3, 3);
            k_table(i)->softmax(with_infinity, 1, 3, 3);
            ck_assert(isnan(with_nan[0]) && isnan(with_nan[1]) && isnan(with_nan[2]));
            ck_assert(isnan(with_infinity[at]));
        }
    }
}

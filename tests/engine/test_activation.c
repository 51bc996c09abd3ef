/* The read-out's activation: of each row, each step by itself, and nothing between the rows. */
#include "engine/activation.h"
#include "test.h"

#include <math.h>
#include <string.h>

enum { ROWS = 3, STEPS = 2, OUTPUTS = 3, WIDTH = STEPS * OUTPUTS, LD = WIDTH + 10 };

static const float between = 77; /* what lies between the rows */

static void fill(float *rows)
{
    for (size_t k = 0; k < (size_t)ROWS * LD; k++) {
        rows[k] = k % LD < WIDTH ? (float)((k * 37) % 19) / 4 - 2 : between;
    }
}

static void activate(enum gru_activation activation, float *rows)
{
    const struct gru_info info = {
        .activation = activation, .steps = STEPS, .n_outputs = OUTPUTS, .y_floats = WIDTH
    };
    gru_activate_output(&info, rows, ROWS, LD);
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static double relu(double x)
{
    return x > 0 ? x : 0;
}

static double leaky_relu(double x)
{
    return x > 0 ? x : 0.01 * x;
}

static double elu(double x)
{
    return x > 0 ? x : exp(x) - 1;
}

static double selu(double x)
{
    return 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * (exp(x) - 1));
}

static double gelu(double x)
{
    return x * (1 + erf(x / sqrt(2))) / 2;
}

static double silu(double x)
{
    return x * sigmoid(x);
}

static double softplus(double x)
{
    return log(1 + exp(x));
}

static double same(double x)
{
    return x;
}

TEST(each_activation_is_its_function_of_each_value)
{
    static const struct {
        enum gru_activation activation;
        double (*function)(double);
    } cases[] = { { GRU_LINEAR, same },
                  { GRU_SIGMOID, sigmoid },
                  { GRU_TANH, tanh },
                  { GRU_RELU, relu },
                  { GRU_LEAKY_RELU, leaky_relu },
                  { GRU_ELU, elu },
                  { GRU_SELU, selu },
                  { GRU_GELU, gelu },
                  { GRU_SILU, silu },
                  { GRU_SOFTPLUS, softplus } };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        float rows[ROWS * LD], before[ROWS * LD];
        fill(before);
        memcpy(rows, before, sizeof rows);
        activate(cases[c].activation, rows);
        for (size_t k = 0; k < (size_t)ROWS * LD; k++) {
            double x = (double)before[k];
            ck_assert_double_eq_tol((double)rows[k], k % LD < WIDTH ? cases[c].function(x) : x,
                                    1e-6);
        }
    }
}

TEST(each_step_of_a_softmax_is_a_distribution_of_its_own)
{
    float rows[ROWS * LD], before[ROWS * LD];
    fill(before);
    memcpy(rows, before, sizeof rows);
    activate(GRU_SOFTMAX, rows);
    for (size_t row = 0; row < ROWS; row++) {
        for (size_t step = 0; step < STEPS; step++) {
            const size_t first = row * LD + step * OUTPUTS;
            double sum = 0;
            for (size_t o = 0; o < OUTPUTS; o++) {
                sum += exp((double)before[first + o]);
            }
            for (size_t o = 0; o < OUTPUTS; o++) {
                ck_assert_double_eq_tol((double)rows[first + o],
                                        exp((double)before[first + o]) / sum, 1e-6);
            }
        }
        for (size_t k = WIDTH; k < LD; k++) {
            ck_assert(rows[row * LD + k] == between);
        }
    }
}

TEST(each_head_has_an_activation_of_its_own)
{
    struct gru_head heads[] = { { GRU_SOFTPLUS, 1 }, { GRU_SOFTMAX, 3 }, { GRU_LINEAR, 2 } };
    const struct gru_info info = {
        .steps = 1, .n_outputs = WIDTH, .y_floats = WIDTH, .heads = heads, .n_heads = 3
    };
    float rows[ROWS * LD], before[ROWS * LD];
    fill(before);
    memcpy(rows, before, sizeof rows);
    gru_activate_output(&info, rows, ROWS, LD);
    for (size_t row = 0; row < ROWS; row++) {
        const float *y = rows + row * LD, *z = before + row * LD;
        ck_assert_double_eq_tol((double)y[0], softplus((double)z[0]), 1e-6);
        ck_assert_double_eq_tol((double)(y[1] + y[2] + y[3]), 1, 1e-6);
        ck_assert(y[4] == z[4] && y[5] == z[5] && y[WIDTH] == between);
    }
}

TEST(no_activation_hides_a_number_that_is_none)
{
    for (int activation = 0; activation < GRU_N_ACTIVATIONS; activation++) {
        float rows[] = { NAN, 1 };
        gru_activate((enum gru_activation)activation, rows, 1, 2, 2);
        ck_assert_msg(isnan(rows[0]), "%s", gru_activation_name((enum gru_activation)activation));
    }
}

TEST(no_finite_number_is_too_large_for_an_activation)
{
    for (int activation = 0; activation < GRU_N_ACTIVATIONS; activation++) {
        float rows[] = { -1e30F, 1e30F };
        gru_activate((enum gru_activation)activation, rows, 1, 2, 2);
        ck_assert_msg(isfinite(rows[0]) && isfinite(rows[1]), "%s",
                      gru_activation_name((enum gru_activation)activation));
    }
}

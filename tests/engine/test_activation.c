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
    gru_activate(&info, rows, ROWS, LD);
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
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
    } cases[] = { { GRU_LINEAR, same }, { GRU_SIGMOID, sigmoid }, { GRU_TANH, tanh } };
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

/* Losses: values by hand, gradients by differences, and what is missing has neither. */
#include "engine/activation.h"
#include "engine/random.h"
#include "engine/train/loss.h"
#include "test.h"
#include "training.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 5, STEPS = 2, OUTPUTS = 3, Y = STEPS * OUTPUTS };

static struct gru_info info_of(enum gru_activation activation)
{
    return (struct gru_info){
        .activation = activation, .steps = STEPS, .n_outputs = OUTPUTS, .y_floats = Y
    };
}

static bool fits(enum gru_loss loss, enum gru_activation activation)
{
    switch (loss) {
    case GRU_BCE:
        return activation == GRU_LINEAR || activation == GRU_SIGMOID;
    case GRU_CROSS_ENTROPY:
        return activation == GRU_LINEAR || activation == GRU_SOFTMAX;
    default:
        return true;
    }
}

/* Targets that the loss may have, a third of them missing. */
static size_t make_targets(enum gru_loss loss, size_t width, float *targets)
{
    size_t n = 0;
    for (size_t k = 0; k < ROWS * width; k++) {
        double u = (double)(gru_random_at(7, k) >> 40) * 0x1p-24;
        targets[k] = (float)(4 * u - 2);
        if (loss == GRU_BCE) {
            targets[k] = (float)u;
        } else if (loss == GRU_CROSS_ENTROPY) {
            targets[k] = floorf((float)(OUTPUTS * u));
        }
        if (k % 3 == 1) {
            targets[k] = NAN;
        }
        n += !isnan(targets[k]);
    }
    return n;
}

/* Of all outputs; NULL: they are alike. */
static const double *output_weights;

static double loss_at(const struct gru_info *info, enum gru_loss loss, const float *z,
                      const float *targets, size_t n)
{
    float out[ROWS * Y];
    memcpy(out, z, sizeof out);
    struct loss_sum sum = gru_loss(&(struct loss_terms){ info, loss, NULL, output_weights }, ROWS,
                                   out, targets, n, NULL);
    ck_assert_uint_eq(sum.n, n);
    return sum.loss / sum.weight;
}

/* That the gradients of a model's outputs are the slopes of the loss. */
static void expect_slopes(const struct gru_info *info, enum gru_loss loss)
{
    const size_t n_out = ROWS * info->y_floats;
    float targets[ROWS * Y], out[ROWS * Y], d_out[ROWS * Y];
    size_t n = make_targets(loss, gru_loss_width(info, loss), targets);
    float *z = training_float_noise(ROWS * Y, 3);
    memcpy(out, z, sizeof out);
    gru_loss(&(struct loss_terms){ info, loss, NULL, output_weights }, ROWS, out, targets, n,
             d_out);
    for (size_t k = 0; k < n_out; k++) {
        const float kept = z[k], h = 1e-2F;
        z[k] = kept + h;
        double above = loss_at(info, loss, z, targets, n);
        z[k] = kept - h;
        double below = loss_at(info, loss, z, targets, n);
        z[k] = kept;
        double slope = (above - below) / (2.0 * (double)h);
        ck_assert_msg(fabs(slope - (double)d_out[k]) < 3e-5,
                      "loss %d, activation %d, [%zu]: %g, not %g", (int)loss,
                      (int)gru_output_activation(info, k % info->y_floats), k, (double)d_out[k],
                      slope);
    }
    free(z);
}

TEST(gradients_of_losses_are_their_differences)
{
    for (enum gru_loss loss = GRU_MSE; loss <= GRU_CROSS_ENTROPY; loss++) {
        for (int activation = 0; activation < GRU_N_ACTIVATIONS; activation++) {
            if (fits(loss, (enum gru_activation)activation)) {
                struct gru_info info = info_of((enum gru_activation)activation);
                expect_slopes(&info, loss);
            }
        }
    }
}

/* A softmax is over its own head, and each head goes back through its own activation. */
TEST(gradients_pass_each_head_by_itself)
{
    struct gru_head heads[] = {
        { GRU_SOFTMAX, 2 }, { GRU_TANH, 1 }, { GRU_LINEAR, 2 }, { GRU_SOFTMAX, 1 }
    };
    struct gru_info info = {
        .steps = 1, .n_outputs = 6, .y_floats = 6, .heads = heads, .n_heads = 4
    };
    expect_slopes(&info, GRU_MSE);
    expect_slopes(&info, GRU_HUBER);
    struct gru_head logits[] = { { GRU_SIGMOID, 4 }, { GRU_LINEAR, 2 } };
    info.heads = logits;
    info.n_heads = 2;
    expect_slopes(&info, GRU_BCE);
    expect_slopes(&info, GRU_MAE);
}

TEST(gradient_where_no_target_is_is_zero)
{
    struct gru_info info = info_of(GRU_LINEAR);
    for (enum gru_loss loss = GRU_MSE; loss <= GRU_CROSS_ENTROPY; loss++) {
        float targets[ROWS * Y], d_out[ROWS * Y];
        size_t width = gru_loss_width(&info, loss);
        size_t n = make_targets(loss, width, targets);
        float *z = training_float_noise(ROWS * Y, 3);
        gru_loss(&(struct loss_terms){ &info, loss, NULL, NULL }, ROWS, z, targets, n, d_out);
        for (size_t k = 0; k < ROWS * Y; k++) {
            bool missing = isnan(targets[k * width / Y]);
            ck_assert(!missing || d_out[k] == 0.0F);
        }
        free(z);
    }
}

TEST(missing_targets_are_not_averaged)
{
    struct gru_info info = { .activation = GRU_LINEAR, .steps = 1, .n_outputs = 2, .y_floats = 2 };
    float out[] = { 1, 2, 3, 4 };
    const float targets[] = { 0, NAN, NAN, 1 };
    float d_out[4];
    struct loss_sum sum =
        gru_loss(&(struct loss_terms){ &info, GRU_MSE, NULL, NULL }, 2, out, targets, 2, d_out);
    ck_assert(sum.loss == 1 + 9 && sum.n == 2);
    const float expected[] = { 1, 0, 0, 3 };
    ck_assert_mem_eq(d_out, expected, sizeof expected);
}

TEST(huber_turns_from_squares_to_lines_at_one)
{
    ck_assert(gru_loss_of_one(GRU_HUBER, 0.5) == 0.125 &&
              gru_loss_of_one(GRU_HUBER, -0.5) == 0.125);
    ck_assert(gru_loss_of_one(GRU_HUBER, 3) == 2.5 && gru_loss_of_one(GRU_HUBER, -3) == 2.5);
    ck_assert(gru_loss_of_one(GRU_MAE, -3) == 3 && gru_loss_of_one(GRU_MSE, -3) == 9);
}

TEST(losses_of_logits_stay_finite_far_out)
{
    struct gru_info info = { .activation = GRU_LINEAR, .steps = 1, .n_outputs = 2, .y_floats = 2 };
    float out[] = { 1e30F, -1e30F };
    const float ones[] = { 1, 0 };
    float d_out[2];
    struct loss_sum sum =
        gru_loss(&(struct loss_terms){ &info, GRU_BCE, NULL, NULL }, 1, out, ones, 2, d_out);
    ck_assert(sum.loss == 0 && sum.n_correct == 2 && d_out[0] == 0 && d_out[1] == 0);
    const float second = 1;
    sum = gru_loss(&(struct loss_terms){ &info, GRU_CROSS_ENTROPY, NULL, NULL }, 1, out, &second, 1,
                   d_out);
    ck_assert(isfinite(sum.loss) && sum.loss > 1e30 && sum.n_correct == 0);
    ck_assert(d_out[0] == 1 && d_out[1] == -1);
}

TEST(accuracy_counts_what_is_right)
{
    struct gru_info info = { .activation = GRU_LINEAR, .steps = 1, .n_outputs = 3, .y_floats = 3 };
    float out[] = { 0.1F, 2, 1, 5, 2, 1, 0, 0, 1 };
    const float classes[] = { 1, 1, NAN };
    struct loss_sum sum = gru_loss(&(struct loss_terms){ &info, GRU_CROSS_ENTROPY, NULL, NULL }, 3,
                                   out, classes, 2, NULL);
    ck_assert(sum.n == 2 && sum.n_correct == 1);
    float logits[] = { 1, -1, 1 };
    const float truth[] = { 1, 0, 0.25F };
    sum = gru_loss(&(struct loss_terms){ &info, GRU_BCE, NULL, NULL }, 1, logits, truth, 3, NULL);
    ck_assert(sum.n == 3 && sum.n_correct == 2);
}

TEST(a_network_gone_astray_has_a_loss_that_is_not_a_number)
{
    struct gru_info info = info_of(GRU_LINEAR);
    for (enum gru_loss loss = GRU_MSE; loss <= GRU_CROSS_ENTROPY; loss++) {
        float targets[ROWS * Y], d_out[ROWS * Y];
        size_t n = make_targets(loss, gru_loss_width(&info, loss), targets);
        float *z = training_float_noise(ROWS * Y, 3);
        z[0] = NAN;
        ck_assert(isnan(
            gru_loss(&(struct loss_terms){ &info, loss, NULL, NULL }, ROWS, z, targets, n, d_out)
                .loss));
        ck_assert(isnan(d_out[0]));
        free(z);
    }
}

/* Weights of 2 and 1/2: as if the targets of the one class were there four times as often. */
TEST(weights_of_classes_are_in_the_mean_and_in_the_gradient)
{
    struct gru_info info = { .activation = GRU_LINEAR, .steps = 1, .n_outputs = 2, .y_floats = 2 };
    const double weights[] = { 2, 0.5 };
    const struct loss_terms weighted = { &info, GRU_CROSS_ENTROPY, weights, NULL };
    const struct loss_terms plain = { &info, GRU_CROSS_ENTROPY, NULL, NULL };
    float out[] = { 0.3F, -1, 0.7F, 0.1F }, targets[] = { 0, 1 }, d[4];
    float repeated[10], classes[] = { 0, 0, 0, 0, 1 }, d_repeated[10];
    for (size_t k = 0; k < 5; k++) {
        memcpy(repeated + 2 * k, out + (k < 4 ? 0 : 2), 2 * sizeof *out);
    }
    struct loss_sum sum = gru_loss(&weighted, 2, out, targets, 2, d);
    struct loss_sum of_repeated = gru_loss(&plain, 5, repeated, classes, 5, d_repeated);
    ck_assert(sum.n == 2 && sum.weight == 2.5 && of_repeated.weight == 5);
    training_expect_near("loss", sum.loss / sum.weight, of_repeated.loss / 5, 1e-12);
    training_expect_near("gradient", (double)d[0], 4 * (double)d_repeated[0], 1e-6);
    training_expect_near("gradient", (double)d[3], (double)d_repeated[9], 1e-6);
}

TEST(gradients_hold_with_weights_of_outputs)
{
    static const double weights[OUTPUTS] = { 0.5, 2, 0 };
    const struct gru_info info = info_of(GRU_LINEAR);
    output_weights = weights;
    for (enum gru_loss loss = GRU_MSE; loss <= GRU_BCE; loss++) {
        expect_slopes(&info, loss);
    }
    output_weights = NULL;
}

TEST(a_weighted_loss_is_a_weighted_mean)
{
    static const double weights[OUTPUTS] = { 0.5, 2, 0 };
    const struct gru_info info = { .steps = 1, .n_outputs = 3, .y_floats = 3 };
    const struct loss_terms terms = { &info, GRU_MSE, NULL, weights };
    const float targets[] = { 0, 0, 0, NAN, 0, 0 };
    float out[] = { 1, 2, 3, 4, 5, 6 };
    struct loss_sum sum = gru_loss(&terms, 2, out, targets, 5, NULL);
    ck_assert_double_eq(sum.weight, 0.5 + 2 + 2);
    ck_assert_double_eq(sum.loss, 0.5 * 1 + 2 * 4 + 2 * 25);
    ck_assert_uint_eq(sum.n, 5);
}

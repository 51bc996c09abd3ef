/* Hyper-parameters: the table's defaults and ranges, and what does not fit together. */
#include "engine/model.h"
#include "test.h"
#include "training.h"

#include <math.h>
#include <string.h>

static struct gru_hyperparameters defaults(void)
{
    struct gru_hyperparameters h;
    gru_hyperparameters_init(&h);
    return h;
}

static void good(const struct gru_hyperparameters *h, const char *grud)
{
    struct gru_model *model = training_model(grud, 2, 4, 1, 2);
    struct gru_error error = { 0 };
    enum gru_status status = gru_hyperparameters_check(h, model, &error);
    ck_assert_msg(status == GRU_OK, "%s: %s", error.param, error.message);
    gru_model_unref(model);
}

static void bad(const struct gru_hyperparameters *h, const char *grud, const char *field,
                const char *part)
{
    struct gru_model *model = training_model(grud, 2, 4, 1, 2);
    struct gru_error error = { 0 };
    ck_assert_int_eq(gru_hyperparameters_check(h, model, &error), GRU_BAD_TRAINING);
    ck_assert_int_eq(strncmp(error.param, "hyperparameters.", 16), 0);
    ck_assert_str_eq(error.param + 16, field);
    ck_assert_msg(strstr(error.message, part) != NULL, "%s", error.message);
    ck_assert_int_eq(gru_hyperparameters_check(h, model, NULL), GRU_BAD_TRAINING);
    gru_model_unref(model);
}

TEST(hyperparameters_begin_with_the_documented_defaults)
{
    struct gru_hyperparameters h = defaults();
    ck_assert_uint_eq(h.n_epochs, 20);
    ck_assert_uint_eq(h.batch_size, 32);
    ck_assert(h.learning_rate == 0.001 && h.clip_norm == 1.0);
    ck_assert_int_eq(h.optimizer, GRU_ADAM);
    ck_assert_int_eq(h.loss, GRU_MSE);
    ck_assert_int_eq(h.train, GRU_TRAIN_ALL);
    ck_assert_uint_eq(h.window, 64);
    ck_assert_uint_eq(h.early_stopping_patience, 5);
    ck_assert(h.momentum == 0 && h.weight_decay == 0 && h.l2_sp == 0 && h.dropout == 0);
    good(&h, NULL);
}

static void expect_size_range(size_t *field, struct gru_hyperparameters *h, const char *name,
                              size_t least, size_t most)
{
    const size_t kept = *field;
    *field = least;
    good(h, NULL);
    *field = most;
    good(h, NULL);
    *field = most + 1;
    bad(h, NULL, name, "from");
    if (least > 0) {
        *field = least - 1;
        bad(h, NULL, name, "from 1 to");
    }
    *field = kept;
}

TEST(sizes_are_held_within_their_ranges)
{
    struct gru_hyperparameters h = defaults();
    expect_size_range(&h.n_epochs, &h, "n_epochs", 1, 1000000);
    expect_size_range(&h.batch_size, &h, "batch_size", 1, 65536);
    expect_size_range(&h.window, &h, "window", 1, 65536);
    expect_size_range(&h.early_stopping_patience, &h, "early_stopping_patience", 0, 1000000);
}

static void expect_real_range(double *field, struct gru_hyperparameters *h, const char *name,
                              bool zero, double most)
{
    const double kept = *field;
    *field = most;
    good(h, NULL);
    const double wrong[] = { most * 1.001, -1, NAN, INFINITY, -INFINITY };
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        *field = wrong[k];
        bad(h, NULL, name, "must be a number from");
    }
    *field = 0;
    if (zero) {
        good(h, NULL);
    } else {
        bad(h, NULL, name, "not 0");
    }
    *field = kept;
}

TEST(reals_are_held_within_their_ranges)
{
    struct gru_hyperparameters h = defaults();
    expect_real_range(&h.learning_rate, &h, "learning_rate", false, 100);
    expect_real_range(&h.weight_decay, &h, "weight_decay", true, 100);
    expect_real_range(&h.clip_norm, &h, "clip_norm", true, 1e12);
    expect_real_range(&h.l2_sp, &h, "l2_sp", true, 1e6);
    expect_real_range(&h.dropout, &h, "dropout", true, 0.95);
    h.optimizer = GRU_SGD;
    expect_real_range(&h.momentum, &h, "momentum", true, 0.9999);
}

TEST(choices_are_among_their_words)
{
    struct gru_hyperparameters h = defaults();
    h.optimizer = 3;
    bad(&h, NULL, "optimizer", "sgd|adam|adamw");
    h = defaults();
    h.loss = -1;
    bad(&h, NULL, "loss", "mse|mae|huber|bce|cross_entropy");
    h = defaults();
    h.train = 2;
    bad(&h, NULL, "train", "all|head");
}

TEST(momentum_belongs_to_sgd)
{
    struct gru_hyperparameters h = defaults();
    h.momentum = 0.5;
    bad(&h, NULL, "momentum", "'sgd' only");
    h.optimizer = GRU_ADAMW;
    bad(&h, NULL, "momentum", "'sgd' only");
    h.optimizer = GRU_SGD;
    good(&h, NULL);
}

TEST(steps_belong_to_the_schedule_of_that_name)
{
    struct gru_hyperparameters h = defaults();
    h.schedule_step_epochs = 3;
    bad(&h, NULL, "schedule.step_epochs", "'step' only");
    h.schedule_type = GRU_COSINE;
    bad(&h, NULL, "schedule.step_epochs", "'step' only");
    h.schedule_type = GRU_STEP;
    good(&h, NULL);
    h = defaults();
    h.schedule_factor = 0.5;
    bad(&h, NULL, "schedule.factor", "'step' and 'plateau' only");
    h.schedule_type = GRU_PLATEAU;
    good(&h, NULL);
    h.schedule_patience = 5;
    good(&h, NULL);
    h.schedule_type = GRU_STEP;
    bad(&h, NULL, "schedule.patience", "schedule 'plateau' only");
    h.schedule_patience = 3;
    good(&h, NULL);
    h.schedule_factor = 0;
    bad(&h, NULL, "schedule.factor", "'hyperparameters.schedule.factor' must be a number");
    h = defaults();
    h.schedule_type = GRU_N_SCHEDULES;
    bad(&h, NULL, "schedule.type", "constant|cosine|step|plateau");
}

TEST(weights_of_classes_fit_the_loss_and_the_outputs)
{
    struct gru_hyperparameters h = defaults();
    h.class_weighting = GRU_CLASSES_BALANCED;
    bad(&h, NULL, "class_weights", "'cross_entropy' only");
    h.loss = GRU_CROSS_ENTROPY;
    good(&h, NULL);
    h.class_weighting = GRU_CLASSES_GIVEN;
    bad(&h, NULL, "class_weights", "for each class: 2, not 0");
    h.class_weights[0] = 0.5;
    h.class_weights[1] = INFINITY;
    bad(&h, NULL, "class_weights", "2, not 1");
    h.class_weights[1] = 1;
    good(&h, NULL);
    h.class_weights[2] = 1;
    bad(&h, NULL, "class_weights", "2, not 3");
}

TEST(sampling_has_a_length_beyond_its_burn_in)
{
    struct gru_hyperparameters h = defaults();
    h.sampling_burn_in = 3;
    bad(&h, NULL, "sampling.burn_in", "say their 'hyperparameters.sampling.length', too");
    h.sampling_burn_in = 0;
    h.sampling_per_epoch = 3;
    bad(&h, NULL, "sampling.per_epoch", "say their 'hyperparameters.sampling.length', too");
    h.sampling_length = 5;
    good(&h, NULL);
    h.sampling_burn_in = 4;
    good(&h, NULL);
    h.sampling_burn_in = 5;
    bad(&h, NULL, "sampling.burn_in", "must be below 'hyperparameters.sampling.length', 5");
    h.sampling_length = 1;
    bad(&h, NULL, "sampling.length", "from 2 to 1000000, or none");
}

TEST(roll_outs_need_outputs_that_feed_inputs)
{
    static const char feeds[] = "{\"inputs\":[{\"name\":\"a\"},{\"name\":\"b\"}],\"outputs\":[{"
                                "\"name\":\"b\"},{\"name\":\"c\"}]}";
    struct gru_hyperparameters h = defaults();
    h.horizon_loss = 2;
    bad(&h, NULL, "horizon_loss", "feed none of its inputs, so it forecasts no further than");
    good(&h, "{\"steps\":2}"); /* these two rows are all */
    h.horizon_loss = 3;
    bad(&h, "{\"steps\":2}", "horizon_loss", "than its own 2 rows ahead");
    good(&h, feeds);
    h.loss = GRU_BCE;
    bad(&h, feeds, "horizon_loss", "'mse', 'mae' and 'huber' only");
    h.horizon_loss = 1;
    good(&h, feeds);
    h.loss = GRU_MSE;
    h.horizon_loss = 1024;
    good(&h, feeds);
    h.horizon_loss = 1025;
    bad(&h, feeds, "horizon_loss", "from 1 to 1024");
    h.horizon_loss = 0;
    bad(&h, feeds, "horizon_loss", "from 1 to 1024");
}

TEST(weights_of_outputs_fit_the_loss_and_the_outputs)
{
    struct gru_hyperparameters h = defaults();
    h.n_output_weights = 1;
    h.output_weights[0] = 1;
    bad(&h, NULL, "output_weights", "for each output: 2, not 1");
    h.n_output_weights = GRU_OUTPUT_WEIGHTS_MAX + 1;
    bad(&h, NULL, "output_weights", "2, not 257");
    h.n_output_weights = -1;
    bad(&h, NULL, "output_weights", "2, not -1");
    h.n_output_weights = 2;
    good(&h, NULL);
    h.output_weights[1] = -1;
    bad(&h, NULL, "output_weights[1]", "of at least 0, not -1");
    h.output_weights[1] = INFINITY;
    bad(&h, NULL, "output_weights[1]", "of at least 0, not inf");
    h.output_weights[1] = NAN;
    bad(&h, NULL, "output_weights[1]", "of at least 0, not ");
    h.output_weights[0] = h.output_weights[1] = 0;
    bad(&h, NULL, "output_weights", "must have one above 0");
    h.output_weights[1] = 3;
    good(&h, NULL);
    h.loss = GRU_CROSS_ENTROPY;
    bad(&h, NULL, "output_weights", "'class_weights'");
}

TEST(losses_fit_the_activation)
{
    static const char *const models[] = { "{}", "{\"activation\":\"sigmoid\"}",
                                          "{\"activation\":\"tanh\"}",
                                          "{\"activation\":\"softmax\"}" };
    static const bool bce[] = { true, true, false, false };
    static const bool cross_entropy[] = { true, false, false, true };
    struct gru_hyperparameters h = defaults();
    for (int k = 0; k < 4; k++) {
        for (h.loss = GRU_MSE; h.loss <= GRU_HUBER; h.loss++) {
            good(&h, models[k]);
        }
        h.loss = GRU_BCE;
        (bce[k] ? good(&h, models[k]) : bad(&h, models[k], "loss", "sigmoid or linear"));
        h.loss = GRU_CROSS_ENTROPY;
        (cross_entropy[k] ? good(&h, models[k]) : bad(&h, models[k], "loss", "softmax or linear"));
    }
}

TEST(cross_entropy_needs_two_classes)
{
    struct gru_hyperparameters h = defaults();
    h.loss = GRU_CROSS_ENTROPY;
    bad(&h, "{\"steps\":2}", "loss", "at least 2");
}

/* A chain of a GRU and a dense layer, whose outputs are these heads'. */
static enum gru_status check_heads(struct gru_head *heads, size_t n_heads, enum gru_loss loss,
                                   struct gru_error *error)
{
    struct gru_model *model = training_model("{}", 2, 3, 1, 4);
    struct gru_hyperparameters h = defaults();
    h.loss = (int)loss;
    model->info.heads = heads;
    model->info.n_heads = n_heads;
    enum gru_status status = gru_hyperparameters_check(&h, model, error);
    model->info.heads = NULL;
    gru_model_unref(model);
    return status;
}

TEST(losses_fit_the_activation_of_each_head)
{
    struct gru_error error;
    struct gru_head logits[] = { { GRU_SIGMOID, 3 }, { GRU_LINEAR, 1 } };
    struct gru_head others[] = { { GRU_SIGMOID, 2 }, { GRU_RELU, 2 } };
    struct gru_head classes[] = { { GRU_SOFTMAX, 2 }, { GRU_LINEAR, 2 } };
    struct gru_head one[] = { { GRU_SOFTMAX, 4 } };
    ck_assert_int_eq(check_heads(logits, 2, GRU_BCE, &error), GRU_OK);
    ck_assert_int_eq(check_heads(others, 2, GRU_MSE, &error), GRU_OK);
    ck_assert_int_eq(check_heads(one, 1, GRU_CROSS_ENTROPY, &error), GRU_OK);
    ck_assert_int_eq(check_heads(others, 2, GRU_BCE, &error), GRU_BAD_TRAINING);
    ck_assert_str_eq(error.param, "hyperparameters.loss");
    ck_assert_ptr_nonnull(strstr(error.message, "of heads[1] is sigmoid or linear, not relu"));
    ck_assert_int_eq(check_heads(logits, 2, GRU_CROSS_ENTROPY, &error), GRU_BAD_TRAINING);
    ck_assert_ptr_nonnull(strstr(error.message, "of heads[0] is softmax or linear, not sigmoid"));
    ck_assert_int_eq(check_heads(classes, 2, GRU_CROSS_ENTROPY, &error), GRU_BAD_TRAINING);
    ck_assert_ptr_nonnull(strstr(error.message, "one decision, not 2 heads"));
}

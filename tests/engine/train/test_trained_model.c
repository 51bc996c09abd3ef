/* The model that a training makes: it proves itself, or there is none. */
#include "engine/fixture.h"
#include "engine/model.h"
#include "test.h"
#include "training.h"

#include <math.h>

TEST(a_trained_model_passes_its_own_selftest)
{
    static const char *const models[] = {
        NULL,
        "{\"activation\":\"sigmoid\",\"cell\":\"gru_output_gate\"}",
        "{\"activation\":\"softmax\",\"cell\":\"gru_three_gate\"}",
        "{\"activation\":\"tanh\",\"cell\":\"lstm\"}",
        "{\"steps\":2,\"residual\":true,\"missing\":\"forecast\",\"inputs\":[{\"name\":\"a\","
        "\"mean\":1,"
        "\"std\":3},{\"name\":\"b\"}],\"outputs\":[{\"name\":\"a\"}]}",
        "{\"activation\":\"tanh\",\"reset\":\"before\",\"missing\":\"mean\",\"outputs\":[{\"name\":"
        "\"p\","
        "\"mean\":-3,\"std\":9},{\"name\":\"q\"}]}",
    };
    for (size_t k = 0; k < sizeof models / sizeof *models; k++) {
        struct training_set set;
        struct gru_progress progress;
        training_set_make(&set, models[k]);
        for (size_t gap = 0; gap < TRAINING_SERIES * TRAINING_ROWS * TRAINING_INPUTS; gap += 5) {
            set.x[gap] = NAN;
        }
        double first = NAN;
        set.training.hyperparameters.n_epochs = 30;
        struct gru_trainer *trainer = training_begin(set.model, &set.training);
        while (gru_trainer_advance(trainer, &progress) != GRU_ADVANCED_END) {
            first = progress.epoch == 1 ? progress.train_loss : first;
        }
        ck_assert_msg(progress.train_loss < 0.99 * first, "%g after %g", progress.train_loss,
                      first);
        struct gru_model *model = training_model_of(trainer);
        ck_assert_uint_eq(model->selftest.n_rows, 6);
        struct file file = save(model);
        struct gru_model *loaded = expect_loaded(file);
        expect_same(model, loaded);
        gru_model_unref(loaded);
        gru_model_unref(model);
        gru_trainer_free(trainer);
        training_set_free(&set);
    }
}

TEST(before_the_first_step_the_model_is_the_one_it_began_with)
{
    struct training_set set;
    training_set_make(&set, NULL);
    set.training.validation_fraction = 0.3;
    set.training.hyperparameters.early_stopping_patience = 2;
    struct gru_trainer *trainer = training_begin(set.model, &set.training);
    struct gru_model *model = training_model_of(trainer);
    training_expect_same_weights(model, set.model);
    gru_model_unref(model);
    gru_trainer_free(trainer);
    training_set_free(&set);
}

TEST(weights_that_are_not_finite_make_no_model)
{
    struct training_set set;
    training_set_make(&set, NULL);
    struct gru_model *model = NULL;
    set.training.hyperparameters.optimizer = GRU_SGD;
    set.training.hyperparameters.learning_rate = 100;
    for (size_t k = 0; k < TRAINING_SERIES * TRAINING_ROWS * TRAINING_OUTPUTS; k++) {
        set.y[k] = 2e37F;
    }
    struct gru_trainer *trainer = training_begin(set.model, &set.training);
    training_run(trainer);
    ck_assert_int_eq(gru_trainer_model(trainer, &model), GRU_NON_FINITE);
    ck_assert_ptr_null(model);
    gru_trainer_free(trainer);
    training_set_free(&set);
}

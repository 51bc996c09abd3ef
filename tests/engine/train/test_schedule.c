/* Learning rates: by hand, and as a training goes on with them. */
#include "engine/train/schedule.h"
#include "test.h"
#include "training.h"

#include <math.h>
#include <stdlib.h>

static struct gru_hyperparameters scheduled(enum gru_schedule type)
{
    struct gru_hyperparameters h = training_plain();
    h.learning_rate = 0.5;
    h.schedule_type = (int)type;
    return h;
}

static void expect_rate(const struct gru_hyperparameters *h, uint64_t step, uint64_t epoch,
                        double expected)
{
    const double rate = gru_schedule_rate(h, step, epoch, 12, 0);
    ck_assert_msg(fabs(rate - expected) < 1e-15, "update %d: %.17g, not %.17g", (int)step, rate,
                  expected);
}

TEST(a_constant_rate_is_the_learning_rate)
{
    struct gru_hyperparameters h = scheduled(GRU_CONSTANT);
    ck_assert(gru_schedule_rate(&h, 0, 0, 12, 0) == 0.5);
    ck_assert(gru_schedule_rate(&h, 1000, 100, 12, 0) == 0.5);
}

TEST(a_warm_up_rises_to_the_rate_of_any_schedule)
{
    struct gru_hyperparameters h = scheduled(GRU_CONSTANT);
    h.schedule_warmup_steps = 4;
    expect_rate(&h, 0, 0, 0.125);
    expect_rate(&h, 2, 0, 0.375);
    expect_rate(&h, 3, 0, 0.5);
    expect_rate(&h, 4, 0, 0.5);
    h.schedule_type = GRU_STEP;
    h.schedule_step_epochs = 1;
    h.schedule_factor = 0.5;
    expect_rate(&h, 1, 1, 0.125); /* half of half */
    h.schedule_type = GRU_COSINE;
    expect_rate(&h, 3, 0, 0.5);
    expect_rate(&h, 4, 0, 0.5);
    expect_rate(&h, 8, 0, 0.25); /* half way */
    h.schedule_warmup_steps = 100;
    expect_rate(&h, 20, 0, 0.5 * 21 / 100); /* longer than all of it */
}

TEST(a_cosine_falls_to_zero)
{
    struct gru_hyperparameters h = scheduled(GRU_COSINE);
    expect_rate(&h, 0, 0, 0.5);
    expect_rate(&h, 6, 0, 0.25);
    ck_assert(gru_schedule_rate(&h, 11, 0, 12, 0) > 0);
    expect_rate(&h, 12, 0, 0);
    expect_rate(&h, 13, 0, 0); /* more updates than were counted */
}

TEST(steps_fall_by_epochs)
{
    struct gru_hyperparameters h = scheduled(GRU_STEP);
    h.schedule_step_epochs = 3;
    h.schedule_factor = 0.1;
    expect_rate(&h, 5, 2, 0.5);
    expect_rate(&h, 6, 3, 0.05);
    expect_rate(&h, 7, 6, 0.005);
}

/* Restored after each piece, it ends with the same weights, and says the same rates. */
TEST(a_scheduled_training_continues_bit_for_bit)
{
    for (int type = GRU_CONSTANT; type < GRU_N_SCHEDULES; type++) {
        struct training_set set;
        struct gru_progress progress, again;
        training_set_make(&set, NULL);
        struct gru_hyperparameters *h = &set.training.hyperparameters;
        h->schedule_type = type;
        h->schedule_warmup_steps = 3;
        h->schedule_step_epochs = type == GRU_STEP ? 1 : h->schedule_step_epochs;
        struct gru_model *undisturbed = training_whole(set.model, &set.training, &progress);
        struct gru_trainer *trainer = training_begin(set.model, &set.training);
        enum gru_advance advance;
        do {
            void *bytes;
            size_t n_bytes;
            ck_assert_int_eq(gru_trainer_save(trainer, &bytes, &n_bytes), GRU_OK);
            gru_trainer_free(trainer);
            trainer = training_begin(set.model, &set.training);
            ck_assert_int_eq(gru_trainer_restore(trainer, bytes, n_bytes), GRU_OK);
            free(bytes);
            advance = gru_trainer_advance(trainer, &again);
            ck_assert(advance != GRU_ADVANCED_STEP ||
                      again.learning_rate ==
                          gru_schedule_rate(h, again.step - 1, again.epoch, again.n_steps, 0));
        } while (advance != GRU_ADVANCED_END);
        struct gru_model *model = training_model_of(trainer);
        training_expect_same_weights(model, undisturbed);
        gru_model_unref(model);
        gru_model_unref(undisturbed);
        gru_trainer_free(trainer);
        training_set_free(&set);
    }
}

TEST(a_plateau_falls_after_epochs_without_a_lower_loss)
{
    static const double losses[] = { 3, 2, 2, (double)NAN, 2.5, 1, 1, 1, 1, 1, 0.5 };
    static const uint64_t n_falls[] = { 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2 };
    struct gru_hyperparameters h = scheduled(GRU_PLATEAU);
    struct schedule_plateau plateau = { .least = (double)INFINITY };
    h.schedule_patience = 3;
    h.schedule_factor = 0.5;
    for (size_t k = 0; k < sizeof losses / sizeof *losses; k++) {
        gru_schedule_observe(&h, losses[k], &plateau);
        ck_assert_msg(plateau.n_falls == n_falls[k], "epoch %zu", k + 1);
    }
    ck_assert(gru_schedule_rate(&h, 7, 3, 12, 2) == 0.125);
    h.schedule_warmup_steps = 16;
    ck_assert(gru_schedule_rate(&h, 7, 3, 12, 2) == 0.0625); /* half way */
}

/* The rates of a training are those of the losses that it tells, with validation and without. */
TEST(a_training_falls_by_its_own_losses)
{
    for (int validates = 0; validates < 2; validates++) {
        struct training_set set;
        struct gru_progress progress;
        enum gru_advance advance;
        training_set_make(&set, NULL);
        struct gru_hyperparameters *h = &set.training.hyperparameters;
        set.training.validation_fraction = validates * 0.3;
        h->n_epochs = 30;
        h->learning_rate = 0.5; /* it jumps about */
        h->schedule_type = GRU_PLATEAU;
        h->schedule_patience = 2;
        h->schedule_factor = 0.25;
        struct schedule_plateau plateau = { .least = (double)INFINITY };
        struct gru_trainer *trainer = training_begin(set.model, &set.training);
        while ((advance = gru_trainer_advance(trainer, &progress)) != GRU_ADVANCED_END) {
            if (advance == GRU_ADVANCED_STEP) {
                const double rate = 0.5 * pow(0.25, (double)plateau.n_falls);
                ck_assert_double_eq(progress.learning_rate, rate);
            } else if (advance == GRU_ADVANCED_EPOCH) {
                gru_schedule_observe(h, validates ? progress.valid_loss : progress.train_loss,
                                     &plateau);
            }
        }
        ck_assert_uint_gt(plateau.n_falls, 1);
        gru_trainer_free(trainer);
        training_set_free(&set);
    }
}

/* The gate, through the real job runner: each kind of data that once fooled it, and what is said of
 * them. "Pooled" losses are those of all validation targets in one mean, which ruled it once. */
#include "gate_trial.h"

#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_MOST = 2000 };

/* ---- streams ---- */

static void fill_stuck(struct gate_trial *trial, bool is_validation, double value)
{
    double *x = gate_trial_add_room(trial, is_validation, 200, 0.5);
    for (size_t t = 0; t < 200; t++) {
        x[2 * t] = value;
    }
}

TEST(a_stuck_sensor_among_healthy_ones_does_not_promote)
{
    static const double stuck_at[] = { 0, 85, -40 };
    for (size_t s = 0; s < sizeof stuck_at / sizeof *stuck_at; s++) {
        struct gate_trial trial;
        const struct gru_plan plan = gate_trial_room_plan();
        gate_trial_begin(&trial, &plan);
        gate_trial_train_base(&trial);
        fill_stuck(&trial, false, stuck_at[s]);
        for (size_t k = 0; k < 8; k++) {
            gate_trial_add_room(&trial, true, 200, 0.3 + (double)k);
        }
        fill_stuck(&trial, true, stuck_at[s]);
        trial.request.hyperparameters.learning_rate = 0.001;
        struct job job = gate_trial_run(&trial);
        gate_trial_expect_pooled_gain(&job);
        expect_promotion(&trial.world, job.id, JOB_REJECTED, "(median of 8 streams), and at most");
        gate_trial_expect_warned(&trial, &job, "constant outputs, as of stuck sensors");
        gate_trial_expect_warned(&trial, &job, "1 of series 8");
        gate_trial_expect_warned(&trial, &job, "constant or stuck: 'temp' is ");
        ck_assert(job_has_event(&trial.world, job.id, "series 8: nothing to judge"));
        gate_trial_end(&trial);
    }
}

TEST(one_large_stream_does_not_outvote_the_others)
{
    struct gate_trial trial;
    const struct gru_plan plan = gate_trial_room_plan();
    gate_trial_begin(&trial, &plan);
    gate_trial_train_base(&trial);
    for (int is_validation = 0; is_validation < 2; is_validation++) {
        for (size_t k = 0; k < 9 * (size_t)is_validation; k++) {
            gate_trial_add_room(&trial, true, 200, 0.3 + (double)k);
        }
        double *x = gate_trial_add_room(&trial, is_validation == 1, 400, 0.7);
        for (size_t t = 0; t < 400; t++) {
            x[2 * t] = 20 + 40 * (x[2 * t] - 20);
        }
    }
    struct job job = gate_trial_run(&trial);
    gate_trial_expect_pooled_gain(&job);
    expect_promotion(&trial.world, job.id, JOB_REJECTED, "(median of 10 streams), and at most");
    gate_trial_end(&trial);
}

TEST(constant_series_that_nobody_loses_on_prove_nothing)
{
    struct gate_trial trial;
    const struct gru_plan plan = gate_trial_room_plan();
    gate_trial_begin(&trial, &plan);
    for (size_t k = 0; k < 3; k++) {
        fill_stuck(&trial, false, 20);
    }
    struct job job = gate_trial_run(&trial);
    expect_promotion(&trial.world, job.id, JOB_REJECTED, "0 validation targets can be judged");
    expect_promotion(&trial.world, job.id, JOB_REJECTED, "are outliers or of constant outputs");
    gate_trial_end(&trial);
}

/* ---- too little ---- */

TEST(three_readings_do_not_promote)
{
    struct gate_trial trial;
    const struct gru_plan plan = gate_trial_room_plan();
    gate_trial_begin(&trial, &plan);
    gate_trial_add_room(&trial, false, 3, 0);
    struct job job = gate_trial_run(&trial);
    expect_promotion(&trial.world, job.id, JOB_REJECTED,
                     "1 validation targets can be judged, and 'min_targets' is 30");
    trial.request.gate.min_targets = 1;
    job = gate_trial_run(&trial);
    expect_promotion(&trial.world, job.id, JOB_REJECTED, "");
    gate_trial_end(&trial);
}

TEST(a_step_that_changes_nothing_does_not_promote)
{
    static const double gains[] = { 0.01, 0 };
    for (size_t k = 0; k < 2; k++) {
        struct gate_trial trial;
        const struct gru_plan plan = gate_trial_room_plan();
        gate_trial_begin(&trial, &plan);
        gate_trial_add_room(&trial, false, 300, 0);
        trial.request.hyperparameters.learning_rate = 1e-9;
        trial.request.gate.min_relative_gain = gains[k];
        struct job job = gate_trial_run(&trial);
        expect_promotion(&trial.world, job.id, JOB_REJECTED,
                         gains[k] > 0 ? "0.99 is asked for" : "");
        gate_trial_end(&trial);
    }
}

/* ---- scaling ---- */

TEST(a_model_without_scaling_is_not_promoted_for_a_little_less_nonsense)
{
    static const char *const names[] = { "p" };
    static const size_t hidden[] = { 16 };
    const struct gru_plan plan = { .n_inputs = 1,
                                   .n_outputs = 1,
                                   .n_layers = 1,
                                   .inputs = names,
                                   .outputs = names,
                                   .hidden_sizes = hidden,
                                   .cell = GRU_LAYER_GRU,
                                   .reset = GRU_RESET_AFTER,
                                   .seed = 3 };
    struct gate_trial trial;
    uint64_t seed = 1;
    gate_trial_begin(&trial, &plan);
    trial.request.hyperparameters.learning_rate = 0.001;
    double *x = gate_trial_add_rows(&trial, false, ROWS_MOST, 1);
    for (size_t t = 0; t < ROWS_MOST; t++) {
        x[t] = (float)(101325 + 50 * sin((double)t / 20) + 3 * gate_trial_noise(&seed));
    }
    struct job job = gate_trial_run(&trial);
    gate_trial_expect_pooled_gain(&job);
    expect_promotion(&trial.world, job.id, JOB_REJECTED, "0.99 is asked for");
    gate_trial_expect_warned(&trial, &job, "no better than persistence");
    gate_trial_expect_warned(&trial, &job, "'p' has mean 101325 and std 35.");
    gate_trial_expect_warned(&trial, &job, "in the data, 0 and 1 in the model");
    trial.request.gate.min_relative_gain = 0;
    job = gate_trial_run(&trial);
    expect_promotion(&trial.world, job.id, JOB_REJECTED, "no better than that of persistence");
    trial.request.gate.must_beat_persistence = false;
    trial.request.version = 1;
    job = gate_trial_run(&trial);
    expect_promotion(&trial.world, job.id, JOB_PROMOTED, "of the base version's");
    gate_trial_end(&trial);
}

/* ---- outliers ---- */

TEST(an_outlier_in_the_validation_does_not_rule_the_verdict)
{
    static const double codes[] = { -999, 9999, 1e30F };
    for (size_t k = 0; k < sizeof codes / sizeof *codes; k++) {
        struct gate_trial trial;
        const struct gru_plan plan = gate_trial_room_plan();
        gate_trial_begin(&trial, &plan);
        double *x = gate_trial_add_room(&trial, false, 300, 0);
        x[2 * 290] = codes[k];
        trial.request.gate.must_beat_persistence = false; /* as few epochs do not */
        struct job job = gate_trial_run(&trial);
        ck_assert(job.metrics.valid_loss > 0.98 * job.metrics.baseline_valid_loss);
        expect_promotion(&trial.world, job.id, JOB_PROMOTED, "of the base version's (median of 1");
        gate_trial_expect_warned(&trial, &job, "outliers: 10 of 60 validation targets are ");
        gate_trial_expect_warned(&trial, &job, " up 100 % of the base version's loss");
        gate_trial_expect_warned(&trial, &job, "in row 290, column 0 of x of series 0");
        gate_trial_expect_warned(&trial, &job, "'temp' is ");
        gate_trial_expect_warned(&trial, &job, " in row 290 of series 0, ");
        gate_trial_end(&trial);
    }
}

/* The new version has learnt a room that is 8 degrees colder, and so comes nearer to -999. */
TEST(an_outlier_in_favour_of_a_bad_version_does_not_promote_it)
{
    struct gate_trial trial;
    const struct gru_plan plan = gate_trial_room_plan();
    gate_trial_begin(&trial, &plan);
    gate_trial_train_base(&trial);
    double *cold = gate_trial_add_room(&trial, false, 300, 0);
    for (size_t t = 0; t < 300; t++) {
        cold[2 * t + 1] = 0.5F;
        cold[2 * t] = 12;
    }
    double *x = gate_trial_add_room(&trial, true, 300, 0);
    x[2 * 290] = -999;
    struct job job = gate_trial_run(&trial);
    gate_trial_expect_pooled_gain(&job);
    expect_promotion(&trial.world, job.id, JOB_REJECTED, "0.99 is asked for");
    gate_trial_end(&trial);
}

TEST(an_outlier_in_the_training_part_is_warned_of_before_training)
{
    struct gate_trial trial;
    const struct gru_plan plan = gate_trial_room_plan();
    gate_trial_begin(&trial, &plan);
    double *x = gate_trial_add_room(&trial, false, 300, 0);
    x[2 * 17] = 1e30F;
    struct job job = gate_trial_run(&trial);
    gate_trial_expect_warned(&trial, &job, "'temp' is 1e+30 in row 17 of series 0, ");
    ck_assert(!gate_trial_is_warned(&trial, &job, "are left out of the judgment"));
    gate_trial_end(&trial);
}

/* ---- classes ---- */

static double *add_classes(struct gate_trial *trial, double *x, double *y, size_t n, size_t every)
{
    uint64_t seed = 5;
    for (size_t t = 0; t < n; t++) {
        y[t] = (t * 7919) % every == 3 ? 1 : 0;
        x[t] = (float)(gate_trial_noise(&seed) + 2 * (double)y[t]);
    }
    trial->series[0].y = y;
    trial->series[0].n_targets = n;
    trial->request.hyperparameters.loss = GRU_CROSS_ENTROPY;
    trial->request.hyperparameters.n_epochs = 10;
    trial->request.hyperparameters.learning_rate = 0.001;
    return x;
}

static struct gru_plan class_plan(void)
{
    static const char *const inputs[] = { "a" };
    static const char *const outputs[] = { "well", "ill" };
    static const size_t hidden[] = { 8 };
    return (struct gru_plan){ .n_inputs = 1,
                              .n_outputs = 2,
                              .n_layers = 1,
                              .inputs = inputs,
                              .outputs = outputs,
                              .hidden_sizes = hidden,
                              .cell = GRU_LAYER_GRU,
                              .reset = GRU_RESET_AFTER,
                              .seed = 3 };
}

TEST(a_version_that_never_finds_a_rare_class_is_not_promoted)
{
    enum { ROWS = 4000 };
    struct gate_trial trial;
    const struct gru_plan plan = class_plan();
    double *y = malloc(ROWS * sizeof *y);
    ck_assert_ptr_nonnull(y);
    gate_trial_begin(&trial, &plan);
    add_classes(&trial, gate_trial_add_rows(&trial, false, ROWS, 1), y, ROWS, 100);
    struct job job = gate_trial_run(&trial);
    gate_trial_expect_pooled_gain(&job);
    ck_assert(job.metrics.valid_accuracy > 0.98);
    expect_promotion(&trial.world, job.id, JOB_REJECTED, "");
    gate_trial_expect_warned(&trial, &job, "always the most frequent class: accuracy 0.99");
    gate_trial_expect_warned(&trial, &job, "0 of 8 of 1 (ill)");
    free(y);
    gate_trial_end(&trial);
}

TEST(a_version_that_finds_its_classes_is_promoted_and_says_how_many)
{
    enum { ROWS = 1000 };
    struct gate_trial trial;
    const struct gru_plan plan = class_plan();
    double *y = malloc(ROWS * sizeof *y);
    ck_assert_ptr_nonnull(y);
    gate_trial_begin(&trial, &plan);
    add_classes(&trial, gate_trial_add_rows(&trial, false, ROWS, 1), y, ROWS, 2);
    trial.request.hyperparameters.learning_rate = 0.01;
    trial.request.hyperparameters.n_epochs = 30;
    struct job job = gate_trial_run(&trial);
    expect_promotion(&trial.world, job.id, JOB_PROMOTED, "the classes' frequencies");
    ck_assert(job_has_event(&trial.world, job.id, "found of each class: "));
    ck_assert(isnan(job.metrics.persistence_valid_loss));
    free(y);
    gate_trial_end(&trial);
}

/* ---- losses that are not numbers ---- */

TEST(a_loss_that_is_not_finite_fails_the_job_in_whatever_epoch)
{
    for (int is_late = 0; is_late < 2; is_late++) {
        struct gate_trial trial;
        const struct gru_plan plan = gate_trial_room_plan();
        gate_trial_begin(&trial, &plan);
        double *x = gate_trial_add_room(&trial, false, 300, 0);
        x[20] = is_late ? x[20] : 3e38F;
        trial.request.hyperparameters.optimizer = GRU_SGD;
        trial.request.hyperparameters.learning_rate = 100;
        trial.request.hyperparameters.clip_norm = 0;
        struct job job = course_start(&trial.world, &trial.request);
        job = job_wait(&trial.world, job.id, JOB_FAILED);
        ck_assert_int_eq(job.error.status, STATUS_DIVERGED);
        ck_assert(strstr(job.error.message, "is not a finite number") != NULL);
        ck_assert(!is_late || strstr(job.error.message, " of epoch 1 ") == NULL);
        ck_assert_uint_eq(job.fine_tuned_version, 0);
        ck_assert_int_eq(job.promotion, JOB_NONE);
        ck_assert_uint_eq(world_model(&trial.world)->n_versions, 1);
        gate_trial_end(&trial);
    }
}

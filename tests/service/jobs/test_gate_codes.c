/* The gate, through the real job runner, on values that are far away: codes of sensors that failed,
 * which are wrong and say nothing of a version, and spikes that are rare and say a lot. */
#include "gate_trial.h"

#include "test.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROWS = 300 };

/* ---- codes ---- */

static void add_rooms_with_codes(struct gate_trial *trial, size_t n, size_t n_with, size_t every,
                                 double code)
{
    for (size_t k = 0; k < n; k++) {
        double *x = gate_trial_add_room(trial, false, ROWS, 0.3 + (double)k);
        for (size_t t = k; k < n_with && t < ROWS; t += every) {
            x[2 * t] = code;
        }
    }
}

TEST(a_version_that_has_learnt_codes_is_not_promoted)
{
    static const struct {
        size_t every, n, n_with;
        double code;
    } cases[] = { { 19, 6, 6, -999 }, { 14, 1, 1, -999 }, { 8, 6, 6, 65535 },
                  { 3, 6, 6, -999 },  { 14, 6, 2, 1e9F }, { 19, 6, 6, -9999 },
                  { 9, 6, 6, -40 },   { 12, 6, 6, 0 },    { 12, 6, 6, 85 } };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct gate_trial trial;
        const struct gru_plan plan = gate_trial_room_plan();
        char words[48];
        gate_trial_begin(&trial, &plan);
        gate_trial_train_base(&trial);
        add_rooms_with_codes(&trial, cases[c].n, cases[c].n_with, cases[c].every, cases[c].code);
        trial.request.hyperparameters.learning_rate = 0.001;
        struct job job = gate_trial_run(&trial);
        expect_promotion(&trial.world, job.id, JOB_REJECTED, "");
        snprintf(words, sizeof words, "'temp' is %g in row 0 of series 0", (double)cases[c].code);
        gate_trial_expect_warned(&trial, &job, words);
        gate_trial_expect_warned(&trial, &job, "(send null for what was not measured)");
        gate_trial_expect_warned(&trial, &job, "outliers: ");
        ck_assert(!gate_trial_is_warned(&trial, &job, "far from the model's scaling"));
        gate_trial_end(&trial);
    }
}

/* Series of one target each share a stream, and so what can be is told by all of them. */
TEST(codes_among_single_targets_do_not_rule_the_verdict)
{
    enum { SERIES = 10, LONG = 12 };
    struct gate_trial trial;
    const struct gru_plan plan = gate_trial_room_plan();
    gate_trial_begin(&trial, &plan);
    gate_trial_train_base(&trial);
    for (int is_validation = 0; is_validation < 2; is_validation++) {
        for (size_t k = 0; k < SERIES; k++) {
            gate_trial_add_room(&trial, is_validation == 1, LONG, 0.6 * (double)k);
        }
    }
    double y[SERIES];
    for (size_t k = 0; k < SERIES; k++) {
        y[k] = k == 3 || k == 7 ? -999 : 19 + 0.3F * (float)k;
        trial.series[k].y = trial.validation[k].y = &y[k];
        trial.series[k].n_targets = trial.validation[k].n_targets = 1;
    }
    struct job job = gate_trial_run(&trial);
    gate_trial_expect_pooled_gain(&job);
    expect_promotion(&trial.world, job.id, JOB_REJECTED, "8 validation targets can be judged");
    gate_trial_expect_warned(&trial, &job, "the target 'temp' is -999 in row 0 of series 3");
    gate_trial_end(&trial);
}

/* ---- spikes ---- */

static struct gru_plan rain_plan(void)
{
    static const char *const inputs[] = { "rain", "before" };
    struct gru_plan plan = gate_trial_room_plan();
    plan.inputs = inputs;
    plan.outputs = inputs;
    plan.scalings = NULL;
    plan.n_scalings = 0;
    return plan;
}

/* Noise, and spikes in one row of 33 or so, which the second input tells of a row before: of
 * continuous heights, or all of one. */
static void add_rain(struct gate_trial *trial, bool is_validation, uint64_t seed, bool has_spikes,
                     bool is_one_height)
{
    double *x = gate_trial_add_rows(trial, is_validation, ROWS, 2);
    for (size_t t = 0; t < ROWS; t++) {
        bool is_spike = gate_trial_noise(&seed) > 1.9, was_told = t > 0 && x[2 * t - 1] > 0;
        x[2 * t] = (float)(0.05 * gate_trial_noise(&seed));
        if (has_spikes && was_told) {
            x[2 * t] = 10 + (is_one_height ? 0 : x[2 * t]);
        }
        x[2 * t + 1] = is_spike;
    }
}

static void train_on_rain(struct gate_trial *trial, bool has_spikes, bool are_judged,
                          bool is_one_height, enum job_promotion promotion)
{
    trial->request.n_series = trial->request.n_validation = 0;
    for (size_t k = 0; k < 5; k++) {
        add_rain(trial, false, 10 * trial->request.seed + k, has_spikes, is_one_height);
        add_rain(trial, true, 10 * trial->request.seed + k + 5, are_judged, is_one_height);
    }
    trial->request.seed++;
    trial->request.hyperparameters.n_epochs = 80;
    trial->request.hyperparameters.early_stopping_patience = 0;
    trial->request.gate.must_beat_persistence = false;
    struct job job = gate_trial_run(trial);
    expect_promotion(&trial->world, job.id, promotion, "");
    ck_assert(is_one_height || !gate_trial_is_warned(trial, &job, "outliers"));
    ck_assert(!(is_one_height && are_judged) ||
              gate_trial_is_warned(trial, &job, "that may be codes or events, are judged as well"));
    for (size_t k = 0; k < 5; k++) {
        free(trial->x[k]);
        free(trial->x[GATE_STREAMS + k]);
        trial->x[k] = trial->x[GATE_STREAMS + k] = NULL;
    }
}

TEST(a_version_that_has_lost_the_spikes_is_not_promoted)
{
    for (int is_one_height = 0; is_one_height < 2; is_one_height++) {
        struct gate_trial trial;
        const struct gru_plan plan = rain_plan();
        gate_trial_begin(&trial, &plan);
        train_on_rain(&trial, true, true, is_one_height == 1, JOB_PROMOTED);
        train_on_rain(&trial, false, true, is_one_height == 1, JOB_REJECTED);
        gate_trial_end(&trial);
    }
}

TEST(a_version_that_has_learnt_the_spikes_is_promoted)
{
    for (int is_one_height = 0; is_one_height < 2; is_one_height++) {
        struct gate_trial trial;
        const struct gru_plan plan = rain_plan();
        gate_trial_begin(&trial, &plan);
        train_on_rain(&trial, false, false, is_one_height == 1, JOB_PROMOTED);
        train_on_rain(&trial, true, true, is_one_height == 1, JOB_PROMOTED);
        gate_trial_end(&trial);
    }
}

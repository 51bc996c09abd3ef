/* The gate, through the real job runner, on data that are the same over and over: copies of series,
 * and a block that is repeated, are no more evidence than one of them. */
#include "gate_trial.h"

#include "test.h"

#include <stdio.h>
#include <string.h>

enum { ROWS = 300 };

/* Copies of a room, that differ in their last `n_other` rows and by noise. */
static void add_copies(struct gate_trial *trial, bool is_validation, size_t n, size_t n_rows,
                       size_t n_other, double blur)
{
    uint64_t seed = 4;
    for (size_t k = 0; k < n; k++) {
        double *x = gate_trial_add_room(trial, is_validation, n_rows, 0.5);
        for (size_t t = 0; t < n_rows; t++) {
            x[2 * t] += (float)(blur * gate_trial_noise(&seed));
            x[2 * t] += t >= n_rows - n_other ? 0.1F * (float)k : 0;
        }
    }
}

static void begin(struct gate_trial *trial)
{
    const struct gru_plan plan = gate_trial_room_plan();
    gate_trial_begin(trial, &plan);
    trial->request.hyperparameters.n_epochs = 30;
}

TEST(copies_of_a_few_readings_prove_no_more_than_one)
{
    struct gate_trial trial;
    begin(&trial);
    add_copies(&trial, false, GATE_STREAMS, 12, 0, 0);
    trial.request.gate.min_targets = 3;
    struct job job = gate_trial_run(&trial);
    expect_promotion(&trial.world, job.id, JOB_REJECTED, "2 validation targets can be judged");
    expect_promotion(&trial.world, job.id, JOB_REJECTED, "(18 repeat others)");
    gate_trial_expect_warned(&trial, &job, "9 of 10 series are copies of others, such as series 1");
    gate_trial_end(&trial);
}

/* Exact ones, ones with another last row, and ones with noise that no reading shows. */
TEST(copies_of_a_stream_do_not_outvote_the_others)
{
    static const struct {
        size_t n_other;
        double blur;
    } cases[] = { { 0, 0 }, { 1, 0 }, { 0, 1e-6 } };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct gate_trial trial;
        begin(&trial);
        gate_trial_train_base(&trial);
        add_copies(&trial, false, 1, ROWS, 0, 0);
        add_copies(&trial, true, 7, ROWS, cases[c].n_other, cases[c].blur);
        for (size_t k = 0; k < 3; k++) {
            double *x = gate_trial_add_room(&trial, true, ROWS, 2.3 + (double)k);
            for (size_t t = 0; t < ROWS; t++) {
                x[2 * t] += 5;
            }
        }
        struct job job = gate_trial_run(&trial);
        ck_assert(!job_has_event(&trial.world, job.id, "series 0: a copy of others"));
        ck_assert(job_has_event(&trial.world, job.id, "series 1: a copy of others"));
        ck_assert(job_has_event(&trial.world, job.id, "series 6: a copy of others"));
        ck_assert(!job_has_event(&trial.world, job.id, "series 7: a copy of others"));
        ck_assert(strstr(job.promotion_reason, "of 10 streams") == NULL);
        gate_trial_end(&trial);
    }
}

TEST(one_block_over_and_over_is_one_block)
{
    static const size_t lengths[] = { 3, 10, 24 };
    for (size_t c = 0; c < sizeof lengths / sizeof *lengths; c++) {
        struct gate_trial trial;
        char words[48];
        begin(&trial);
        double *x = gate_trial_add_room(&trial, false, ROWS, 0.5);
        for (size_t t = lengths[c]; t < ROWS; t++) {
            memcpy(x + 2 * t, x + 2 * (t - lengths[c]), 2 * sizeof *x);
        }
        struct job job = gate_trial_run(&trial);
        snprintf(words, sizeof words, "%zu validation targets can be judged", lengths[c]);
        expect_promotion(&trial.world, job.id, JOB_REJECTED, words);
        gate_trial_end(&trial);
    }
}

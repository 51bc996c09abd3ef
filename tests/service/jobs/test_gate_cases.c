/* Further data of the kinds that once fooled the gate: where a sensor is stuck or a value is out of
 * range, how small a change is, how little there is. Each case alone is a job. */
#include "gate_trial.h"

#include "test.h"

#include <math.h>
#include <string.h>

enum { ROWS = 300, MOST_WORDS = 2 };

struct gate_case {
    const char *name;
    struct gru_plan (*plan)(void);
    void (*fill)(struct gate_trial *trial);
    bool has_base; /* it starts from a version that is good already */
    double learning_rate, min_relative_gain;
    enum job_promotion promotion;
    const char *reason;
    const char *warned[MOST_WORDS];
};

/* ---- stuck sensors ---- */

static double *add_stuck(struct gate_trial *trial, bool is_validation, size_t from, double step,
                         double blur)
{
    uint64_t seed = 9;
    double *x = gate_trial_add_room(trial, is_validation, ROWS, 0.5);
    for (size_t t = from; t < ROWS; t++) {
        x[2 * t] = (float)(85 + step * (double)(t % 2) + blur * gate_trial_noise(&seed));
    }
    return x;
}

static void add_healthy(struct gate_trial *trial, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        gate_trial_add_room(trial, true, ROWS, 0.3 + (double)k);
    }
}

static void fill_three_stuck(struct gate_trial *trial)
{
    add_stuck(trial, false, 0, 0, 0);
    add_healthy(trial, 6);
    for (int k = 0; k < 3; k++) {
        add_stuck(trial, true, 0, 0, 0);
    }
}

static void fill_first_stuck(struct gate_trial *trial)
{
    add_stuck(trial, false, 0, 0, 0);
    add_stuck(trial, true, 0, 0, 0);
    add_healthy(trial, 8);
}

static void fill_stuck_from_the_middle(struct gate_trial *trial)
{
    add_stuck(trial, false, ROWS / 2, 0, 0);
    add_healthy(trial, 8);
    add_stuck(trial, true, ROWS / 2, 0, 0);
}

static void fill_stuck_between_two(struct gate_trial *trial)
{
    add_stuck(trial, false, 0, 0.0625, 0);
    add_healthy(trial, 8);
    add_stuck(trial, true, 0, 0.0625, 0);
}

static void fill_stuck_but_for_noise(struct gate_trial *trial)
{
    add_stuck(trial, false, 0, 0, 0.01);
    add_healthy(trial, 8);
    add_stuck(trial, true, 0, 0, 0.01);
}

/* ---- too little ---- */

static void fill_room(struct gate_trial *trial)
{
    gate_trial_add_room(trial, false, ROWS, 0);
}

static void fill_threes(struct gate_trial *trial)
{
    for (size_t k = 0; k < 9; k++) {
        gate_trial_add_room(trial, false, 3, (double)k);
    }
}

static void fill_half_a_dozen(struct gate_trial *trial)
{
    gate_trial_add_room(trial, false, 6, 0);
}

/* ---- out of range ---- */

static void fill_outliers(struct gate_trial *trial, size_t first, size_t n, double value)
{
    double *x = gate_trial_add_room(trial, false, ROWS, 0);
    for (size_t t = first; t < first + n; t++) {
        x[2 * t] = value;
    }
}

static void fill_first_of_the_validation(struct gate_trial *trial)
{
    fill_outliers(trial, 240, 1, -999);
}

static void fill_last_row(struct gate_trial *trial)
{
    fill_outliers(trial, ROWS - 1, 1, -999);
}

static void fill_burst(struct gate_trial *trial)
{
    fill_outliers(trial, 270, 5, -999);
}

static void fill_other_input(struct gate_trial *trial)
{
    double *x = gate_trial_add_room(trial, false, ROWS, 0);
    x[2 * 270 + 1] = -999;
}

static void fill_largest(struct gate_trial *trial)
{
    fill_outliers(trial, 120, 1, 3e38F);
}

static void fill_many_large(struct gate_trial *trial)
{
    fill_outliers(trial, 100, 3, 1e30F);
}

static void fill_largest_in_validation(struct gate_trial *trial)
{
    fill_outliers(trial, 270, 3, -3e38F);
}

static void fill_nearly_all_missing(struct gate_trial *trial)
{
    fill_outliers(trial, 5, 235, NAN);
}

static void fill_missing_in_validation(struct gate_trial *trial)
{
    fill_outliers(trial, 245, ROWS - 245, NAN);
}

/* ---- scaling ---- */

static struct gru_plan unscaled_plan(void)
{
    struct gru_plan plan = gate_trial_room_plan();
    plan.scalings = NULL;
    plan.n_scalings = 0;
    return plan;
}

static void scale(struct gate_trial *trial, double size, double middle)
{
    double *x = gate_trial_add_room(trial, false, ROWS, 0);
    for (size_t t = 0; t < ROWS; t++) {
        x[2 * t] = (float)(middle + size * ((double)x[2 * t] - 20));
    }
}

static void fill_far(struct gate_trial *trial)
{
    scale(trial, 10, 101325);
}

static void fill_tiny(struct gate_trial *trial)
{
    scale(trial, 1e-7, 0);
}

static void fill_kelvin(struct gate_trial *trial)
{
    scale(trial, 1, 293.15);
}

/* ---- classes ---- */

static struct gru_plan classes_plan(size_t n_outputs)
{
    static const char *const inputs[] = { "a", "b" };
    static const char *const outputs[] = { "well", "ill", "dead" };
    static const size_t hidden[] = { 8 };
    struct gru_plan plan = gate_trial_room_plan();
    plan.inputs = inputs;
    plan.outputs = outputs;
    plan.n_outputs = n_outputs;
    plan.hidden_sizes = hidden;
    plan.scalings = NULL;
    plan.n_scalings = 0;
    return plan;
}

static struct gru_plan three_classes_plan(void)
{
    return classes_plan(3);
}

static struct gru_plan switch_plan(void)
{
    return classes_plan(1);
}

/* Classes 0 and 1 in turn, or 0 alone, and one row of `every` of the last. */
static void fill_classes(struct gate_trial *trial, enum gru_loss loss, size_t every, double last)
{
    enum { MANY = 2000 };
    uint64_t seed = 5;
    double *x = gate_trial_add_rows(trial, false, MANY, 2);
    double *y = gate_trial_add_targets(trial, MANY);
    for (size_t t = 0; t < MANY; t++) {
        y[t] = t * 7919 % every == 3 ? last : last > 1 ? (float)(t % 2) : 0;
        x[2 * t] = (float)(gate_trial_noise(&seed) + (double)y[t]);
        x[2 * t + 1] = last > 1 ? y[t] : 0;
    }
    trial->request.hyperparameters.loss = (int)loss;
    trial->request.hyperparameters.n_epochs = 3;
}

static void fill_rare_of_three(struct gate_trial *trial)
{
    fill_classes(trial, GRU_CROSS_ENTROPY, 200, 2);
}

static void fill_rarely_on(struct gate_trial *trial)
{
    fill_classes(trial, GRU_BCE, 100, 1);
}

// clang-format off
static const struct gate_case cases[] = {
    /* stuck sensors */
    { "three stuck ones", gate_trial_room_plan, fill_three_stuck, true, 0.001, 0.01,
      JOB_REJECTED, "(median of 6 streams), and at most 0.99", { "constant outputs, as of stuck", "constant or stuck: " } },
    { "the first is stuck", gate_trial_room_plan, fill_first_stuck, true, 0.001, 0.01,
      JOB_REJECTED, "(median of 8 streams), and at most 0.99", { "constant outputs, as of stuck", "constant or stuck: " } },
    { "stuck from the middle on", gate_trial_room_plan, fill_stuck_from_the_middle, true, 0.001, 0.01,
      JOB_REJECTED, "(median of 9 streams), and at most 0.99", { "constant or stuck: " } },
    { "stuck between two values", gate_trial_room_plan, fill_stuck_between_two, true, 0.001, 0.01,
      JOB_REJECTED, "(median of 9 streams), and at most 0.99", { NULL } },
    { "stuck but for noise", gate_trial_room_plan, fill_stuck_but_for_noise, true, 0.001, 0.01,
      JOB_REJECTED, "(median of 9 streams), and at most 0.99", { NULL } },
    /* too little */
    { "a rate of 1e-12", gate_trial_room_plan, fill_room, false, 1e-12, 0,
      JOB_REJECTED, "no better than that of persistence", { "no better than persistence" } },
    { "a rate of 1e-7", gate_trial_room_plan, fill_room, false, 1e-7, 0.01,
      JOB_REJECTED, "0.99 is asked for", { "no better than persistence" } },
    { "a rate of 1e-5", gate_trial_room_plan, fill_room, false, 1e-5, 0.01,
      JOB_REJECTED, "no better than that of persistence", { "no better than persistence" } },
    { "three readings of nine", gate_trial_room_plan, fill_threes, false, 0.01, 0.01,
      JOB_REJECTED, "9 validation targets can be judged", { NULL } },
    { "six readings", gate_trial_room_plan, fill_half_a_dozen, false, 0.01, 0.01,
      JOB_REJECTED, "1 validation targets can be judged", { NULL } },
    { "hardly any training", gate_trial_room_plan, fill_nearly_all_missing, false, 0.01, 0.01,
      JOB_REJECTED, "no better than that of persistence", { NULL } },
    { "hardly any validation", gate_trial_room_plan, fill_missing_in_validation, false, 0.01, 0.01,
      JOB_REJECTED, "5 validation targets can be judged", { NULL } },
    /* out of range: by 1e-9 nothing becomes better */
    { "-999 first", gate_trial_room_plan, fill_first_of_the_validation, true, 1e-9, 0.01,
      JOB_REJECTED, "0.99 is asked for", { "'temp' is -999 in row 240", "outliers: " } },
    { "-999 last", gate_trial_room_plan, fill_last_row, true, 1e-9, 0.01,
      JOB_REJECTED, "0.99 is asked for", { "'temp' is -999 in row 299", "outliers: " } },
    { "-999 five times", gate_trial_room_plan, fill_burst, true, 1e-9, 0.01,
      JOB_REJECTED, "0.99 is asked for", { "'temp' is -999 in row 270", "outliers: " } },
    { "-999 of an input", gate_trial_room_plan, fill_other_input, true, 1e-9, 0.01,
      JOB_REJECTED, "0.99 is asked for", { "'humidity' is -999 in row 270", "outliers: " } },
    { "3e38 in training", gate_trial_room_plan, fill_largest, false, 0.01, 0.01,
      JOB_REJECTED, "no better than that of persistence", { "'temp' is 3e+38 in row 120" } },
    { "1e30 in training, and well learnt", gate_trial_room_plan, fill_many_large, false, 0.01, 0.01,
      JOB_PROMOTED, "of the base version's (median of 1", { "'temp' is 1e+30 in row 100" } },
    { "-3e38 in validation, and well learnt", gate_trial_room_plan, fill_largest_in_validation, false, 0.01, 0.01,
      JOB_PROMOTED, "of the base version's (median of 1", { "'temp' is -3e+38 in row 270", "outliers: " } },
    /* scaling */
    { "far from 0 without scaling", unscaled_plan, fill_far, false, 0.001, 0.01,
      JOB_REJECTED, "0.99 is asked for", { "'temp' has mean 1013", "no better than persistence" } },
    { "tiny without scaling", unscaled_plan, fill_tiny, false, 0.001, 0.01,
      JOB_REJECTED, "no better than that of persistence", { "'temp' has mean " } },
    { "tiny, scaled for a room", gate_trial_room_plan, fill_tiny, true, 0.001, 0.01,
      JOB_REJECTED, "no better than that of persistence", { "'temp' has mean " } },
    { "kelvin, scaled for a room", gate_trial_room_plan, fill_kelvin, false, 0.001, 0.01,
      JOB_REJECTED, "no better than that of persistence", { "'temp' has mean 293", "no better than persistence" } },
    /* classes */
    { "one rare of three", three_classes_plan, fill_rare_of_three, false, 0.001, 0.01,
      JOB_REJECTED, "no better than that of the classes", { "2 (dead)" } },
    { "rarely on", switch_plan, fill_rarely_on, false, 0.001, 0.01,
      JOB_REJECTED, "no better than that of the classes", { "0 of " } },
};
// clang-format on

TEST(each_case_is_judged_and_warned_of_as_it_should)
{
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const struct gate_case *of = &cases[k];
        const struct gru_plan plan = of->plan();
        struct gate_trial trial;
        gate_trial_begin(&trial, &plan);
        if (of->has_base) {
            gate_trial_train_base(&trial);
        }
        of->fill(&trial);
        trial.request.hyperparameters.learning_rate = of->learning_rate;
        trial.request.gate.min_relative_gain = of->min_relative_gain;
        const struct job job = gate_trial_run(&trial);
        ck_assert_msg(job.promotion == of->promotion && strstr(job.promotion_reason, of->reason),
                      "%s: %s, %s", of->name, job_promotion_word(job.promotion),
                      job.promotion_reason);
        ck_assert_msg(isfinite(job.metrics.train_loss) && isfinite(job.metrics.valid_loss), "%s",
                      of->name);
        for (size_t w = 0; w < MOST_WORDS && of->warned[w]; w++) {
            ck_assert_msg(gate_trial_is_warned(&trial, &job, of->warned[w]), "%s: no warning of %s",
                          of->name, of->warned[w]);
        }
        gate_trial_end(&trial);
    }
}

/* What is made of the trial that was chosen: several networks of its kind, trained on all rows, and
 * joined to one. */
#include "engine/recipe/recipe.h"
#include "engine/recipe/recipe_series.h"
#include "engine/train/training.h"
#include "test.h"

#include "gru.h"

#include <math.h>
#include <stdlib.h>

enum { ROWS = 120, HORIZON = 6 };

static const char *const names[] = { "v" };

struct task {
    double x[ROWS];
    struct gru_series series;
    struct gru_recipe_task task;
};

static struct gru_recipe *begin(struct task *made, const struct recipe_series *series)
{
    struct gru_recipe *recipe;
    recipe_series_fill(series, made->x, ROWS);
    made->series = (struct gru_series){ .x = made->x, .n_rows = ROWS };
    made->task = (struct gru_recipe_task){ .n_inputs = 1,
                                           .n_outputs = 1,
                                           .inputs = names,
                                           .outputs = names,
                                           .series = &made->series,
                                           .n_series = 1,
                                           .validation_fraction = 0.2,
                                           .horizon = HORIZON,
                                           .seed = 1 };
    ck_assert_int_eq(gru_recipe_create(&made->task, &recipe, NULL), GRU_OK);
    return recipe;
}

static bool advance(struct gru_recipe *recipe)
{
    bool is_done;
    ck_assert_int_eq(gru_recipe_advance(recipe, &is_done), GRU_OK);
    return !is_done;
}

static size_t chosen_of(const struct gru_recipe *recipe)
{
    struct gru_recipe_findings findings;
    gru_recipe_findings(recipe, &findings);
    return findings.chosen;
}

static const struct recipe_series swing = {
    .amplitude = 2, .period = 7.3, .noise = 0.3, .seed = 2
};

/* Its first answers to the readings: row by row, all S of each. */
static void answer(struct gru_model *model, const double *x, double *y)
{
    const struct gru_info *info = gru_model_info(model);
    struct gru_work *work;
    float *state = calloc(info->state_floats, sizeof *state);
    ck_assert(state && gru_work_create(&work) == GRU_OK);
    gru_state_init(model, state);
    struct gru_lane lane = {
        .state_in = state, .state_out = state, .x = x, .n_rows = ROWS, .y = y
    };
    ck_assert_int_eq(gru_run(model, work, &lane, 1), GRU_OK);
    ck_assert_int_eq(lane.status, GRU_OK);
    gru_work_free(work);
    free(state);
}

/* The mean of the answers of all members. */
static void average(const struct gru_recipe *recipe, const double *x, size_t n_y, double *ret_mean)
{
    const size_t first = gru_recipe_n_tried(recipe), n = recipe->findings.n_trials - first;
    double *y = calloc(n_y, sizeof *y);
    ck_assert(y && n > 1);
    for (size_t k = first; k < first + n; k++) {
        ck_assert_ptr_nonnull(recipe->trials[k].best);
        answer(recipe->trials[k].best, x, y);
        for (size_t v = 0; v < n_y; v++) {
            ret_mean[v] += y[v] / (double)n;
        }
    }
    free(y);
}

static void expect_mean(const struct recipe_series *series)
{
    struct task made;
    struct gru_recipe *recipe = begin(&made, series);
    while (advance(recipe)) {
    }
    struct gru_model *model = gru_recipe_model(recipe);
    const struct gru_info *info = gru_model_info(model);
    const size_t n_y = ROWS * info->y_floats, last = recipe->findings.n_trials - 1;
    double *mean = calloc(n_y, sizeof *mean), *y = calloc(n_y, sizeof *y);
    ck_assert(mean && y);
    average(recipe, made.x, n_y, mean);
    answer(model, made.x, y);
    for (size_t v = 0; v < n_y; v++) {
        ck_assert_double_eq_tol(y[v], mean[v], 1e-5 * (1 + fabs(mean[v])));
    }
    ck_assert_uint_eq(info->layers[0].hidden_size,
                      RECIPE_MEMBERS * gru_recipe_trials(recipe)[last].width);
    ck_assert(gru_model_is_verified(model));
    gru_model_unref(model);
    gru_recipe_free(recipe);
    free(mean);
    free(y);
}

TEST(a_joined_network_answers_with_the_mean_of_its_members)
{
    expect_mean(&swing);
    expect_mean(&(struct recipe_series){
        .level = 300, .trend = 1, .amplitude = 10, .period = 12, .noise = 1, .seed = 1 });
    expect_mean(&(struct recipe_series){ .level = 1000, .walk = 1, .seed = 3 });
}

/* The first readings are far from the later ones: what is scaled to all rows shows it. */
TEST(members_are_trained_on_all_rows_for_as_long_as_was_best)
{
    struct task made;
    struct gru_recipe *recipe = begin(&made, &swing);
    while (advance(recipe)) {
    }
    const struct gru_recipe_trial *trials = gru_recipe_trials(recipe);
    const struct gru_recipe_trial *chosen = &trials[chosen_of(recipe)];
    double mean = 0;
    for (size_t t = 0; t < ROWS; t++) {
        mean += made.x[t] / ROWS;
    }
    ck_assert_int_eq(chosen->transform.kind, GRU_TRANSFORM_NONE);
    struct gru_model *model = gru_recipe_model(recipe), *judged = gru_recipe_judged(recipe);
    ck_assert_double_eq_tol(gru_model_info(model)->inputs[0].mean, mean, 1e-6);
    ck_assert_double_ne(gru_model_info(judged)->inputs[0].mean,
                        gru_model_info(model)->inputs[0].mean);
    for (size_t k = gru_recipe_n_tried(recipe); k < recipe->findings.n_trials; k++) {
        ck_assert_uint_eq(trials[k].n_epochs, chosen->best_epoch);
        ck_assert(isnan(trials[k].error) && trials[k].fate == GRU_TRIAL_ENDED);
    }
    gru_model_unref(judged);
    gru_model_unref(model);
    gru_recipe_free(recipe);
}

/* Whenever the time is over. */
TEST(until_a_member_is_trained_the_model_is_the_one_that_was_judged)
{
    struct task made;
    struct gru_recipe *recipe = begin(&made, &swing);
    size_t n_joined = 0;
    while (advance(recipe)) {
        struct gru_model *model = gru_recipe_model(recipe), *judged = gru_recipe_judged(recipe);
        size_t n = 0;
        for (size_t k = gru_recipe_n_tried(recipe); k < recipe->findings.n_trials; k++) {
            n += gru_recipe_trials(recipe)[k].fate == GRU_TRIAL_ENDED;
        }
        ck_assert((n == 0) == (model == judged));
        if (n > n_joined) {
            ck_assert_uint_eq(gru_model_info(model)->layers[0].hidden_size,
                              n * gru_model_info(judged)->layers[0].hidden_size);
            n_joined = n;
        }
        gru_model_unref(judged);
        gru_model_unref(model);
    }
    ck_assert_uint_eq(n_joined, RECIPE_MEMBERS);
    gru_recipe_free(recipe);
}

TEST(a_naive_forecast_has_no_members)
{
    struct task made;
    struct gru_recipe *recipe = begin(&made, &(struct recipe_series){ .walk = 1, .seed = 11 });
    while (advance(recipe)) {
    }
    const size_t chosen = chosen_of(recipe);
    const size_t n_members = recipe->findings.n_trials - gru_recipe_n_tried(recipe);
    ck_assert_uint_eq(n_members, gru_recipe_trials(recipe)[chosen].width > 0 ? RECIPE_MEMBERS : 0);
    gru_recipe_free(recipe);
}

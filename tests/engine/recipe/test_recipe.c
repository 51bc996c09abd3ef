/* What a recipe chooses, that it is never worse than what needs no training, and what it refuses.
 */
#include "engine/failing.h"
#include "engine/recipe/recipe_series.h"
#include "engine/train/training.h"
#include "test.h"

#include "gru.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 240, HORIZON = 6 };

static const char *const names[] = { "v", "w", "u" };

/* A task of one column. */
struct task {
    struct gru_series series;
    struct gru_recipe_task task;
};

static void make(struct task *made, const double *x, size_t n_rows)
{
    made->series = (struct gru_series){ .x = x, .n_rows = n_rows };
    made->task = (struct gru_recipe_task){ .n_inputs = 1,
                                           .n_outputs = 1,
                                           .inputs = names,
                                           .outputs = names,
                                           .series = &made->series,
                                           .n_series = 1,
                                           .validation_fraction = 0.2,
                                           .horizon = HORIZON,
                                           .seed = 1 };
}

static struct gru_recipe *begin(const struct gru_recipe_task *task)
{
    struct gru_recipe *recipe;
    struct gru_error error = { 0 };
    ck_assert_msg(gru_recipe_create(task, &recipe, &error) == GRU_OK, "%s: %s", error.param,
                  error.message);
    return recipe;
}

/* At most so many pieces. */
static bool advance(struct gru_recipe *recipe, size_t n_pieces)
{
    bool is_done = false;
    for (size_t k = 0; k < n_pieces && !is_done; k++) {
        ck_assert_int_eq(gru_recipe_advance(recipe, &is_done), GRU_OK);
    }
    return is_done;
}

static struct gru_recipe_findings findings_of(const struct gru_recipe *recipe)
{
    struct gru_recipe_findings findings;
    gru_recipe_findings(recipe, &findings);
    return findings;
}

/* The first one with something to learn. */
static const struct gru_recipe_trial *plain_of(const struct gru_recipe *recipe)
{
    const struct gru_recipe_trial *trial = gru_recipe_trials(recipe);
    while (trial->width == 0) {
        trial++;
    }
    return trial;
}

static struct gru_recipe *run(const double *x, size_t n_rows)
{
    struct task made;
    make(&made, x, n_rows);
    struct gru_recipe *recipe = begin(&made.task);
    while (!advance(recipe, SIZE_MAX)) {
    }
    return recipe;
}

static void expect_no_worse(const struct gru_recipe *recipe)
{
    const struct gru_recipe_findings findings = findings_of(recipe);
    const struct gru_recipe_trial *trials = gru_recipe_trials(recipe);
    const double error = trials[findings.chosen].error;
    ck_assert(isfinite(error));
    ck_assert_double_le(error, findings.persistence);
    ck_assert(isnan(findings.seasonal_naive) || error <= findings.seasonal_naive);
    ck_assert_double_le(error, plain_of(recipe)->error);
}

/* ---- what is chosen ---- */

static void expect_kind(const struct recipe_series *series, enum gru_transform_kind one,
                        enum gru_transform_kind other)
{
    double x[ROWS];
    recipe_series_fill(series, x, ROWS);
    struct gru_recipe *recipe = run(x, ROWS);
    const struct gru_recipe_findings findings = findings_of(recipe);
    const struct gru_recipe_trial *chosen = &gru_recipe_trials(recipe)[findings.chosen];
    ck_assert_msg(chosen->transform.kind == one || chosen->transform.kind == other, "%s",
                  gru_transform_name(chosen->transform.kind));
    expect_no_worse(recipe);
    gru_recipe_free(recipe);
}

TEST(a_trend_with_a_season_is_transformed)
{
    expect_kind(
        &(struct recipe_series){
            .level = 300, .trend = 1, .amplitude = 10, .period = 12, .noise = 1, .seed = 1 },
        GRU_SEASONAL_DIFFERENCE, GRU_LEVEL);
}

TEST(a_stationary_swing_is_not)
{
    expect_kind(
        &(struct recipe_series){
            .level = 5, .amplitude = 2, .period = 7.3, .noise = 0.3, .seed = 2 },
        GRU_TRANSFORM_NONE, GRU_TRANSFORM_NONE);
}

TEST(a_random_walk_goes_by_its_changes)
{
    expect_kind(&(struct recipe_series){ .level = 1000, .walk = 1, .seed = 3 }, GRU_DIFFERENCE,
                GRU_DIFFERENCE);
}

TEST(a_real_series_is_forecast_far_better_than_by_default)
{
    size_t n_rows;
    double *x = recipe_series_read("mauna-loa-co2", &n_rows);
    struct gru_recipe *recipe = run(x, n_rows);
    const struct gru_recipe_findings findings = findings_of(recipe);
    ck_assert_uint_eq(findings.season.season, 12);
    ck_assert_double_lt(gru_recipe_trials(recipe)[findings.chosen].error,
                        0.5 * findings.seasonal_naive);
    ck_assert_double_lt(findings.seasonal_naive, findings.persistence);
    struct gru_model *model = gru_recipe_model(recipe);
    ck_assert_uint_eq(gru_model_info(model)->season, 12);
    gru_model_unref(model);
    gru_recipe_free(recipe);
    free(x);
}

TEST(none_is_worse_than_persistence_or_the_first_network)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        const struct recipe_series series = { .level = seed % 3 == 0 ? 1e5 : 0,
                                              .trend = seed % 2 == 0 ? 0.3 : 0,
                                              .amplitude = seed % 4 < 2 ? 3 : 0,
                                              .period = 5 + (double)seed,
                                              .noise = seed % 5 < 3 ? 0.5 : 0,
                                              .walk = seed % 3 == 1 ? 0.5 : 0,
                                              .missing = seed % 7 == 0 ? 150 : 0,
                                              .seed = seed };
        double x[ROWS];
        const size_t n_rows = seed % 6 == 0 ? 45 : 120;
        struct task made;
        recipe_series_fill(&series, x, n_rows);
        if (!(series.trend > 0 || series.amplitude > 0 || series.noise > 0 || series.walk > 0)) {
            continue; /* constant: it is refused */
        }
        make(&made, x, n_rows);
        struct gru_recipe *recipe = begin(&made.task);
        advance(recipe, 3000);
        expect_no_worse(recipe);
        gru_recipe_free(recipe);
    }
}

/* ---- errors are those of forecasts ---- */

/* The errors of the naive forecasts of a season of 12 by their definition, from all rows of a
 * validation part. */
static void naive_errors(const double *x, size_t first, size_t end, double *ret_persistence,
                         double *ret_seasonal)
{
    enum { SEASON = 12 };
    double persistence = 0, seasonal = 0;
    size_t n = 0;
    for (size_t origin = first - 1; origin + HORIZON < end; origin++) {
        for (size_t k = 1; k <= HORIZON; k++, n++) {
            persistence += fabs(x[origin + k] - x[origin]);
            seasonal += fabs(x[origin + k] - x[origin + k - SEASON]);
        }
    }
    *ret_persistence = persistence / (double)n;
    *ret_seasonal = seasonal / (double)n;
}

TEST(errors_of_naive_forecasts_are_those_of_their_definition)
{
    enum { N = 100, N_TRAIN = 80, N_FORMER = 60, SEASON = 12 };
    double x[N], persistence[2], seasonal[2], scale = 0;
    recipe_series_fill(
        &(struct recipe_series){
            .trend = 1, .amplitude = 9, .period = SEASON, .noise = 1, .seed = 4 },
        x, N);
    struct task made;
    make(&made, x, N);
    made.task.season = SEASON;
    struct gru_recipe *recipe = begin(&made.task);
    while (isnan(findings_of(recipe).seasonal_naive)) {
        advance(recipe, 1);
    }
    for (size_t t = SEASON; t < N_TRAIN; t++) {
        scale += fabs(x[t] - x[t - SEASON]) / (N_TRAIN - SEASON);
    }
    naive_errors(x, N_TRAIN, N, &persistence[0], &seasonal[0]);
    naive_errors(x, N_FORMER, N_TRAIN, &persistence[1], &seasonal[1]);
    const struct gru_recipe_findings findings = findings_of(recipe);
    ck_assert_uint_eq(findings.n_origins, N - HORIZON - N_TRAIN + 1);
    ck_assert_uint_eq(findings.n_former_origins, N_TRAIN - HORIZON - N_FORMER + 1);
    training_expect_near("scale", findings.scale, scale, 1e-12);
    training_expect_near("persistence", findings.persistence,
                         sqrt(persistence[0] * persistence[1]) / scale, 1e-6);
    training_expect_near("seasonal", findings.seasonal_naive,
                         sqrt(seasonal[0] * seasonal[1]) / scale, 1e-6);
    gru_recipe_free(recipe);
}

TEST(the_model_saves_and_loads)
{
    double x[ROWS];
    recipe_series_fill(&(struct recipe_series){ .trend = 1, .noise = 1, .seed = 5 }, x, ROWS);
    struct task made;
    make(&made, x, ROWS);
    struct gru_recipe *recipe = begin(&made.task);
    ck_assert_ptr_null(gru_recipe_model(recipe));
    for (size_t k = 0; k < 40; k++) {
        advance(recipe, 25);
        struct gru_model *model = gru_recipe_model(recipe), *loaded;
        void *bytes;
        size_t n_bytes;
        if (!model) {
            continue;
        }
        ck_assert_int_eq(gru_model_save(model, &bytes, &n_bytes), GRU_OK);
        ck_assert_int_eq(gru_model_load(bytes, n_bytes, &loaded, NULL), GRU_OK);
        ck_assert(gru_model_is_verified(loaded));
        free(bytes);
        gru_model_unref(loaded);
        gru_model_unref(model);
    }
    gru_recipe_free(recipe);
}

TEST(the_same_pieces_give_the_same_table_and_model)
{
    double x[ROWS];
    recipe_series_fill(
        &(struct recipe_series){
            .amplitude = 1, .period = 9, .noise = 0.3, .missing = 50, .seed = 6 },
        x, ROWS);
    struct task made;
    make(&made, x, ROWS);
    struct gru_recipe *one = begin(&made.task), *other = begin(&made.task);
    for (size_t k = 0; k < 3; k++) {
        advance(one, 1500);
        advance(other, 700);
        advance(other, 800);
        const size_t n = findings_of(one).n_trials;
        ck_assert_uint_eq(findings_of(other).n_trials, n);
        for (size_t t = 0; t < n; t++) {
            const struct gru_recipe_trial *a = &gru_recipe_trials(one)[t],
                                          *b = &gru_recipe_trials(other)[t];
            ck_assert(a->fate == b->fate && a->n_epochs == b->n_epochs);
            ck_assert(a->error == b->error || (isnan(a->error) && isnan(b->error)));
        }
        struct gru_model *a = gru_recipe_model(one), *b = gru_recipe_model(other);
        training_expect_same_weights(a, b);
        gru_model_unref(a);
        gru_model_unref(b);
    }
    gru_recipe_free(one);
    gru_recipe_free(other);
}

/* ---- other shapes ---- */

/* Three inputs of two series, two of them forecast; one of these stands still. */
TEST(several_series_and_outputs_go_together)
{
    enum { N = 90, INPUTS = 3 };
    double x[2][N * INPUTS], column[N];
    for (size_t s = 0; s < 2; s++) {
        for (size_t i = 0; i < INPUTS; i++) {
            recipe_series_fill(&(struct recipe_series){ .amplitude = i == 1 ? 0 : 1,
                                                        .period = 8,
                                                        .noise = i == 1 ? 0 : 0.2,
                                                        .seed = s + i },
                               column, N);
            for (size_t t = 0; t < N; t++) {
                x[s][t * INPUTS + i] = column[t];
            }
        }
    }
    const struct gru_series series[] = { { .x = x[0], .n_rows = N },
                                         { .x = x[1], .n_rows = 3 },
                                         { .x = x[1], .n_rows = 70 } };
    static const char *const outputs[] = { "u", "w" };
    struct task made;
    make(&made, x[0], N);
    made.task.n_inputs = INPUTS;
    made.task.n_outputs = 2;
    made.task.outputs = outputs;
    made.task.series = series;
    made.task.n_series = 3;
    struct gru_recipe *recipe = begin(&made.task);
    const struct gru_recipe_findings findings = findings_of(recipe);
    ck_assert_uint_eq(findings.season.season, 8);
    ck_assert_uint_eq(findings.n_train_rows, N - 18 + 2 + 70 - 14);
    advance(recipe, 4000);
    expect_no_worse(recipe);
    struct gru_model *model = gru_recipe_model(recipe);
    ck_assert(gru_model_info(model)->n_future == 1 && gru_model_info(model)->n_feeds == 2);
    gru_model_unref(model);
    gru_recipe_free(recipe);
}

/* ---- what is refused ---- */

static void expect_refused(const struct gru_recipe_task *task, const char *param, const char *part)
{
    struct gru_recipe *recipe;
    struct gru_error error = { 0 };
    ck_assert_int_eq(gru_recipe_create(task, &recipe, &error), GRU_BAD_ARGUMENT);
    ck_assert_str_eq(error.param, param);
    ck_assert_msg(strstr(error.message, part) != NULL, "%s", error.message);
    ck_assert_int_eq(gru_recipe_create(task, &recipe, NULL), GRU_BAD_ARGUMENT);
}

TEST(what_cannot_be_learned_is_refused)
{
    static const char *const other[] = { "y" };
    double x[ROWS];
    struct task made;
    recipe_series_fill(&(struct recipe_series){ .noise = 1, .seed = 7 }, x, ROWS);
    make(&made, x, 8);
    made.task.horizon = 1;
    expect_refused(&made.task, "series", "a recipe needs 8");
    make(&made, x, 0);
    expect_refused(&made.task, "series", "a recipe needs 8");
    make(&made, x, 20);
    expect_refused(&made.task, "horizon", "only 4 rows");
    make(&made, x, ROWS);
    made.task.horizon = 0;
    expect_refused(&made.task, "horizon", "from 1 to 1024");
    made.task.horizon = GRU_RECIPE_HORIZON_MAX + 1;
    expect_refused(&made.task, "horizon", "from 1 to 1024");
    make(&made, x, ROWS);
    made.task.validation_fraction = 0;
    expect_refused(&made.task, "validation_fraction", "above 0");
    make(&made, x, ROWS);
    made.task.season = GRU_TRANSFORM_SEASON_MAX + 1;
    expect_refused(&made.task, "season", "at most 10000");
    make(&made, x, ROWS);
    made.task.outputs = other;
    expect_refused(&made.task, "outputs", "'y' is no input");
}

TEST(what_does_not_change_is_refused)
{
    double x[ROWS];
    struct task made;
    recipe_series_fill(&(struct recipe_series){ .level = 4, .seed = 7 }, x, ROWS);
    make(&made, x, ROWS);
    expect_refused(&made.task, "series", "no output changes");
    recipe_series_fill(&(struct recipe_series){ .noise = 1, .missing = 1001, .seed = 7 }, x, ROWS);
    expect_refused(&made.task, "series", "no output changes");
    recipe_series_fill(&(struct recipe_series){ .noise = 1, .seed = 7 }, x, ROWS);
    for (size_t t = ROWS * 4 / 5; t < ROWS; t++) {
        x[t] = (double)NAN;
    }
    expect_refused(&made.task, "series", "all of them are missing");
}

/* ---- memory ---- */

#ifdef FAILING_MEMORY
/* All of it, until memory runs out: what it ended with. */
static enum gru_status run_short(const struct gru_recipe_task *task)
{
    struct gru_recipe *recipe;
    bool is_done = false;
    enum gru_status status = gru_recipe_create(task, &recipe, NULL);
    if (status != GRU_OK) {
        return status;
    }
    for (size_t k = 0; k < 400 && status == GRU_OK; k++) {
        status = gru_recipe_advance(recipe, &is_done);
    }
    gru_recipe_free(recipe);
    return status;
}

TEST(memory_may_run_out_anywhere)
{
    enum { N = 40 };
    double x[N];
    struct task made;
    recipe_series_fill(
        &(struct recipe_series){ .amplitude = 2, .period = 6, .noise = 0.2, .seed = 8 }, x, N);
    make(&made, x, N);
    made.task.horizon = 3;
    ck_assert_int_eq(run_short(&made.task), GRU_OK); /* BLAS has what it keeps */
    bool failed = true;
    for (long n = 0; failed; n += 1 + n / 16) {
        failing_memory_start(n);
        const enum gru_status status = run_short(&made.task);
        const long live = failing_memory_live();
        failed = failing_memory_stop() != 0;
        ck_assert_int_eq(status, failed ? GRU_NO_MEMORY : GRU_OK);
        ck_assert_int_eq(live, 0);
    }
}
#endif

/* A recipe's task: what is wrong with it, how its data are cut, and what the training part says. */
#include "engine/buffer.h"
#include "engine/fail.h"
#include "engine/recipe/recipe.h"
#include "engine/recipe/recipe_season.h"
#include "engine/train/dataset.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ORIGINS_MAX = 96, TRAIN_ROWS_LEAST = 8 };

/* ---- the task ---- */

static enum gru_status find_fed(struct gru_recipe *recipe, struct gru_error *error)
{
    const struct gru_recipe_task *task = &recipe->task;
    for (size_t o = 0; o < task->n_outputs; o++) {
        size_t i = 0;
        while (i < task->n_inputs && strcmp(task->inputs[i], task->outputs[o]) != 0) {
            i++;
        }
        if (i == task->n_inputs) {
            return gru_fail(error, GRU_BAD_ARGUMENT, "outputs",
                            "the output '%s' is no input: a recipe forecasts inputs, so name it "
                            "among these, too",
                            gru_show(task->outputs[o]).text);
        }
        recipe->fed[o] = i;
    }
    return GRU_OK;
}

static enum gru_status check_task(const struct gru_recipe_task *task, struct gru_error *error)
{
    if (task->horizon < 1 || task->horizon > GRU_RECIPE_HORIZON_MAX) {
        return gru_fail(error, GRU_BAD_ARGUMENT, "horizon",
                        "'horizon' must be from 1 to %d rows, not %zu", (int)GRU_RECIPE_HORIZON_MAX,
                        task->horizon);
    }
    if (task->n_validation == 0 &&
        !(task->validation_fraction > 0 && task->validation_fraction < 1)) {
        return gru_fail(error, GRU_BAD_ARGUMENT, "validation_fraction",
                        "'validation_fraction' must be above 0 and below 1, not %g: forecasts of "
                        "the last rows decide",
                        task->validation_fraction);
    }
    if (task->season > GRU_TRANSFORM_SEASON_MAX) {
        return gru_fail(error, GRU_BAD_ARGUMENT, "season",
                        "'season' must be at most %d rows, not %zu", (int)GRU_TRANSFORM_SEASON_MAX,
                        task->season);
    }
    return GRU_OK;
}

/* ---- the cut ---- */

static bool has_own_validation(const struct gru_recipe *recipe)
{
    return recipe->task.n_validation > 0;
}

/* The first rows of a series, if there is one to forecast. */
static void take(struct gru_recipe *recipe, enum recipe_rows rows, const struct gru_series *series,
                 size_t n_rows)
{
    struct recipe_part *part = &recipe->rows[rows];
    if (n_rows > 1) {
        part->of[part->n++] = (struct gru_series){ .x = series->x, .n_rows = n_rows };
    }
}

static void cut(struct gru_recipe *recipe)
{
    const struct gru_recipe_task *task = &recipe->task;
    const bool is_own = has_own_validation(recipe);
    recipe->judged = is_own ? task->validation : task->series;
    recipe->n_judged = is_own ? task->n_validation : task->n_series;
    for (size_t k = 0; k < task->n_series; k++) {
        const size_t n_rows = task->series[k].n_rows;
        const size_t n_valid =
            is_own ? 0 : gru_dataset_held_rows(task->validation_fraction, n_rows);
        recipe->findings.n_train_rows += n_rows - n_valid;
        recipe->findings.n_valid_rows += n_valid;
        if (!is_own) {
            recipe->n_before[k] = n_rows - n_valid;
            recipe->n_before_former[k] = n_rows > 2 * n_valid ? n_rows - 2 * n_valid : 0;
            take(recipe, RECIPE_BEFORE_FORMER, &task->series[k], recipe->n_before_former[k]);
        }
        take(recipe, RECIPE_BEFORE, &task->series[k], n_rows - n_valid);
        take(recipe, RECIPE_WHOLE, &task->series[k], n_rows);
    }
    for (size_t k = 0; k < task->n_validation; k++) {
        recipe->findings.n_valid_rows += task->validation[k].n_rows;
        recipe->n_before[k] = task->validation[k].n_rows > 0;
        take(recipe, RECIPE_WHOLE, &task->validation[k], task->validation[k].n_rows);
    }
}

/* Series of their own begin with a season in which nothing is known of the one before. */
static void skip_first_seasons(struct gru_recipe *recipe)
{
    const size_t season = gru_recipe_season(recipe);
    size_t first, last;
    for (size_t k = 0; has_own_validation(recipe) && k < recipe->n_judged; k++) {
        if (gru_recipe_origins(recipe, false, k, &first, &last) && season > 1) {
            recipe->n_before[k] = 1 + (last < season - 1 ? last : season - 1);
        }
    }
}

static size_t greatest_divisor(size_t a, size_t b)
{
    while (b > 0) {
        const size_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* Not always at the same place of a season. */
static void spread_origins(struct gru_recipe *recipe)
{
    const size_t season = gru_recipe_season(recipe);
    size_t n = 0, first, last;
    for (size_t k = 0; k < recipe->n_judged; k++) {
        n += gru_recipe_origins(recipe, false, k, &first, &last) ? last - first + 1 : 0;
    }
    recipe->stride = n / ORIGINS_MAX + 1;
    while (season > 1 && greatest_divisor(season, recipe->stride) > 1) {
        recipe->stride++;
    }
    for (size_t k = 0; k < recipe->n_judged; k++) {
        if (gru_recipe_origins(recipe, false, k, &first, &last)) {
            recipe->findings.n_origins += (last - first) / recipe->stride + 1;
        }
        if (gru_recipe_has_former(recipe) && gru_recipe_origins(recipe, true, k, &first, &last)) {
            recipe->findings.n_former_origins += (last - first) / recipe->stride + 1;
        }
    }
}

static enum gru_status check_rows(const struct gru_recipe *recipe, struct gru_error *error)
{
    const struct gru_recipe_findings *findings = &recipe->findings;
    if (findings->n_train_rows < TRAIN_ROWS_LEAST) {
        return gru_fail(error, GRU_BAD_ARGUMENT, "series",
                        "'series' has %zu rows before the validation part; a recipe needs %d, and "
                        "the more the better",
                        findings->n_train_rows, (int)TRAIN_ROWS_LEAST);
    }
    size_t n_origins = 0, longest = 0, first, last;
    for (size_t k = 0; k < recipe->n_judged; k++) {
        const size_t n_valid = recipe->judged[k].n_rows - recipe->n_before[k];
        longest = n_valid > longest ? n_valid : longest;
        n_origins += gru_recipe_origins(recipe, false, k, &first, &last);
    }
    return n_origins > 0
               ? GRU_OK
               : gru_fail(error, GRU_BAD_ARGUMENT, "horizon",
                          "'horizon' is %zu, and the validation part has only %zu rows to compare "
                          "with: a shorter horizon, more rows, or a larger 'validation_fraction'",
                          recipe->task.horizon, longest);
}

/* ---- what the training part says ---- */

static enum gru_status find_season(struct gru_recipe *recipe)
{
    const struct gru_recipe_task *task = &recipe->task;
    struct season_sums *sums = calloc(1, sizeof *sums);
    enum gru_status status = sums ? GRU_OK : GRU_NO_MEMORY;
    for (size_t k = 0; k < recipe->rows[RECIPE_BEFORE].n; k++) {
        for (size_t o = 0; status == GRU_OK && o < task->n_outputs; o++) {
            status = gru_season_add(sums, recipe->rows[RECIPE_BEFORE].of[k].x + recipe->fed[o],
                                    recipe->rows[RECIPE_BEFORE].of[k].n_rows, task->n_inputs);
        }
    }
    if (status == GRU_OK) {
        recipe->findings.season = gru_season_choose(sums, task->n_outputs, task->interval_seconds);
    }
    free(sums);
    return status;
}

/* The mean change over so many rows; 0: there is none. */
static double mean_change(const struct gru_recipe *recipe, size_t input, size_t lag)
{
    const size_t n_inputs = recipe->task.n_inputs;
    size_t n = 0;
    double total = 0;
    for (size_t k = 0; k < recipe->rows[RECIPE_BEFORE].n; k++) {
        const double *x = recipe->rows[RECIPE_BEFORE].of[k].x + input;
        for (size_t t = lag; t < recipe->rows[RECIPE_BEFORE].of[k].n_rows; t++) {
            const double change = x[t * n_inputs] - x[(t - lag) * n_inputs];
            n += !isnan(change);
            total += isnan(change) ? 0 : fabs(change);
        }
    }
    return n > 0 && isfinite(total) ? total / (double)n : 0;
}

/* How many readings there are to judge an output by. */
static size_t count_valid(const struct gru_recipe *recipe, bool is_former, size_t input)
{
    const size_t n_inputs = recipe->task.n_inputs;
    size_t n = 0, first, last;
    for (size_t k = 0; k < recipe->n_judged; k++) {
        if (gru_recipe_origins(recipe, is_former, k, &first, &last)) {
            const struct gru_series *series = &recipe->judged[k];
            for (size_t t = first + 1; t <= last + recipe->task.horizon; t++) {
                n += !isnan(series->x[t * n_inputs + input]);
            }
        }
    }
    return n;
}

static enum gru_status find_scales(struct gru_recipe *recipe, struct gru_error *error)
{
    const size_t season = gru_recipe_season(recipe);
    size_t n_valid = 0;
    for (size_t o = 0; o < recipe->task.n_outputs; o++) {
        double scale = season > 0 ? mean_change(recipe, recipe->fed[o], season) : 0;
        scale = scale > 0 ? scale : mean_change(recipe, recipe->fed[o], 1);
        recipe->scales[o] = scale;
        n_valid += scale > 0 ? count_valid(recipe, false, recipe->fed[o]) : 0;
        if (!(recipe->findings.scale > 0)) {
            recipe->findings.scale = scale;
        }
    }
    if (!(recipe->findings.scale > 0)) {
        return gru_fail(error, GRU_BAD_ARGUMENT, "series",
                        "no output changes in the training part, or no two readings of it follow "
                        "each other: nothing can be learned");
    }
    return n_valid > 0 ? GRU_OK
                       : gru_fail(error, GRU_BAD_ARGUMENT, "series",
                                  "the validation part has no reading of an output to compare "
                                  "with: all of them are missing");
}

/* The former part must leave enough to learn from, and have something to compare with. */
static void drop_poor_former(struct gru_recipe *recipe)
{
    struct recipe_part *before = &recipe->rows[RECIPE_BEFORE_FORMER];
    const size_t n_train = recipe->findings.n_train_rows, season = gru_recipe_season(recipe);
    size_t n_rows = 0, n_valid = 0;
    for (size_t k = 0; k < before->n; k++) {
        n_rows += before->of[k].n_rows;
    }
    for (size_t o = 0; o < recipe->task.n_outputs; o++) {
        n_valid += recipe->scales[o] > 0 ? count_valid(recipe, true, recipe->fed[o]) : 0;
    }
    if (n_rows < TRAIN_ROWS_LEAST || n_rows < n_train / 2 || n_rows < 2 * season || n_valid == 0) {
        before->n = 0;
    }
}

/* ---- the recipe ---- */

static enum gru_status allocate(struct gru_recipe *recipe)
{
    const struct gru_recipe_task *task = &recipe->task;
    const size_t n_judged = task->n_validation > 0 ? task->n_validation : task->n_series;
    bool has_rows = true;
    for (size_t k = 0; k < RECIPE_N_ROWS; k++) {
        recipe->rows[k].of =
            gru_array_alloc(task->n_series + task->n_validation, sizeof *recipe->rows[k].of);
        has_rows = has_rows && recipe->rows[k].of;
    }
    recipe->n_before = gru_array_alloc(n_judged, sizeof *recipe->n_before);
    recipe->n_before_former = gru_array_alloc(n_judged, sizeof *recipe->n_before_former);
    recipe->fed = gru_array_alloc(task->n_outputs, sizeof *recipe->fed);
    recipe->scales = gru_array_alloc(task->n_outputs, sizeof *recipe->scales);
    return has_rows && recipe->n_before && recipe->n_before_former && recipe->fed && recipe->scales
               ? gru_work_create(&recipe->work)
               : GRU_NO_MEMORY;
}

static enum gru_status prepare(struct gru_recipe *recipe, struct gru_error *error)
{
    enum gru_status status = allocate(recipe);
    if (status != GRU_OK) {
        return gru_fail_no_memory(error);
    }
    status = find_fed(recipe, error);
    if (status == GRU_OK) {
        cut(recipe);
        status = check_rows(recipe, error);
    }
    return status;
}

enum gru_status gru_recipe_prepare(const struct gru_recipe_task *task,
                                   struct gru_recipe **ret_recipe, struct gru_error *error)
{
    enum gru_status status = check_task(task, error);
    if (status != GRU_OK) {
        return status;
    }
    struct gru_recipe *recipe = calloc(1, sizeof *recipe);
    if (!recipe) {
        (void)gru_fail_no_memory(error);
        return GRU_NO_MEMORY;
    }
    recipe->task = *task;
    status = prepare(recipe, error);
    if (status != GRU_OK) {
        gru_recipe_free(recipe);
        return status;
    }
    *ret_recipe = recipe;
    return GRU_OK;
}

/* What takes arithmetic. */
static enum gru_status fill(struct gru_recipe *recipe, struct gru_error *error)
{
    if (find_season(recipe) != GRU_OK) {
        return gru_fail_no_memory(error);
    }
    skip_first_seasons(recipe);
    const enum gru_status status = find_scales(recipe, error);
    if (status == GRU_OK) {
        drop_poor_former(recipe);
        spread_origins(recipe);
        gru_recipe_first_trials(recipe);
    }
    return status;
}

enum gru_status gru_recipe_create(const struct gru_recipe_task *task,
                                  struct gru_recipe **ret_recipe, struct gru_error *error)
{
    struct gru_recipe *recipe = NULL;
    enum gru_status status = gru_recipe_prepare(task, &recipe, error);
    if (status != GRU_OK) {
        return status;
    }
    status = fill(recipe, error);
    if (status != GRU_OK) {
        gru_recipe_free(recipe);
        return status;
    }
    *ret_recipe = recipe;
    return GRU_OK;
}

void gru_recipe_free(struct gru_recipe *recipe)
{
    if (recipe) {
        for (size_t k = 0; k < GRU_RECIPE_TRIALS_MAX; k++) {
            gru_trainer_free(recipe->trials[k].trainer);
            gru_trainer_free(recipe->trials[k].former);
            gru_model_unref(recipe->trials[k].base);
            gru_model_unref(recipe->trials[k].best);
        }
        gru_recipe_judge_done(recipe);
        gru_model_unref(recipe->joined);
        gru_work_free(recipe->work);
        for (size_t k = 0; k < RECIPE_N_ROWS; k++) {
            free(recipe->rows[k].of);
        }
        free(recipe->n_before);
        free(recipe->n_before_former);
        free(recipe->fed);
        free(recipe->scales);
        free(recipe);
    }
}

/* How far the roll-outs of a model are off over the validation part of a recipe. */
#include "engine/buffer.h"
#include "engine/recipe/recipe.h"

#include <math.h>
#include <stdlib.h>

bool gru_recipe_origins(const struct gru_recipe *recipe, bool is_former, size_t series,
                        size_t *ret_first, size_t *ret_last)
{
    const size_t n_before = is_former ? recipe->n_before_former[series] : recipe->n_before[series];
    const size_t n_rows = is_former ? recipe->n_before[series] : recipe->judged[series].n_rows;
    if (n_before == 0 || n_rows - n_before < recipe->task.horizon) {
        return false;
    }
    *ret_first = n_before - 1;
    *ret_last = n_rows - 1 - recipe->task.horizon;
    return true;
}

static void begin_series(struct gru_recipe *recipe)
{
    struct recipe_judgement *judgement = &recipe->judgement;
    size_t last;
    judgement->n_run = 0;
    while (judgement->series < recipe->n_judged &&
           !gru_recipe_origins(recipe, judgement->is_former, judgement->series, &judgement->origin,
                               &last)) {
        judgement->series++;
    }
    gru_state_init(judgement->model, judgement->state);
}

enum gru_status gru_recipe_judge(struct gru_recipe *recipe, struct gru_model *model, bool is_former)
{
    const struct gru_info *info = gru_model_info(model);
    const size_t horizon = recipe->task.horizon;
    struct recipe_judgement judgement = {
        .model = gru_model_ref(model),
        .is_former = is_former,
        .state = gru_array_alloc(info->state_floats, sizeof *judgement.state),
        .y = gru_array_alloc(info->y_floats, sizeof *judgement.y),
        .forecast = gru_array_alloc(horizon * info->n_outputs, sizeof *judgement.forecast),
        .future = gru_array_alloc(gru_future_rows(model, horizon) * info->n_future,
                                  sizeof *judgement.future),
    };
    recipe->judgement = judgement;
    if (!judgement.state || !judgement.y || !judgement.forecast || !judgement.future) {
        gru_recipe_judge_done(recipe);
        return GRU_NO_MEMORY;
    }
    begin_series(recipe);
    return GRU_OK;
}

void gru_recipe_judge_done(struct gru_recipe *recipe)
{
    struct recipe_judgement *judgement = &recipe->judgement;
    gru_model_unref(judgement->model);
    free(judgement->state);
    free(judgement->y);
    free(judgement->forecast);
    free(judgement->future);
    *judgement = (struct recipe_judgement){ 0 };
}

/* The readings to come of the inputs that are not forecast, as if they were known; behind the end
 * of the series they are missing. */
static size_t look_ahead(struct gru_recipe *recipe, const struct gru_series *series)
{
    const struct recipe_judgement *judgement = &recipe->judgement;
    const struct gru_info *info = gru_model_info(judgement->model);
    const size_t n_rows = gru_future_rows(judgement->model, recipe->task.horizon);
    double *future = judgement->future;
    for (size_t k = 0; k < n_rows; k++) {
        const size_t t = judgement->origin + 1 + k;
        for (size_t i = 0; i < info->n_inputs; i++) {
            if (info->inputs[i].feeds < 0) {
                *future++ = t < series->n_rows ? series->x[t * info->n_inputs + i] : (double)NAN;
            }
        }
    }
    return n_rows;
}

static void compare(struct gru_recipe *recipe, const struct gru_series *series)
{
    struct recipe_judgement *judgement = &recipe->judgement;
    const struct gru_recipe_task *task = &recipe->task;
    for (size_t k = 0; k < task->horizon; k++) {
        const double *x = series->x + (judgement->origin + 1 + k) * task->n_inputs;
        for (size_t o = 0; o < task->n_outputs; o++) {
            const double off = judgement->forecast[k * task->n_outputs + o] - x[recipe->fed[o]];
            if (recipe->scales[o] > 0 && !isnan(x[recipe->fed[o]])) {
                judgement->total += fabs(off) / recipe->scales[o];
                judgement->n++;
            }
        }
    }
}

static enum gru_status forecast(struct gru_recipe *recipe, const struct gru_series *series)
{
    struct recipe_judgement *judgement = &recipe->judgement;
    const size_t n_future = look_ahead(recipe, series);
    const enum gru_status status =
        gru_forecast(judgement->model, recipe->work, judgement->state, recipe->task.horizon,
                     judgement->future, n_future, judgement->forecast);
    if (status == GRU_OK) {
        compare(recipe, series);
    }
    return status;
}

/* Some rows up to the origin, and from there the forecast. */
static enum gru_status run_on(struct gru_recipe *recipe)
{
    struct recipe_judgement *judgement = &recipe->judgement;
    const struct gru_series *series = &recipe->judged[judgement->series];
    const size_t n_left = judgement->origin + 1 - judgement->n_run;
    struct gru_lane lane = {
        .state_in = judgement->state,
        .state_out = judgement->state,
        .x = series->x + judgement->n_run * recipe->task.n_inputs,
        .n_rows = n_left < RECIPE_SERIES_ROWS ? n_left : (size_t)RECIPE_SERIES_ROWS,
        .y = judgement->y,
        .last_only = true,
    };
    enum gru_status status = gru_run(judgement->model, recipe->work, &lane, 1);
    status = status == GRU_OK ? lane.status : status;
    judgement->n_run += lane.n_rows;
    if (status == GRU_OK && judgement->n_run == judgement->origin + 1) {
        status = forecast(recipe, series);
        judgement->origin += recipe->stride;
    }
    return status;
}

enum gru_status gru_recipe_judge_on(struct gru_recipe *recipe, bool *ret_is_done, double *ret_error)
{
    struct recipe_judgement *judgement = &recipe->judgement;
    size_t first, last;
    const enum gru_status status = run_on(recipe);
    if (status == GRU_NO_MEMORY) {
        return status;
    }
    if (gru_recipe_origins(recipe, judgement->is_former, judgement->series, &first, &last) &&
        judgement->origin > last) {
        judgement->series++;
        begin_series(recipe);
    }
    *ret_is_done = status != GRU_OK || judgement->series == recipe->n_judged;
    if (*ret_is_done) {
        const double error = judgement->total / (double)judgement->n;
        *ret_error = status == GRU_OK && isfinite(error) ? error : (double)INFINITY;
        gru_recipe_judge_done(recipe);
    }
    return GRU_OK;
}

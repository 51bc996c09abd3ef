/* Runs both models over the validation's series, some rows at a time; see comparison.h. */
#include "engine/train/comparison.h"

#include <math.h>

/* ---- a series ---- */

static bool is_continuation(const struct gru_comparison *comparison, size_t k)
{
    return gru_dataset_lane(&comparison->dataset, PART_VALID, k).series->is_continuation;
}

size_t gru_comparison_group_end(const struct gru_comparison *comparison, size_t k)
{
    const size_t n = gru_dataset_n_series(&comparison->dataset, PART_VALID);
    do {
        k++;
    } while (k < n && is_continuation(comparison, k));
    return k;
}

/* The group of series k, whose first series may have no targets. */
static void begin_group(struct gru_comparison *comparison, size_t k)
{
    comparison->group_end = gru_comparison_group_end(comparison, k);
    while (k > 0 && is_continuation(comparison, k)) {
        k--;
    }
    comparison->group_begin = k;
    gru_comparison_screen(comparison);
}

static void begin_series(struct gru_comparison *comparison)
{
    const struct gru_info *info = comparison->info;
    comparison->lane = gru_dataset_lane(&comparison->dataset, PART_VALID, comparison->k);
    comparison->t = 0;
    comparison->n_disturbed[SURE] = comparison->n_disturbed[WITH_DOUBTS] = 0;
    gru_repeats_begin_series(&comparison->repeats);
    comparison->first_target = gru_dataset_next_target(&comparison->dataset, &comparison->lane, 0,
                                                       comparison->lane.n_rows);
    for (size_t m = 0; m < N_COMPARED; m++) {
        struct compared_model *model = &comparison->models[m];
        gru_state_init(model->model, model->state);
        model->has_failed = false;
    }
    for (size_t i = 0; i < info->n_inputs + info->n_outputs; i++) {
        comparison->seen[i] = NAN;
    }
    gru_state_init_transforms(comparison->dataset.model, comparison->transforms);
    if (comparison->k >= comparison->group_end) {
        begin_group(comparison, comparison->k);
    }
    gru_comparison_begin_origins(comparison);
}

bool gru_comparison_begin_next(struct gru_comparison *comparison)
{
    size_t n = gru_dataset_n_series(&comparison->dataset, PART_VALID);
    while (comparison->k < n && comparison->plan.stream[comparison->k] == SIZE_MAX) {
        comparison->k++;
    }
    if (comparison->k == n) {
        return false;
    }
    begin_series(comparison);
    return true;
}

/* ---- rows ---- */

/* An answer that is not finite ends a model's run over the series: from there on it has none. */
static enum gru_status run(struct gru_comparison *comparison, struct compared_model *model,
                           size_t n_rows)
{
    const struct gru_info *info = gru_model_info(model->model);
    struct gru_lane lane = { .state_in = model->state,
                             .state_out = model->state,
                             .x = comparison->lane.series->x + comparison->t * info->n_inputs,
                             .n_rows = n_rows,
                             .y = model->y };
    if (!model->has_failed) {
        enum gru_status status = gru_run(model->model, comparison->work, &lane, 1);
        if (status != GRU_OK) {
            return status;
        }
        model->has_failed = lane.status != GRU_OK;
    }
    for (size_t k = 0; model->has_failed && k < n_rows * info->y_floats; k++) {
        model->y[k] = NAN;
    }
    return GRU_OK;
}

/* Up to the next row to roll out from. */
static size_t rows_of_piece(const struct gru_comparison *comparison)
{
    size_t end = comparison->t + COMPARED_ROWS;
    end = end < comparison->lane.n_rows ? end : comparison->lane.n_rows;
    return (comparison->origin < end ? comparison->origin + 1 : end) - comparison->t;
}

static enum gru_status advance(struct gru_comparison *comparison)
{
    size_t n_rows = rows_of_piece(comparison);
    enum gru_status status = GRU_OK;
    for (size_t m = 0; status == GRU_OK && m < N_COMPARED; m++) {
        status = run(comparison, &comparison->models[m], n_rows);
    }
    for (size_t row = 0; status == GRU_OK && row < n_rows; row++) {
        gru_comparison_score(comparison, comparison->t + row, row);
    }
    if (status == GRU_OK) {
        comparison->t += n_rows;
        status = comparison->t - 1 == comparison->origin
                     ? gru_comparison_roll(comparison, comparison->t - 1)
                     : GRU_OK;
    }
    return status;
}

enum gru_status gru_comparison_advance(struct gru_comparison *comparison, bool *ret_is_done)
{
    *ret_is_done = comparison->lane.n_rows == 0 && !gru_comparison_begin_next(comparison);
    if (*ret_is_done) {
        gru_comparison_end(comparison);
        return GRU_OK;
    }
    enum gru_status status = advance(comparison);
    if (status == GRU_OK && comparison->t >= comparison->lane.n_rows) {
        comparison->lane.n_rows = 0;
        comparison->k++;
    }
    return status;
}

const struct gru_comparison_result *gru_comparison_result(const struct gru_comparison *comparison)
{
    return &comparison->result;
}

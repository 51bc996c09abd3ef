/* See persistence.h. */
#include "engine/train/persistence.h"
#include "engine/train/loss.h"

#include <math.h>

void gru_persistence_begin(struct gru_trainer *trainer)
{
    size_t width = trainer->model->info.n_inputs + trainer->model->info.n_outputs;
    for (size_t k = 0; k < trainer->n_lanes * width; k++) {
        trainer->arrays.seen[k] = (double)NAN;
    }
}

/* Of an output that feeds an input, that input is what was observed; of another, its own targets of
 * earlier rows (of the first step ahead, if there are several: the later ones are not known yet).
 */
static bool forecast(const struct gru_trainer *trainer, const struct dataset_lane *lane,
                     const double *seen, size_t t, size_t column, float *ret_forecast)
{
    const struct gru_info *info = &trainer->model->info;
    size_t o = column % info->n_outputs;
    int fed = info->outputs[o].feeds;
    if (fed < 0 && lane->series->n_targets != lane->series->n_rows) {
        return false;
    }
    double last = fed >= 0 ? seen[fed] : seen[info->n_inputs + o];
    double base = fed >= 0 ? lane->x[t * info->n_inputs + (size_t)fed] : 0;
    *ret_forecast = isnan(last) ? 0.0F : gru_dataset_scale(&trainer->dataset, column, last, base);
    return true;
}

void gru_persistence_row(struct gru_trainer *trainer, size_t lane_index, size_t t,
                         const float *targets)
{
    const struct gru_info *info = &trainer->model->info;
    const struct dataset_lane *lane = &trainer->arrays.lanes[lane_index];
    const struct gru_series *series = lane->series;
    struct trainer_validation *validation = &trainer->validation;
    const struct loss_terms terms = gru_dataset_loss(&trainer->dataset);
    double *seen = trainer->arrays.seen + lane_index * (info->n_inputs + info->n_outputs);
    if (gru_loss_takes_logits(trainer->dataset.loss)) {
        validation->has_persistence = false;
        return;
    }
    for (size_t i = 0; i < info->n_inputs; i++) {
        double x = series->x[t * info->n_inputs + i];
        seen[i] = isnan(x) ? seen[i] : x;
    }
    for (size_t k = 0; k < trainer->dataset.width; k++) {
        float value;
        if (isnan(targets[k])) {
            continue;
        }
        if (!forecast(trainer, lane, seen, t, k, &value)) {
            validation->has_persistence = false;
            continue;
        }
        validation->persistence +=
            gru_output_weight(&terms, k) *
            gru_loss_of_one(trainer->dataset.loss, (double)value - (double)targets[k]);
    }
    for (size_t o = 0; series->n_targets == series->n_rows && o < info->n_outputs; o++) {
        double y = series->y[t * trainer->dataset.width + o];
        seen[info->n_inputs + o] = isnan(y) ? seen[info->n_inputs + o] : y;
    }
}

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

static double *seen_by(const struct gru_trainer *trainer, size_t lane)
{
    const struct gru_info *info = &trainer->model->info;
    return trainer->arrays.seen + lane * (info->n_inputs + info->n_outputs);
}

/* What a residual output is added to in row t; 0 of others. */
static double base_at(const struct dataset *dataset, const struct dataset_lane *lane, size_t t,
                      size_t o)
{
    const struct gru_info *info = dataset->info;
    const int fed = info->residual ? info->outputs[o].feeds : -1;
    return fed >= 0 ? gru_dataset_seen(dataset, lane, t, (size_t)fed) : 0;
}

/* Of an output that feeds an input, that input is what was observed; of another, its own targets of
 * earlier rows (of the first step ahead, if there are several: the later ones are not known yet).
 * Before anything was, the network's 0. NaN: nothing is observed of it. Raw, also where there is a
 * transform, which does not know of anything before it was observed. */
static double forecast(const struct gru_trainer *trainer, const struct dataset_lane *lane,
                       const double *seen, size_t t, size_t o)
{
    const struct gru_info *info = &trainer->model->info;
    int fed = info->outputs[o].feeds;
    if (fed < 0 && lane->series->n_targets != lane->series->n_rows) {
        return (double)NAN;
    }
    double last = fed >= 0 ? seen[fed] : seen[info->n_inputs + o];
    return isnan(last) ? base_at(&trainer->dataset, lane, t, o) + info->outputs[o].mean : last;
}

/* Such a forecast from row t as targets are, that many rows ahead. */
static double as_target(const struct gru_trainer *trainer, const struct dataset_lane *lane,
                        size_t t, size_t ahead, size_t o, double naive)
{
    const struct gru_info *info = &trainer->model->info;
    if (!lane->maps || info->outputs[o].feeds < 0 || isnan(naive)) {
        return naive;
    }
    const struct gru_variable *input = &info->inputs[info->outputs[o].feeds];
    const struct transform_map next = lane->maps[t * info->n_outputs + o],
                               then = lane->maps[(t + ahead - 1) * info->n_outputs + o];
    return gru_transform_same(&input->transform, next, then, naive, ahead, input->mean);
}

/* What it loses by a target; without a forecast there is no persistence. */
static void lose(struct gru_trainer *trainer, size_t column, double naive, double target)
{
    const struct loss_terms terms = gru_dataset_loss(&trainer->dataset);
    const struct gru_variable *output =
        &trainer->model->info.outputs[column % trainer->model->info.n_outputs];
    if (isnan(naive)) {
        trainer->validation.has_persistence = false;
        return;
    }
    trainer->validation.persistence += gru_output_weight(&terms, column) *
                                       gru_loss_of_one(terms.loss, (naive - target) / output->std);
}

/* The targets of one step ahead. */
static void compare_step(struct gru_trainer *trainer, const struct dataset_lane *lane,
                         const double *seen, size_t t, size_t ahead)
{
    const size_t n_outputs = trainer->model->info.n_outputs;
    for (size_t o = 0; o < n_outputs; o++) {
        const size_t k = (ahead - 1) * n_outputs + o;
        const double target = gru_dataset_raw_target(&trainer->dataset, lane, t, k);
        if (!isnan(target)) {
            const double naive_of = forecast(trainer, lane, seen, t, o);
            lose(trainer, k, as_target(trainer, lane, t, ahead, o, naive_of), target);
        }
    }
}

void gru_persistence_row(struct gru_trainer *trainer, size_t lane_index, size_t t, bool compares,
                         double *naive)
{
    const struct gru_info *info = &trainer->model->info;
    const struct dataset_lane *lane = &trainer->arrays.lanes[lane_index];
    const struct gru_series *series = lane->series;
    const size_t width = trainer->dataset.width;
    double *seen = seen_by(trainer, lane_index);
    if (gru_loss_takes_logits(trainer->dataset.loss)) {
        trainer->validation.has_persistence = false;
        return;
    }
    for (size_t i = 0; i < info->n_inputs; i++) {
        double x = series->x[t * info->n_inputs + i];
        seen[i] = isnan(x) ? seen[i] : x;
    }
    for (size_t o = 0; naive && o < info->n_outputs; o++) {
        naive[o] = forecast(trainer, lane, seen, t, o);
    }
    for (size_t ahead = 1; compares && ahead <= info->steps; ahead++) {
        compare_step(trainer, lane, seen, t, ahead);
    }
    for (size_t o = 0; series->n_targets == series->n_rows && o < info->n_outputs; o++) {
        double y = series->y[t * width + o];
        seen[info->n_inputs + o] = isnan(y) ? seen[info->n_inputs + o] : y;
    }
}

void gru_persistence_lose(struct gru_trainer *trainer, size_t lane_index, size_t origin, size_t t,
                          size_t column, double naive)
{
    const size_t n_outputs = trainer->model->info.n_outputs;
    const struct dataset_lane *lane = &trainer->arrays.lanes[lane_index];
    const size_t ahead = t - origin + 1 + column / n_outputs;
    lose(trainer, column, as_target(trainer, lane, origin, ahead, column % n_outputs, naive),
         gru_dataset_raw_target(&trainer->dataset, lane, t, column));
}

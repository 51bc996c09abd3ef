/* See rolls.h. */
#include "engine/train/rolls.h"
#include "engine/random.h"
#include "engine/train/persistence.h"

#include <math.h>
#include <string.h>

static struct horizon_window window_of(const struct gru_trainer *trainer)
{
    return (struct horizon_window){ .lanes = trainer->arrays.lanes,
                                    .t = trainer->position.t,
                                    .n_steps = trainer->roll_steps,
                                    .n_lanes = trainer->arrays.n_lanes,
                                    .phase = trainer->roll_phase };
}

void gru_rolls_begin(struct gru_trainer *trainer, size_t n_steps, uint64_t key)
{
    const size_t spacing = trainer->horizon->sizes.spacing;
    const bool is_training = trainer->position.phase == PHASE_TRAIN;
    const size_t n_first = n_steps < spacing ? n_steps : spacing; /* so that there is one */
    trainer->horizon->seen = gru_trainer_dataset(trainer);
    trainer->roll_steps = n_steps;
    trainer->roll_phase =
        is_training && n_first > 0 ? (size_t)(gru_random_at(key, UINT64_MAX) % n_first) : 0;
    const struct horizon_window window = window_of(trainer);
    gru_horizon_begin(trainer->horizon, &window);
}

void gru_rolls_observe(struct gru_trainer *trainer, size_t lane, size_t t, size_t row)
{
    const size_t j = trainer->horizon->marks[row];
    gru_persistence_row(trainer, lane, t, false,
                        j < SIZE_MAX ? trainer->horizon->naive + j * trainer->model->info.n_outputs
                                     : NULL);
}

/* ---- validation ---- */

/* A row of block k, which has the targets of row t of its lane. */
static void judge_row(struct gru_trainer *trainer, size_t k, size_t j)
{
    struct horizon *horizon = trainer->horizon;
    const struct gru_info *info = &trainer->model->info;
    const struct horizon_origin *origin = &horizon->origins[j];
    const size_t t = origin->t + k * info->steps;
    const size_t at = (gru_horizon_first(horizon, k) + j) * info->y_floats;
    const float *targets = horizon->targets + at;
    if (trainer->selection) { /* which spoils the read-out */
        memcpy(horizon->d_out, horizon->z + at, info->y_floats * sizeof *horizon->d_out);
        gru_selection_add(trainer->selection, &trainer->dataset,
                          &trainer->arrays.lanes[origin->lane], t, horizon->d_out, targets);
    }
    for (size_t c = 0; trainer->position.phase == PHASE_BASELINE && c < info->y_floats; c++) {
        if (!isnan(targets[c])) {
            gru_persistence_lose(trainer, origin->lane, origin->t, t, c,
                                 horizon->naive[j * info->n_outputs + c % info->n_outputs]);
        }
    }
}

struct loss_sum gru_rolls_lose(struct gru_trainer *trainer, bool is_training, uint64_t key)
{
    struct horizon *horizon = trainer->horizon;
    const struct horizon_window window = window_of(trainer);
    const struct loss_sum sum = gru_horizon_forward(
        horizon, &window, trainer->arrays.out, is_training, gru_random_at(key, UINT64_MAX - 1));
    for (size_t k = 0; !is_training && k < horizon->sizes.n_blocks; k++) {
        for (size_t j = 0; j < gru_horizon_lanes(horizon, k); j++) {
            judge_row(trainer, k, j);
        }
    }
    return sum;
}

/* ---- training ---- */

void gru_rolls_go_back(struct gru_trainer *trainer, double weight, size_t n_rows)
{
    gru_horizon_backward(trainer->horizon, weight, n_rows, trainer->arrays.d_out);
}

void gru_rolls_add_gradients(struct gru_trainer *trainer)
{
    const float *of_rolls = gru_backprop_gradients(trainer->horizon->backprop);
    float *gradients = gru_backprop_gradients(trainer->backprop);
    const size_t n = trainer->sizes.n_parameters;
    for (size_t k = n - trainer->sizes.n_trained; k < n; k++) {
        gradients[k] += of_rolls[k];
    }
}

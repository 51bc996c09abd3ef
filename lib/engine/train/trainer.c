/*
 * trainer.c - gru_trainer_advance: one window of a batch at a time, through training and
 * validation.
 *
 * What comes next follows from the position alone. A call does one window: forward over its rows,
 * and in training backward and an update where the window has targets. Everything that is counted
 * or averaged is in the position, everything that is carried is in the arrays, and orders are
 * computed anew from the seed: so a checkpoint between any two calls continues with the same bits.
 */
#include "engine/train/trainer.h"
#include "engine/random.h"
#include "engine/train/loss.h"
#include "engine/train/persistence.h"
#include "engine/train/rolls.h"
#include "engine/train/scaling_fit.h"
#include "engine/train/schedule.h"
#include "kernels/flush.h"

#include <math.h>
#include <string.h>

/* The rows of one call. */
struct trainer_rows {
    size_t n_steps, n_rows;
    size_t n_targets;
};

/* ---- batches ---- */

static enum part part_of(enum trainer_phase phase)
{
    return phase == PHASE_TRAIN ? PART_TRAIN : PART_VALID;
}

struct order gru_trainer_order(const struct gru_trainer *trainer)
{
    return (struct order){ .dataset = gru_trainer_dataset(trainer),
                           .part = part_of((enum trainer_phase)trainer->position.phase),
                           .key = gru_epoch_key(trainer->training.seed, trainer->position.epoch) };
}

void gru_trainer_take_batch(struct gru_trainer *trainer)
{
    struct order order = gru_trainer_order(trainer);
    trainer->n_lanes = gru_batch_take(&order, trainer->position.cursor, trainer->sizes.n_lanes,
                                      trainer->arrays.lanes, &trainer->next);
    if (trainer->position.phase == PHASE_BASELINE) {
        gru_persistence_begin(trainer);
    }
}

static void begin_batch(struct gru_trainer *trainer, size_t cursor)
{
    trainer->position.cursor = cursor;
    trainer->position.t = 0;
    memset(trainer->arrays.states, 0, trainer->sizes.n_states * sizeof *trainer->arrays.states);
    gru_trainer_take_batch(trainer);
}

void gru_trainer_begin_phase(struct gru_trainer *trainer, enum trainer_phase phase)
{
    trainer->position.phase = phase;
    trainer->n_lanes = 0;
    if (phase != PHASE_END) {
        trainer->validation = (struct trainer_validation){ .has_persistence = true };
        if (trainer->selection) {
            gru_selection_begin(trainer->selection);
        }
        begin_batch(trainer, 0);
    }
}

/* ---- one window ---- */

/* Each window of each epoch drops other units, and rolls out from other rows. */
static uint64_t window_key(const struct gru_trainer *trainer)
{
    const struct trainer_position *position = &trainer->position;
    uint64_t epoch = gru_epoch_key(~trainer->training.seed, position->epoch);
    return gru_random_at(gru_random_at(epoch, position->cursor), position->t);
}

/* A row of a lane: what the network sees, its targets, and what persistence makes of it. Where
 * there are roll-outs, targets are theirs. */
static void gather_row(struct gru_trainer *trainer, size_t lane, size_t t, size_t row,
                       struct trainer_rows *rows)
{
    const struct trainer_arrays *arrays = &trainer->arrays;
    const bool observes = trainer->position.phase == PHASE_BASELINE;
    gru_dataset_inputs(gru_trainer_dataset(trainer), &arrays->lanes[lane], t,
                       arrays->in + row * trainer->model->info.n_inputs);
    if (!trainer->horizon) {
        rows->n_targets += gru_dataset_targets(&trainer->dataset, &arrays->lanes[lane], t,
                                               arrays->targets + row * trainer->dataset.width);
        if (observes) {
            gru_persistence_row(trainer, lane, t, true, NULL);
        }
    } else if (observes) {
        gru_rolls_observe(trainer, lane, t, row);
    }
}

/* Lays the next window's inputs and targets out, step by step, longest lanes first. */
static struct trainer_rows gather(struct gru_trainer *trainer)
{
    const struct trainer_arrays *arrays = &trainer->arrays;
    struct trainer_rows rows = { 0 };
    size_t row = 0;
    size_t t = trainer->position.t;
    rows.n_steps = gru_window_lanes(arrays->lanes, trainer->n_lanes, t, trainer->sizes.n_steps,
                                    arrays->n_lanes, &rows.n_rows);
    if (trainer->horizon) {
        gru_rolls_begin(trainer, rows.n_steps, window_key(trainer));
    }
    for (size_t step = 0; step < rows.n_steps; step++) {
        for (size_t lane = 0; lane < arrays->n_lanes[step]; lane++, row++) {
            gather_row(trainer, lane, t + step, row, &rows);
        }
    }
    return rows;
}

static struct backprop_window window_of(const struct gru_trainer *trainer,
                                        const struct trainer_rows *rows)
{
    bool is_training = trainer->position.phase == PHASE_TRAIN;
    const struct horizon *horizon = trainer->horizon;
    return (struct backprop_window){ .n_steps = rows->n_steps,
                                     .n_lanes = trainer->arrays.n_lanes,
                                     .in = trainer->arrays.in,
                                     .states = trainer->arrays.states,
                                     .begins = trainer->position.t == 0,
                                     .is_training = is_training,
                                     .dropout_key = is_training ? window_key(trainer) : 0,
                                     .marks = horizon ? horizon->marks : NULL,
                                     .marked_states = horizon ? horizon->states : NULL,
                                     .d_marked_states = horizon ? horizon->d_states : NULL };
}

/* Moves behind the window, and to the next batch where this one is done. */
static void move_on(struct gru_trainer *trainer, const struct trainer_rows *rows)
{
    trainer->position.t += rows->n_steps;
    if (trainer->position.t >= trainer->arrays.lanes[0].n_rows) {
        begin_batch(trainer, trainer->next);
    }
}

/* ---- training ---- */

double gru_trainer_rate(const struct gru_trainer *trainer)
{
    return gru_schedule_rate(&trainer->training.hyperparameters, trainer->position.step,
                             trainer->position.epoch, trainer->info.n_steps,
                             trainer->arrays.plateau->n_falls);
}

static double accuracy(const struct gru_trainer *trainer, size_t n_correct, size_t n)
{
    return gru_loss_takes_logits(trainer->dataset.loss) ? (double)n_correct / (double)n : NAN;
}

void gru_trainer_refresh(struct gru_trainer *trainer)
{
    gru_backprop_refresh(trainer->backprop);
    if (trainer->horizon) {
        gru_horizon_refresh(trainer->horizon, gru_backprop_parameters(trainer->backprop));
    }
}

/* The loss of a window that went forwards, and in training its gradient by the read-out. */
static struct loss_sum lose(struct gru_trainer *trainer, const struct backprop_window *window,
                            const struct trainer_rows *rows)
{
    const struct loss_terms terms = gru_dataset_loss(&trainer->dataset);
    const struct trainer_arrays *arrays = &trainer->arrays;
    if (!trainer->horizon) {
        return rows->n_targets > 0
                   ? gru_loss(&terms, rows->n_rows, arrays->out, arrays->targets, rows->n_targets,
                              window->is_training ? arrays->d_out : NULL)
                   : (struct loss_sum){ 0 };
    }
    const struct loss_sum sum = gru_rolls_lose(trainer, window->is_training, window_key(trainer));
    if (window->is_training && sum.n > 0) {
        gru_rolls_go_back(trainer, sum.weight, rows->n_rows);
    }
    return sum;
}

/* Makes an update from the window's gradient; false: the gradient is not finite. */
static bool update(struct gru_trainer *trainer, const struct backprop_window *window)
{
    size_t first = trainer->sizes.n_parameters - trainer->sizes.n_trained;
    gru_backprop_backward(trainer->backprop, window, trainer->arrays.d_out);
    if (trainer->horizon) {
        gru_rolls_add_gradients(trainer);
    }
    if (!gru_optimizer_update(
            &trainer->optimizer, gru_backprop_parameters(trainer->backprop) + first,
            gru_backprop_gradients(trainer->backprop) + first, &trainer->position.grad_norm)) {
        return false;
    }
    trainer->position.n_updates = trainer->optimizer.n_updates;
    gru_trainer_refresh(trainer);
    return true;
}

static void step(struct gru_trainer *trainer, const struct backprop_window *window,
                 const struct loss_sum *sum)
{
    struct trainer_position *position = &trainer->position;
    trainer->optimizer.learning_rate = gru_trainer_rate(trainer);
    position->step++;
    position->step_loss = sum->loss / sum->weight;
    position->grad_norm = NAN;
    if (!isfinite(position->step_loss) || !update(trainer, window)) {
        position->n_skipped++;
        return;
    }
    position->n_means++;
    position->loss_sum += position->step_loss;
    position->accuracy_sum += accuracy(trainer, sum->n_correct, sum->n);
}

static enum gru_advance train_window(struct gru_trainer *trainer)
{
    struct trainer_rows rows = gather(trainer);
    struct backprop_window window = window_of(trainer, &rows);
    gru_backprop_forward(trainer->backprop, &window, trainer->arrays.out);
    const struct loss_sum sum = lose(trainer, &window, &rows);
    if (sum.n > 0) {
        step(trainer, &window, &sum);
    }
    move_on(trainer, &rows);
    return sum.n > 0 ? GRU_ADVANCED_STEP : GRU_ADVANCED;
}

/* ---- validation ---- */

/* The losses of a window by stream: its rows are in d_out, too. */
static void select_rows(struct gru_trainer *trainer, const struct trainer_rows *rows)
{
    const struct trainer_arrays *arrays = &trainer->arrays;
    size_t row = 0;
    for (size_t step = 0; step < rows->n_steps; step++) {
        for (size_t lane = 0; lane < arrays->n_lanes[step]; lane++, row++) {
            gru_selection_add(trainer->selection, &trainer->dataset, &arrays->lanes[lane],
                              trainer->position.t + step,
                              arrays->d_out + row * trainer->model->info.y_floats,
                              arrays->targets + row * trainer->dataset.width);
        }
    }
}

/* What the base gives, in the units that are trained. */
static void express_base(struct gru_trainer *trainer, size_t n_rows)
{
    const struct gru_info *from = &trainer->base->info, *to = &trainer->model->info;
    for (size_t k = 0; k < to->y_floats; k++) {
        const struct gru_variable *old = &from->outputs[k % from->n_outputs],
                                  *new = &to->outputs[k % to->n_outputs];
        for (size_t row = 0; row < n_rows && gru_fits_output(&trainer->dataset, k % to->n_outputs);
             row++) {
            float *out = &trainer->arrays.out[row * to->y_floats + k];
            *out = gru_express_output(old, new, *out);
        }
    }
}

/* One window of it; true: that was the last. */
static bool validate_window(struct gru_trainer *trainer)
{
    struct trainer_rows rows = gather(trainer);
    struct backprop_window window = window_of(trainer, &rows);
    gru_backprop_forward(trainer->backprop, &window, trainer->arrays.out);
    if (gru_trainer_is_rescaled(trainer) && trainer->position.phase == PHASE_BASELINE &&
        !trainer->horizon) {
        express_base(trainer, rows.n_rows);
    }
    if (rows.n_targets > 0 && trainer->selection) { /* before an activation is applied in place */
        memcpy(trainer->arrays.d_out, trainer->arrays.out,
               rows.n_rows * trainer->model->info.y_floats * sizeof(float));
        select_rows(trainer, &rows);
    }
    const struct loss_sum sum = lose(trainer, &window, &rows);
    trainer->validation.loss += sum.loss;
    trainer->validation.weight += sum.weight;
    trainer->validation.n += sum.n;
    trainer->validation.n_correct += sum.n_correct;
    move_on(trainer, &rows);
    return trainer->n_lanes == 0;
}

static void end_baseline(struct gru_trainer *trainer)
{
    const struct trainer_validation *validation = &trainer->validation;
    struct trainer_position *position = &trainer->position;
    position->baseline_valid_loss = validation->loss / validation->weight;
    position->baseline_valid_accuracy = accuracy(trainer, validation->n_correct, validation->n);
    if (validation->has_persistence) {
        position->persistence_valid_loss = validation->persistence / validation->weight;
    }
    if (trainer->selection) {
        gru_selection_take_base(trainer->selection);
    }
    gru_trainer_begin_phase(trainer, PHASE_TRAIN);
}

/* Whether the epoch is better than the best one so far. A loss that is not a number is not lower
 * than any, and one that is not finite no better than one that is. */
static bool is_best(const struct trainer_position *position)
{
    if (position->best_epoch == 0 || isnan(position->valid_loss)) {
        return !isnan(position->valid_loss);
    }
    if (isfinite(position->valid_loss) != isfinite(position->best_valid_loss)) {
        return isfinite(position->valid_loss);
    }
    return position->valid_standing < position->best_standing ||
           (position->valid_standing == position->best_standing &&
            position->valid_loss < position->best_valid_loss);
}

/* Keeps the weights of the best epoch so far. True: no epoch has been better for too long. */
static bool stops_early(struct gru_trainer *trainer)
{
    struct trainer_position *position = &trainer->position;
    const size_t patience = trainer->training.hyperparameters.early_stopping_patience;
    if (!trainer->keeps_best) {
        return false;
    }
    position->valid_standing = trainer->selection ? gru_selection_standing(trainer->selection) : 0;
    if (is_best(position)) {
        position->best_standing = position->valid_standing;
        position->best_epoch = position->epoch;
        position->best_valid_loss = position->valid_loss;
        position->best_valid_accuracy = position->valid_accuracy;
        position->n_since_best = 0;
        memcpy(trainer->arrays.best, gru_backprop_parameters(trainer->backprop),
               trainer->sizes.n_parameters * sizeof *trainer->arrays.best);
        return false;
    }
    position->n_since_best++;
    return patience > 0 && position->n_since_best >= patience;
}

static enum gru_advance end_epoch(struct gru_trainer *trainer)
{
    struct trainer_position *position = &trainer->position;
    const struct trainer_validation *validation = &trainer->validation;
    double n_means = (double)position->n_means;
    position->epoch++;
    position->train_loss = position->n_means > 0 ? position->loss_sum / n_means : NAN;
    position->train_accuracy = position->n_means > 0 ? position->accuracy_sum / n_means : NAN;
    position->loss_sum = position->accuracy_sum = 0;
    position->n_means = 0;
    if (trainer->validates) {
        position->valid_loss = validation->loss / validation->weight;
        position->valid_accuracy = accuracy(trainer, validation->n_correct, validation->n);
        position->stopped_early = stops_early(trainer);
    }
    gru_schedule_observe(&trainer->training.hyperparameters,
                         trainer->validates ? position->valid_loss : position->train_loss,
                         trainer->arrays.plateau);
    bool is_over =
        position->stopped_early || position->epoch >= trainer->training.hyperparameters.n_epochs;
    gru_trainer_begin_phase(trainer, is_over ? PHASE_END : PHASE_TRAIN);
    return GRU_ADVANCED_EPOCH;
}

/* ---- the public face ---- */

static enum gru_advance advance(struct gru_trainer *trainer)
{
    switch ((enum trainer_phase)trainer->position.phase) {
    case PHASE_BASELINE:
        if (validate_window(trainer)) {
            end_baseline(trainer);
        }
        return GRU_ADVANCED;
    case PHASE_TRAIN:
        if (trainer->n_lanes > 0) {
            return train_window(trainer);
        }
        if (!trainer->validates) {
            return end_epoch(trainer);
        }
        gru_trainer_begin_phase(trainer, PHASE_VALID);
        return validate_window(trainer) ? end_epoch(trainer) : GRU_ADVANCED;
    case PHASE_VALID:
        return validate_window(trainer) ? end_epoch(trainer) : GRU_ADVANCED;
    case PHASE_END:
        break;
    }
    return GRU_ADVANCED_END;
}

enum gru_advance gru_trainer_advance(struct gru_trainer *trainer, struct gru_progress *ret_progress)
{
    const uint64_t before = k_flush_begin();
    enum gru_advance result = advance(trainer);
    k_flush_end(before);
    gru_trainer_progress(trainer, ret_progress);
    return result;
}

void gru_trainer_progress(const struct gru_trainer *trainer, struct gru_progress *ret_progress)
{
    const struct trainer_position *position = &trainer->position;
    const size_t n_steps =
        trainer->info.n_steps; /* where it was extrapolated, it may prove too small */
    bool has_best = position->best_epoch > 0;
    *ret_progress = (struct gru_progress){
        .epoch = position->epoch,
        .n_epochs = trainer->training.hyperparameters.n_epochs,
        .step = position->step,
        .n_steps = n_steps > position->step ? n_steps : position->step,
        .n_skipped = position->n_skipped,
        .best_epoch = position->best_epoch,
        .stopped_early = position->stopped_early != 0,
        .step_loss = position->step_loss,
        .grad_norm = position->grad_norm,
        .learning_rate = trainer->optimizer.learning_rate,
        .train_loss = position->train_loss,
        .train_accuracy = position->train_accuracy,
        .valid_loss = position->valid_loss,
        .valid_accuracy = position->valid_accuracy,
        .valid_by_base = trainer->selection && position->epoch > 0 ? position->valid_standing : NAN,
        .best_valid_loss = has_best ? position->best_valid_loss : position->valid_loss,
        .best_valid_accuracy = has_best ? position->best_valid_accuracy : position->valid_accuracy,
        .baseline_valid_loss = position->baseline_valid_loss,
        .baseline_valid_accuracy = position->baseline_valid_accuracy,
        .persistence_valid_loss = position->persistence_valid_loss,
    };
}

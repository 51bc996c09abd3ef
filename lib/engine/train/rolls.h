/*
 * rolls.h - the roll-outs of a trainer's windows (horizon.h), in training and in validation.
 * Private to lib/engine/train; works on the trainer's own arrays.
 */
#ifndef ROLLS_H
#define ROLLS_H

#include "engine/train/trainer.h"

/* Finds the origins of the next n_steps rows. key: of the window, in training; it draws the first
 * one. */
void gru_rolls_begin(struct gru_trainer *trainer, size_t n_steps, uint64_t key);
/* Row `row` of the window is taken in by persistence: of the baseline's validation. */
void gru_rolls_observe(struct gru_trainer *trainer, size_t lane, size_t t, size_t row);
/* Rolls out, once the window went forwards. In a validation the losses are also added by stream,
 * and persistence's. */
struct loss_sum gru_rolls_lose(struct gru_trainer *trainer, bool is_training, uint64_t key);
/* The gradient of the loss so far, which must not have been of nothing: by arrays.out in
 * arrays.d_out, and by the states that the window's marks name. n_rows: the window's. */
void gru_rolls_go_back(struct gru_trainer *trainer, double weight, size_t n_rows);
/* Adds the gradients by the parameters, of the rows behind the origins, to the window's own. */
void gru_rolls_add_gradients(struct gru_trainer *trainer);

#endif

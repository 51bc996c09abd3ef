/*
 * gate_trial.h - jobs through the real job runner, on data that could fool a gate.
 */
#ifndef GATE_TRIAL_H
#define GATE_TRIAL_H

#include "job_support.h"

enum { GATE_STREAMS = 10, GATE_ROOM_INPUTS = 2 };

/* Training on series of one or two inputs, which a test fills. */
struct gate_trial {
    struct world world;
    struct job_request request;
    double *x[2 * GATE_STREAMS], *y[GATE_STREAMS];
    struct gru_series series[GATE_STREAMS], validation[GATE_STREAMS];
};

void gate_trial_begin(struct gate_trial *trial, const struct gru_plan *plan);
void gate_trial_end(struct gate_trial *trial);

/* A network of temp, which it forecasts, and humidity. */
struct gru_plan gate_trial_room_plan(void);
/* A series for the test to fill. */
double *gate_trial_add_rows(struct gate_trial *trial, bool is_validation, size_t n_rows,
                            size_t width);
/* Its targets, one a row. */
double *gate_trial_add_targets(struct gate_trial *trial, size_t n_rows);
/* Reproducible noise of variance 1, nearly normal. */
double gate_trial_noise(uint64_t *seed);
/* A room's day, and another phase for each. */
double *gate_trial_add_room(struct gate_trial *trial, bool is_validation, size_t n_rows,
                            double phase);
/* A good version 2, of eight rooms. */
void gate_trial_train_base(struct gate_trial *trial);

/* Until it has succeeded. */
struct job gate_trial_run(struct gate_trial *trial);
bool gate_trial_is_warned(struct gate_trial *trial, const struct job *job, const char *words);
void gate_trial_expect_warned(struct gate_trial *trial, const struct job *job, const char *words);
/* What the pooled losses would have promoted. */
void gate_trial_expect_pooled_gain(const struct job *job);

#endif
